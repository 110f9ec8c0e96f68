/** The terminals of the dock: those in its panes are mounted, the others live on without a place. The root of the lazy chunk. */

import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useLayoutEffect } from "react";
import { type DockState, dock } from "../dock/dock";
import { setPageScheme, terminalOf } from "./registry";
import { TerminalPane } from "./TerminalPane";

export default function TerminalArea({ state }: { state: DockState }) {
  const scheme = useComputedColorScheme("dark");
  useLayoutEffect(() => setPageScheme(scheme), [scheme]);
  // Every tab connects, also those that are not in front: a reload brings all of them back.
  useEffect(() => {
    for (const tab of state.tabs) terminalOf(tab);
  }, [state.tabs]);
  const split = state.shown.length > 1;
  return (
    <div className={`panes${split ? ` panes-${state.side}` : ""}`}>
      {state.shown.map((id) => {
        const tab = dock.tab(id);
        return tab && <TerminalPane key={id} tab={tab} state={state} page={scheme} />;
      })}
    </div>
  );
}
