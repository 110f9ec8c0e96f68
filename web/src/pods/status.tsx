/** A pod's or container's status as shape and colour together: filled disc, ring, triangle, square, so that colour is never alone. */

import type { Pod } from "../api/types";

export type Tone = "good" | "busy" | "bad" | "done" | "unknown";

const BUSY = new Set(["Pending", "ContainerCreating", "PodInitializing", "Terminating", "NotReady"]);
const DONE = new Set(["Completed", "Succeeded"]);

/** What a status as kubectl prints it amounts to. */
export function podTone(pod: Pick<Pod, "status" | "ready">): Tone {
  const { status } = pod;
  if (status === "Running") {
    const [ready, all] = pod.ready.split("/");
    return ready === all ? "good" : "busy";
  }
  if (DONE.has(status)) return "done";
  if (BUSY.has(status) || /^Init:\d+\/\d+$/.test(status)) return "busy";
  if (status === "" || status === "Unknown") return "unknown";
  return "bad";
}

export function containerTone(state: string, exitCode: number | null, reason: string): Tone {
  if (state === "running") return "good";
  if (state === "waiting") return reason === "" || BUSY.has(reason) ? "busy" : "bad";
  if (state === "terminated") return exitCode === 0 ? "done" : "bad";
  return "unknown";
}

const SHAPES: Record<Tone, React.ReactNode> = {
  good: <circle cx="5" cy="5" r="4" />,
  busy: <path d="M5 1a4 4 0 104 4" fill="none" stroke="currentColor" strokeWidth="2" />,
  bad: <path d="M5 .8L9.6 9H.4z" />,
  done: <circle cx="5" cy="5" r="3.2" fill="none" stroke="currentColor" strokeWidth="1.6" />,
  unknown: <rect x="1.4" y="4" width="7.2" height="2" />,
};

export function StatusMark({ tone, label }: { tone: Tone; label: string }) {
  return (
    <span className={`status status-${tone}`}>
      <svg width="10" height="10" viewBox="0 0 10 10" fill="currentColor" aria-hidden="true">
        {SHAPES[tone]}
      </svg>
      <span className="cut">{label}</span>
    </span>
  );
}
