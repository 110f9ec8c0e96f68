/** The terminals of the dock: the one in front is mounted, the others live on without a place. The root of the lazy chunk. */

import { CloseButton, TextInput, useComputedColorScheme } from "@mantine/core";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Icon } from "../app/icons";
import { type DockState, dock, type Tab, tabName } from "../dock/dock";
import { opening } from "../dock/opening";
import { text } from "../text";
import { Banners, Outcome, Progress } from "./Banners";
import { QUEUE_LIMIT_BYTES } from "./input";
import { Questions } from "./Questions";
import { type OpenTerminal, setTerminalTheme, terminalOf } from "./registry";
import { DARK, LIGHT } from "./themes";
import { cleanPaste, needsConfirmation } from "./untrusted";

export default function TerminalArea({
  state,
  finding,
  onFound,
}: {
  state: DockState;
  finding: boolean;
  onFound(): void;
}) {
  const scheme = useComputedColorScheme("dark");
  useLayoutEffect(() => setTerminalTheme(scheme === "dark" ? DARK : LIGHT), [scheme]);
  // Every tab connects, also those that are not in front: a reload brings all of them back.
  useEffect(() => {
    for (const tab of state.tabs) terminalOf(tab);
  }, [state.tabs]);
  const tab = state.tabs.find((each) => each.session.id === state.active);
  if (!tab) return null;
  return (
    <TerminalPane
      key={tab.session.id}
      tab={tab}
      shown={state.mode !== "minimised"}
      finding={finding}
      onFound={onFound}
    />
  );
}

interface PaneProps {
  tab: Tab;
  shown: boolean;
  finding: boolean;
  onFound(): void;
}

function TerminalPane({ tab, shown, finding, onFound }: PaneProps) {
  const place = useRef<HTMLDivElement>(null);
  const [terminal, setTerminal] = useState<OpenTerminal | null>(null);
  const [pasting, setPasting] = useState("");
  const { view, session: facts } = tab;
  const first = useRef(tab);

  useLayoutEffect(() => {
    const opened = terminalOf(first.current);
    if (place.current) opened.screen.mount(place.current);
    opened.screen.onPaste((pasted) => receivePaste(opened, pasted, setPasting));
    setTerminal(opened);
    return () => opened.screen.unmount();
  }, []);
  useEffect(() => {
    if (shown) terminal?.screen.focus();
  }, [shown, terminal]);

  const session = terminal?.session ?? null;
  const answerPaste = (accepted: boolean): void => {
    if (accepted) terminal?.screen.paste(pasting);
    setPasting("");
  };
  return (
    <div className="terminal-pane">
      {session && <Banners view={view} session={session} />}
      {finding && terminal && <Find terminal={terminal} onClose={onFound} />}
      <div className="terminal-place" ref={place} />
      <Progress view={view} session={facts} />
      <Outcome
        view={view}
        onAgain={() => void opening.again(facts)}
        onClose={() => dock.remove(facts.id)}
        onReconnect={() => location.reload()}
      />
      {session && (
        <Questions view={view} session={session} name={tabName(facts)} pasting={pasting} onPaste={answerPaste} />
      )}
    </div>
  );
}

function receivePaste({ screen, session }: OpenTerminal, pasted: string, ask: (pasted: string) => void): void {
  const clean = cleanPaste(pasted);
  if (!clean || !session) return;
  if (new Blob([clean]).size > QUEUE_LIMIT_BYTES - 64) session.refusePaste();
  else if (needsConfirmation(clean, screen.bracketedPaste)) ask(clean);
  else screen.paste(clean);
}

function Find({ terminal, onClose }: { terminal: OpenTerminal; onClose(): void }) {
  const [words, setWords] = useState("");
  const find = (backwards: boolean): void => {
    if (!words) return;
    if (backwards) terminal.screen.search.findPrevious(words);
    else terminal.screen.search.findNext(words);
  };
  const close = (): void => {
    terminal.screen.search.clearDecorations();
    onClose();
    terminal.screen.focus();
  };
  return (
    <div className="find">
      <TextInput
        autoFocus
        value={words}
        aria-label={text.terminal.find}
        placeholder={text.terminal.find}
        leftSection={<Icon name="search" size={14} />}
        onChange={(event) => setWords(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") find(!event.shiftKey);
          else if (event.key === "Escape") close();
        }}
      />
      <CloseButton aria-label={text.close} onClick={close} />
    </div>
  );
}
