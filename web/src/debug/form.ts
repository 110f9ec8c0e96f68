/** Which form for a debug or node shell is open: opened from rows, drawers, links and outcomes alike. The form itself is a chunk of its own. */

import { useSyncExternalStore } from "react";
import type { ApiFailure } from "../api/client";
import type { OpenSessionBody, Session } from "../api/types";

export type DebugOptions = NonNullable<OpenSessionBody["debug"]>;

export type ToolsTarget =
  { kind: "node"; cluster: string; node: string } | { kind: "debug"; cluster: string; namespace: string; pod: string };

/** What becomes of the shell that the form opens. */
export interface Then {
  /** The session whose tab's place it takes. */
  instead?: string;
  /** Gets its id once its tab is there. */
  opened?: (id: string) => void;
}

/** What the form is about, and what stands in it at first. */
export interface Asked {
  target: ToolsTarget;
  options: DebugOptions;
  reason: string;
  /** One command instead of a shell; it is not asked for, only kept. */
  command: readonly string[];
  /** Why these very choices were refused just now. */
  failure: ApiFailure | null;
  then: Then;
  /** What had the focus before, and gets it back when the form is given up. */
  before: Element | null;
}

let state: Asked | null = null;
const listeners = new Set<() => void>();

function change(next: Asked | null): void {
  state = next;
  for (const listener of listeners) listener();
}

export const debugForm = {
  show(target: ToolsTarget, options: DebugOptions = {}, reason = "", more: Partial<Asked> = {}): void {
    const before = document.activeElement;
    change({ target, options, reason, command: [], failure: null, then: {}, before, ...more });
  },

  /**
   * Ask again for what a session was opened with, or for other `options`, to change it; false for a session that is none of a tools
   * container.
   */
  showLike(session: Session, more: Pick<Partial<Asked>, "options" | "failure" | "then"> = {}): boolean {
    const target = targetOf(session);
    if (!target) return false;
    debugForm.show(target, session.debug ?? {}, session.reason, { command: session.command, ...more });
    return true;
  },

  /** Given up: the focus goes back. After opening it belongs to the terminal. */
  cancel(): void {
    const before = state?.before;
    change(null);
    const known = before instanceof HTMLElement && before.isConnected && before !== document.body;
    // A link has opened it, and nothing had the focus: then it goes to what the link has led to.
    (known ? before : (document.getElementById("side-title") ?? document.getElementById("main")))?.focus();
  },

  close: (): void => change(null),
};

export function useDebugForm(): Asked | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/** Where a session's tools container is; null for a shell in a container that was there before. */
export function targetOf(
  session: Pick<Session, "kind" | "cluster" | "namespace" | "pod" | "node">,
): ToolsTarget | null {
  const { kind, cluster, namespace, pod, node } = session;
  if (kind === "node") return { kind, cluster, node };
  return kind === "debug" ? { kind, cluster, namespace, pod } : null;
}
