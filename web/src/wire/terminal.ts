// Messages between a terminal and the gateway: one per binary WebSocket message (spec/terminal.md). No DOM, no socket, no state.
// Twin of src/podshell/wire/terminal.py; both run spec/vectors/terminal.json. Field names are those of the JSON (bodies.ts).

import {
  type Attached,
  type End,
  type Notice,
  readAttached,
  readEnd,
  readError,
  readFields,
  readNotice,
  type TerminalError,
} from "./bodies";
import { TerminalFault } from "./errors";

export type { Attached, End, FactValue, Notice, TerminalError } from "./bodies";

/** Offsets are u64 on the wire and stay at or below this, which JavaScript counts exactly. */
export const MAX_OFFSET = 2 ** 53;
/** What one INPUT may hold; longer pastes are cut by the caller. */
export const MAX_INPUT_BYTES = 32 * 1024;
const MAX_HELLO_BYTES = 16 * 1024;
const MAX_JSON_BYTES = 1024 * 1024;

const INPUT_AUTO = 1;
const INPUT_END = 2;

const Kind = {
  hello: 0x01,
  input: 0x02,
  ack: 0x03,
  resize: 0x04,
  visible: 0x05,
  stay: 0x06,
  ping: 0x07,
  close: 0x08,
  detach: 0x09,
  attached: 0x41,
  output: 0x42,
  inputAck: 0x43,
  gap: 0x44,
  notice: 0x45,
  end: 0x46,
  pong: 0x47,
  error: 0x48,
} as const;

export type Role = "owner" | "observer";

/** The first message of a client. `viewer` stays the same over reconnects and reloads: it names the input stream. */
export interface TerminalHello {
  readonly ticket: string;
  readonly session: string;
  readonly viewer: string;
  readonly resume?: { readonly epoch: string; readonly offset: number } | undefined;
  readonly role?: Role | undefined;
  readonly cols?: number | undefined;
  readonly rows?: number | undefined;
  readonly visible?: boolean | undefined;
  readonly window?: number | undefined;
  readonly client?: string | undefined;
}

/** Output bytes; `data` is a view into the received buffer. */
export interface Output {
  readonly type: "output";
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Input before `taken` was passed on, exactly once; send none beyond `limit`. */
export interface InputAck {
  readonly type: "input_ack";
  readonly taken: number;
  readonly limit: number;
}

/** Output from `start` to `end` is gone; a repaint follows. */
export interface Gap {
  readonly type: "gap";
  readonly start: number;
  readonly end: number;
}

export interface Pong {
  readonly type: "pong";
  readonly token: number;
}

/** A type that this version does not know: newer gateways may send some; ignore it. */
export interface Unknown {
  readonly type: "unknown";
  readonly kind: number;
}

export type ServerMessage = Attached | Output | InputAck | Gap | Notice | End | Pong | TerminalError | Unknown;

// Client to gateway.

/** Build an INPUT. `auto`: made by the terminal itself. `end`: nothing follows (end of input of a session without a terminal). */
export function encodeInput(offset: number, bytes: Uint8Array, auto: boolean, end = false): Uint8Array<ArrayBuffer> {
  if (bytes.length > MAX_INPUT_BYTES) {
    throw new TerminalFault(`more than ${MAX_INPUT_BYTES} bytes in one INPUT`);
  }
  const message = new Uint8Array(10 + bytes.length);
  message[0] = Kind.input;
  message[1] = (auto ? INPUT_AUTO : 0) | (end ? INPUT_END : 0);
  writeCount(message, 2, offset);
  message.set(bytes, 10);
  return message;
}

/** Build an ACK: everything before `offset` is parsed and shown. */
export function encodeAck(offset: number): Uint8Array<ArrayBuffer> {
  return countMessage(Kind.ack, offset);
}

export function encodeResize(cols: number, rows: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(5);
  message[0] = Kind.resize;
  const view = new DataView(message.buffer);
  view.setUint16(1, size(cols));
  view.setUint16(3, size(rows));
  return message;
}

export function encodeVisible(visible: boolean): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(Kind.visible, visible ? 1 : 0);
}

export function encodeStay(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(Kind.stay);
}

export function encodePing(token: number): Uint8Array<ArrayBuffer> {
  return countMessage(Kind.ping, token);
}

/** Build a CLOSE: end the session, not just this viewer. */
export function encodeClose(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(Kind.close);
}

/** Build a DETACH: this viewer leaves on purpose, the session goes on. */
export function encodeDetach(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(Kind.detach);
}

export function encodeHello(hello: TerminalHello): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(hello));
  if (json.length > MAX_HELLO_BYTES) {
    throw new TerminalFault(`HELLO of ${json.length} bytes`);
  }
  const message = new Uint8Array(1 + json.length);
  message[0] = Kind.hello;
  message.set(json, 1);
  return message;
}

// Gateway to client.

/**
 * Read one message of the gateway.
 *
 * @throws TerminalFault a known message does not parse, or it is not for a gateway to send
 */
export function decodeServer(data: ArrayBuffer): ServerMessage {
  const bytes = new Uint8Array(data);
  const kind = bytes[0];
  switch (kind) {
    case undefined:
      throw new TerminalFault("an empty message");
    case Kind.output:
      if (bytes.length < 9) {
        throw new TerminalFault("OUTPUT without offset");
      }
      return { type: "output", offset: readOffset(bytes, 1), data: bytes.subarray(9) };
    case Kind.inputAck:
      exact(bytes, 17);
      return { type: "input_ack", taken: readOffset(bytes, 1), limit: readOffset(bytes, 9) };
    case Kind.gap:
      exact(bytes, 17);
      return { type: "gap", start: readOffset(bytes, 1), end: readOffset(bytes, 9) };
    case Kind.pong:
      exact(bytes, 9);
      return { type: "pong", token: readOffset(bytes, 1) };
    case Kind.attached:
      return readAttached(readFields(body(bytes)));
    case Kind.notice:
      return readNotice(readFields(body(bytes)));
    case Kind.end:
      return readEnd(readFields(body(bytes)));
    case Kind.error:
      return readError(readFields(body(bytes)));
    default:
      if (kind >= Kind.hello && kind <= Kind.detach) {
        throw new TerminalFault(`message type ${kind} is not for a gateway to send`);
      }
      return { type: "unknown", kind };
  }
}

function body(bytes: Uint8Array): Uint8Array {
  if (bytes.length - 1 > MAX_JSON_BYTES) {
    throw new TerminalFault(`a JSON body of ${bytes.length - 1} bytes`);
  }
  return bytes.subarray(1);
}

function countMessage(kind: number, value: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(9);
  message[0] = kind;
  writeCount(message, 1, value);
  return message;
}

function writeCount(message: Uint8Array, at: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > MAX_OFFSET) {
    throw new TerminalFault(`${value} is not an offset`);
  }
  const view = new DataView(message.buffer, message.byteOffset);
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value % 2 ** 32);
}

function readOffset(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const high = view.getUint32(at);
  const low = view.getUint32(at + 4);
  // by parts: 2**53 + 1 would round to 2**53
  if (high > 2 ** 21 || (high === 2 ** 21 && low > 0)) {
    throw new TerminalFault("an offset over 2**53");
  }
  return high * 2 ** 32 + low;
}

function size(value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 0xffff) {
    throw new TerminalFault(`${value} is not a size of a terminal`);
  }
  return value;
}

function exact(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new TerminalFault(`${bytes.length - 1} bytes instead of ${length - 1}`);
  }
}
