"""What a terminal sends by itself, told from what a hand types: answers to queries, focus and mouse reports (spec/terminal.md 4).

Such input is no activity. Pure. The TypeScript twin (web/src/wire/replies.ts) has the same patterns; both run
spec/vectors/replies.json. Sources: xterm's ctlseqs, and what xterm.js 6, VTE and kitty answer.

Where a key and a report look alike the key wins, so that a hand is never ignored: F3 with Shift, Alt and Ctrl is CSI 1;2R to CSI 1;8R,
which is also the report of a cursor in row 1, columns 2 to 8.
"""

from __future__ import annotations

import re

# Longer input is no reply: a title or a clipboard report ends far below.
MAX_REPLY_BYTES = 4096

_ESC = b"\x1b"
_STRING_END = rb"(?:\x07|\x1b\\)"
_PATTERNS = (
    rb"\x1b\[[?>][0-9;]*c",  # DA1, DA2
    rb"\x1b\[\??[0-9][0-9;]*n",  # DSR, colour scheme
    rb"\x1b\[\?[0-9]+;[0-9;]+R",  # DECXCPR
    rb"\x1b\[(?!1;[2-8]R)[0-9]+;[0-9]+R",  # CPR, but not F3
    rb"\x1b\[\??[0-9]+;[0-9]+\$y",  # DECRPM
    rb"\x1b\[\?[0-9][0-9;]*[uS]",  # kitty keyboard flags, XTSMGRAPHICS
    rb"\x1b\[>[0-9;]+m",  # XTQMODKEYS
    rb"\x1b\[[0-9]+(?:;[0-9]+){6}x",  # DECREPTPARM
    rb"\x1b\[[0-9]+(?:;[0-9]+)*t",  # window reports
    rb"\x1b\[[IO]",  # focus in, out
    rb"\x1b\[M[\x20-\xff]{3}",  # mouse, X10
    rb"\x1b\[<[0-9]+;[0-9]+;[0-9]+[Mm]",  # mouse, SGR
    rb"\x1b\[[0-9]+;[0-9]+;[0-9]+M",  # mouse, urxvt
    # DECRQSS, XTGETTCAP, DECRQPSR; XTVERSION, DA3; DECRQCRA
    rb"\x1bP(?:[01]?[$+][rsu]|[>!]\||[0-9]+!~)[^\x07\x1b]*" + _STRING_END,
    rb"\x1b\](?:[0-9]+;|[lL])[^\x07\x1b]*" + _STRING_END,  # colours, clipboard, titles
    rb"\x1b_G[^\x07\x1b]*\x1b\\",  # kitty graphics
)
_REPLY = re.compile(b"|".join(_PATTERNS))
_REPLIES = re.compile(b"(?:" + b"|".join(_PATTERNS) + b")+")
# What may be the beginning of a reply that a read cut in two. Three bytes at least: ESC, ESC [ and ESC P alone are keys.
_BEGINNING = re.compile(
    rb"\x1b\[(?:[0-9?>][0-9;]*\$?|<[0-9;]*|M[\x20-\xff]{0,2})"
    rb"|\x1bP[0-9>!$+][^\x07\x1b]*\x1b?"
    rb"|\x1b\][0-9lL][^\x07\x1b]*\x1b?"
    rb"|\x1b_G[^\x07\x1b]*\x1b?"
)


def is_terminal_reply(data: bytes | str) -> bool:
    """Tell whether `data`, as a terminal handed it over, is made of nothing but replies and reports. Text counts as Latin-1."""
    raw = data if isinstance(data, bytes) else data.encode("latin-1", "replace")
    return len(raw) <= MAX_REPLY_BYTES and _REPLIES.fullmatch(raw) is not None


def split_replies(data: bytes) -> list[tuple[bytes, bool]]:
    """Cut what was read from a terminal into pieces in order, each with whether the terminal made it by itself."""
    splitter = ReplySplitter()
    return splitter.receive(data) + splitter.flush()


class ReplySplitter:
    """`split_replies` over a stream of reads: keeps back, at most 4 KiB, what may be the beginning of a reply.

    Whoever drives it calls `flush` when nothing has followed for a moment: then it was typed after all.
    """

    def __init__(self) -> None:
        self._kept = b""

    @property
    def pending(self) -> bool:
        """Whether something is kept back."""
        return bool(self._kept)

    def receive(self, data: bytes) -> list[tuple[bytes, bool]]:
        """Take a read and return the pieces that are certain."""
        data, self._kept = self._kept + data, b""
        pieces: list[tuple[bytes, bool]] = []
        typed_from = search_from = 0
        while (escape := data.find(_ESC, search_from)) >= 0:
            reply = _REPLY.match(data, escape)
            if reply is not None and reply.end() - escape <= MAX_REPLY_BYTES:
                _add(pieces, data[typed_from:escape], auto=False)
                _add(pieces, reply.group(), auto=True)
                typed_from = search_from = reply.end()
            elif len(data) - escape <= MAX_REPLY_BYTES and _BEGINNING.fullmatch(data, escape):
                self._kept = data[escape:]
                _add(pieces, data[typed_from:escape], auto=False)
                return pieces
            else:
                search_from = escape + 1
        _add(pieces, data[typed_from:], auto=False)
        return pieces

    def flush(self) -> list[tuple[bytes, bool]]:
        """Give up what is kept back: it was typed."""
        kept, self._kept = self._kept, b""
        return [(kept, False)] if kept else []


def _add(pieces: list[tuple[bytes, bool]], data: bytes, *, auto: bool) -> None:
    if not data:
        return
    if pieces and pieces[-1][1] == auto:
        pieces[-1] = (pieces[-1][0] + data, auto)
    else:
        pieces.append((data, auto))
