"""What is fuzzed: every reader of bytes that come from outside. Each target takes any octets and raises nothing.

A target turns the one documented error of its reader into a return; whatever else comes out of it is a finding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser

from smsgwd.errors import PduError
from smsgwd.model import InboundSegment
from smsgwd.modem import commands, ussd
from smsgwd.modem.at import Expectation, Parser
from smsgwd.modem.causes import cause_of, command_error
from smsgwd.modem.mapping import read_pdu
from smsgwd.sms.tpdu import decode_pdu
from smsgwd.sms.udh import decode_header
from smsgwd.web.quick import read

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
_PENDING = (
    None, Expectation("AT+CSQ", "+CSQ:"), Expectation("AT+CMGL=4", "+CMGL:", pdus=True), Expectation("AT+CGMI", bare=True),
    Expectation("AT+CMGS=20", "+CMGS:", prompt=True), Expectation("AT+CREG?", "+CREG:"),
)  # fmt: skip
#: the most that a parser may hold after any input
_HELD = 16_384


def at_parser(octets: bytes) -> None:
    """The first octet chooses the pending command and how the rest is cut."""
    head, rest = octets[:1] or b"\0", octets[1:]
    parser, step = Parser(), 1 + (head[0] >> 4)
    pending = _PENDING[head[0] % len(_PENDING)]
    if pending is not None:
        parser.expect(pending)
    for i in range(0, len(rest), step):
        parser.feed(rest[i : i + step])
    assert len(parser._buffer) <= _HELD


def at_lines(octets: bytes) -> None:
    """Every reader of a line, on the same line."""
    line = octets.decode("latin-1")
    for reader in (
        commands.fields, commands.registration, commands.notification, commands.listed, commands.stored,
        commands.direct_length, commands.usage, commands.reference, commands.setting, commands.pin_state,
        commands.signal_dbm, commands.rsrp_dbm, commands.operator, commands.caller,
    ):  # fmt: skip
        reader(line)
    cause_of(command_error(line))
    for how in ("text", "ucs2", "packed"):
        ussd.read(line, how)


def tpdu(octets: bytes) -> None:
    """A PDU in both directions, and as a modem shows it."""
    for direction in ("mt", "mo"):
        try:
            decode_pdu(octets, direction)
        except PduError:
            continue
    read = read_pdu(octets.hex(), NOW)
    assert read.raw == octets
    if isinstance(read, InboundSegment):
        assert read.fault or read.parts >= 1


def header(octets: bytes) -> None:
    """A user data header alone."""
    try:
        decode_header(octets)
    except PduError:
        return


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The parser of aiohttp wants one, and never runs it."""
    return asyncio.new_event_loop()


def plain_call(octets: bytes) -> bool:
    """Whether it is read as a plain call. One that is must be the same call to the general server."""
    plain = read(octets)
    if plain is None:
        return False
    (found,), upgraded, tail = HttpRequestParser(BaseProtocol(_loop()), _loop(), 65_536).feed_data(octets)
    message, payload = found
    assert (message.method, message.path, message.should_close, message.chunked) == (
        "POST",
        "/v1/messages",
        False,
        False,
    )
    assert (upgraded, message.upgrade, message.compression, tail) == (False, False, None, b"")
    headers = message.headers
    assert plain.authorization == headers.get("Authorization", "")
    assert plain.key == headers.get("Idempotency-Key", "")
    assert plain.body == (payload.read_nowait() if int(headers["Content-Length"]) else b"")
    return True


TARGETS: dict[str, Callable[[bytes], object]] = {
    "at-parser": at_parser, "at-lines": at_lines, "tpdu": tpdu, "udh": header, "plain-call": plain_call,
}  # fmt: skip
