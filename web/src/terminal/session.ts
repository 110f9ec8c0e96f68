/**
 * One terminal's end of a session: the protocol of spec/terminal.md over sockets that come and go.
 *
 * Owns: the connection and its retries, both offsets, what is typed and not taken, acknowledgements, the snapshot, and the view that
 * components show. Knows no DOM: screen, sockets, clock and storage are ports (ports.ts). Lives until `dispose`; the session itself
 * goes on at the agent unless `close` was called.
 */

import { isRetryable, type Refusal } from "../wire/errors";
import { isTerminalReply } from "../wire/replies";
import {
  type Attached,
  decodeServer,
  encodeAck,
  encodeClose,
  encodeDetach,
  encodeHello,
  encodeInput,
  encodePing,
  encodeResize,
  encodeStay,
  encodeVisible,
  type ServerMessage,
} from "../wire/terminal";
import { Advice } from "./advice";
import { backoffMs } from "./backoff";
import type { HintName } from "./hints";
import { InputStream } from "./input";
import { noticeView, UNKNOWN_END } from "./notices";
import { OutputLog } from "./output";
import type { EndFacts, SessionPorts, Socket } from "./ports";
import { isTypedWhileReplaying } from "./replay";
import { SizeReports } from "./sizes";
import { cleanTitle, clipboardText, safeLink } from "./untrusted";
import { type Cut, FIRST_VIEW, type View } from "./view";

/** Output that may be unacknowledged: what a fast link moves in one round trip, and xterm parses in some 20 ms. */
const WINDOW_BYTES = 256 * 1024;
const ATTACH_TIMEOUT_MS = 15_000;
const PING_MS = 20_000;
const SILENCE_MS = 50_000;

interface Link {
  socket: Socket | null;
  attached: boolean;
  heardAt: number;
  cancels: (() => void)[];
}

export class TerminalSession {
  private view: View = FIRST_VIEW;
  private readonly listeners = new Set<() => void>();
  private readonly input = new InputStream();
  private readonly output: OutputLog;
  private link: Link | null = null;
  private visible = true;
  private cancelRetry: (() => void) | null = null;
  private readonly size: SizeReports;
  private disposed = false;
  private pingToken = 0;
  private typed = false;
  private incarnation: number | null = null;
  private readonly advice: Advice;

  constructor(private readonly ports: SessionPorts) {
    this.advice = new Advice(ports, (hints) => this.change({ hints: [...this.view.hints, ...hints] }));
    this.output = new OutputLog(ports.screen, ports.timers, ports.snapshots, {
      acknowledge: (offset) => this.send(encodeAck(offset)),
      firstByte: () => this.change({ shown: true, progress: "" }),
      news: (data) => {
        if (!this.size.redrawing) ports.sawOutput();
        this.advice.receive(data, this.output.end);
      },
      parsed: (offset) => this.advice.parsed(offset),
    });
    ports.screen.onData((data) => this.receiveData(data));
    ports.screen.onBinary((data) =>
      this.pushInput(
        Uint8Array.from(data, (char) => char.charCodeAt(0)),
        true,
      ),
    );
    this.size = new SizeReports(ports.screen, ports.timers, (cols, rows) => {
      if (!this.link?.attached) return false;
      this.send(encodeResize(cols, rows));
      return true;
    });
    ports.screen.onTitle((title) => this.change({ title: cleanTitle(title) }));
    ports.screen.onClipboardRequest((payload) => {
      if (!this.output.replaying) this.change({ clipboard: clipboardText(payload) });
    });
    ports.screen.onLink((url) => this.change({ link: safeLink(url) }));
  }

  // --- what components read ------------------------------------------------------------------------------------------------

  readonly getView = (): View => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private change(part: Partial<View>): void {
    this.view = { ...this.view, ...part };
    for (const listener of this.listeners) listener();
  }

  // --- what the user does --------------------------------------------------------------------------------------------------

  /** Restore what was shown before a reload, and connect. `fresh`: this page has just created the session, `ticket` opens it. */
  start(ticket: string | null, fresh: boolean): void {
    this.output.fresh = fresh;
    if (!fresh && this.output.restore()) this.change({ shown: true });
    void this.connect(ticket);
  }

  setVisible(visible: boolean): void {
    if (visible === this.visible) return;
    this.visible = visible;
    this.send(encodeVisible(visible));
    if (!visible) this.output.save();
  }

  stay(): void {
    this.send(encodeStay());
    this.change({ idleAt: null });
  }

  /** End the session for everyone. True when the request could be sent on the socket. */
  close(): boolean {
    if (!this.link?.attached) return false;
    this.send(encodeClose());
    return true;
  }

  /** Take what was typed elsewhere as if it had been typed here. */
  type(data: Uint8Array): void {
    this.pushInput(data, false);
  }

  /** Say that a paste was too long to be taken. */
  refusePaste(): void {
    this.change({ inputRefused: true });
  }

  retryNow(): void {
    if (this.view.phase !== "reconnecting") return;
    this.cancelRetry?.();
    void this.connect(null);
  }

  dismiss(
    what: "restarted" | "skipped" | "lost" | "clipboard" | "link" | "inputRefused" | "unmanaged" | "unheld",
  ): void {
    const cleared: Record<typeof what, Partial<View>> = {
      restarted: { restarted: "" },
      skipped: { skippedBytes: 0 },
      lost: { lost: false },
      clipboard: { clipboard: "" },
      link: { link: "" },
      inputRefused: { inputRefused: false },
      unmanaged: { unmanaged: "" },
      unheld: { unheld: "" },
    };
    this.change(cleared[what]);
  }

  dismissHint(name: HintName): void {
    this.change({ hints: this.view.hints.filter((hint) => hint !== name) });
  }

  /** Keep what is on the screen for the next page (call when the page is about to go). */
  saveSnapshot(): void {
    this.output.save();
  }

  /** Leave the session; it goes on. `forget`: this page does not come back to it. */
  dispose(forget: boolean): void {
    this.disposed = true;
    this.cancelRetry?.();
    this.size.dispose();
    if (this.link?.attached) this.send(encodeDetach());
    this.drop(1000);
    if (forget) this.ports.snapshots.remove();
    this.output.dispose();
    this.listeners.clear();
  }

  // --- connecting ----------------------------------------------------------------------------------------------------------

  private async connect(ticket: string | null): Promise<void> {
    const link: Link = { socket: null, attached: false, heardAt: this.ports.timers.now(), cancels: [] };
    this.link = link;
    this.change({ retryAt: null });
    const secret = ticket ?? (await this.fetchTicket(link));
    if (secret === null || this.link !== link || this.disposed) return;
    link.cancels.push(this.ports.timers.after(ATTACH_TIMEOUT_MS, () => this.lose(link, "connection", "")));
    link.socket = this.ports.openSocket({
      opened: () => this.link === link && this.hello(link, secret),
      received: (data) => this.link === link && this.receive(link, data),
      closed: (code) => this.link === link && this.closed(link, code),
    });
  }

  private async fetchTicket(link: Link): Promise<string | null> {
    const answer = await this.ports.fetchTicket();
    if (this.link !== link || this.disposed) return null;
    if (answer.ok) return answer.ticket;
    if (answer.kind === "signed_out") this.stop({ phase: "signed_out" });
    else if (answer.kind === "unreachable") this.lose(link, "gateway", "");
    else if (answer.refusal.code === "session_ended") await this.learnEnd();
    else if (answer.retryAfterMs === null && !isRetryable(answer.refusal)) this.refuse(answer.refusal);
    else this.lose(link, "agent", answer.refusal.message, answer.retryAfterMs ?? 0);
    return null;
  }

  private hello(link: Link, ticket: string): void {
    const { screen, sessionId, viewerId, client } = this.ports;
    const resume = this.output.position;
    link.socket?.send(
      encodeHello({
        ticket,
        session: sessionId,
        viewer: viewerId,
        ...(resume ? { resume } : {}),
        cols: Math.max(1, screen.cols),
        rows: Math.max(1, screen.rows),
        visible: this.visible,
        window: WINDOW_BYTES,
        client,
      }),
    );
    this.size.told();
  }

  private closed(link: Link, code: number): void {
    if (this.view.phase === "ended" || this.view.phase === "refused") this.drop(code);
    else if (code === 4401) this.stop({ phase: "signed_out" });
    else if (code === 4000) {
      this.drop(code);
      void this.learnEnd();
    } else this.lose(link, code === 4503 ? "agent" : "connection", "");
  }

  /** The connection is gone: try again after a while. */
  private lose(link: Link, cut: Cut, text: string, retryAfterMs = 0): void {
    if (this.link !== link || this.disposed) return;
    this.drop(4000);
    const attempt = this.view.phase === "reconnecting" || this.view.phase === "connecting" ? this.view.attempt + 1 : 1;
    const wait = backoffMs(attempt, this.ports.random, retryAfterMs);
    this.change({
      phase: "reconnecting",
      attempt,
      cut,
      cutText: text,
      retryAt: this.ports.timers.now() + wait,
      idleAt: null,
    });
    this.cancelRetry = this.ports.timers.after(wait, () => void this.connect(null));
  }

  private drop(code: number): void {
    const link = this.link;
    this.link = null;
    if (!link) return;
    for (const cancel of link.cancels) cancel();
    link.socket?.close(code);
  }

  private stop(part: Partial<View>): void {
    this.drop(1000);
    this.change({ ...part, retryAt: null, idleAt: null, progress: "", restarting: "" });
  }

  private refuse(refusal: Refusal): void {
    this.output.resetModes();
    this.stop({ phase: "refused", refusal });
  }

  private async learnEnd(): Promise<void> {
    const end = await this.ports.fetchEnd();
    if (!this.disposed) this.finish(end ?? UNKNOWN_END);
  }

  private finish(end: EndFacts): void {
    this.output.resetModes();
    this.advice.finish();
    this.stop({ phase: "ended", end });
    this.output.saveWhenParsed();
  }

  // --- receiving -----------------------------------------------------------------------------------------------------------

  private receive(link: Link, data: ArrayBuffer): void {
    link.heardAt = this.ports.timers.now();
    let message: ServerMessage;
    try {
      message = decodeServer(data);
    } catch {
      this.lose(link, "connection", ""); // the other end broke the protocol: a new connection starts clean
      return;
    }
    this.handle(link, message);
  }

  private handle(link: Link, message: ServerMessage): void {
    switch (message.type) {
      case "output":
        this.output.receive(message.offset, message.data);
        return;
      case "input_ack":
        this.input.acknowledge(message.taken, message.limit);
        this.flushInput();
        return;
      case "attached":
        this.attach(link, message);
        return;
      case "gap":
        this.change({ skippedBytes: this.view.skippedBytes + this.output.skip(message.start, message.end) });
        return;
      case "notice":
        this.change(noticeView(message.kind, message.data, this.view, this.ports.timers.now()));
        if (message.kind === "restarted") {
          this.incarnation = Number(message.data.incarnation ?? this.incarnation);
          this.output.resetModesAt(Number(message.data.offset ?? 0));
        }
        return;
      case "end":
        this.finish(message);
        return;
      case "error":
        this.receiveError(link, message.refusal, message.retry_after_ms);
        return;
      case "pong":
      case "unknown":
        return;
    }
  }

  private receiveError(link: Link, refusal: Refusal, retryAfterMs: number | null): void {
    if (refusal.code === "unauthenticated") this.stop({ phase: "signed_out" });
    else if (refusal.code === "session_ended") {
      this.drop(1000);
      void this.learnEnd();
    } else if (refusal.code === "ticket_refused" && this.view.attempt < 3) this.lose(link, "connection", "");
    else if (retryAfterMs === null && !isRetryable(refusal)) this.refuse(refusal);
    else this.lose(link, "agent", refusal.message, retryAfterMs ?? 0);
  }

  private attach(link: Link, attached: Attached): void {
    for (const cancel of link.cancels.splice(0)) cancel();
    link.attached = true;
    const sameShell = this.output.epoch === null || this.output.epoch === attached.epoch;
    // A restart while nobody was attached has no notice: it shows in the numbers.
    const restarted = this.incarnation === null ? !sameShell : this.incarnation !== attached.incarnation;
    this.incarnation = attached.incarnation;
    if (!sameShell) this.advice.startOver();
    const skipped = this.output.attach(attached);
    this.input.attach(sameShell, attached.input_taken, attached.input_limit);
    this.change({
      phase: "live",
      attempt: 0,
      retryAt: null,
      cutText: "",
      restarted: restarted ? this.view.restarted || "restarted" : this.view.restarted,
      lost: this.view.lost || attached.lost,
      skippedBytes: this.view.skippedBytes + skipped,
      restarting: attached.state === "restarting" ? this.view.restarting || "restarting" : "",
      progress: this.view.shown || attached.head > 0 ? "" : this.view.progress || "starting",
      idleTimeoutSeconds: attached.idle_timeout_seconds,
    });
    this.size.report();
    this.flushInput();
    this.keepAlive(link);
  }

  private keepAlive(link: Link): void {
    const beat = (): void => {
      if (this.ports.timers.now() - link.heardAt > SILENCE_MS) {
        this.lose(link, "connection", "");
        return;
      }
      this.pingToken += 1;
      this.send(encodePing(this.pingToken));
      link.cancels = [this.ports.timers.after(PING_MS, beat)];
    };
    link.cancels = [this.ports.timers.after(PING_MS, beat)];
  }

  // --- sending -------------------------------------------------------------------------------------------------------------

  private send(message: Uint8Array): void {
    if (this.link?.attached) this.link.socket?.send(message);
  }

  private receiveData(data: string): void {
    const auto = isTerminalReply(data);
    if (this.output.replaying && (auto || !isTypedWhileReplaying(data))) return;
    const typed = new TextEncoder().encode(data);
    this.pushInput(typed, auto);
    if (!auto) this.ports.typed(typed);
  }

  private pushInput(data: Uint8Array, auto: boolean): void {
    const { phase } = this.view;
    if (phase === "ended" || phase === "refused" || phase === "signed_out") return;
    if (auto && !this.link?.attached) return;
    if (!auto) this.typed = true;
    if (!this.input.push(data, auto)) this.change({ inputRefused: true });
    if (!auto && this.view.idleAt !== null) this.change({ idleAt: null });
    this.flushInput();
  }

  private flushInput(): void {
    if (!this.link?.attached) return;
    for (const piece of this.input.take()) this.send(encodeInput(piece.offset, piece.data, piece.auto));
  }

  /** True once the user has typed here. */
  get hasTyped(): boolean {
    return this.typed;
  }
}
