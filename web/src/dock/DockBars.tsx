/** Bars over all terminals: input that goes to several shells, and what becomes of shells when the page is left. */

import { Button, CloseButton } from "@mantine/core";
import { Icon } from "../app/icons";
import { useClusters } from "../clusters/clusters";
import { isProduction } from "../clusters/colours";
import { text } from "../text";
import { dialogs, useDialogs } from "./dialogs";
import { type DockState, dock } from "./dock";

const words = text.dock;

/** Take a bar away by its own button; the terminal in front gets the focus that the button had. */
function leave(act: () => void): void {
  act();
  void import("../terminal/actions").then(({ focus }) => focus(dock.getState().active));
}

export function BroadcastBar({ state }: { state: DockState }) {
  const { clusters } = useClusters();
  if (state.broadcast.length === 0) return null;
  const labels = new Map(clusters.map((cluster) => [cluster.name, cluster.label]));
  const production = state.tabs.some(
    (tab) => state.broadcast.includes(tab.session.id) && isProduction(labels.get(tab.session.cluster) ?? ""),
  );
  return (
    <div className="bar bar-broadcast" role="status">
      <Icon name="broadcast" size={15} />
      <div className="bar-text">
        <strong>{words.broadcast.on(state.broadcast.length)}.</strong> {production && words.broadcast.production}
      </div>
      <Button size="compact-xs" variant="default" onClick={() => leave(() => dock.broadcastTo([]))}>
        {words.broadcast.stop}
      </Button>
    </div>
  );
}

export function StayedBar() {
  const { stayed } = useDialogs();
  if (!stayed) return null;
  return (
    <div className="bar bar-info" role="status">
      <Icon name="terminal" size={15} />
      <div className="bar-text">
        <strong>{words.stayed.title}.</strong> {words.stayed.text}
      </div>
      <CloseButton
        size="sm"
        aria-label={text.terminal.dismiss}
        onClick={() => leave(() => dialogs.show({ stayed: false }))}
      />
    </div>
  );
}
