/** The console's own shortcuts and commands: the palette, pages, the look. */

import { useMantineColorScheme } from "@mantine/core";
import { useEffect, useMemo } from "react";
import { showOverlay } from "../palette/state";
import { text } from "../text";
import { goTo, setScope } from "./location";
import { EVERYWHERE, type Place } from "./routes";
import { listenForShortcuts, type Shortcut, useAddShortcuts } from "./shortcuts";

const words = text.shortcuts;
const PAGES: [Place, string, string][] = [
  [{ page: "clusters" }, text.nav.clusters, "g c"],
  [{ page: "pods", pod: null }, text.nav.pods, "g p"],
  [{ page: "services", workload: null }, text.nav.services, "g s"],
  [{ page: "nodes", node: null }, text.nav.nodes, "g n"],
  [{ page: "sessions", id: "" }, text.nav.sessions, "g e"],
];

const FIXED: Shortcut[] = [
  {
    id: "palette",
    title: words.palette,
    group: words.groups.everywhere,
    keys: "Mod+K",
    // Ctrl+K is kill-line in shells; Command never reaches them.
    inTerminal: "Mod+Shift+K",
    run: () => showOverlay("palette"),
  },
  {
    id: "help",
    title: words.help,
    group: words.groups.everywhere,
    keys: "?",
    inTerminal: "Mod+Shift+?",
    run: () => showOverlay("help"),
  },
  ...PAGES.map(([place, name, keys]) => ({
    id: `go.${place.page}`,
    title: words.go(name),
    group: words.groups.pages,
    keys,
    run: () => goTo(place),
  })),
  {
    id: "scope.all",
    title: words.allScope,
    group: words.groups.pages,
    keys: "",
    run: () => setScope(EVERYWHERE),
  },
];

/** Listen for shortcuts, and have the console's own, for as long as it is shown. */
export function useCommands(): void {
  const { setColorScheme } = useMantineColorScheme();
  const schemes = useMemo(
    () =>
      (["light", "dark", "auto"] as const).map((scheme) => ({
        id: `scheme.${scheme}`,
        title: words.scheme(text.scheme[scheme]),
        group: words.groups.look,
        keys: "",
        run: () => setColorScheme(scheme),
      })),
    [setColorScheme],
  );
  useAddShortcuts(FIXED);
  useAddShortcuts(schemes);
  useEffect(listenForShortcuts, []);
}
