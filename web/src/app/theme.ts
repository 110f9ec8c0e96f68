/** How the console looks: one accent, dense controls, system fonts. */

import { createTheme, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = [
  "#e9f8f6",
  "#d3efeb",
  "#a5dfd7",
  "#72cec2",
  "#48bfb0",
  "#1fa596",
  "#0f8a7d",
  "#0f766e",
  "#0c5f59",
  "#084a45",
];

/** Mantine's greys of the dark scheme, with the console's hue. */
const dark: MantineColorsTuple = [
  "#dbe1e4",
  "#b6c0c5",
  "#98a4aa",
  "#65727a",
  "#3a4349",
  "#2f373d",
  "#22282d",
  "#1a1f23",
  "#15191c",
  "#101416",
];

export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: 7,
  colors: { accent, dark },
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace',
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "19px" },
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  autoContrast: true,
  components: {
    Button: { defaultProps: { size: "xs" } },
    TextInput: { defaultProps: { size: "xs" } },
    Select: { defaultProps: { size: "xs" } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true, multiline: true, maw: 360, fz: "xs" } },
    Modal: {
      defaultProps: {
        centered: true,
        transitionProps: { duration: 80 },
        // Mantine makes it a <header>, which outside of main is the page's banner.
        attributes: { header: { role: "presentation" } },
      },
    },
    Menu: {
      defaultProps: {
        shadow: "sm",
        transitionProps: { duration: 60 },
        // Its placeholder is no item, which a menu may not hold; the focus goes to the first item instead.
        withInitialFocusPlaceholder: false,
      },
    },
  },
});
