/** The log of one container of a pod: which container and which part stand in the address, so that a link shows the same. */

import { Checkbox, Select } from "@mantine/core";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { type LogWanted, live } from "../api/live";
import type { PodDetails } from "../api/types";
import { setParameters, useParameters } from "../app/location";
import { text } from "../text";
import { LogReading, type LogPorts } from "./reading";
import { LogTools } from "./LogTools";
import { LogView } from "./LogView";

const words = text.logs;
const TAILS = ["100", "1000", "10000", "all"];

const ports: LogPorts = {
  open: (wanted, reader) => live.openLog(wanted, reader),
  onConnection: (listener) => live.listen(() => live.getState() === "live" && listener()),
  nextFrame: (callback) => void requestAnimationFrame(callback),
  later: (callback, ms) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  now: Date.now,
};

export default function LogPanel({ pod }: { pod: PodDetails }) {
  const wanted = useWanted(pod);
  // A reading belongs to the pod, not to its name: a new pod of the name is a new log.
  const key = JSON.stringify([wanted, pod.uid]);
  return (
    <div className="logs">
      <Which pod={pod} wanted={wanted} />
      <OneLog key={key} wanted={wanted} file={`${pod.name}-${wanted.container}.log`} />
    </div>
  );
}

function useWanted(pod: PodDetails): LogWanted {
  const { container = "", tail = "1000", previous = "", follow = "" } = useParameters();
  const { cluster, namespace, name, default_container: preferred } = pod;
  const first = preferred || (pod.containers[0]?.name ?? "");
  const chosen = pod.containers.some((each) => each.name === container) ? container : first;
  return useMemo(
    () => ({
      cluster,
      namespace,
      pod: name,
      container: chosen,
      previous: previous === "yes",
      follow: follow !== "no" && previous !== "yes",
      tailLines: tail === "all" ? null : Number(TAILS.includes(tail) ? tail : "1000"),
      sinceSeconds: null,
    }),
    [cluster, namespace, name, chosen, previous, follow, tail],
  );
}

/** Which container and which part of its log. */
function Which({ pod, wanted }: { pod: PodDetails; wanted: LogWanted }) {
  const data = pod.containers.map(({ name, role, state }) => ({
    value: name,
    label: [name, text.choice.roles[role], state === "running" ? "" : state].filter(Boolean).join(" · "),
  }));
  return (
    <div className="log-which">
      <Select
        aria-label={words.container}
        data={data}
        value={wanted.container}
        allowDeselect={false}
        onChange={(value) => setParameters({ container: value ?? "" }, true)}
      />
      <Select
        aria-label={words.tail}
        data={TAILS.map((value) => ({ value, label: words.tails[value] ?? value }))}
        value={wanted.tailLines === null ? "all" : String(wanted.tailLines)}
        allowDeselect={false}
        onChange={(value) => setParameters({ tail: value === "1000" ? "" : (value ?? "") }, true)}
      />
      <Checkbox
        size="xs"
        label={words.follow}
        checked={wanted.follow}
        disabled={wanted.previous}
        onChange={(event) => setParameters({ follow: event.currentTarget.checked ? "" : "no" }, true)}
      />
      <Checkbox
        size="xs"
        label={words.previous}
        checked={wanted.previous}
        onChange={(event) => setParameters({ previous: event.currentTarget.checked ? "yes" : "" }, true)}
      />
    </div>
  );
}

function OneLog({ wanted, file }: { wanted: LogWanted; file: string }) {
  const [reading, setReading] = useState<LogReading | null>(null);
  useEffect(() => {
    const opened = new LogReading(wanted, ports);
    setReading(opened);
    return () => opened.close();
  }, [wanted]);
  return reading && <ShownLog reading={reading} wanted={wanted} file={file} />;
}

export interface Looks {
  times: boolean;
  wrap: boolean;
  /** Only lines that match the search. */
  only: boolean;
  search: string;
}

function ShownLog({ reading, wanted, file }: { reading: LogReading; wanted: LogWanted; file: string }) {
  const view = useSyncExternalStore(reading.listen, reading.getView);
  const [looks, setLooks] = useState<Looks>({ times: false, wrap: false, only: false, search: "" });
  const [at, setAt] = useState<number | null>(null);
  const change = (part: Partial<Looks>): void => {
    if (part.search !== undefined) {
      reading.search(part.search);
      setAt(null);
    }
    setLooks((before) => ({ ...before, ...part }));
  };
  return (
    <>
      <LogTools view={view} looks={looks} onLooks={change} at={at} onAt={setAt} wanted={wanted} file={file} />
      <LogView view={view} looks={looks} at={at} label={words.label(wanted.container)} wanted={wanted} />
    </>
  );
}
