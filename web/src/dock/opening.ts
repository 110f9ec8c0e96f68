/** How a shell is opened from anywhere on the page: choose the container if there are several, ask the gateway, show the tab. */

import { useSyncExternalStore } from "react";
import { ApiFailure, endSession, fetchSession, openSession } from "../api/client";
import type { Container, OpenSessionBody, Pod, Session } from "../api/types";
import { podOf } from "../api/types";
import { debugForm, type Then } from "../debug/form";
import { dock, tabName } from "./dock";
import { bodyLike } from "./names";

export interface Problem {
  target: string;
  failure: ApiFailure;
}

export interface Opening {
  /** The pod whose container is to be chosen. */
  choosing: Pod | null;
  /** The key of the pod that is being opened. */
  busy: string;
  problem: Problem | null;
}

let state: Opening = { choosing: null, busy: "", problem: null };
const listeners = new Set<() => void>();

function change(part: Partial<Opening>): void {
  state = { ...state, ...part };
  for (const listener of listeners) listener();
}

export function useOpening(): Opening {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/** Containers that a shell may be meant for: all but finished init containers. */
export function choicesOf(pod: Pod): Container[] {
  return pod.containers.filter((container) => container.role !== "init" || container.state === "running");
}

export const opening = {
  /** Open a shell in a pod; asks which container when there are several. */
  start(pod: Pod): void {
    const choices = choicesOf(pod);
    if (choices.length > 1) change({ choosing: pod, problem: null });
    else void opening.open(pod, choices[0]?.name ?? "");
  },

  cancel(): void {
    change({ choosing: null });
  },

  dismiss(): void {
    change({ problem: null });
  },

  report(target: string, failure: unknown): void {
    change({ problem: { target, failure: failure instanceof ApiFailure ? failure : new ApiFailure(0, null, null) } });
  },

  async open(pod: Pod, container: string): Promise<void> {
    change({ choosing: null, busy: pod.key, problem: null });
    try {
      await request({ cluster: pod.cluster, namespace: pod.namespace, pod: pod.name, container });
    } catch (failure) {
      if (failure instanceof ApiFailure && failure.refusal?.code === "container_required") {
        change({ choosing: withContainers(pod, failure) });
      } else opening.report(`${pod.name}${container && `/${container}`}`, failure);
    } finally {
      change({ busy: "" });
    }
  },

  /**
   * Open a shell in a tools container; answers why not, or null when its tab is there. `accepted` runs just before it takes the focus.
   * `then`: where it goes, as with `again` and `duplicate`.
   */
  async openTools(body: OpenSessionBody, accepted: () => void, then: Then = {}): Promise<ApiFailure | null> {
    try {
      const opened = await openSession(body);
      accepted();
      dock.open(opened.session, opened.ticket, then.instead);
      then.opened?.(opened.session.id);
      return null;
    } catch (failure) {
      return failure instanceof ApiFailure ? failure : new ApiFailure(0, null, null);
    }
  },

  /** Open the same shell once more, in the place of the tab of an ended one. */
  again: (session: Session): Promise<void> => openLike(session, { instead: session.id }),

  /** Open another shell at the same place, in a tab of its own; `opened` gets its id when it is there. */
  duplicate: (session: Session, opened: (id: string) => void = () => {}): Promise<void> =>
    openLike(session, { opened }),

  /** Show a session that is known by its id only. */
  async resume(id: string): Promise<void> {
    dock.open(await fetchSession(id));
  },

  /** End a session and take its tab away. */
  async end(session: Session): Promise<void> {
    const tab = dock.getState().tabs.find((each) => each.session.id === session.id);
    const over = tab ? ["ended", "refused"].includes(tab.view.phase) : session.state === "ended";
    dock.remove(session.id);
    if (over) return;
    try {
      await endSession(session.id);
    } catch (failure) {
      const code = failure instanceof ApiFailure ? failure.refusal?.code : undefined;
      if (code !== "session_ended" && code !== "session_unknown") opening.report(tabName(session), failure);
    }
  },
};

/**
 * Open what a session was opened with. What is refused is said; for a tools container in its form, filled with the same choices, so that
 * the one which does not hold any more can be made anew.
 */
async function openLike(session: Session, then: Then): Promise<void> {
  try {
    const id = await request(bodyLike(session), then.instead);
    then.opened?.(id);
  } catch (failure) {
    if (!(failure instanceof ApiFailure && debugForm.showLike(session, { failure, then })))
      opening.report(tabName(session), failure);
  }
}

async function request(body: OpenSessionBody, instead = ""): Promise<string> {
  const opened = await openSession(body);
  dock.open(opened.session, opened.ticket, instead);
  return opened.session.id;
}

/** The pod with the containers that the gateway names, when the page's rows were older than the pod. */
function withContainers(pod: Pod, failure: ApiFailure): Pod {
  const names = failure.refusal?.details.containers;
  if (typeof names === "string" || !names) return pod;
  const known = new Map(pod.containers.map((container) => [container.name, container]));
  const containers = names.map((name) => known.get(name) ?? { name, state: "running" });
  return podOf({ ...pod, containers } as Parameters<typeof podOf>[0], pod.cluster);
}
