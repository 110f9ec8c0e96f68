import { Terminal } from "@xterm/headless";
import { SerializeAddon } from "@xterm/addon-serialize";
import { describe, expect, test } from "vitest";
import { Bench, EPOCH } from "./fakes";
import { CHUNK_BYTES } from "./input";
import { MODES_RESET } from "./sequences";

const refusal = (code: string, message = "no") => ({ code, refused_by: "gateway", message });

describe("opening", () => {
  test("the ticket travels in HELLO, with viewer, size and window, and nothing is sent before", async () => {
    const bench = new Bench();
    bench.session.start("t0", true);
    await bench.settle();
    expect(bench.ticketsAsked).toBe(0);
    expect(bench.socket.sent).toEqual([]);
    bench.socket.events.opened();
    expect(bench.socket.hello).toMatchObject({
      ticket: "t0",
      session: "s1",
      viewer: "0123456789abcdef",
      cols: 80,
      rows: 24,
    });
    expect(bench.socket.hello).not.toHaveProperty("resume");
    expect(bench.socket.sent.length).toBe(1);
  });

  test("a socket that never attaches is given up", async () => {
    const bench = new Bench();
    bench.session.start(null, false);
    await bench.settle();
    bench.socket.events.opened();
    bench.clock.pass(15_000);
    expect(bench.socket.closedWith).not.toBeNull();
    expect(bench.view.phase).toBe("reconnecting");
  });

  test("a message that does not parse costs the connection, not the page", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.events.received(new Uint8Array([0x42, 1]).buffer);
    expect(bench.view.phase).toBe("reconnecting");
  });

  test("types of a newer gateway are ignored", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.events.received(new Uint8Array([0x7f, 1, 2]).buffer);
    expect(bench.view.phase).toBe("live");
  });
});

describe("output", () => {
  test("is acknowledged from the write callback only, at the latest every 32 KiB", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.screen.manual = true;
    socket.output(0, "x".repeat(40_000));
    bench.clock.pass(1_000);
    expect(socket.acks()).toEqual([]);
    bench.screen.parse();
    expect(socket.acks()).toEqual([40_000]);
  });

  test("little output is acknowledged after 50 ms, once", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.output(0, "a");
    socket.output(1, "b");
    expect(socket.acks()).toEqual([]);
    bench.clock.pass(50);
    expect(socket.acks()).toEqual([2]);
  });

  test("duplicates are trimmed", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.output(0, "abcdef");
    socket.output(2, "cdefgh");
    socket.output(0, "abc");
    expect(bench.screen.written).toBe("abcdefgh");
  });

  test("a gap is told with its size, and an unfinished sequence before it is ended", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.output(0, "ab\x1b[3");
    socket.pair(0x44, 5, 1_005);
    socket.output(1_005, "cd");
    expect(bench.view.skippedBytes).toBe(1_000);
    expect(bench.screen.written).toBe("ab\x1b[3\x18\x1b[0mcd");
    bench.clock.pass(50);
    expect(socket.acks().at(-1)).toBe(1_007);
  });

  test("a reconnect resumes at what was handed to the screen, with a new ticket", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.output(0, "abc");
    const next = await bench.reconnected({ start: 3, head: 6 });
    expect(next.hello).toMatchObject({ ticket: "t2", resume: { epoch: EPOCH, offset: 3 } });
    next.output(3, "def");
    expect(bench.screen.written).toBe("abcdef");
  });

  test("a reset clears what was there, in order with what is still being parsed", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.screen.manual = true;
    socket.output(0, "old");
    const next = await bench.reconnected({ epoch: "e2", start: 0, head: 3, reset: true });
    next.output(0, "new");
    bench.screen.parse();
    expect(bench.screen.written).toBe("\x1bcnew");
    bench.clock.pass(50);
    expect(next.acks()).toEqual([3]);
  });

  test("what is lost is told", async () => {
    const bench = new Bench();
    await bench.connected({ start: 500, head: 500, lost: true });
    expect(bench.view.lost).toBe(true);
  });

  test("any cut of the stream leaves the same buffer as a terminal that was fed all bytes", async () => {
    const text = "\x1b[31mrot\x1b[0m grün 日本 👩‍👩‍👧 \x1b]0;t\x07ende\r\n".repeat(40);
    const bytes = new TextEncoder().encode(text);
    const whole = await fed([bytes]);
    let seed = 7;
    for (let round = 0; round < 8; round++) {
      const bench = new Bench();
      const pieces: Uint8Array[] = [];
      const keep = bench.screen.write.bind(bench.screen);
      bench.screen.write = (data, done) => {
        pieces.push(typeof data === "string" ? new TextEncoder().encode(data) : data);
        keep(data, done);
      };
      let socket = await bench.connected();
      for (let at = 0; at < bytes.length;) {
        seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
        const size = 1 + (seed % 97);
        socket.output(at, bytes.subarray(at, at + size));
        at = Math.min(bytes.length, at + size);
        // after a cut the agent replays from before what we have: the overlap must not show twice
        if (seed % 5 === 0) {
          const from = Math.max(0, at - (seed % 50));
          socket = await bench.reconnected({ start: from, head: at });
          socket.output(from, bytes.subarray(from, at));
        }
      }
      expect(await fed(pieces)).toBe(whole);
    }
  });
});

async function fed(pieces: Uint8Array[]): Promise<string> {
  const terminal = new Terminal({ cols: 80, rows: 24, allowProposedApi: true });
  const serializer = new SerializeAddon();
  terminal.loadAddon(serializer as unknown as Parameters<typeof terminal.loadAddon>[0]);
  for (const piece of pieces) await new Promise<void>((done) => terminal.write(piece, done));
  return serializer.serialize();
}

describe("replies of the terminal", () => {
  test("are not sent while old output is replayed, and are afterwards", async () => {
    const bench = new Bench();
    const socket = await bench.connected({ head: 8 });
    socket.output(0, "ab\x1b[6ncd\x1b[c");
    expect(socket.input()).toEqual([{ offset: 0, text: "\x1b[?62;22c", auto: true }]);
  });

  test("wait for the write callback of the replay, not for its arrival", async () => {
    const bench = new Bench();
    const socket = await bench.connected({ head: 4 });
    bench.screen.manual = true;
    socket.output(0, "\x1b[6n");
    bench.screen.parse();
    expect(socket.input()).toEqual([]);
  });

  test("of a session that this page has just created are sent: nobody has answered yet", async () => {
    const bench = new Bench();
    const socket = await bench.connected({ head: 4 }, true);
    socket.output(0, "\x1b[6n");
    expect(socket.input()).toEqual([{ offset: 0, text: "\x1b[1;1R", auto: true }]);
  });

  test("typing during a replay is sent", async () => {
    const bench = new Bench();
    const socket = await bench.connected({ head: 4 });
    for (const typed of ["a", "\r", "\x03", "\x1b", "\x1b[A", "\x1bOB", "\x1b[1;5C", "\x1b[3~", "\x1bb"])
      bench.screen.type(typed);
    for (const reply of [
      "\x1b[?1;2c",
      "\x1b[3;4R",
      "\x1b]11;rgb:00/00/00\x1b\\",
      "\x1bP1$r0m\x1b\\",
      "\x1b[I",
      "\x1b[?2004;1$y",
    ])
      bench.screen.type(reply);
    expect(
      socket
        .input()
        .map(({ text }) => text)
        .join("|"),
    ).toBe("a|\r|\x03|\x1b|\x1b[A|\x1bOB|\x1b[1;5C|\x1b[3~|\x1bb");
  });

  test("are no activity, keys are", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.screen.type("\x1b[I");
    bench.screen.type("x");
    expect(socket.input().map(({ auto }) => auto)).toEqual([true, false]);
  });
});

describe("input", () => {
  test("is cut into chunks and stops at the limit until the agent takes more", async () => {
    const bench = new Bench();
    const socket = await bench.connected({ input_limit: 20_000 });
    bench.screen.type("p".repeat(50_000));
    expect(socket.input().map(({ offset, text }) => [offset, text.length])).toEqual([
      [0, CHUNK_BYTES],
      [CHUNK_BYTES, 20_000 - CHUNK_BYTES],
    ]);
    socket.pair(0x43, 20_000, 60_000);
    const all = socket.input();
    expect(all.reduce((sum, { text }) => sum + text.length, 0)).toBe(50_000);
    expect(all.every(({ text }) => text.length <= CHUNK_BYTES)).toBe(true);
  });

  test("that was not taken is sent again from exactly there", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.screen.type("abc");
    bench.screen.type("def");
    socket.pair(0x43, 2, 65_536);
    const next = await bench.reconnected({ input_taken: 4 });
    expect(next.input()).toEqual([{ offset: 4, text: "ef", auto: false }]);
  });

  test("typed while cut off is sent when the connection is back", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.events.closed(1006);
    bench.screen.type("later");
    bench.clock.pass(11_000);
    await bench.settle();
    bench.socket.events.opened();
    bench.socket.attached({ input_taken: 0 });
    expect(bench.socket.input()).toEqual([{ offset: 0, text: "later", auto: false }]);
  });

  test("meant for a shell that is gone is dropped", async () => {
    const bench = new Bench();
    await bench.connected();
    bench.screen.type("rm -rf x");
    const next = await bench.reconnected({ epoch: "e2", reset: true });
    expect(next.input()).toEqual([]);
    bench.screen.type("a");
    expect(next.input()).toEqual([{ offset: 0, text: "a", auto: false }]);
  });

  test("more than the queue holds is refused and said, not dropped silently", async () => {
    const bench = new Bench();
    await bench.connected({ input_limit: 0 });
    bench.screen.type("q".repeat(5 * 1024 * 1024));
    expect(bench.view.inputRefused).toBe(true);
  });
});

describe("coming back", () => {
  test("waits with jitter, more each time, at most ten seconds, and starts over after success", async () => {
    const bench = new Bench();
    await bench.connected();
    const waits: number[] = [];
    for (let round = 0; round < 8; round++) {
      bench.socket.events.closed(1006);
      waits.push((bench.view.retryAt ?? 0) - bench.clock.time);
      bench.clock.pass(10_000);
      await bench.settle();
    }
    expect(waits[0]).toBe(375);
    expect(waits.every((wait, at) => wait >= 250 && wait <= 10_000 && wait >= (waits[at - 1] ?? 0))).toBe(true);
    expect(bench.view.attempt).toBe(8);
    bench.socket.events.opened();
    bench.socket.attached();
    expect(bench.view).toMatchObject({ phase: "live", attempt: 0 });
  });

  test("an agent that is away is named, and its retry time is honoured", async () => {
    const bench = new Bench();
    bench.tickets = [
      {
        ok: false,
        kind: "refused",
        retryAfterMs: 4_000,
        refusal: { code: "agent_offline", refused_by: "gateway", message: "away", next_step: "", details: {} },
      },
    ];
    bench.session.start(null, false);
    await bench.settle();
    expect(bench.view).toMatchObject({ phase: "reconnecting", cut: "agent", cutText: "away" });
    expect((bench.view.retryAt ?? 0) - bench.clock.time).toBe(4_000);
  });

  test("a gateway that does not answer is named", async () => {
    const bench = new Bench();
    bench.tickets = [{ ok: false, kind: "unreachable" }];
    bench.session.start(null, false);
    await bench.settle();
    expect(bench.view).toMatchObject({ phase: "reconnecting", cut: "gateway" });
  });

  test("a permanent refusal stops it", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.json(0x48, { refusal: refusal("revoked", "taken back") });
    socket.events.closed(4403);
    bench.clock.pass(60_000);
    await bench.settle();
    expect(bench.view).toMatchObject({ phase: "refused", refusal: { message: "taken back" } });
    expect(bench.sockets.length).toBe(1);
  });

  test("silence is noticed by the ping", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.clock.pass(45_000);
    expect(socket.of(0x07).length).toBe(2);
    bench.clock.pass(40_000);
    expect(bench.view.phase).toBe("reconnecting");
  });

  test("a signed-out user is told, not retried", async () => {
    const bench = new Bench();
    bench.tickets = [{ ok: false, kind: "signed_out" }];
    bench.session.start(null, false);
    await bench.settle();
    bench.clock.pass(60_000);
    await bench.settle();
    expect(bench.view.phase).toBe("signed_out");
    expect(bench.ticketsAsked).toBe(1);
  });
});

describe("the end", () => {
  test("keeps the reason, the exit code and what is left, and turns modes off", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.output(0, "\x1b[?1000hbye");
    socket.json(0x46, { reason: "exited", exit_code: 7, left: ["daemon (pid 9)"] });
    socket.events.closed(1000);
    bench.clock.pass(60_000);
    expect(bench.view).toMatchObject({
      phase: "ended",
      end: { reason: "exited", exit_code: 7, left: ["daemon (pid 9)"] },
    });
    expect(bench.screen.written).toContain("\x1b[?1000;1002;1003;1004;1005;1006;1015;1016l");
    expect(bench.sockets.length).toBe(1);
    bench.screen.type("x");
    expect(socket.input()).toEqual([]);
  });

  test("leaves the cursor below what was shown, also out of a full-screen program", async () => {
    const reset = new TextEncoder().encode(MODES_RESET);
    const plain = new TextEncoder().encode("one\r\ntwo\r\n");
    const full = new TextEncoder().encode("one\r\ntwo\r\n\x1b[?1049h\x1b[H\x1b[2Jeditor");
    const after = new TextEncoder().encode("three");
    expect(await fed([plain, reset, after])).toContain("one\r\ntwo\r\nthree");
    expect(await fed([full, reset, after])).toContain("one\r\ntwo\r\nthree");
  });

  test("of a session that ended while the page was away is fetched", async () => {
    const bench = new Bench();
    bench.end = { reason: "idle", exit_code: null, message: "", next_step: "", refusal: null, left: [], unkilled: [] };
    bench.tickets = [
      {
        ok: false,
        kind: "refused",
        retryAfterMs: null,
        refusal: { code: "session_ended", refused_by: "gateway", message: "", next_step: "", details: {} },
      },
    ];
    bench.session.start(null, false);
    await bench.settle();
    expect(bench.view).toMatchObject({ phase: "ended", end: { reason: "idle" } });
  });
});

describe("notices", () => {
  test("an idle warning stands until the user stays or types", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.json(0x45, { kind: "idle_warning", data: { seconds: 60 } });
    expect(bench.view.idleAt).toBe(bench.clock.time + 60_000);
    bench.session.stay();
    expect(bench.view.idleAt).toBeNull();
    expect(socket.of(0x06).length).toBe(1);
  });

  test("a restart turns the old shell's modes off exactly where the new one begins", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.json(0x45, { kind: "restarted", data: { incarnation: 2, cause: "agent_restart", offset: 3 } });
    socket.output(0, "oldnew");
    expect(bench.screen.written).toMatch(/^old\x18.*new$/s);
    expect(bench.view.restarted).toBe("agent_restart");
  });
});

describe("a restart that nobody saw", () => {
  test("is told at the next attach", async () => {
    const bench = new Bench();
    await bench.connected();
    await bench.reconnected({ epoch: "e2", incarnation: 2, reset: true });
    expect(bench.view.restarted).not.toBe("");
  });

  test("is told after a reload too", async () => {
    const bench = new Bench();
    bench.kept = { epoch: "e0", offset: 5, cols: 80, rows: 24, text: "hello" };
    await bench.connected({ incarnation: 2, reset: true });
    expect(bench.view.restarted).not.toBe("");
    expect(bench.screen.written).toBe("\x1bc");
  });

  test("is not claimed when there was none", async () => {
    const bench = new Bench();
    await bench.connected({ incarnation: 2 });
    await bench.reconnected({ incarnation: 2 });
    expect(bench.view.restarted).toBe("");
  });
});

describe("a reload", () => {
  test("restores the snapshot and resumes behind it", async () => {
    const before = new Bench();
    const socket = await before.connected();
    socket.output(0, "hello");
    before.session.saveSnapshot();
    const after = new Bench();
    after.kept = before.kept;
    after.session.start(null, false);
    expect(after.screen.written).toBe("hello");
    await after.settle();
    after.socket.events.opened();
    expect(after.socket.hello).toMatchObject({ resume: { epoch: EPOCH, offset: 5 } });
    after.socket.attached({ start: 5, head: 11 });
    after.socket.output(5, " world");
    expect(after.screen.written).toBe("hello world");
  });

  test("no snapshot is taken inside an escape sequence or a character", async () => {
    for (const tail of ["\x1b[3", "\x1b]0;title", "\x1bP1", new Uint8Array([0xe6, 0x97])]) {
      const bench = new Bench();
      const socket = await bench.connected();
      socket.output(0, "ok");
      bench.session.saveSnapshot();
      socket.output(2, tail);
      bench.session.saveSnapshot();
      expect(bench.kept?.offset).toBe(2);
    }
  });

  test("a snapshot that does not fit is tried with less scrollback, and none is better than half of one", async () => {
    const bench = new Bench();
    bench.storageCharacters = 2;
    const socket = await bench.connected();
    socket.output(0, "hello");
    bench.session.saveSnapshot();
    expect(bench.kept).toBeNull();
  });

  test("of a session that this terminal leaves for good keeps nothing", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    socket.output(0, "hello");
    bench.session.saveSnapshot();
    bench.session.dispose(true);
    expect(bench.kept).toBeNull();
    expect(socket.of(0x09).length).toBe(1);
  });
});

describe("size", () => {
  test("is told once things have settled, and never as nothing", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    for (const cols of [90, 100, 110]) bench.screen.resize(cols, 30);
    expect(socket.of(0x04)).toEqual([]);
    bench.clock.pass(100);
    expect(socket.of(0x04)).toEqual([new Uint8Array([0, 110, 0, 30])]);
    bench.screen.resize(0, 0);
    bench.clock.pass(100);
    expect(socket.of(0x04).length).toBe(1);
  });

  test("hidden and visible are told", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.session.setVisible(false);
    bench.session.setVisible(true);
    expect(socket.of(0x05).map((body) => body[0])).toEqual([0, 1]);
  });
});

describe("for others than this terminal", () => {
  test("what a program draws anew after a resize is no news, what it says later is", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.clock.pass(1_000);
    bench.screen.resize(100, 30);
    bench.clock.pass(80);
    socket.output(0, "prompt");
    expect(bench.news).toBe(0);
    bench.clock.pass(1_000);
    socket.output(6, "output");
    expect(bench.news).toBe(1);
  });

  test("a hand's typing is passed on for a broadcast, the terminal's own replies are not", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.screen.type("ls\r");
    socket.output(0, "\x1b[c");
    expect(bench.typed).toEqual(["ls\r"]);
  });

  test("what was typed elsewhere is sent like what is typed here, once", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.session.type(new TextEncoder().encode("ls\r"));
    expect(socket.input().map((piece) => piece.text)).toEqual(["ls\r"]);
    expect(bench.typed).toEqual([]);
  });
});

describe("hints", () => {
  const ERROR = "ping: socket: Operation not permitted\r\n";

  test("come once the line has been parsed, each once, until dismissed", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.screen.manual = true;
    socket.output(0, ERROR);
    expect(bench.view.hints).toEqual([]);
    bench.screen.parse();
    expect(bench.view.hints).toEqual(["ping"]);
    bench.screen.manual = false;
    socket.output(ERROR.length, ERROR + "Failed to connect to bus: Host is down\r\n");
    expect(bench.view.hints).toEqual(["ping", "bus"]);
    bench.session.dismissHint("ping");
    expect(bench.view.hints).toEqual(["bus"]);
  });

  test("change no byte of the output", async () => {
    const bench = new Bench();
    (await bench.connected()).output(0, ERROR);
    expect(bench.screen.written).toBe(ERROR);
  });

  test("wait for the end of a full-screen program, or of the session", async () => {
    const bench = new Bench();
    const socket = await bench.connected();
    bench.screen.manual = true;
    const opened = ERROR + "\x1b[?1049h";
    socket.output(0, opened);
    bench.screen.parse();
    expect(bench.view.hints).toEqual([]);
    socket.output(opened.length, "\x1b[?1049l");
    bench.screen.parse();
    expect(bench.view.hints).toEqual(["ping"]);

    const other = new Bench();
    const last = await other.connected();
    last.output(0, `\x1b[?1049h${ERROR}`);
    expect(other.view.hints).toEqual([]);
    last.json(0x46, { reason: "exited" });
    expect([other.view.phase, other.view.hints]).toEqual(["ended", ["ping"]]);
  });

  test("are not given for what is replayed, nor where they are not wanted", async () => {
    const bench = new Bench();
    const socket = await bench.connected({ head: ERROR.length });
    socket.output(0, ERROR);
    expect(bench.view.hints).toEqual([]);
    bench.wantsHints = false;
    socket.output(ERROR.length, ERROR);
    expect(bench.view.hints).toEqual([]);
    bench.wantsHints = true;
    socket.output(2 * ERROR.length, ERROR);
    expect(bench.view.hints).toEqual(["ping"]);
  });
});
