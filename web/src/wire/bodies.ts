// The JSON bodies that a gateway sends to a terminal, checked field by field. Unknown fields are ignored; missing ones take the defaults
// of src/podshell/wire/messages.py, which leaves defaults out.

import { isErrorCode, isRefusedBy, type Refusal, TerminalFault } from "./errors";

export interface Attached {
  readonly type: "attached";
  readonly session: string;
  readonly epoch: string;
  readonly incarnation: number;
  readonly state: string;
  readonly start: number;
  readonly head: number;
  readonly input_taken: number;
  readonly input_limit: number;
  readonly reset: boolean;
  readonly lost: boolean;
  readonly cols: number;
  readonly rows: number;
  readonly idle_timeout_seconds: number;
}

export type FactValue = string | number | boolean | readonly string[] | null;

export interface Notice {
  readonly type: "notice";
  readonly kind: string;
  readonly data: Readonly<Record<string, FactValue>>;
}

export interface End {
  readonly type: "end";
  readonly reason: string;
  readonly exit_code: number | null;
  readonly message: string;
  readonly next_step: string;
  readonly refusal: Refusal | null;
  readonly left: readonly string[];
  readonly unkilled: readonly string[];
}

/** Why the socket is about to close, or never attached. `retry_after_ms` set: try again after it. */
export interface TerminalError {
  readonly type: "error";
  readonly refusal: Refusal;
  readonly retry_after_ms: number | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** Parse a body into an object whose fields are yet to be checked. */
export function readFields(body: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new TerminalFault("the body is not JSON", { cause: error });
  }
  return asFields(value);
}

export function readAttached(fields: Fields): Attached {
  return {
    type: "attached",
    session: string(fields, "session"),
    epoch: string(fields, "epoch"),
    incarnation: count(fields, "incarnation"),
    state: string(fields, "state"),
    start: count(fields, "start"),
    head: count(fields, "head"),
    input_taken: count(fields, "input_taken"),
    input_limit: count(fields, "input_limit"),
    reset: boolean(fields, "reset", false),
    lost: boolean(fields, "lost", false),
    cols: count(fields, "cols", 80),
    rows: count(fields, "rows", 24),
    idle_timeout_seconds: number(fields, "idle_timeout_seconds", 0),
  };
}

export function readNotice(fields: Fields): Notice {
  const data: Record<string, FactValue> = {};
  for (const [name, value] of Object.entries(asFields(field(fields, "data") ?? {}))) {
    if (!isFactValue(value)) {
      throw new TerminalFault(`${name} of a notice is not a simple value`);
    }
    data[name] = value;
  }
  return { type: "notice", kind: string(fields, "kind"), data };
}

export function readEnd(fields: Fields): End {
  const refused = field(fields, "refusal");
  return {
    type: "end",
    reason: string(fields, "reason"),
    exit_code: integerOrNull(fields, "exit_code"),
    message: string(fields, "message", ""),
    next_step: string(fields, "next_step", ""),
    refusal: refused === undefined || refused === null ? null : readRefusal(refused),
    left: strings(fields, "left"),
    unkilled: strings(fields, "unkilled"),
  };
}

export function readError(fields: Fields): TerminalError {
  return {
    type: "error",
    refusal: readRefusal(field(fields, "refusal")),
    retry_after_ms: integerOrNull(fields, "retry_after_ms"),
  };
}

/**
 * Check a refusal, also one out of an HTTP answer's `error`.
 *
 * @throws TerminalFault it is none
 */
export function readRefusal(value: unknown): Refusal {
  const fields = asFields(value);
  const code = field(fields, "code");
  const refused_by = field(fields, "refused_by");
  if (!isErrorCode(code) || !isRefusedBy(refused_by)) {
    throw new TerminalFault("a refusal of an unknown kind");
  }
  const details: Record<string, string | readonly string[]> = {};
  for (const [name, detail] of Object.entries(asFields(field(fields, "details") ?? {}))) {
    if (typeof detail !== "string" && !isStrings(detail)) {
      throw new TerminalFault(`${name} of a refusal is neither text nor texts`);
    }
    details[name] = detail;
  }
  return { code, refused_by, message: string(fields, "message"), next_step: string(fields, "next_step", ""), details };
}

function asFields(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TerminalFault("a JSON object was expected");
  }
  return value as Fields;
}

function field(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function string(fields: Fields, name: string, missing?: string): string {
  const value = field(fields, name) ?? missing;
  if (typeof value !== "string") {
    throw new TerminalFault(`${name} is not a string`);
  }
  return value;
}

function boolean(fields: Fields, name: string, missing: boolean): boolean {
  const value = field(fields, name) ?? missing;
  if (typeof value !== "boolean") {
    throw new TerminalFault(`${name} is not a boolean`);
  }
  return value;
}

function number(fields: Fields, name: string, missing?: number): number {
  const value = field(fields, name) ?? missing;
  if (typeof value !== "number") {
    throw new TerminalFault(`${name} is not a number`);
  }
  return value;
}

function count(fields: Fields, name: string, missing?: number): number {
  const value = number(fields, name, missing);
  if (!Number.isInteger(value) || value < 0 || value > 2 ** 53) {
    throw new TerminalFault(`${name} is not a count`);
  }
  return value;
}

function integerOrNull(fields: Fields, name: string): number | null {
  const value = field(fields, name) ?? null;
  if (value !== null && !(typeof value === "number" && Number.isInteger(value))) {
    throw new TerminalFault(`${name} is not an integer`);
  }
  return value;
}

function strings(fields: Fields, name: string): readonly string[] {
  const value = field(fields, name) ?? [];
  if (!isStrings(value)) {
    throw new TerminalFault(`${name} is not a list of strings`);
  }
  return value;
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isFactValue(value: unknown): value is FactValue {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "number" ||
    typeof value === "boolean" ||
    isStrings(value)
  );
}
