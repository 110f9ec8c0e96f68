/**
 * The live socket: subscriptions to what an agent's cache holds, and containers' logs, over one WebSocket that comes back by itself
 * (spec/api.md, WS /ws/live).
 *
 * Owns the socket and the list of subscriptions; a subscription's rows belong to whoever subscribed. After a reconnect every
 * subscription starts again: its first batch is marked as a restart, so that stale rows can stay on the page until the new ones are
 * complete. Logs do not start again by themselves: their readers know how far they are.
 */

import { backoffMs } from "../terminal/backoff";
import { readRefusal } from "../wire/bodies";
import type { Refusal } from "../wire/errors";
import { ApiFailure, liveTicket, socketAddress } from "./client";
import type { Topic } from "./types";

export interface Batch {
  id: string;
  set: unknown[];
  removed: string[];
  complete: boolean;
  reset: boolean;
  refusal: Refusal | null;
}

/** What a subscription is about: a cluster, or one object of it. */
export interface Subject {
  cluster?: string;
  namespace?: string;
  name?: string;
  /** Whose events: a Kubernetes kind. */
  kind?: string;
}

export interface Subscription extends Subject {
  topic: Topic;
  receive(batch: Batch): void;
  /** The socket is new: what comes now is everything again. */
  restart(): void;
}

/** Which part of which log; `tailLines` and `sinceSeconds` null: from its beginning. */
export interface LogWanted {
  cluster: string;
  namespace: string;
  pod: string;
  container: string;
  follow: boolean;
  previous: boolean;
  tailLines: number | null;
  sinceSeconds: number | null;
}

/** Any message of the gateway; a refusal as it travels, without what has its default. */
type Message = { type: string; text: string; end: number } & Omit<Batch, "refusal"> & { refusal: unknown };

function refusalOf({ refusal }: Message): Refusal | null {
  return refusal === null || refusal === undefined ? null : readRefusal(refusal);
}

export interface LogReader {
  /** The next part; the next 256 KiB come once `end` is acknowledged. */
  receive(text: string, end: number): void;
  /** Nothing more comes. `refusal` null: it was read to its end. */
  end(refusal: Refusal | null): void;
  /** The socket broke off; nothing more comes under this id. */
  cut(): void;
}

export interface OpenLog {
  acknowledge(end: number): void;
  close(): void;
}

export type LiveState = "connecting" | "live" | "lost" | "signed_out";

/** The server pings every 20 s. */
const SILENCE_MS = 50_000;

export class LiveSocket {
  state: LiveState = "connecting";
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly logs = new Map<string, LogReader>();
  private readonly listeners = new Set<() => void>();
  private socket: WebSocket | null = null;
  private ready = false;
  private attempt = 0;
  private counter = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private running = false;

  readonly getState = (): LiveState => this.state;

  readonly listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  start(): void {
    if (this.running) return;
    this.running = true;
    void this.connect();
  }

  /** Start to receive rows; the answer ends it. */
  subscribe(subscription: Subscription): () => void {
    this.counter += 1;
    const id = `s${this.counter}`;
    this.subscriptions.set(id, subscription);
    if (this.ready) this.announce(id, subscription);
    return () => {
      this.subscriptions.delete(id);
      if (this.ready) this.socket?.send(JSON.stringify({ unsubscribe: id }));
    };
  }

  /** Read a log, each line with its time; null while there is no connection. */
  openLog(wanted: LogWanted, reader: LogReader): OpenLog | null {
    const { socket } = this;
    if (!this.ready || !socket) return null;
    this.counter += 1;
    const id = `l${this.counter}`;
    this.logs.set(id, reader);
    const { cluster, namespace, pod, container, follow, previous } = wanted;
    socket.send(
      JSON.stringify({
        logs: id,
        ...{ cluster, namespace, pod, container, follow, previous, timestamps: true },
        tail_lines: wanted.tailLines,
        since_seconds: wanted.sinceSeconds,
      }),
    );
    const tell = (message: object): void => {
      if (this.logs.has(id) && this.socket === socket) socket.send(JSON.stringify(message));
    };
    return {
      acknowledge: (end) => tell({ ack: id, bytes: end }),
      close: () => {
        tell({ unsubscribe: id });
        this.logs.delete(id);
      },
    };
  }

  private announce(id: string, { topic, cluster, namespace, name, kind }: Subscription): void {
    this.socket?.send(JSON.stringify({ subscribe: id, topic, cluster, namespace, name, kind }));
  }

  private async connect(): Promise<void> {
    let ticket: string;
    try {
      ticket = (await liveTicket()).ticket;
    } catch (failure) {
      if (failure instanceof ApiFailure && failure.signedOut) this.change("signed_out");
      else this.retry();
      return;
    }
    const socket = new WebSocket(socketAddress("/ws/live"));
    this.socket = socket;
    this.listenForSilence(socket);
    socket.onopen = () => socket.send(JSON.stringify({ ticket }));
    socket.onmessage = (event) => {
      this.listenForSilence(socket);
      this.receive(String(event.data));
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.ready = false;
      clearTimeout(this.silence);
      const cut = [...this.logs.values()];
      this.logs.clear();
      for (const reader of cut) reader.cut();
      if (event.code === 4401) this.change("signed_out");
      else this.retry();
    };
  }

  private listenForSilence(socket: WebSocket): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => socket.close(), SILENCE_MS);
  }

  private receive(text: string): void {
    const message = JSON.parse(text) as Message;
    if (message.type === "ready") {
      this.ready = true;
      this.attempt = 0;
      for (const [id, subscription] of this.subscriptions) {
        subscription.restart();
        this.announce(id, subscription);
      }
      this.change("live");
    } else if (message.type === "batch") {
      this.subscriptions.get(message.id)?.receive({ ...message, refusal: refusalOf(message) });
    } else if (message.type === "log") {
      this.logs.get(message.id)?.receive(message.text, message.end);
    } else if (message.type === "log_end") {
      const reader = this.logs.get(message.id);
      this.logs.delete(message.id);
      reader?.end(refusalOf(message));
    }
  }

  private retry(): void {
    this.attempt += 1;
    // One lost connection is not worth a word: the next attempt follows within half a second.
    if (this.attempt > 1) this.change("lost");
    this.timer = setTimeout(() => void this.connect(), backoffMs(this.attempt, Math.random));
  }

  retryNow(): void {
    if (this.socket) return;
    clearTimeout(this.timer);
    void this.connect();
  }

  private change(state: LiveState): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

export const live = new LiveSocket();
