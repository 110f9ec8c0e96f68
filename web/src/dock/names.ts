/** What a shell is called: at a glance on its tab, and in full where there is room. A shell in a node has no pod of the user's. */

import type { OpenSessionBody, Session } from "../api/types";

/** What names a session's target. Kinds differ in which fields they have: a node's shell names a node, the others a pod. */
export type Named = Pick<Session, "cluster" | "namespace" | "pod" | "container"> & {
  kind?: string;
  node?: string;
  made?: Session["made"];
};

/** A tab's short name: what tells two shells apart at a glance. */
export function tabName(session: Named): string {
  if (session.kind === "node") return `node/${session.node || session.pod}`;
  if (session.kind === "debug") return `${session.pod}/debug`;
  return session.container ? `${session.pod}/${session.container}` : session.pod;
}

/** Everything that names the target, from the outside in. */
export function fullName(session: Named): string {
  if (session.kind === "node") return `${session.cluster}/${tabName(session)}`;
  if (session.kind === "debug") return `${session.cluster}/${session.namespace}/${tabName(session)}`;
  return [session.cluster, session.namespace, session.pod, session.container].filter(Boolean).join("/");
}

/** What tells this shell from others of the same name in `all`: cluster or namespace; empty when the name is enough. */
export function qualifier(session: Named, all: readonly Named[]): string {
  const others = all.filter((other) => other !== session && tabName(other) === tabName(session));
  if (others.some((other) => other.cluster !== session.cluster)) return session.cluster;
  if (others.some((other) => other.namespace !== session.namespace)) return session.namespace;
  return "";
}

/** What a tab is called among others: the user's name for it, or its own with what tells it from them. */
export function displayName(
  tab: { session: Named; name: string; number: number },
  all: readonly { session: Named }[],
): string {
  if (tab.name) return tab.name;
  const place = qualifier(
    tab.session,
    all.map((each) => each.session),
  );
  return `${tabName(tab.session)}${tab.number > 1 ? ` ${tab.number}` : ""}${place ? ` · ${place}` : ""}`;
}

/** The smallest number, from 1, that no other shell of the same target in `taken` has. */
export function freeNumber(session: Named, taken: readonly { session: Named; number: number }[]): number {
  const used = new Set(taken.filter((each) => fullName(each.session) === fullName(session)).map((each) => each.number));
  let number = 1;
  while (used.has(number)) number += 1;
  return number;
}

/** Ask for the same shell once more. A tools container is made anew, with what the first was asked for. */
export function bodyLike(session: Session): OpenSessionBody {
  const { kind, cluster, namespace, pod, container, node, command, reason } = session;
  const asked = { cluster, kind, command, ...(reason ? { reason } : {}) };
  if (kind === "exec") return { ...asked, namespace, pod, container };
  const debug = session.debug ?? {};
  return kind === "node" ? { ...asked, node, debug } : { ...asked, namespace, pod, debug };
}
