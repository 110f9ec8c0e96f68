/** What a session has to say beside its terminal. Says only what the view says; the protocol is in session.ts. */

import { Button, CloseButton } from "@mantine/core";
import { type ReactNode, useRef } from "react";
import { useSecondsUntil } from "../app/clock";
import { Icon, type IconName } from "../app/icons";
import { Prose } from "../app/Prose";
import { lacking } from "../debug/rights";
import { debugForm } from "../debug/form";
import type { Session } from "../api/types";
import { text } from "../text";
import { sentence } from "../texts/sentences";
import { useComfort } from "./comfort";
import { useFocusFrom } from "./focusBack";
import type { HintName } from "./hints";
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
  const bar = useRef<HTMLDivElement>(null);
  useFocusFrom(bar);
  return (
    <div ref={bar} className={`bar bar-${tone}`} role={alert ? "alert" : "status"}>
      <Icon name={icon} size={15} />
      <div className="bar-text">
        <strong>{children && !title.endsWith(":") ? `${title}.` : title}</strong> {children}
      </div>
      {action}
      {onDismiss && <CloseButton size="sm" aria-label={words.dismiss} onClick={onDismiss} />}
    </div>
  );
}

/** The bars over the terminal, most urgent first. */
export function Banners({ view, session, facts }: { view: View; session: TerminalSession; facts: Session }) {
  const { hints } = useComfort();
  const hint = view.hints.at(-1); // the newest; the others come when it is dismissed: the terminal needs its lines
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
          {sentence(view.target)}
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
          {sentence(view.unmanaged)}
        </Bar>
      )}
      {view.unheld && (
        <Bar tone="info" icon="warning" title={words.unheld} onDismiss={() => session.dismiss("unheld")}>
          {sentence(view.unheld)}
        </Bar>
      )}
      {hints && hint && <Hint key={hint} hint={hint} facts={facts} onDismiss={() => session.dismissHint(hint)} />}
    </div>
  );
}

/** Advice on an error in the output, and the form for a shell that would not have it. */
function Hint({ hint, facts, onDismiss }: { hint: HintName; facts: Session; onDismiss(): void }) {
  const lack = lacking(facts, hint);
  const { title, advice } = words.hints[facts.kind === "debug" ? "debug" : "node"][hint];
  return (
    <Bar
      tone="info"
      icon="hint"
      title={title}
      onDismiss={onDismiss}
      action={
        lack && (
          <Button
            className="bar-below"
            size="compact-xs"
            variant="default"
            onClick={() => debugForm.showLike(facts, { options: lack.options })}
          >
            {words.hintOpen(lack.named)}
          </Button>
        )
      }
    >
      <Prose>{advice}</Prose>
    </Bar>
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
      {sentence(view.cutText) || words.reconnectingText[view.cut]}{" "}
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
