/** The sessions that the user has open, here or elsewhere: to come back to, or to end. */

import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { ApiFailure } from "../api/client";
import { useRows } from "../api/rows";
import type { Session } from "../api/types";
import { ageText, useNow } from "../app/clock";
import { Empty } from "../app/Empty";
import { Icon } from "../app/icons";
import { goTo } from "../app/location";
import { ClusterName } from "../clusters/ClusterName";
import { useDock } from "../dock/Dock";
import { tabName } from "../dock/dock";
import { opening } from "../dock/opening";
import { StatusMark, type Tone } from "../pods/status";
import { text } from "../text";
import { sessionRows } from "./rows";

const words = text.sessions;
const TONES: Record<Session["state"], Tone> = { opening: "busy", running: "good", restarting: "busy", ended: "done" };

export default function SessionsPage({ id }: { id: string }) {
  const { rows, complete } = useRows(sessionRows, [""]);
  const { tabs } = useDock();
  const missing = useDeepLink(id);
  const open = rows
    .filter((session) => session.state !== "ended")
    .sort((one, other) => other.created_at.localeCompare(one.created_at));
  const here = new Set(tabs.map((tab) => tab.session.id));
  return (
    <section className="page" aria-labelledby="page-title">
      <header className="page-head">
        <h1 id="page-title">{words.title}</h1>
        <span className="dim number" role="status">
          {complete ? words.count(open.length) : words.loading}
        </span>
      </header>
      {missing && (
        <p className="notice" role="alert">
          <Icon name="warning" size={14} />
          <strong>{words.unknown}.</strong> {words.unknownText}
        </p>
      )}
      {open.length > 0 && <SessionTable sessions={open} here={here} />}
      {complete && open.length === 0 && (
        <Empty icon="sessions" title={words.empty} live>
          <p>{words.emptyText}</p>
          <Button variant="default" onClick={() => goTo({ page: "pods", pod: null })}>
            {words.toPods}
          </Button>
        </Empty>
      )}
    </section>
  );
}

/** Open the session in the address; true when there is none of that name. */
function useDeepLink(id: string): boolean {
  const [missing, setMissing] = useState("");
  useEffect(() => {
    if (!id) return;
    opening.resume(id).catch((failure: unknown) => {
      if (failure instanceof ApiFailure && failure.refusal) setMissing(id);
      else opening.report(id, failure);
    });
  }, [id]);
  return id !== "" && missing === id;
}

function SessionTable({ sessions, here }: { sessions: Session[]; here: Set<string> }) {
  const now = useNow();
  return (
    <div className="scroll">
      <table className="plain-table">
        <thead>
          <tr>
            <th>{words.columns.target}</th>
            <th className="wide">{words.columns.cluster}</th>
            <th className="wide">{words.columns.namespace}</th>
            <th className="state">{words.columns.state}</th>
            <th className="number wide">{words.columns.started}</th>
            <th className="wide">{words.columns.user}</th>
            <th className="actions">
              <span className="sr-only">{words.columns.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <tr key={session.id}>
              <th scope="row" className="cut">
                {tabName(session)}
                <span className="narrow dim">
                  {session.cluster} · {session.namespace}
                </span>
              </th>
              <td className="wide">
                <ClusterName name={session.cluster} />
              </td>
              <td className="wide">{session.namespace}</td>
              <td>
                <StatusMark tone={TONES[session.state]} label={words.states[session.state] ?? session.state} />
              </td>
              <td className="number wide" title={session.created_at}>
                {ageText(session.created_at, now)}
              </td>
              <td className="wide">{session.user}</td>
              <td className="actions">
                <Button
                  size="compact-xs"
                  variant="subtle"
                  aria-label={words.resumeOf(tabName(session))}
                  onClick={() => goTo({ page: "sessions", id: session.id })}
                >
                  {here.has(session.id) ? words.show : words.resume}
                </Button>
                <Button
                  size="compact-xs"
                  variant="subtle"
                  color="red"
                  aria-label={words.endOf(tabName(session))}
                  onClick={() => void opening.end(session)}
                >
                  {words.end}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
