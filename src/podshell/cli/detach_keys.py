"""The keys that leave a session running: parsing "ctrl-p,ctrl-q" and finding them in what is typed. Pure.

As with Docker, the first key is held back until the next one tells; whoever means it types it twice, or any other key after it.
"""

from __future__ import annotations


class BadKeys(ValueError):
    """A list of keys that cannot be read; the text says why."""


def parse_keys(text: str) -> bytes:
    """Read keys such as "ctrl-p,ctrl-q" or "ctrl-],q"; "" means none.

    Raises:
        BadKeys: a key is neither one ASCII character nor ctrl- and a letter or one of @[\\]^_.
    """
    if not text:
        return b""
    keys = bytearray()
    for name in text.split(","):
        if len(name) == 1 and name.isascii() and name.isprintable():
            keys += name.encode()
        elif name.lower().startswith("ctrl-") and len(name) == 6 and 0x40 <= ord(name[5].upper()) <= 0x5F:
            keys.append(ord(name[5].upper()) & 0x1F)
        else:
            raise BadKeys(f"{name!r} is not a key: it is one character, or ctrl- and a letter or one of @[\\]^_")
    return bytes(keys)


class DetachMatcher:
    """Finds the keys in a stream of typed bytes."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = 0

    def receive(self, data: bytes) -> tuple[bytes, bool]:
        """Return what may be sent on, and whether the keys are complete; what follows them is dropped."""
        if not self._keys:
            return data, False
        passed = bytearray()
        for byte in data:
            while self._held and byte != self._keys[self._held]:
                # the longest shorter match that still fits; what falls out of it was no detach key
                kept = self._shorter(self._held)
                passed += self._keys[: self._held - kept]
                self._held = kept
            if byte == self._keys[self._held]:
                self._held += 1
                if self._held == len(self._keys):
                    self._held = 0
                    return bytes(passed), True
            else:
                passed.append(byte)
        return bytes(passed), False

    def _shorter(self, length: int) -> int:
        matched = self._keys[:length]
        return next(size for size in range(length - 1, -1, -1) if matched.endswith(matched[:size]))
