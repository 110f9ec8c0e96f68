/** Who is here, and which page they see. */

import { Button, Code, Loader } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { ApiFailure, fetchMe, fetchSession } from "../api/client";
import { live } from "../api/live";
import type { Me } from "../api/types";
import { followClusters } from "../clusters/clusters";
import { useDebugForm } from "../debug/form";
import { DockFrame } from "../dock/Dock";
import { dock } from "../dock/dock";
import { ContainerChoice } from "../pods/ContainerChoice";
import { useOverlay } from "../palette/state";
import { PodDialogs } from "../pods/PodDialogs";
import { PodsPage } from "../pods/PodsPage";
import { text } from "../text";
import { Header, Rail } from "./Frame";
import { Boundary } from "./Boundary";
import { useCommands } from "./commands";
import { Empty } from "./Empty";
import { Icon } from "./icons";
import { follow, linkTo, navigate, usePlace } from "./location";
import { ProblemDialog } from "./ProblemDialog";
import { keptScope } from "./preferences";
import { addressOf, type PageName, type Place } from "./routes";
import { ProductionBand } from "./ScopeControl";
import { type SignInOutcome, useSignIn } from "./signin";
import { useTitle } from "./title";

const ClustersPage = lazy(() => import("../clusters/ClustersPage"));
const ServicesPage = lazy(() => import("../services/ServicesPage"));
const NodesPage = lazy(() => import("../nodes/NodesPage"));
const OpenPage = lazy(() => import("./OpenPage"));
const loadPalette = () => import("../palette/Palette");
const Palette = lazy(loadPalette);
const DebugDialog = lazy(() => import("../debug/DebugDialog"));
const ShortcutHelp = lazy(() => import("../palette/ShortcutHelp"));
const SessionsPage = lazy(() => import("../sessions/SessionsPage"));

const RETRY_MS = 3_000;
/** After the first rows, which matter more. */
const PRELOAD_MS = 1_000;

export function App() {
  const outcome = useSignIn();
  const me = useQuery({
    queryKey: ["me"],
    queryFn: fetchMe,
    enabled: outcome !== "working",
    retry: false,
    refetchInterval: (query) =>
      query.state.error instanceof ApiFailure && query.state.error.unreachable ? RETRY_MS : false,
  });
  if (me.data) return <Console me={me.data} />;
  if (outcome === "working" || me.isPending) return <Waiting />;
  if (me.error instanceof ApiFailure && me.error.signedOut) return <SignInPage outcome={outcome} />;
  return (
    <Message title={text.unreachable.title} body={<p>{text.unreachable.text}</p>}>
      <Button onClick={() => void me.refetch()} loading={me.isFetching}>
        {text.retry}
      </Button>
    </Message>
  );
}

function Console({ me }: { me: Me }) {
  const state = useSyncExternalStore(live.listen, live.getState);
  useCommands();
  useEffect(() => {
    live.start();
    // Soon, so that what is typed right after its key is not lost.
    const soon = setTimeout(() => void loadPalette().catch(() => null), PRELOAD_MS); // else when it is called
    const stop = followClusters();
    // Sessions that the gateway does not know any more lose their tab; those that it cannot tell about keep it.
    void dock.restore((id) => fetchSession(id).catch(() => null));
    return () => {
      clearTimeout(soon);
      stop();
    };
  }, []);
  if (state === "signed_out") return <SignInPage outcome="ended" />;
  return (
    <div className="frame">
      <a className="skip" href="#main">
        {text.skip}
      </a>
      <Header me={me} />
      <Rail />
      <div className="work">
        <ProductionBand />
        {state === "lost" && (
          <p className="offline-banner" role="alert">
            <Icon name="cut" size={14} /> {text.unreachable.banner}
            <Button size="compact-xs" variant="white" onClick={() => live.retryNow()}>
              {text.terminal.now}
            </Button>
          </p>
        )}
        <DockFrame>
          <main id="main" tabIndex={-1}>
            <Page />
          </main>
        </DockFrame>
      </div>
      <ContainerChoice />
      <Overlays />
      <PodDialogs />
      <ProblemDialog />
    </div>
  );
}

/** What lies over every page when it is called: loaded then. */
function Overlays() {
  const overlay = useOverlay();
  const asked = useDebugForm();
  return (
    <Suspense fallback={null}>
      {overlay === "palette" && <Palette />}
      {overlay === "help" && <ShortcutHelp />}
      {asked && <DebugDialog asked={asked} />}
    </Suspense>
  );
}

function Page() {
  const place = usePlace();
  useTitle("page", place.page in text.nav ? text.nav[place.page as PageName] : "");
  useEffect(() => {
    if (place.page === "start") navigate(addressOf({ page: "pods", pod: null }, { ...keptScope() }), true);
  }, [place]);
  return (
    <Boundary page={place.page}>
      <Suspense fallback={<Waiting />}>
        <PageOf place={place} />
      </Suspense>
    </Boundary>
  );
}

function PageOf({ place }: { place: Place }) {
  switch (place.page) {
    case "clusters":
      return <ClustersPage />;
    case "services":
      return <ServicesPage workload={place.workload} />;
    case "nodes":
      return <NodesPage node={place.node} />;
    case "sessions":
      return <SessionsPage id={place.id} />;
    case "pods":
      return <PodsPage pod={place.pod} />;
    case "open":
      return <OpenPage />;
    case "start":
      return null;
    default:
      return (
        <Empty icon="search" title={text.nothingHere} page>
          <p>{text.nothingHereText}</p>
          <a href={linkTo({ page: "pods", pod: null })} onClick={follow}>
            {text.sessions.toPods}
          </a>
        </Empty>
      );
  }
}

function Waiting() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 400);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="centre" role="status" aria-label={text.loading}>
      {late && <Loader size="sm" />}
    </div>
  );
}

function SignInPage({ outcome }: { outcome: SignInOutcome | "ended" }) {
  const [title, body] = {
    working: [text.signin.working, ""],
    none: [text.signin.needed, text.signin.neededText],
    done: [text.signin.needed, text.signin.neededText],
    used: [text.signin.used, text.signin.usedText],
    failed: [text.signin.failed, text.signin.neededText],
    ended: [text.signin.ended, text.signin.endedText],
  }[outcome];
  return (
    <Message
      title={title ?? ""}
      body={
        <>
          <p>{body}</p>
          <p>{text.signin.how}</p>
          <Code block>{text.signin.command}</Code>
        </>
      }
    />
  );
}

function Message({ title, body, children }: { title: string; body: React.ReactNode; children?: React.ReactNode }) {
  return (
    <main className="centre">
      <section className="message">
        <img src="/icon.svg" alt="" width={36} height={36} />
        <h1>{title}</h1>
        {body}
        {children}
      </section>
    </main>
  );
}
