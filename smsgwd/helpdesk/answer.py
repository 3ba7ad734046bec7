"""Answers to a POST, read from octets as they come (HTTP/1.1, RFC 9112). Plain, no I/O.

A desk's answer matters by its status, by Retry-After and by a small body. So no more is read than that: the body of a
status that is no success is not waited for, and of any other so much at most. A connection whose answer was not read to
its end is not kept.
"""

from __future__ import annotations

import re

import msgspec

#: octets of an answer's head, and of its body
LARGEST_HEAD, LARGEST_BODY = 32 * 1024, 64 * 1024

_HEAD = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\r\n]*)?\r?\n((?:[!-9;-~]+:[^\r\n]*\r?\n)*)\r?\n")
_FIELD = re.compile(rb"(?im)^(connection|content-length|retry-after|transfer-encoding):[ \t]*([^\r\n]*?)[ \t]*\r?$")
_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


class NoHttp(Exception):
    """The answer is not HTTP."""


class Answer(msgspec.Struct, frozen=True):
    """``body`` is empty unless the status is a success and the body came whole, or as far as it is read. ``kept``: another
    request may follow on the same connection."""

    status: int
    retry_after: str = ""
    body: bytes = b""
    kept: bool = False


class AnswerReader:
    """Reads one answer."""

    def __init__(self) -> None:
        self._octets = bytearray()
        #: the answer as far as its head says, once that is there
        self.head: Answer | None = None
        #: octets of the body; None when it ends with the connection
        self._size: int | None = 0
        self._chunked = False

    @property
    def begun(self) -> bool:
        return bool(self._octets) or self.head is not None

    def feed(self, octets: bytes) -> Answer | None:
        """The answer, once nothing more is wanted of it. NoHttp for what is none."""
        self._octets += octets
        while self.head is None or self.head.status < 200:  # an interim answer is followed by another one
            if not self._read_head():
                return None
        return self._read_body(self.head)

    def ended(self) -> Answer | None:
        """What it is when the connection ends here; None for no answer at all. NoHttp for less than a head."""
        if self.head is None or self.head.status < 200:
            if self._octets:
                raise NoHttp
            return None
        if self._size is None and not self._chunked and 200 <= self.head.status < 300:
            return msgspec.structs.replace(self.head, body=bytes(self._octets), kept=False)
        return msgspec.structs.replace(self.head, kept=False)  # the body broke off: the status stands

    def _read_head(self) -> bool:
        end = _END.search(self._octets)
        if end is None:
            if len(self._octets) > LARGEST_HEAD or not b"HTTP/1.".startswith(self._octets[:7]):
                raise NoHttp
            return False
        found = _HEAD.fullmatch(self._octets, 0, end.end())
        if found is None or end.end() > LARGEST_HEAD:
            raise NoHttp
        version, status, fields = found[1], int(found[2]), dict[bytes, bytes]()
        for name, value in _FIELD.findall(found[3]):
            fields[name.lower()] = value
        del self._octets[: end.end()]
        self._chunked = fields.get(b"transfer-encoding", b"").lower() == b"chunked"
        self._size = _size(status, fields)
        self.head = Answer(
            status, fields.get(b"retry-after", b"").decode("latin-1"),
            kept=version == b"1" and fields.get(b"connection", b"").lower() != b"close",
        )  # fmt: skip
        return True

    def _read_body(self, head: Answer) -> Answer | None:
        if self._chunked:
            whole, exact, body = self._chunks()
        else:
            size = self._size
            whole, exact = size is not None and len(self._octets) >= size, len(self._octets) == size
            body = bytes(self._octets[:size])
        kept = head.kept and exact
        if not 200 <= head.status < 300:
            return msgspec.structs.replace(head, kept=kept)
        if whole or len(self._octets) >= LARGEST_BODY:
            return msgspec.structs.replace(head, body=body[:LARGEST_BODY], kept=kept)
        return None

    def _chunks(self) -> tuple[bool, bool, bytes]:
        """Whether the last chunk is there, whether the answer ends right behind it, and what the chunks hold so far."""
        at, body = 0, bytearray()
        while found := _CHUNK.match(self._octets, at):
            size = int(found[1], 16)
            if size == 0:
                rest = bytes(self._octets[found.end() :])
                whole = rest.startswith((b"\r\n", b"\n")) or _END.search(rest) is not None  # or trailers end
                return whole, rest in (b"\r\n", b"\n"), bytes(body)
            end = found.end() + size
            line = 2 if self._octets[end : end + 1] == b"\r" else 1
            if len(self._octets) < end + line:
                break
            body += self._octets[found.end() : end]
            at = end + line
        return False, False, bytes(body)


def _size(status: int, fields: dict[bytes, bytes]) -> int | None:
    """How long a body is (RFC 9112 section 6.3); None when that is not told."""
    if status < 200 or status in (204, 304):
        return 0
    if b"transfer-encoding" in fields:
        return None
    length = fields.get(b"content-length")
    if length is None:
        return None
    if not length.isdigit() or len(length) > 18:
        raise NoHttp
    return int(length)
