/** One pane: the terminal of a session, what the session has to say, and what must be asked first. */

import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { ClusterTag } from "../clusters/ClusterName";
import { useClusterMark } from "../clusters/clusters";
import { provideActions } from "../dock/commands";
import { dialogs, useDialogs } from "../dock/dialogs";
import { type DockState, dock, type Tab } from "../dock/dock";
import { displayName } from "../dock/names";
import { opening } from "../dock/opening";
import * as actions from "./actions";
import { Banners } from "./Banners";
import { useComfort } from "./comfort";
import { Find } from "./Find";
import { QUEUE_LIMIT_BYTES } from "./input";
import { KeyBar } from "./KeyBar";
import { Outcome, Progress } from "./Outcome";
import { Questions } from "./Questions";
import { type OpenTerminal, schemeOf, terminalOf } from "./registry";
import { SCHEMES } from "./themes";
import { cleanPaste, needsConfirmation } from "./untrusted";

provideActions(actions);

interface PaneProps {
  tab: Tab;
  state: DockState;
  page: "dark" | "light";
}

export function TerminalPane({ tab, state, page }: PaneProps) {
  const [terminal, place] = useTerminal(tab);
  const [pasting, setPasting] = useState("");
  const { finding, renaming, dialog } = useDialogs();
  const { view, session: facts } = tab;
  const { id } = facts;
  const active = state.active === id;
  const name = displayName(tab, state.tabs);
  const scheme = SCHEMES[schemeOf(useComfort(), page)];
  const mark = useClusterMark(facts.cluster);

  useLayoutEffect(() => {
    terminal?.screen.onPaste((pasted) => receivePaste(terminal, pasted, setPasting));
  }, [terminal]);
  const busy = finding === id || renaming !== "" || dialog !== null;
  useEffect(() => {
    if (active && !busy) terminal?.screen.focus();
    // When it comes to the front, not whenever something else is closed: that gives the focus back itself.
  }, [active, terminal]);

  const session = terminal?.session ?? null;
  const answerPaste = (accepted: boolean): void => {
    if (accepted) terminal?.screen.paste(pasting);
    setPasting("");
  };
  return (
    <div
      className={`terminal-pane${active ? " pane-active" : ""}`}
      role="tabpanel"
      id={`panel-${id}`}
      aria-labelledby={`tab-${id}`}
      style={{ "--cluster": mark.colour } as React.CSSProperties}
      onFocusCapture={() => active || dock.activate(id)}
      onPointerDownCapture={() => active || dock.activate(id)}
    >
      {state.shown.length > 1 && (
        <div className="pane-head">
          <span className="cut">{name}</span>
          <ClusterTag mark={mark} />
        </div>
      )}
      {session && <Banners view={view} session={session} facts={facts} />}
      <div
        className={`terminal-ground${state.broadcast.includes(id) ? " terminal-broadcast" : ""}`}
        data-ground={scheme.ground}
        style={{ "--terminal": scheme.colours.background } as React.CSSProperties}
      >
        {finding === id && terminal && <Find screen={terminal.screen} onClose={() => dialogs.show({ finding: "" })} />}
        <div className="terminal-place" ref={place} />
        <Progress view={view} name={name} onCancel={() => void opening.end(facts)} />
      </div>
      <Outcome
        view={view}
        session={facts}
        onAgain={() => void opening.again(facts)}
        onClose={() => dock.remove(id)}
        onReconnect={() => location.reload()}
      />
      {terminal && active && <KeyBar screen={terminal.screen} />}
      {session && <Questions view={view} session={session} name={name} pasting={pasting} onPaste={answerPaste} />}
    </div>
  );
}

/** The tab's terminal, shown in the place that gets the reference for as long as this pane is there. */
function useTerminal(tab: Tab): [OpenTerminal | null, React.RefObject<HTMLDivElement | null>] {
  const place = useRef<HTMLDivElement>(null);
  const first = useRef(tab);
  const [terminal, setTerminal] = useState<OpenTerminal | null>(null);
  useLayoutEffect(() => {
    const opened = terminalOf(first.current);
    if (place.current) opened.screen.mount(place.current);
    setTerminal(opened);
    return () => opened.screen.unmount();
  }, []);
  return [terminal, place];
}

function receivePaste({ screen, session }: OpenTerminal, pasted: string, ask: (pasted: string) => void): void {
  const clean = cleanPaste(pasted);
  if (!clean || !session) return;
  if (new Blob([clean]).size > QUEUE_LIMIT_BYTES - 64) session.refusePaste();
  else if (needsConfirmation(clean, screen.bracketedPaste)) ask(clean);
  else screen.paste(clean);
}
