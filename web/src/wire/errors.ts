// The closed set of refusals as they arrive in JSON, and which of them are worth another try. Twin of src/podshell/wire/errors.py;
// both are held together by spec/vectors/terminal.json.

/** The other end broke the protocol, or our own code asked for what cannot be sent. The text is safe to show. */
export class TerminalFault extends Error {
  override readonly name = "TerminalFault";
}

/** Who said no. */
export type RefusedBy =
  "gateway" | "policy" | "agent" | "ceiling" | "kubernetes" | "pod_security" | "admission" | "node" | "runtime";

/** HTTP status, WebSocket close code, and whether trying again can help. */
export interface Meaning {
  readonly http_status: number;
  readonly close_code: number;
  readonly retryable: boolean;
}

function meaning(http_status: number, close_code: number, retryable = false): Meaning {
  return { http_status, close_code, retryable };
}

export const MEANINGS = {
  unauthenticated: meaning(401, 4401),
  forbidden_by_policy: meaning(403, 4403),
  forbidden_by_ceiling: meaning(403, 4403),
  forbidden_by_kubernetes: meaning(403, 4403),
  forbidden_by_admission: meaning(403, 4403),
  grant_refused: meaning(403, 4403),
  ticket_refused: meaning(403, 4410),
  origin_refused: meaning(403, 4403),
  limit_reached: meaning(429, 4429, true),
  bad_request: meaning(422, 4400),
  container_required: meaning(422, 4400),
  not_found: meaning(404, 4404),
  conflict: meaning(409, 4409),
  not_running: meaning(409, 4409),
  shell_missing: meaning(409, 4409),
  shell_not_executable: meaning(409, 4409),
  target_gone: meaning(410, 4410),
  start_failed: meaning(502, 4502),
  cluster_unknown: meaning(404, 4404),
  agent_offline: meaning(503, 4503, true),
  agent_busy: meaning(504, 4503, true),
  node_unreachable: meaning(502, 4502, true),
  api_server_unreachable: meaning(502, 4502, true),
  link_lost: meaning(503, 4503, true),
  session_unknown: meaning(404, 4404),
  session_ended: meaning(410, 4000),
  revoked: meaning(403, 4403),
  going_away: meaning(503, 4503, true),
  protocol_error: meaning(400, 4400),
  internal: meaning(500, 4500, true),
} as const satisfies Record<string, Meaning>;

export type ErrorCode = keyof typeof MEANINGS;

/** One refusal or failure. `message` is one sentence, `next_step` says what to do. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly refused_by: RefusedBy;
  readonly message: string;
  readonly next_step: string;
  readonly details: Readonly<Record<string, string | readonly string[]>>;
}

const REFUSERS: ReadonlySet<string> = new Set<RefusedBy>([
  "gateway",
  "policy",
  "agent",
  "ceiling",
  "kubernetes",
  "pod_security",
  "admission",
  "node",
  "runtime",
]);

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(MEANINGS, value);
}

export function isRefusedBy(value: unknown): value is RefusedBy {
  return typeof value === "string" && REFUSERS.has(value);
}

/** Whether trying again can help after this refusal. */
export function isRetryable(refusal: Refusal): boolean {
  return MEANINGS[refusal.code].retryable;
}

// 1001 going away, 1006 no close frame, 1011 internal error, 1012 service restart (RFC 6455 7.4.1; spec/terminal.md 6).
// 4502 is shared with a failure that no retry helps (start_failed); the ERROR or END before the close says which it was.
const RETRYABLE_CLOSE_CODES: ReadonlySet<number> = new Set([
  1001,
  1006,
  1011,
  1012,
  ...Object.values(MEANINGS)
    .filter((row) => row.retryable)
    .map((row) => row.close_code),
]);

/** Whether a socket that closed with this code should be opened again, with a new ticket. */
export function isRetryableClose(code: number): boolean {
  return RETRYABLE_CLOSE_CODES.has(code);
}
