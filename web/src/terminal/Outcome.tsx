/** Before a session's first byte, and after its last: how it goes and how it went, and what can be done. */

import { Button, Loader } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { Session } from "../api/types";
import { Icon } from "../app/icons";
import { useSecondsSince } from "../app/clock";
import { follow, linkTo } from "../app/location";
import { Prose } from "../app/Prose";
import { RefusalText } from "../app/ProblemDialog";
import { DebugOffer } from "../debug/actions";
import { debugForm, targetOf } from "../debug/form";
import { text } from "../text";
import { sentence } from "../texts/sentences";
import type { EndFacts } from "./ports";
import type { View } from "./view";

const words = text.terminal;
/** So long a wait needs no number; a longer one does. */
const SHORT_SECONDS = 3;

/** Over the empty terminal until the first byte. */
export function Progress({ view, name, onCancel }: { view: View; name: string; onCancel(): void }) {
  if (view.shown || !["connecting", "live"].includes(view.phase)) return null;
  return (
    <div className="terminal-progress" role="status">
      <Loader size="sm" type="dots" />
      <p>{words.opening(name)}</p>
      {view.steps.slice(0, -1).map((step, index) => (
        <p key={`${index} ${step}`} className="dim progress-done">
          <Icon name="check" size={13} /> {words.phases[step] ?? sentence(step)}
        </p>
      ))}
      <p className="dim">
        {words.phases[view.progress] ?? (sentence(view.progress) || words.phases.connecting)} <Elapsed />
      </p>
      <Button size="compact-xs" variant="default" onClick={onCancel}>
        {text.cancel}
      </Button>
    </div>
  );
}

function Elapsed() {
  const [since] = useState(Date.now);
  const seconds = useSecondsSince(since);
  return seconds < SHORT_SECONDS ? null : <span className="number">{words.openingFor(seconds)}</span>;
}

interface OutcomeProps {
  view: View;
  session: Session;
  onAgain(): void;
  onClose(): void;
  onReconnect(): void;
}

/** Under the terminal when it is over: how, and what can be done. */
export function Outcome({ view, session, onAgain, onClose, onReconnect }: OutcomeProps) {
  if (view.phase === "signed_out")
    return (
      <Card title={words.signedOut} body={<p>{words.signedOutText}</p>}>
        <Button onClick={onReconnect}>{words.reconnect}</Button>
      </Card>
    );
  if (view.phase === "refused" && view.refusal)
    return (
      <Card title={words.refused} body={<RefusalText refusal={view.refusal} />}>
        <Button variant="default" onClick={onClose}>
          {text.close}
        </Button>
        <Button onClick={onAgain}>{words.again}</Button>
      </Card>
    );
  if (view.phase !== "ended" || !view.end) return null;
  const { end } = view;
  const gone = end.reason === "target_gone";
  return (
    <Card
      title={words.titles[end.reason] ?? words.ended}
      mark={end.exit_code === null ? "" : words.exitCode(end.exit_code)}
      body={
        <>
          {end.refusal ? (
            <RefusalText refusal={end.refusal} />
          ) : (
            <p>{sentence(end.message) || words.reasons[end.reason] || end.reason}</p>
          )}
          {!end.refusal && end.next_step && (
            <p>
              <Prose>{sentence(end.next_step)}</Prose>
            </p>
          )}
          {end.reason !== "failed" && session.kind !== "exec" && (
            <p className="dim">{text.debug.ended[session.kind]}</p>
          )}
          <Processes title={words.left} names={end.left} />
          <Processes title={words.unkilled} names={end.unkilled} />
        </>
      }
    >
      <Button variant="default" onClick={onClose}>
        {text.close}
      </Button>
      {lacksShell(end) && <DebugOffer session={session} />}
      {end.reason === "failed" && targetOf(session) && (
        <Button variant="default" onClick={() => debugForm.showLike(session, { then: { instead: session.id } })}>
          {text.debug.change}
        </Button>
      )}
      {gone && (
        <Button component="a" variant="default" href={podsOf(session)} onClick={follow}>
          {words.otherPods}
        </Button>
      )}
      <Button variant={gone || lacksShell(end) ? "default" : "filled"} onClick={onAgain}>
        {words.again}
      </Button>
    </Card>
  );
}

const SHELLLESS: ReadonlySet<string> = new Set(["shell_missing", "shell_not_executable"]);

function lacksShell(end: EndFacts): boolean {
  return SHELLLESS.has(end.refusal?.code ?? "");
}

function podsOf({ cluster, namespace }: Session): string {
  return linkTo({ page: "pods", pod: null }, { cluster, namespace });
}

function Processes({ title, names }: { title: string; names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <>
      <p>{title}</p>
      <ul className="mono">
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </>
  );
}

function Card({ title, mark, body, children }: { title: string; mark?: string; body: ReactNode; children: ReactNode }) {
  return (
    <section className="outcome" role="alert" aria-label={title}>
      <div className="outcome-text">
        <h2>
          {title}
          {mark && <span className="tag number">{mark}</span>}
        </h2>
        {body}
      </div>
      <div className="outcome-actions">{children}</div>
    </section>
  );
}
