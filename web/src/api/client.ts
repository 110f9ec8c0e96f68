/**
 * Calls to the gateway. Holds the page token in memory (never in storage) and renews it once when the gateway does not know it any more.
 *
 * Every failure is an ApiFailure: what was refused, by whom, and what to do next; or that the gateway does not answer.
 */

import { readRefusal } from "../wire/bodies";
import type { Refusal } from "../wire/errors";
import type {
  Cluster,
  ClusterBody,
  DebugPlan,
  Enrolment,
  Me,
  OpenedSession,
  OpenSessionBody,
  Session,
  SignedIn,
  Ticket,
  WirePod,
} from "./types";

const TOKEN_HEADER = "X-Podshell-Token";

export class ApiFailure extends Error {
  override readonly name = "ApiFailure";

  constructor(
    readonly status: number,
    readonly refusal: Refusal | null,
    readonly retryAfterMs: number | null,
  ) {
    super(refusal?.message ?? (status === 0 ? "unreachable" : `status ${status}`));
  }

  /** The gateway did not answer at all, or something before it answered in its place. */
  get unreachable(): boolean {
    return this.status === 0 || (this.refusal === null && this.status >= 500);
  }

  get signedOut(): boolean {
    return this.status === 401;
  }
}

let pageToken = "";

async function failureOf(response: Response): Promise<ApiFailure> {
  try {
    const body = (await response.json()) as { error?: { retry_after_ms?: number } };
    const retry = body.error?.retry_after_ms;
    return new ApiFailure(response.status, readRefusal(body.error), typeof retry === "number" ? retry : null);
  } catch {
    return new ApiFailure(response.status, null, null);
  }
}

async function request(method: string, path: string, body?: object): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") headers[TOKEN_HEADER] = pageToken;
  if (body) headers["content-type"] = "application/json";
  try {
    return await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  } catch {
    throw new ApiFailure(0, null, null);
  }
}

/** @throws ApiFailure refused, failed or unreachable */
async function call<T>(method: string, path: string, body?: object): Promise<T> {
  let response = await request(method, path, body);
  if (method !== "GET" && (response.status === 401 || response.status === 403) && (await renewPageToken())) {
    response = await request(method, path, body);
  }
  if (!response.ok) throw await failureOf(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** True when the gateway gives this page another token than the one it holds: then a refused call is worth a second try. */
async function renewPageToken(): Promise<boolean> {
  const before = pageToken;
  const response = await request("GET", "/api/me");
  if (!response.ok) return false;
  pageToken = ((await response.json()) as Me).page_token;
  return pageToken !== before;
}

export async function signIn(secret: string): Promise<void> {
  const response = await request("POST", "/api/signin", { secret });
  if (!response.ok) throw await failureOf(response);
  pageToken = ((await response.json()) as SignedIn).page_token;
}

export async function signOut(): Promise<void> {
  await call<void>("POST", "/api/signout");
}

export async function fetchMe(): Promise<Me> {
  const me = await call<Me>("GET", "/api/me");
  pageToken = me.page_token;
  return me;
}

export const fetchClusters = (): Promise<Cluster[]> => call("GET", "/api/clusters");
export const fetchPod = (cluster: string, namespace: string, pod: string): Promise<WirePod> =>
  call("GET", `/api/${["clusters", cluster, "namespaces", namespace, "pods", pod].map(encodeURIComponent).join("/")}`);
export const enrolCluster = (body: ClusterBody): Promise<Enrolment> => call("POST", "/api/clusters", body);
export const fetchSessions = (): Promise<Session[]> => call("GET", "/api/sessions?state=live");
export const fetchAllSessions = (): Promise<Session[]> => call("GET", "/api/sessions?state=all");
export const fetchSession = (id: string): Promise<Session> => call("GET", `/api/sessions/${encodeURIComponent(id)}`);
export const openSession = (body: OpenSessionBody): Promise<OpenedSession> => call("POST", "/api/sessions", body);
export const planSession = (body: OpenSessionBody): Promise<DebugPlan> => call("POST", "/api/sessions/plan", body);
export const endSession = (id: string): Promise<void> => call("DELETE", `/api/sessions/${encodeURIComponent(id)}`);
/** Delete a pod, only that of the given uid. `graceSeconds` null: as long as the pod says. @throws ApiFailure */
export function deletePod(
  pod: { cluster: string; namespace: string; name: string; uid: string },
  graceSeconds: number | null,
  reason: string,
): Promise<void> {
  const path = ["clusters", pod.cluster, "namespaces", pod.namespace, "pods", pod.name]
    .map(encodeURIComponent)
    .join("/");
  const query = new URLSearchParams({ uid: pod.uid });
  if (graceSeconds !== null) query.set("grace_seconds", String(graceSeconds));
  if (reason) query.set("reason", reason);
  return call("DELETE", `/api/${path}?${query}`);
}
export const sessionTicket = (id: string): Promise<Ticket> =>
  call("POST", `/api/sessions/${encodeURIComponent(id)}/tickets`);
export const liveTicket = (): Promise<Ticket> => call("POST", "/api/tickets", { purpose: "live" });

/** The address of a WebSocket on this page's own host. */
export function socketAddress(path: string): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
}
