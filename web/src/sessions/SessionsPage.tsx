/** The sessions that the user has open, here or elsewhere: to come back to, or to end. */

import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { ApiFailure } from "../api/client";
import { useRows } from "../api/rows";
import type { Session } from "../api/types";
import { ageText, useNow, useSecondsUntil } from "../app/clock";
import { Empty } from "../app/Empty";
import { Icon } from "../app/icons";
import { type Column, ListTable } from "../app/ListTable";
import { goTo, setScope, useScope } from "../app/location";
import { PageHead, PlaceLink, Skeletons } from "../app/PageParts";
import { EVERYWHERE, inScope } from "../app/routes";
import { ClusterName } from "../clusters/ClusterName";
import { useDock } from "../dock/Dock";
import { tabName } from "../dock/dock";
import { opening } from "../dock/opening";
import { StatusMark, type Tone } from "../pods/status";
import { text } from "../text";
import { sessionRows } from "./rows";

const words = text.sessions;
const TONES: Record<Session["state"], Tone> = { opening: "busy", running: "good", restarting: "busy", ended: "done" };
const ALL = [""];

export default function SessionsPage({ id }: { id: string }) {
  const { rows, complete } = useRows(sessionRows, ALL);
  const scope = useScope();
  const { tabs } = useDock();
  const now = useNow();
  const missing = useDeepLink(id);
  const open = rows.filter((session) => session.state !== "ended");
  const shown = open.filter((session) => inScope(scope, session.cluster, session.namespace));
  const idleAt = new Map(tabs.map((tab) => [tab.session.id, tab.view.idleAt]));
  return (
    <section className="page" aria-labelledby="page-title">
      <PageHead title={words.title} status={complete ? words.count(open.length) : words.loading} />
      {missing && (
        <p className="notice" role="alert">
          <Icon name="warning" size={14} />
          <span>
            <strong>{words.unknown}.</strong> {words.unknownText}
          </span>
        </p>
      )}
      {shown.length < open.length && (
        <p className="note dim" role="status">
          {words.outOfScope(open.length - shown.length)}{" "}
          <Button size="compact-xs" variant="default" onClick={() => setScope(EVERYWHERE)}>
            {words.showAll}
          </Button>
        </p>
      )}
      {shown.length > 0 ? (
        <ListTable
          label={words.title}
          columns={columnsOf(
            now,
            idleAt,
            shown.some((session) => session.reason !== ""),
          )}
          rows={shown}
          keyOf={(session) => session.id}
          named="target"
          first="-opened"
          {...(id ? { chosen: id } : {})}
        />
      ) : !complete ? (
        <Skeletons label={words.loading} rows={4} />
      ) : (
        open.length === 0 && (
          <Empty icon="sessions" title={words.empty} live>
            <p>{words.emptyText}</p>
            <Button variant="default" onClick={() => goTo({ page: "pods", pod: null })}>
              {words.toPods}
            </Button>
          </Empty>
        )
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

/** Why it was opened, as its user said; only where somebody did. */
const REASON: Column<Session> = {
  id: "reason",
  title: words.columns.reason,
  width: "minmax(90px, 0.9fr)",
  only: "wide",
  value: (session) => session.reason,
  cell: (session) => <span title={session.reason}>{session.reason}</span>,
};

function columnsOf(now: number, idleAt: ReadonlyMap<string, number | null>, withReasons: boolean): Column<Session>[] {
  return [
    {
      id: "target",
      title: words.columns.target,
      width: "minmax(170px, 1.6fr)",
      value: tabName,
      cell: (session) => (
        <PlaceLink to={{ page: "sessions", id: session.id }} title={words.resumeOf(tabName(session))}>
          {tabName(session)}
        </PlaceLink>
      ),
    },
    {
      id: "state",
      title: words.columns.state,
      width: "112px",
      value: (session) => session.state,
      cell: (session) => (
        <StatusMark tone={TONES[session.state]} label={words.states[session.state] ?? session.state} />
      ),
    },
    {
      id: "kind",
      title: words.columns.kind,
      width: "minmax(84px, 0.6fr)",
      only: "desk",
      value: (session) => session.kind,
      cell: (session) => words.kinds[session.kind] ?? session.kind,
    },
    {
      id: "cluster",
      title: words.columns.cluster,
      width: "minmax(110px, 1fr)",
      value: (session) => session.cluster,
      cell: (session) => <ClusterName name={session.cluster} />,
    },
    {
      id: "namespace",
      title: words.columns.namespace,
      width: "minmax(90px, 0.8fr)",
      value: (session) => session.namespace,
      cell: (session) => session.namespace,
    },
    {
      id: "user",
      title: words.columns.user,
      width: "minmax(80px, 0.7fr)",
      only: "wide",
      value: (session) => session.user,
      cell: (session) => session.user,
    },
    ...(withReasons ? [REASON] : []),
    {
      id: "opened",
      title: words.columns.started,
      width: "64px",
      end: true,
      value: (session) => session.created_at,
      cell: (session) => <span title={session.created_at}>{ageText(session.created_at, now)}</span>,
    },
    {
      id: "idle",
      title: words.columns.idle,
      width: "134px",
      only: "desk",
      value: (session) => idleAt.get(session.id) ?? Number.POSITIVE_INFINITY,
      cell: (session) => <Idle at={idleAt.get(session.id) ?? null} limit={session.idle_timeout_seconds} />,
    },
    {
      id: "actions",
      title: words.columns.actions,
      width: "128px",
      quiet: true,
      cell: (session) => <Actions session={session} here={idleAt.has(session.id)} />,
    },
  ];
}

/** When a session closes for want of input: soon, or after its limit. */
function Idle({ at, limit }: { at: number | null; limit: number }) {
  const wait = useSecondsUntil(at);
  if (wait !== null) return <StatusMark tone="busy" label={words.closesIn(wait)} />;
  return <span className="dim number">{limit > 0 ? words.closesAfter(limit) : words.never}</span>;
}

function Actions({ session, here }: { session: Session; here: boolean }) {
  const name = tabName(session);
  return (
    <>
      <Button
        size="compact-xs"
        variant="subtle"
        aria-label={here ? words.showOf(name) : words.resumeOf(name)}
        onClick={() => goTo({ page: "sessions", id: session.id })}
      >
        {here ? words.show : words.resume}
      </Button>
      <Button
        size="compact-xs"
        variant="subtle"
        color="red"
        c="var(--bad)"
        aria-label={words.endOf(name)}
        onClick={() => void opening.end(session)}
      >
        {words.end}
      </Button>
    </>
  );
}
