/** The console's few icons, as strokes in the colour of the text. Decoration: names are in the elements that hold them. */

const PATHS = {
  terminal: "M4 6l5 5-5 5M12 18h8",
  pods: "M12 3l8 4.5v9L12 21l-8-4.5v-9L12 3zM12 12l8-4.5M12 12v9M12 12L4 7.5",
  clusters: "M5 4h14v6H5zM5 14h14v6H5zM8.5 7h.01M8.5 17h.01",
  services: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM16.5 13v7M13 16.5h7",
  nodes: "M4 6h16v9H4zM9 19h6M12 15v4M8 9.5h4M8 12h2",
  sessions: "M4 5h16v14H4zM4 9h16M8 13l2 2-2 2M12 17h4",
  wrench: "M14.5 6.5a4 4 0 015-1l-2.6 2.6 1.5 1.5L21 7a4 4 0 01-5.3 5L8 19.7a2 2 0 01-2.8-2.8L12.9 9a4 4 0 011.6-2.5z",
  dot: "M12 10.5a1.5 1.5 0 100 3 1.5 1.5 0 000-3z",
  rollout: "M4 17l5-5 4 4 7-8M15 8h5v5",
  restart: "M19 12a7 7 0 11-2.2-5.1M19 4v4h-4",
  plus: "M12 5v14M5 12h14",
  check: "M5 12.5l4.5 4.5L19 7.5",
  none: "M6 12h12",
  cards: "M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z",
  list: "M4 6h16M4 12h16M4 18h16",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8",
  back: "M14 6l-6 6 6 6",
  search: "M10.5 17a6.5 6.5 0 100-13 6.5 6.5 0 000 13zM15.5 15.5L20 20",
  close: "M6 6l12 12M18 6L6 18",
  logs: "M5 6h14M5 10h10M5 14h14M5 18h8",
  describe: "M6 3h9l4 4v14H6zM9 12h7M9 16h7M14 3v5h5",
  delete: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  minimise: "M5 18h14",
  restore: "M6 15l6-6 6 6",
  full: "M5 10V5h5M19 14v5h-5M5 5l6 6M19 19l-6-6",
  half: "M4 5h16v14H4zM4 12h16",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  split: "M4 5h16v14H4zM12 5v14",
  stack: "M4 5h16v14H4zM4 12h16M8 15.5h.01",
  drawer: "M4 5h16v14H4zM14 5v14",
  record: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 3a9 9 0 100 18 9 9 0 000-18z",
  eye: "M3 12c3-5 6-7 9-7s6 2 9 7c-3 5-6 7-9 7s-6-2-9-7zM12 9.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z",
  broadcast: "M12 12h.01M8.5 8.5a5 5 0 000 7M15.5 8.5a5 5 0 010 7M5.5 5.5a9 9 0 000 13M18.5 5.5a9 9 0 010 13",
  menu: "M4 7h16M4 12h16M4 17h16",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M4.2 4.2l1.4 1.4M18.4 18.4l1.4 1.4M2 12h2M20 12h2M4.2 19.8l1.4-1.4M18.4 5.6l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 119.5 4a7 7 0 0010.5 10.5z",
  system: "M3 5h18v11H3zM8 20h8M12 16v4",
  user: "M12 12a4 4 0 100-8 4 4 0 000 8zM4 20c1-4 4.5-5.5 8-5.5s7 1.5 8 5.5",
  link: "M10 14a4 4 0 005.7 0l3-3A4 4 0 0013 5.3l-1 1M14 10a4 4 0 00-5.7 0l-3 3A4 4 0 0011 18.7l1-1",
  up: "M6 15l6-6 6 6",
  down: "M6 9l6 6 6-6",
  warning: "M12 4l9 16H3L12 4zM12 10v4M12 17v.5",
  hint: "M9 18h6M10 21h4M12 3a6 6 0 00-3.5 10.9c.6.5 1 1.2 1 2.1h5c0-.9.4-1.6 1-2.1A6 6 0 0012 3z",
  cut: "M4 12h4M16 12h4M9 8l6 8M9 16l6-8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
