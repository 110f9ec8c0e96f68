/** What a terminal session needs from the world: interfaces only, so that tests drive it without a browser. */

import type { Refusal } from "../wire/errors";
import type { End } from "../wire/terminal";

/** The terminal emulator (xtermScreen.ts in the browser). Everything written is parsed in order. */
export interface Screen {
  readonly cols: number;
  readonly rows: number;
  /** True while the program asks for bracketed paste (mode 2004). */
  readonly bracketedPaste: boolean;
  /** True while a program has the whole screen to itself (the alternate one), as far as output is parsed. */
  readonly fullScreen: boolean;
  /** Queue bytes or text for parsing; `done` runs once they are parsed. */
  write(data: Uint8Array | string, done?: () => void): void;
  /** What was typed, or replied by the terminal itself. */
  onData(listener: (data: string) => void): void;
  /** Bytes that are not text (old mouse reports). */
  onBinary(listener: (data: string) => void): void;
  onResize(listener: (cols: number, rows: number) => void): void;
  onTitle(listener: (title: string) => void): void;
  /** The payload of OSC 52. */
  onClipboardRequest(listener: (payload: string) => void): void;
  /** A link was clicked; the target is not checked yet. */
  onLink(listener: (url: string) => void): void;
  resize(cols: number, rows: number): void;
  /** Take the size of the place where the screen is shown, if it is. */
  refit(): void;
  paste(text: string): void;
  focus(): void;
  /** Everything shown, as text that restores it, with at most so many lines of scrollback. */
  serialize(scrollback: number): string;
  dispose(): void;
}

export interface SocketEvents {
  opened(): void;
  received(data: ArrayBuffer): void;
  closed(code: number): void;
}

export interface Socket {
  send(data: Uint8Array): void;
  close(code: number): void;
}

export type TicketAnswer =
  | { ok: true; ticket: string }
  | { ok: false; kind: "unreachable" }
  | { ok: false; kind: "signed_out" }
  | { ok: false; kind: "refused"; refusal: Refusal; retryAfterMs: number | null };

/** The end of a session as the gateway tells it. */
export type EndFacts = Omit<End, "type">;

export interface Snapshot {
  epoch: string;
  offset: number;
  cols: number;
  rows: number;
  text: string;
}

export interface SnapshotStore {
  load(): Snapshot | null;
  save(snapshot: Snapshot): boolean;
  remove(): void;
}

export interface Timers {
  now(): number;
  /** Run once after `ms`; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
}

export interface SessionPorts {
  sessionId: string;
  viewerId: string;
  client: string;
  screen: Screen;
  snapshots: SnapshotStore;
  timers: Timers;
  random: () => number;
  openSocket(events: SocketEvents): Socket;
  fetchTicket(): Promise<TicketAnswer>;
  /** Output came that is not a replay. */
  sawOutput(): void;
  /** Whether hints are wanted here and now (hints.ts). */
  wantsHints(): boolean;
  /** A hand has typed this here. */
  typed(data: Uint8Array): void;
  /** How the session ended; null when the gateway does not know (yet). */
  fetchEnd(): Promise<EndFacts | null>;
}
