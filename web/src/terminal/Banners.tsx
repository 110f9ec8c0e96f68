/** What a session has to say beside its terminal. Says only what the view says; the protocol is in session.ts. */

import { Button, CloseButton, Loader } from "@mantine/core";
import type { ReactNode } from "react";
import type { Session } from "../api/types";
import { useSecondsUntil } from "../app/clock";
import { Icon, type IconName } from "../app/icons";
import { RefusalText } from "../app/ProblemDialog";
import { text } from "../text";
import type { TerminalSession } from "./session";
import type { View } from "./view";

const words = text.terminal;

interface BarProps {
  tone: "info" | "warning" | "bad";
  icon: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  onDismiss?: () => void;
  alert?: boolean;
}

function Bar({ tone, icon, title, children, action, onDismiss, alert }: BarProps) {
  return (
    <div className={`bar bar-${tone}`} role={alert ? "alert" : "status"}>
      <Icon name={icon} size={15} />
      <div className="bar-text">
        <strong>{children ? `${title}.` : title}</strong> {children}
      </div>
      {action}
      {onDismiss && <CloseButton size="sm" aria-label={words.dismiss} onClick={onDismiss} />}
    </div>
  );
}

/** The bars over the terminal, most urgent first. */
export function Banners({ view, session }: { view: View; session: TerminalSession }) {
  return (
    <div className="bars">
      {view.phase === "reconnecting" && <Reconnecting view={view} onNow={() => session.retryNow()} />}
      {view.idleAt !== null && view.phase === "live" && <Idle at={view.idleAt} onStay={() => session.stay()} />}
      {view.restarting && view.phase === "live" && (
        <Bar tone="warning" icon="warning" title={words.restarting}>
          {words.causes[view.restarting] ?? ""}
        </Bar>
      )}
      {view.restarted && (
        <Bar tone="warning" icon="warning" title={words.restarted} onDismiss={() => session.dismiss("restarted")}>
          {words.causes[view.restarted] ?? ""} {words.restartedText}
        </Bar>
      )}
      {view.target && view.phase === "live" && (
        <Bar tone="warning" icon="warning" title={words.target}>
          {view.target}
        </Bar>
      )}
      {view.skippedBytes > 0 && (
        <Bar
          tone="info"
          icon="cut"
          title={words.skipped(text.size(view.skippedBytes))}
          onDismiss={() => session.dismiss("skipped")}
        />
      )}
      {view.lost && <Bar tone="info" icon="cut" title={words.lost} onDismiss={() => session.dismiss("lost")} />}
      {view.inputRefused && (
        <Bar tone="bad" icon="warning" title={words.inputRefused} onDismiss={() => session.dismiss("inputRefused")} />
      )}
      {view.unmanaged && (
        <Bar tone="info" icon="warning" title={words.unmanaged} onDismiss={() => session.dismiss("unmanaged")}>
          {view.unmanaged}
        </Bar>
      )}
    </div>
  );
}

function Reconnecting({ view, onNow }: { view: View; onNow(): void }) {
  const wait = useSecondsUntil(view.retryAt);
  return (
    <Bar
      tone="warning"
      icon="cut"
      title={words.reconnecting[view.cut]}
      action={
        <Button size="compact-xs" variant="default" onClick={onNow} disabled={view.retryAt === null}>
          {words.now}
        </Button>
      }
    >
      {view.cutText || words.reconnectingText[view.cut]}{" "}
      <span className="number">({words.attempt(view.attempt, wait)})</span>
    </Bar>
  );
}

function Idle({ at, onStay }: { at: number; onStay(): void }) {
  const wait = useSecondsUntil(at) ?? 0;
  return (
    <Bar
      tone="warning"
      icon="warning"
      title={words.idle(wait)}
      alert
      action={
        <Button size="compact-xs" onClick={onStay}>
          {words.stay}
        </Button>
      }
    />
  );
}

/** Over the empty terminal until the first byte. */
export function Progress({ view, session }: { view: View; session: Session }) {
  if (view.shown || !["connecting", "live"].includes(view.phase)) return null;
  return (
    <div className="terminal-progress" role="status">
      <Loader size="sm" type="dots" />
      <p>{words.opening(session.container, session.pod)}</p>
      <p className="dim">{words.phases[view.progress] ?? (view.progress || words.phases.connecting)}</p>
    </div>
  );
}

/** Under the terminal when it is over: how, and what can be done. */
export function Outcome({
  view,
  onAgain,
  onClose,
  onReconnect,
}: {
  view: View;
  onAgain(): void;
  onClose(): void;
  onReconnect(): void;
}) {
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
  return (
    <Card
      title={end.reason === "failed" ? words.notStarted : words.ended}
      mark={end.exit_code === null ? "" : words.exitCode(end.exit_code)}
      body={
        <>
          {end.refusal ? (
            <RefusalText refusal={end.refusal} />
          ) : (
            <p>{end.message || words.reasons[end.reason] || end.reason}</p>
          )}
          {!end.refusal && end.next_step && <p>{end.next_step}</p>}
          <Processes title={words.left} names={end.left} />
          <Processes title={words.unkilled} names={end.unkilled} />
        </>
      }
    >
      <Button variant="default" onClick={onClose}>
        {text.close}
      </Button>
      <Button onClick={onAgain}>{words.again}</Button>
    </Card>
  );
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
