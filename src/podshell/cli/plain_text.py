"""Texts from elsewhere made harmless for a terminal: what an API server, a gateway or a cluster's objects say. Imports nothing.

Control characters could move the cursor, change the title or fill the clipboard; those that turn the direction of writing make a text look
like another. They are shown as escapes, not left out: whoever reads the line sees that somebody put them there.
"""

from __future__ import annotations

_LINE_ENDS = (0x0A, 0x0D, 0x2028, 0x2029)
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_DIRECTION = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_IN_LINE = {
    **{code: f"\\x{code:02x}" for code in _CONTROLS},
    **{code: f"\\u{code:04x}" for code in _DIRECTION},
    **dict.fromkeys((*_LINE_ENDS, 0x09), " "),
}
# JSON escapes the lower ones by itself, and none stands outside of a string.
_IN_JSON = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *_DIRECTION, 0x2028, 0x2029)}


def visible(text: str) -> str:
    """Return the text as one line without any control character."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").translate(_IN_LINE)


def visible_json(text: str) -> str:
    """Return JSON that says the same without any control character but its line ends."""
    return text.translate(_IN_JSON)
