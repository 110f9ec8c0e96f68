/** For tests: a screen, a clock and a gateway that speak the real protocol, without a browser. */

import {
  type EndFacts,
  type Screen,
  type SessionPorts,
  type Snapshot,
  type SocketEvents,
  type TicketAnswer,
} from "./ports";
import { TerminalSession } from "./session";

export const EPOCH = "e1";

export class FakeClock {
  time = 1_000_000;
  private waiting: { at: number; run: () => void }[] = [];

  now = (): number => this.time;

  after = (ms: number, run: () => void): (() => void) => {
    const entry = { at: this.time + ms, run };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((each) => each !== entry);
    };
  };

  /** Let time pass, running what falls due in its order. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = this.waiting.filter((each) => each.at <= end).sort((one, other) => one.at - other.at)[0];
      if (!due) break;
      this.waiting = this.waiting.filter((each) => each !== due);
      this.time = due.at;
      due.run();
    }
    this.time = end;
  }
}

/** Parses when told to, so that a test decides when write callbacks run. */
export class FakeScreen implements Screen {
  cols = 80;
  rows = 24;
  bracketedPaste = false;
  fullScreen = false;
  written = "";
  manual = false;
  private queue: { text: string; done: (() => void) | undefined }[] = [];
  private dataListener: (data: string) => void = () => {};
  private resizeListener: (cols: number, rows: number) => void = () => {};
  /** What this screen answers when it parses a query. */
  replies: Record<string, string> = { "\x1b[6n": "\x1b[1;1R", "\x1b[c": "\x1b[?62;22c" };

  write(data: Uint8Array | string, done?: () => void): void {
    const text = typeof data === "string" ? data : Array.from(data, (byte) => String.fromCharCode(byte)).join("");
    this.queue.push({ text, done });
    if (!this.manual) this.parse();
  }

  parse(): void {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      if (next.text.includes("\x1bc")) this.written = "";
      this.written += next.text;
      for (const [, on] of next.text.matchAll(/\x1b\[\?1049([hl])/g)) this.fullScreen = on === "h";
      for (const [query, reply] of Object.entries(this.replies))
        if (next.text.includes(query)) this.dataListener(reply);
      next.done?.();
    }
  }

  type(data: string): void {
    this.dataListener(data);
  }

  resize(cols: number, rows: number): void {
    this.cols = cols;
    this.rows = rows;
    this.resizeListener(cols, rows);
  }

  onData(listener: (data: string) => void): void {
    this.dataListener = listener;
  }
  onBinary(): void {}
  onResize(listener: (cols: number, rows: number) => void): void {
    this.resizeListener = listener;
  }
  onTitle(): void {}
  onClipboardRequest(): void {}
  onLink(): void {}
  refit(): void {}
  paste(text: string): void {
    this.dataListener(text);
  }
  focus(): void {}
  serialize(): string {
    return this.written;
  }
  dispose(): void {}
}

/** One socket as the gateway sees it: what the terminal sent, and what to send to it. */
export class FakeSocket {
  sent: Uint8Array[] = [];
  closedWith: number | null = null;

  constructor(readonly events: SocketEvents) {}

  /** The messages of one type, without the type byte. */
  of(kind: number): Uint8Array[] {
    return this.sent.filter((message) => message[0] === kind).map((message) => message.subarray(1));
  }

  get hello(): Record<string, unknown> {
    const body = this.of(0x01)[0];
    return JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
  }

  /** Input that was sent here, put together by offset. */
  input(): { offset: number; text: string; auto: boolean }[] {
    return this.of(0x02).map((body) => ({
      auto: ((body[0] ?? 0) & 1) === 1,
      offset: Number(new DataView(body.buffer, body.byteOffset).getBigUint64(1)),
      text: new TextDecoder().decode(body.subarray(9)),
    }));
  }

  acks(): number[] {
    return this.of(0x03).map((body) => Number(new DataView(body.buffer, body.byteOffset).getBigUint64(0)));
  }

  json(kind: number, body: object): void {
    this.events.received(
      Uint8Array.from([kind, ...new TextEncoder().encode(JSON.stringify(body))]).buffer as ArrayBuffer,
    );
  }

  attached(part: Record<string, unknown> = {}): void {
    this.json(0x41, {
      session: "s1",
      epoch: EPOCH,
      incarnation: 1,
      state: "running",
      start: 0,
      head: 0,
      input_taken: 0,
      input_limit: 65_536,
      ...part,
    });
  }

  output(offset: number, text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    const message = new Uint8Array(9 + bytes.length);
    message[0] = 0x42;
    new DataView(message.buffer).setBigUint64(1, BigInt(offset));
    message.set(bytes, 9);
    this.events.received(message.buffer);
  }

  pair(kind: number, first: number, second: number): void {
    const message = new Uint8Array(17);
    message[0] = kind;
    new DataView(message.buffer).setBigUint64(1, BigInt(first));
    new DataView(message.buffer).setBigUint64(9, BigInt(second));
    this.events.received(message.buffer);
  }
}

/** A session with everything around it faked. */
export class Bench {
  readonly clock = new FakeClock();
  readonly screen = new FakeScreen();
  readonly sockets: FakeSocket[] = [];
  kept: Snapshot | null = null;
  storageCharacters = Number.POSITIVE_INFINITY;
  tickets: TicketAnswer[] = [];
  ticketsAsked = 0;
  end: EndFacts | null = null;
  /** What hands have typed here, for a broadcast. */
  readonly typed: string[] = [];
  wantsHints = true;
  /** How often output came that is worth a mark. */
  news = 0;
  readonly session: TerminalSession;

  constructor() {
    const ports: SessionPorts = {
      sessionId: "s1",
      viewerId: "0123456789abcdef",
      client: "test",
      screen: this.screen,
      snapshots: {
        load: () => this.kept,
        save: (snapshot) => {
          if (snapshot.text.length > this.storageCharacters) return false;
          this.kept = snapshot;
          return true;
        },
        remove: () => {
          this.kept = null;
        },
      },
      timers: this.clock,
      random: () => 0.5,
      openSocket: (events) => {
        const socket = new FakeSocket(events);
        this.sockets.push(socket);
        return {
          send: (data) => socket.sent.push(data),
          close: (code) => {
            socket.closedWith = code;
          },
        };
      },
      fetchTicket: () => {
        this.ticketsAsked += 1;
        return Promise.resolve(this.tickets.shift() ?? { ok: true, ticket: `t${this.ticketsAsked}` });
      },
      fetchEnd: () => Promise.resolve(this.end),
      wantsHints: () => this.wantsHints,
      sawOutput: () => {
        this.news += 1;
      },
      typed: (data) => this.typed.push(new TextDecoder().decode(data)),
    };
    this.session = new TerminalSession(ports);
  }

  get view() {
    return this.session.getView();
  }

  get socket(): FakeSocket {
    return this.sockets[this.sockets.length - 1] as FakeSocket;
  }

  /** Let what was promised happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }

  async connected(part: Record<string, unknown> = {}, fresh = false): Promise<FakeSocket> {
    this.session.start(null, fresh);
    await this.settle();
    this.socket.events.opened();
    this.socket.attached(part);
    return this.socket;
  }

  /** Cut the socket and let the session come back. */
  async reconnected(part: Record<string, unknown> = {}): Promise<FakeSocket> {
    this.socket.events.closed(1006);
    this.clock.pass(11_000);
    await this.settle();
    this.socket.events.opened();
    this.socket.attached(part);
    return this.socket;
  }
}
