/**
 * The terminals of this page: one screen and one session a tab, for as long as the tab is there.
 *
 * Connects the DOM-free engine with the browser: WebSocket, storage, visibility, page life. Follows the dock's list of tabs.
 */

import { ApiFailure, fetchSession, sessionTicket, socketAddress } from "../api/client";
import { dock, type Tab, tabName } from "../dock/dock";
import { text } from "../text";
import { type Comfort, followComfort, getComfort } from "./comfort";
import type { EndFacts, SessionPorts, Socket, SocketEvents, TicketAnswer } from "./ports";
import { TerminalSession } from "./session";
import { claimViewerId, snapshotStore } from "./storage";
import type { SchemeName } from "./themes";
import { XtermScreen } from "./xtermScreen";

const SUBPROTOCOL = "podshell.terminal.v1";

export interface OpenTerminal {
  screen: XtermScreen;
  /** Null until this tab's viewer id is settled. */
  session: TerminalSession | null;
  closed: boolean;
}

const terminals = new Map<string, OpenTerminal>();
let pageScheme: "dark" | "light" = "dark";

export function schemeOf(comfort: Comfort, page: "dark" | "light"): SchemeName {
  return comfort.theme === "console" ? page : comfort.theme;
}

function followLook(): void {
  const comfort = getComfort();
  for (const { screen } of terminals.values()) screen.follow(comfort, schemeOf(comfort, pageScheme));
}

/** The page is dark or light now. */
export function setPageScheme(scheme: "dark" | "light"): void {
  pageScheme = scheme;
  followLook();
}

/** The terminal of a session that has one already. */
export function knownTerminal(id: string): OpenTerminal | undefined {
  return terminals.get(id);
}

/** The terminal of a tab, made and connected at the first call. */
export function terminalOf(tab: Tab): OpenTerminal {
  const { id } = tab.session;
  const known = terminals.get(id);
  if (known) return known;
  const comfort = getComfort();
  const label = text.terminal.label(tabName(tab.session));
  const screen = new XtermScreen(id, label, comfort, schemeOf(comfort, pageScheme));
  const terminal: OpenTerminal = { screen, session: null, closed: false };
  terminals.set(id, terminal);
  void claimViewerId(id).then((viewerId) => connect(terminal, tab, viewerId));
  return terminal;
}

function connect(terminal: OpenTerminal, tab: Tab, viewerId: string): void {
  if (terminal.closed) return;
  const { id } = tab.session;
  const session = new TerminalSession(portsOf(tab, viewerId, terminal.screen));
  terminal.session = session;
  session.subscribe(() => dock.report(id, session.getView()));
  session.setVisible(isVisible(id));
  session.start(tab.ticket, tab.fresh);
  dock.report(id, session.getView());
}

function portsOf({ session }: Tab, viewerId: string, screen: XtermScreen): SessionPorts {
  const sessionId = session.id;
  // Elsewhere errors of this kind are the program's own: nobody could open that shell with other rights.
  const advisable = session.kind === "debug" || session.kind === "node";
  return {
    sessionId,
    viewerId,
    client: "console",
    screen,
    snapshots: snapshotStore(sessionId),
    timers: {
      now: () => Date.now(),
      after: (ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    },
    random: Math.random,
    openSocket,
    fetchTicket: () => fetchTicket(sessionId),
    fetchEnd: () => fetchEnd(sessionId),
    wantsHints: () => advisable && getComfort().hints,
    sawOutput: () => dock.mark(sessionId),
    typed: (data) => broadcast(sessionId, data),
  };
}

/** What is typed into one of the chosen shells goes to the others too. */
function broadcast(from: string, data: Uint8Array): void {
  const { broadcast: chosen } = dock.getState();
  if (!chosen.includes(from)) return;
  for (const id of chosen) if (id !== from) terminals.get(id)?.session?.type(data);
}

function openSocket(events: SocketEvents): Socket {
  const socket = new WebSocket(socketAddress("/ws/terminal"), [SUBPROTOCOL]);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => events.opened();
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (event.data instanceof ArrayBuffer) events.received(event.data);
  };
  socket.onclose = (event) => events.closed(event.code);
  return {
    send: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data as Uint8Array<ArrayBuffer>);
    },
    // A page may close with 1000 and 3000 to 4999 only.
    close: (code) => socket.close(code >= 3000 && code < 5000 ? code : 1000),
  };
}

async function fetchTicket(sessionId: string): Promise<TicketAnswer> {
  try {
    return { ok: true, ticket: (await sessionTicket(sessionId)).ticket };
  } catch (failure) {
    if (!(failure instanceof ApiFailure)) throw failure;
    if (failure.signedOut) return { ok: false, kind: "signed_out" };
    if (!failure.refusal) return { ok: false, kind: "unreachable" };
    return { ok: false, kind: "refused", refusal: failure.refusal, retryAfterMs: failure.retryAfterMs };
  }
}

async function fetchEnd(sessionId: string): Promise<EndFacts | null> {
  try {
    const { end } = await fetchSession(sessionId);
    if (!end) return null;
    return {
      reason: end.reason,
      exit_code: end.exit_code ?? null,
      message: end.message ?? "",
      next_step: end.next_step ?? "",
      refusal: end.refusal ? { next_step: "", details: {}, ...end.refusal } : null,
      left: end.left ?? [],
      unkilled: end.unkilled ?? [],
    };
  } catch {
    return null;
  }
}

function isVisible(id: string): boolean {
  return document.visibilityState === "visible" && dock.getState().shown.includes(id);
}

function followVisibility(): void {
  for (const [id, { session }] of terminals) session?.setVisible(isVisible(id));
}

function followTabs(): void {
  const open = new Set(dock.getState().tabs.map((tab) => tab.session.id));
  for (const [id, terminal] of terminals) {
    if (open.has(id)) continue;
    terminals.delete(id);
    terminal.closed = true;
    terminal.session?.dispose(true);
    terminal.screen.dispose();
  }
  followVisibility();
}

function saveAll(): void {
  for (const { session } of terminals.values()) session?.saveSnapshot();
}

dock.listen(followTabs);
followComfort(followLook);
document.addEventListener("visibilitychange", followVisibility);
window.addEventListener("pagehide", saveAll);
