"""The vectors that Python and TypeScript both run. `python tests/unit/wire/wire_vectors.py` writes spec/vectors/*.json anew.

A difference after that is a change of the protocol: it needs a line in spec/ and, if older peers exist, a version.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec

from podshell.wire import messages as m
from podshell.wire import terminal as t
from podshell.wire.errors import MEANINGS, ErrorCode, Refusal, RefusedBy
from podshell.wire.frames import Flag, FrameType, encode_frame
from podshell.wire.link_events import FRAME_TYPES, Message, encode_message
from podshell.wire.streams import OFFSET, PAIR

FOLDER = Path(__file__).resolve().parents[3] / "spec" / "vectors"
Json = dict[str, object]

REFUSAL = Refusal(
    ErrorCode.FORBIDDEN_BY_KUBERNETES,
    RefusedBy.KUBERNETES,
    'pods "web-0" is forbidden: User "ada" cannot create resource "pods/exec"',
    "ask for the verb create on pods/exec",
    {"verb": "create", "containers": ["app", "proxy"]},
)


def frames() -> Json:
    """Frames whole, cut in pieces (bodies of so many letters e), and broken."""

    def row(name: str, frame_type: int, stream: int, body: bytes, flags: int = 0) -> Json:
        return {
            "name": name,
            "type": frame_type,
            "flags": flags,
            "stream": stream,
            "body": body.hex(),
            "bytes": encode_frame(frame_type, stream, body, flags).hex(),
        }

    def large(name: str, count: int) -> Json:
        encoded = encode_frame(FrameType.EVENT, 1, b"e" * count)
        return {
            "name": name,
            "type": FrameType.EVENT.value,
            "stream": 1,
            "count_of_e": count,
            "sha256": hashlib.sha256(encoded).hexdigest(),
        }

    def broken(name: str, data: bytes) -> Json:
        return {"name": name, "bytes": data.hex()}

    piece = encode_frame(FrameType.EVENT, 2, b"ab", Flag.MORE)
    return {
        "frames": [
            row("an empty body", FrameType.STAY, 1, b""),
            row("output", FrameType.DATA, 1, OFFSET.pack(7) + b"hello"),
            row("input made by the terminal", FrameType.DATA, 2**32 - 1, OFFSET.pack(0) + b"\x1b[0n", Flag.AUTO),
            row("end of input", FrameType.DATA, 3, OFFSET.pack(9), Flag.END),
            row("credit", FrameType.WINDOW, 1, PAIR.pack(12, 262_156)),
            row("a hole", FrameType.GAP, 1, PAIR.pack(100, 2**53)),
            row("what the link took", FrameType.LINK_WINDOW, 0, OFFSET.pack(65_536)),
            row("an unknown optional type", 0x7F, 0, b"?", Flag.OPTIONAL),
        ],
        "large": [large("one frame", 65_535), large("two pieces", 65_536), large("four pieces", 200_000)],
        "faults": [
            broken("DATA in pieces", encode_frame(FrameType.DATA, 1, OFFSET.pack(0), Flag.MORE)),
            broken("another stream between pieces", piece + encode_frame(FrameType.EVENT, 4, b"cd")),
            broken("another type between pieces", piece + encode_frame(FrameType.REPLY, 2, b"cd")),
        ],
    }


def link_messages() -> list[tuple[str, int, Message]]:
    challenge = m.Challenge(bytes(range(32)), "replica-1", 1_790_000_000_000)
    attached = m.Attached("s1", "e1", 1, "running", 65_536, 65_600, 12, 65_548, reset=True, lost=True, cols=120, rows=40)
    return [
        ("challenge", 0, challenge),
        ("hello", 0, m.Hello(1, "prod", "agent-0", "e1", b"\x01" * 32, b"\x02" * 64, 5, "0.1.0", "v1.36.2", ceiling={"podExec": True})),
        ("welcome", 0, m.Welcome(1, "replica-1", 2, 5.0, [b"\x03" * 32])),
        ("reject", 0, m.Reject(REFUSAL, 2000, final=True)),
        ("ping", 0, m.Ping(1, 2)),
        ("pong", 0, m.Pong(1, 2)),
        ("goaway", 0, m.Goaway("restart", 30_000)),
        ("sync", 0, m.Sync([1, 3, 2**32 - 1], ["s1"])),
        ("draining", 0, m.Draining(True)),
        ("fact", 0, m.Fact(2**53, "s1", "ended", 5, {"exit_code": 7, "left": ["sleep"], "ok": None, "rate": 0.5, "tty": True})),
        ("fact_ack", 0, m.FactAck(9)),
        ("call", 1, m.Call("inventory.watch", msgspec.Raw(msgspec.msgpack.encode({"kind": "pods"})), b"grant")),
        ("reply", 1, m.Reply(msgspec.Raw(msgspec.msgpack.encode([1, 2])))),
        ("refusing reply", 1, m.Reply(refusal=REFUSAL)),
        ("event", 1, m.Event(msgspec.Raw(b"\x80"))),
        ("attach", 1, m.Attach("s1", "00ff", b"grant", "observer", m.Position("e1", 2**53), 65_536, False, 80, 24)),
        ("attached", 1, attached),
        ("resize", 1, m.Resize(65_535, 1)),
        ("visibility", 1, m.Visibility(False)),
        ("stay", 1, m.Stay()),
        ("notice", 1, m.Notice("idle_warning", {"seconds": 60})),
        ("end", 1, m.End("exited", 7, left=["42 (sleep)"])),
        ("detach", 1, m.Detach()),
        ("reset", 1, m.Reset(REFUSAL)),
    ]


def link() -> Json:
    """Every message of the link as a frame, and the bytes an agent signs."""
    challenge = m.Challenge(bytes(range(32)), "replica-1", 0)
    return {
        "messages": [
            {
                "name": name,
                "type": FRAME_TYPES[type(message)].name,
                "stream": stream,
                "bytes": encode_frame(FRAME_TYPES[type(message)], stream, encode_message(message)).hex(),
            }
            for name, stream, message in link_messages()
        ],
        "hello_proof": {
            "nonce": challenge.nonce.hex(),
            "replica": "replica-1",
            "cluster": "prod",
            "instance": "agent-0",
            "epoch": "e1",
            "public_key": ("01" * 32),
            "bytes": m.hello_proof(challenge, "prod", "agent-0", "e1", b"\x01" * 32).hex(),
        },
    }


HELLO = t.TerminalHello("ticket", "s1", "00ff00ff00ff00ff", m.Position("e1", 2**53), "observer", 120, 40, False, 65_536, "test")
CLIENT: list[tuple[str, t.ClientMessage, Json]] = [
    ("input", t.Input(0, b"ls\r"), {"offset": 0, "data": "6c730d", "auto": False, "end": False}),
    ("input", t.Input(2**32 + 5, b"\x1b[I", True), {"offset": 2**32 + 5, "data": "1b5b49", "auto": True, "end": False}),
    ("input", t.Input(2**53, b"", end=True), {"offset": 2**53, "data": "", "auto": False, "end": True}),
    ("ack", t.Ack(2**53), {"offset": 2**53}),
    ("resize", m.Resize(65_535, 1), {"cols": 65_535, "rows": 1}),
    ("visible", m.Visibility(True), {"visible": True}),
    ("visible", m.Visibility(False), {"visible": False}),
    ("stay", m.Stay(), {}),
    ("ping", t.TerminalPing(2**40), {"token": 2**40}),
    ("close", t.Close(), {}),
    ("detach", m.Detach(), {}),
    ("hello", HELLO, {"hello": msgspec.to_builtins(HELLO)}),
]
SERVER: list[t.ServerMessage] = [
    m.Attached("s1", "e1", 2, "running", 10, 20, 3, 65_539),
    m.Attached("s1", "e1", 2, "running", 2**53, 2**53, 0, 65_536, True, True, 120, 40, 300.5),
    t.Output(2**32, b"h\xc3\xa9\x1b[0m"),
    t.Output(0, b""),
    t.InputAck(5, 2**53),
    t.OutputGap(1, 2**33),
    m.Notice("idle_cleared"),
    m.Notice("viewers", {"owners": 1, "observers": 0, "names": ["ada"], "share": 0.5, "on": True, "nothing": None}),
    m.End("exited", 7),
    m.End("failed", None, "it broke", "try again", REFUSAL, ["42 (sleep)"], ["43 (vim)"]),
    t.TerminalPong(2**53),
    t.TerminalError(REFUSAL),
    t.TerminalError(Refusal(ErrorCode.AGENT_OFFLINE, RefusedBy.GATEWAY, "its agent is away"), 1500),
]
SERVER_NAMES: dict[type[t.ServerMessage], str] = {
    m.Attached: "attached",
    t.Output: "output",
    t.InputAck: "input_ack",
    t.OutputGap: "gap",
    m.Notice: "notice",
    m.End: "end",
    t.TerminalPong: "pong",
    t.TerminalError: "error",
}
NOT_FOR_A_CLIENT = ["", "00", "0a", "42", "0200", "030000", "0400000001", "0400010000", "0502", "0500ff", "0600",
                    "0300200000000000" + "01", "017b", "0100", "01ff", "07ffffffffffffffff"]  # fmt: skip
NOT_FROM_A_GATEWAY = ["", "06", "4200", "43" + "00" * 15, "44" + "ff" * 16, "420020000000000001",
                      "41", "417b7d", "415b5d", "457b22", "45ff",
                      "46" + b'{"reason":1}'.hex(), "48" + b'{"refusal":{"code":"x","refused_by":"agent","message":""}}'.hex(),
                      "48" + b"{}".hex(), "47"]  # fmt: skip


def with_defaults(message: t.ServerMessage) -> Json:
    """A message as the console sees it: every field there, bytes as hex."""

    def plain(value: object) -> object:
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, msgspec.Struct):
            return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        return value

    fields = plain(message)
    assert isinstance(fields, dict)
    return {"type": SERVER_NAMES[type(message)], **fields}


def terminal() -> Json:
    """Messages of both directions, broken ones, and what each refusal means."""
    return {
        "client": [{"type": name, **fields, "bytes": t.encode_client(message).hex()} for name, message, fields in CLIENT],
        "server": [{"bytes": t.encode_server(message).hex(), "message": with_defaults(message)} for message in SERVER],
        "unknown": ["4900", "ff", "00"],
        "not_for_a_client": NOT_FOR_A_CLIENT,
        "not_from_a_gateway": NOT_FROM_A_GATEWAY,
        "errors": {
            code.value: {"http_status": row.http_status, "close_code": row.close_code, "retryable": row.retryable}
            for code, row in MEANINGS.items()
        },
    }


REPLIES: list[tuple[str, bytes]] = [
    ("DA1", b"\x1b[?1;2c"),
    ("DA1 of xterm.js 6", b"\x1b[?62;4;9;22c"),
    ("DA2", b"\x1b[>0;276;0c"),
    ("DA3", b"\x1bP!|00000000\x1b\\"),
    ("DSR, terminal ready", b"\x1b[0n"),
    ("colour scheme", b"\x1b[?997;1n"),
    ("CPR", b"\x1b[24;80R"),
    ("CPR at home: no modifier is 1", b"\x1b[1;1R"),
    ("CPR in row 1 behind the columns that look like F3", b"\x1b[1;9R"),
    ("CPR in row 2, column 2", b"\x1b[2;2R"),
    ("DECXCPR", b"\x1b[?24;80R"),
    ("DECXCPR with a page", b"\x1b[?1;2;1R"),
    ("DECRPM, private", b"\x1b[?2026;2$y"),
    ("DECRPM, ANSI", b"\x1b[4;2$y"),
    ("DECRQSS", b"\x1bP1$r0m\x1b\\"),
    ("DECRQSS, refused", b"\x1bP0$r\x1b\\"),
    ("XTGETTCAP", b"\x1bP1+r544e=787465726d\x1b\\"),
    ("XTVERSION", b"\x1bP>|xterm.js(6.0.0)\x1b\\"),
    ("foreground colour", b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\"),
    ("background colour, ended by BEL", b"\x1b]11;rgb:0000/0000/0000\x07"),
    ("cursor colour", b"\x1b]12;rgb:aaaa/bbbb/cccc\x1b\\"),
    ("palette colour", b"\x1b]4;1;rgb:cdcd/0000/0000\x1b\\"),
    ("clipboard", b"\x1b]52;c;\x1b\\"),
    ("title", b"\x1b]lshell\x1b\\"),
    ("kitty keyboard flags", b"\x1b[?0u"),
    ("XTQMODKEYS", b"\x1b[>4;2m"),
    ("DECREPTPARM", b"\x1b[2;1;1;128;128;1;0x"),
    ("text area size", b"\x1b[8;24;80t"),
    ("window state", b"\x1b[1t"),
    ("in-band resize", b"\x1b[48;24;80;480;640t"),
    ("focus in", b"\x1b[I"),
    ("focus out", b"\x1b[O"),
    ("mouse, X10", b"\x1b[M !!"),
    ("mouse, X10, column 200", b"\x1b[M#\xe8\x30"),
    ("mouse, SGR press", b"\x1b[<0;10;20M"),
    ("mouse, SGR release", b"\x1b[<0;10;20m"),
    ("mouse, urxvt", b"\x1b[32;10;20M"),
    ("two in one", b"\x1b[I\x1b[24;80R"),
]
KEYS: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("a letter", b"a"),
    ("Escape", b"\x1b"),
    ("Up", b"\x1b[A"),
    ("Up, application mode", b"\x1bOA"),
    ("Ctrl-Right", b"\x1b[1;5C"),
    ("Home", b"\x1b[H"),
    ("Page Up", b"\x1b[5~"),
    ("Delete", b"\x1b[3~"),
    ("Shift-Tab", b"\x1b[Z"),
    ("F1", b"\x1bOP"),
    ("Shift-F1", b"\x1b[1;2P"),
    ("F3", b"\x1bOR"),
    ("Shift-F3", b"\x1b[1;2R"),
    ("Ctrl-F3", b"\x1b[1;5R"),
    ("Shift-Alt-Ctrl-F3", b"\x1b[1;8R"),
    ("Shift-F4", b"\x1b[1;2S"),
    ("F5", b"\x1b[15~"),
    ("Alt-[", b"\x1b["),
    ("Alt-]", b"\x1b]"),
    ("Alt-P", b"\x1bP"),
    ("Alt-_", b"\x1b_"),
    ("Ctrl-Enter, kitty", b"\x1b[13;5u"),
    ("modifyOtherKeys", b"\x1b[27;5;13~"),
    ("bracketed paste", b"\x1b[200~\x1b[I\x1b[201~"),
    ("a reply and a key", b"\x1b[0na"),
    ("a key and a reply", b"a\x1b[0n"),
    ("half a reply", b"\x1b[24;8"),
    ("an unended colour", b"\x1b]11;rgb:00/00/00"),
    ("a letter outside Latin-1, in UTF-8", "\N{GREEK SMALL LETTER PI}".encode()),
    ("more than 4 KiB", b"\x1b]52;c;" + b"A" * 4096 + b"\x07"),
]
# reads, and the pieces they give; what a flush gives up comes last
SPLITS: list[tuple[str, list[bytes], list[tuple[bytes, bool]]]] = [
    ("keys around a reply", [b"ls\x1b[?1;2c\r"], [(b"ls", False), (b"\x1b[?1;2c", True), (b"\r", False)]),
    ("a reply in two reads", [b"a\x1b[24;", b"80Rb"], [(b"a", False), (b"\x1b[24;80R", True), (b"b", False)]),
    ("a colour cut before the last byte", [b"\x1b]11;rgb:0/0/0\x1b", b"\\"], [(b"\x1b]11;rgb:0/0/0\x1b\\", True)]),
    ("a key cut in two", [b"\x1b[5", b"~"], [(b"\x1b[5~", False)]),
    ("an arrow and focus", [b"\x1b[A\x1b[I"], [(b"\x1b[A", False), (b"\x1b[I", True)]),
    ("nothing follows", [b"\x1b[24;8"], [(b"\x1b[24;8", False)]),
    ("Escape is not kept back", [b"\x1b", b"x"], [(b"\x1b", False), (b"x", False)]),
    ("Escape before a reply", [b"\x1b\x1b[I"], [(b"\x1b", False), (b"\x1b[I", True)]),
]


def replies() -> Json:
    """What counts as a reply and what as keys; and mixed reads cut up."""
    return {
        "replies": [{"name": name, "bytes": data.hex()} for name, data in REPLIES],
        "keys": [{"name": name, "bytes": data.hex()} for name, data in KEYS],
        "splits": [
            {"name": name, "reads": [read.hex() for read in reads], "pieces": [[data.hex(), auto] for data, auto in pieces]}
            for name, reads, pieces in SPLITS
        ],
    }


ALL = {"frames": frames, "link": link, "terminal": terminal, "replies": replies}


def text(name: str) -> str:
    return json.dumps(ALL[name](), indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in ALL:
        (FOLDER / f"{each}.json").write_text(text(each))
