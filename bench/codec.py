"""The codec against the libraries that do the same, in one process: CPU microseconds for one text.

All contenders of a row get the same text, in the form that their API takes (smspdudecoder reads and writes hexadecimal
digits). Before anything is timed, what each gives is compared with what the row must give: a benchmark of wrong output
fails. Then they run in turn, ``ROUNDS`` times, so that a busy moment of the machine meets all of them; the figure is the
median of the rounds, the spread their least and most. The unit is CPU time, which a neighbour moves least.

A peer that is not installed is left out and named.
"""

from __future__ import annotations

import importlib
import statistics
import time
import timeit
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from bench.figures import Row, row
from smsgwd.sms import gsm7
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet, decode_ucs2, encode_ucs2
from smsgwd.sms.split import split
from smsgwd.sms.tpdu import Deliver, decode_hex, submit_for, with_smsc
from smsgwd.sms.userdata import compose_user_data

ROUNDS = 9
#: CPU seconds of one contender in one round
SLICE = 0.02

GSMMODEM, SMSPDU, GSM0338 = "python-gsmmodem-new", "smspdudecoder", "gsm0338"
MODULES = {GSMMODEM: "gsmmodem.pdu", SMSPDU: "smspdudecoder.easy", GSM0338: "gsm0338"}

NUMBER = "+436641234567"
#: 160 septets each; without the paragraph sign and form feed, which python-gsmmodem-new lacks
PLAIN = (
    "Your parcel 4711 will arrive tomorrow between 10:30 and 12:00. Reply 1 to confirm, 2 for a later day, or call us "
    "at +43 1 234567. Thank you and have a nice day!"
)
GERMAN = (
    "Grüße aus Österreich: Ihre Rechnung über 49,90 € {Nr. 4711} ist fällig. Zahlen Sie bitte bis Freitag. [Details] "
    "unter https://example.net/~re. Danke schön"
)
#: 70 characters
CYRILLIC = "Здравствуйте! Ваш заказ прибудет завтра с 10:30 до 12:00. Спасибо вам!"
AT = datetime(2026, 3, 5, 14, 30, 15, tzinfo=timezone(timedelta(hours=1)))

Call = Callable[[], Any]


class Contender(NamedTuple):
    """``call`` is timed; ``read`` turns what it gives into what the row compares."""

    call: Call
    read: Callable[[Any], Any]


class Case(NamedTuple):
    """One row: what must come out of every contender. Ours has the name ""."""

    what: str
    right: Any
    contenders: dict[str, Contender]
    goal: str = ""


def libraries() -> dict[str, Any]:
    """The peers by name; None for one that is not installed."""
    found: dict[str, Any] = {}
    for name, module in MODULES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old escapes in their strings
            try:
                found[name] = importlib.import_module(module)
            except ImportError:
                found[name] = None
    return found


def cases(peers: dict[str, Any]) -> list[Case]:
    """All rows, for the peers that are there."""
    plain = _packed(peers, "160 characters", PLAIN, ("≥ 10×", "≥ 7×"))
    german = _packed(peers, "160 septets with € { } [ ] ~", GERMAN, ("", ""))
    return [*_alphabet(peers), *plain, *german, *_tpdus(peers), *_ucs2(peers)]


def _alphabet(peers: dict[str, Any]) -> list[Case]:
    septets = gsm7.encode(PLAIN)
    array = bytearray(septets)
    writers = {"": Contender(lambda: gsm7.encode(PLAIN), bytes)}
    readers = {"": Contender(lambda: gsm7.decode(septets), str)}
    if g := peers[GSMMODEM]:
        writers[GSMMODEM] = Contender(lambda: g.encodeGsm7(PLAIN), bytes)
        readers[GSMMODEM] = Contender(lambda: g.decodeGsm7(array), str)
    if peers[GSM0338]:
        codec = peers[GSM0338].Codec()
        writers[GSM0338] = Contender(lambda: codec.encode(PLAIN)[0], bytes)
        readers[GSM0338] = Contender(lambda: codec.decode(septets)[0], str)
    return [Case("check + encode, 160 characters", septets, writers), Case("decode, 160 septets", PLAIN, readers)]


def _packed(peers: dict[str, Any], what: str, text: str, goals: tuple[str, str]) -> list[Case]:
    octets = gsm7.pack(gsm7.encode(text))
    writers = {"": Contender(lambda: gsm7.pack(gsm7.encode(text)), bytes)}
    readers = {"": Contender(lambda: gsm7.decode(gsm7.unpack(octets, 160)), str)}
    if g := peers[GSMMODEM]:
        array = bytearray(octets)
        writers[GSMMODEM] = Contender(lambda: g.packSeptets(g.encodeGsm7(text)), bytes)
        readers[GSMMODEM] = Contender(lambda: g.decodeGsm7(g.unpackSeptets(array, 160)), str)
    if peers[SMSPDU]:
        codec, digits = importlib.import_module("smspdudecoder.codecs").GSM, octets.hex()
        writers[SMSPDU] = Contender(lambda: codec.encode(text), bytes.fromhex)
        readers[SMSPDU] = Contender(lambda: codec.decode(digits), str)
    return [
        Case(f"encode + pack, {what}", octets, writers, goals[0]),
        Case(f"unpack + decode, {what}", text, readers, goals[1]),
    ]


def submit(text: str) -> bytes:
    """All that a sender does: alphabet, parts, TPDU, octets behind an empty SMSC."""
    plan = split(text)
    return with_smsc(submit_for(to=Address.parse(NUMBER), text=plan.text, alphabet=plan.alphabet, report=True))


def deliver(digits: str) -> tuple[str, str, datetime | None]:
    """What a receiver wants of the hexadecimal digits of a modem: sender, text, time."""
    pdu = decode_hex(digits, "mt", True)
    assert isinstance(pdu, Deliver)
    return pdu.tp_oa.text, pdu.text, pdu.tp_scts


def _tpdus(peers: dict[str, Any]) -> list[Case]:
    sent = b"\x00\x21\x00\x0c\x91" + bytes.fromhex("346614325476") + b"\x00\x00\xa0" + gsm7.pack(gsm7.encode(PLAIN))
    made = Deliver(
        tp_oa=Address.parse(NUMBER), tp_scts=AT, ud=compose_user_data(PLAIN, Alphabet.GSM7), smsc=Address.parse("+43664")
    )
    digits, came = with_smsc(made).hex(), (NUMBER, PLAIN, AT)
    writers = {"": Contender(lambda: submit(PLAIN), bytes)}
    readers = {"": Contender(lambda: deliver(digits), tuple)}
    if g := peers[GSMMODEM]:
        writers[GSMMODEM] = Contender(lambda: g.encodeSmsSubmitPdu(NUMBER, PLAIN), lambda pdus: bytes(pdus[0].data))
        readers[GSMMODEM] = Contender(lambda: g.decodeSmsPdu(digits), lambda d: (d["number"], d["text"], d["time"]))
    if easy := peers[SMSPDU]:
        readers[SMSPDU] = Contender(
            lambda: easy.read_incoming_sms(digits), lambda d: (d["sender"], d["content"], d["date"])
        )
    return [
        Case("whole SMS-SUBMIT, 160 characters", sent, writers),
        Case("whole SMS-DELIVER read, 160 characters", came, readers),
    ]


def _ucs2(peers: dict[str, Any]) -> list[Case]:
    octets = CYRILLIC.encode("utf-16-be")
    writers = {"": Contender(lambda: encode_ucs2(CYRILLIC), bytes)}
    readers = {"": Contender(lambda: decode_ucs2(octets), str)}
    if g := peers[GSMMODEM]:
        writers[GSMMODEM] = Contender(lambda: g.encodeUcs2(CYRILLIC), bytes)
        readers[GSMMODEM] = Contender(lambda: g.decodeUcs2(iter(octets), 140), str)
    if peers[SMSPDU]:
        codec, digits = importlib.import_module("smspdudecoder.codecs").UCS2, octets.hex()
        writers[SMSPDU] = Contender(lambda: codec.encode(CYRILLIC), bytes.fromhex)
        readers[SMSPDU] = Contender(lambda: codec.decode(digits), str)
    return [Case("UCS-2 encode, 70 characters", octets, writers), Case("UCS-2 decode, 70 characters", CYRILLIC, readers)]


def check(case: Case) -> None:
    """ValueError when a contender gives something else than the row's right answer."""
    for name, contender in case.contenders.items():
        given = contender.read(contender.call())
        if given != case.right:
            raise ValueError(f"{case.what}: {name or 'smsgwd'} gives {given!r}, right is {case.right!r}")


def measure(case: Case, rounds: int = ROUNDS, slice_: float = SLICE) -> dict[str, list[float]]:
    """CPU microseconds for one call of each contender, in each round."""
    timers = {name: timeit.Timer(c.call, timer=time.process_time) for name, c in case.contenders.items()}
    # at least one call; the first 20 only tell how many make a slice
    counts = {name: max(1, int(slice_ / max(timer.timeit(20) / 20, 1e-7))) for name, timer in timers.items()}
    taken: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            taken[name].append(timer.timeit(counts[name]) / counts[name] * 1e6)
    return taken


def run(rounds: int = ROUNDS, slice_: float = SLICE) -> list[Row]:
    peers = libraries()
    rows = []
    for case in cases(peers):
        check(case)
        taken = measure(case, rounds, slice_)
        ours = taken.pop("")
        theirs: dict[str, float | None] = {name: statistics.median(times) for name, times in taken.items()}
        theirs |= {name: None for name, module in peers.items() if module is None}
        spread = (min(ours), max(ours))
        rows.append(row(case.what, "µs CPU", statistics.median(ours), theirs, case.goal, spread=spread))
    return rows
