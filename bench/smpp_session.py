"""SMPP without the store: the codec and the session in one process, and a plain client at the reference SMSC.

* **Codec**: CPU of one submit_sm written and of one deliver_sm read, beside smpp34 (Rust) and smpplib. All get the same
  105 octets, and what each gives is compared before anything is timed.
* **Session**: a whole turn without a socket: submit until the window of 50 is full, take the octets, give the session
  the answers, take its events. CPU for one message, and so messages a second. Nobody else has a session to be called alone.
* **Plain client**: the same session on a socket, with ``refsmsc.py`` behind it, a future for each message. smpp34's client
  does the same. smpplib's has no window of its own: it is fed by hand.

The figures are medians of the rounds, in which the contenders take turns.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.carrier import Smsc, missing, smsc
from bench.chain import folder
from bench.codec import ROUNDS, SLICE, Case, Contender, check
from bench.codec import measure as timed
from bench.figures import Row, row
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import Bind, ShortMessage
from smsgwd.smpp.consts import CommandId, CommandStatus
from smsgwd.smpp.events import Answer, Bound
from smsgwd.smpp.session import Session

PEERS = ("smpp34", "smpplib")
#: makes a PDU of 105 octets
TEXT = b"Your parcel 4711 will arrive at 10:30 tomorrow. OK"
SOURCE, DEST = "15550100100", "15550100777"
ROK = CommandStatus.ESME_ROK
_HEADER = struct.Struct(">IIII")


def body(text: bytes = TEXT) -> ShortMessage:
    """A text as the gateway sends most of them."""
    return ShortMessage(
        source_addr_ton=1, source_addr_npi=1, source_addr=SOURCE.encode(), dest_addr_ton=1, dest_addr_npi=1,
        destination_addr=DEST.encode(), registered_delivery=1, short_message=text,
    )  # fmt: skip


def libraries() -> dict[str, ModuleType | None]:
    """The peers by name; None for one that is not installed."""
    found: dict[str, ModuleType | None] = {}
    for name in PEERS:
        try:
            found[name] = importlib.import_module(name)
        except ImportError:
            found[name] = None
    logging.getLogger("smpplib").setLevel(logging.CRITICAL)
    return found


# ---- codec ---------------------------------------------------------------------------------------------------------


def cases(peers: dict[str, ModuleType | None]) -> list[Case]:
    """submit_sm written, deliver_sm read."""
    sent = pdu.pack(CommandId.SUBMIT_SM, ROK, 1, body())
    came = pdu.pack(CommandId.DELIVER_SM, ROK, 1, body())
    fields: dict[str, Any] = {"source_addr_ton": 1, "source_addr_npi": 1, "dest_addr_ton": 1, "dest_addr_npi": 1,
                              "registered_delivery": 1, "short_message": TEXT}  # fmt: skip
    right = (SOURCE.encode(), DEST.encode(), TEXT)
    writers = {"": Contender(lambda: pdu.pack(CommandId.SUBMIT_SM, ROK, 1, body()), bytes)}
    readers = {"": Contender(lambda: pdu.unpack(came).body, _read)}
    if rust := peers["smpp34"]:
        writers["smpp34"] = Contender(lambda: rust.SubmitSm(SOURCE, DEST, sequence_number=1, **fields).encode(), bytes)
        readers["smpp34"] = Contender(lambda: rust.decode(came), _read)
    if peers["smpplib"]:
        library, client = importlib.import_module("smpplib.smpp"), _Numbers()
        writers["smpplib"] = Contender(
            lambda: library.make_pdu("submit_sm", client=client, source_addr=SOURCE, destination_addr=DEST, **fields).generate(),
            bytes,
        )
        readers["smpplib"] = Contender(lambda: library.parse_pdu(came, client=client), _read)
    return [
        Case("submit_sm written, 105 octets", sent, writers),
        Case("deliver_sm read, 105 octets", right, readers),
    ]


class _Numbers:
    """smpplib takes the sequence number from its client; all get the same here."""

    def next_sequence(self) -> int:
        return 1


def _read(message: Any) -> tuple[bytes, bytes, bytes]:
    """What a receiver wants of a deliver_sm; smpp34 gives addresses as text."""
    source, dest = (x.encode() if isinstance(x, str) else x for x in (message.source_addr, message.destination_addr))
    return source, dest, message.short_message


def codec_rows(peers: dict[str, ModuleType | None], rounds: int, slice_: float) -> list[Row]:
    rows = []
    for case in cases(peers):
        check(case)
        taken = timed(case, rounds, slice_)
        ours = taken.pop("")
        theirs: dict[str, float | None] = {name: None for name, module in peers.items() if module is None}
        theirs |= {name: statistics.median(times) for name, times in taken.items()}
        rows.append(row(case.what, "µs CPU", statistics.median(ours), theirs, spread=(min(ours), max(ours))))
    return rows


# ---- session, no socket --------------------------------------------------------------------------------------------


def answer(command: int, sequence: int, message_id: bytes) -> bytes:
    """A response as the SMSC writes it; not by our own codec."""
    return _HEADER.pack(17 + len(message_id), command | 0x80000000, 0, sequence) + message_id + b"\0"


def bound() -> tuple[Session, int]:
    """A session that may submit, and the sequence number of its bind."""
    session = Session("transceiver", Bind(system_id=b"u", password=b"p"))
    session.bind(0.0)
    (sequence,) = struct.unpack_from(">12xI", session.data_to_send())
    events = session.receive_data(answer(CommandId.BIND_TRANSCEIVER, sequence, b"SMSC"), 0.0)
    assert [type(event) for event in events] == [Bound]
    return session, sequence


def turns(messages: int, window: int) -> float:
    """CPU microseconds for one message: written, sent, answered. RuntimeError when an answer is missing."""
    session, sequence = bound()
    size = len(pdu.pack(CommandId.SUBMIT_SM, ROK, 1, body()))
    answers = [
        b"".join(answer(CommandId.SUBMIT_SM, sequence + n, b"%08X" % n) for n in range(first + 1, first + window + 1))
        for first in range(0, messages, window)
    ]
    octets = answered = 0
    began = time.process_time()
    for octets_in in answers:
        for n in range(window):
            session.submit(body(), f"sub_{n}", 1.0)
        octets += len(session.data_to_send())
        for event in session.receive_data(octets_in, 1.0):
            answered += isinstance(event, Answer) and event.status == ROK
    used = time.process_time() - began
    if (answered, octets) != (len(answers) * window, len(answers) * window * size):
        raise RuntimeError(f"{answered} answers to {messages} messages of {octets} octets")
    return used / answered * 1e6


def session_rows(messages: int, rounds: int) -> list[Row]:
    taken = [turns(messages, 50) for _ in range(rounds)]
    cost = statistics.median(taken)
    rates = [1e6 / x for x in taken]
    return [
        row("session, window 50: encode, window, decode", "µs CPU", cost, goal="≤ 10", aim="≤ 6",
            spread=(min(taken), max(taken))),
        row("… as submit_sm", "msg/s", 1e6 / cost, goal="≥ 80000", more_is_better=True, spread=(min(rates), max(rates))),
    ]  # fmt: skip


# ---- plain clients on a socket -------------------------------------------------------------------------------------


class Plain(asyncio.Protocol):
    """The session on a socket, and nothing else: no store, no timers. What one turn of the loop writes goes out at once."""

    def __init__(self) -> None:
        self._session = Session("transceiver", Bind(system_id=b"u", password=b"p"))
        self._waiting: dict[str, asyncio.Future[int]] = {}
        self._loop = asyncio.get_running_loop()
        self.bound = asyncio.Event()
        self._number, self._writing = 0, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._session.bind(self._loop.time())
        self._write()

    def data_received(self, data: bytes) -> None:
        for event in self._session.receive_data(data, self._loop.time()):
            if isinstance(event, Answer):
                self._waiting.pop(event.key).set_result(event.status)
            elif isinstance(event, Bound):
                self.bound.set()

    def submit(self) -> asyncio.Future[int]:
        """The future has the status of the answer."""
        self._number += 1
        key = str(self._number)
        self._session.submit(body(), key, self._loop.time())
        self._waiting[key] = status = self._loop.create_future()
        if not self._writing:
            self._writing = True
            self._loop.call_soon(self._write)
        return status

    def _write(self) -> None:
        self._writing = False
        self._transport.write(self._session.data_to_send())

    def close(self) -> None:
        self._transport.close()


async def workers(messages: int, window: int, one: Callable[[], Awaitable[bool]]) -> float:
    """Messages a second with so many at a time. RuntimeError when one is refused."""
    left = iter(range(messages))

    async def worker() -> None:
        for _ in left:
            if not await one():
                raise RuntimeError("the SMSC refused a text")

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for n in range(window):
            group.create_task(worker(), name=f"worker {n}")
    return messages / (time.perf_counter() - began)


async def by_ours(center: Smsc, messages: int, window: int) -> float:
    _, client = await asyncio.get_running_loop().create_connection(Plain, "127.0.0.1", center.port)
    await client.bound.wait()

    async def one() -> bool:
        return await client.submit() == ROK

    try:
        return await workers(messages, window, one)
    finally:
        client.close()


async def by_smpp34(center: Smsc, messages: int, window: int) -> float:
    client = importlib.import_module("smpp34").Client(
        host="127.0.0.1", port=center.port, system_id="u", password="p", bind_type="TRX", window_size=window
    )
    session = await client.connect()

    async def one() -> bool:
        said = await session.submit_sm(source_addr=SOURCE, destination_addr=DEST, short_message=TEXT, registered_delivery=1)
        return bool(said.is_success)

    try:
        return await workers(messages, window, one)
    finally:
        await session.unbind()


def by_smpplib(center: Smsc, messages: int, window: int) -> float:
    """Blocking; one is written for each answer that is read."""
    client = importlib.import_module("smpplib.client").Client(
        "127.0.0.1", center.port, allow_unknown_opt_params=True
    )
    client.connect()
    client.bind_transceiver(system_id="u", password="p")
    written = 0
    began = time.perf_counter()
    for answered in range(messages):
        while written < min(messages, answered + window):
            client.send_message(
                source_addr_ton=1, source_addr_npi=1, source_addr=SOURCE, dest_addr_ton=1, dest_addr_npi=1,
                destination_addr=DEST, short_message=TEXT, registered_delivery=1,
            )  # fmt: skip
            written += 1
        if client.read_pdu().is_error():
            raise RuntimeError("the SMSC refused a text")
    rate = messages / (time.perf_counter() - began)
    client.unbind()
    client.disconnect()
    return rate


CLIENTS: dict[str, Callable[[Smsc, int, int], float]] = {
    "": lambda *args: asyncio.run(by_ours(*args)),
    "smpp34": lambda *args: asyncio.run(by_smpp34(*args)),
    "smpplib": by_smpplib,
}


def client_rows(peers: dict[str, ModuleType | None], messages: int, rounds: int) -> list[Row]:
    """Window 10, and 50."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="smsgwd-bench-", dir=folder()) as place, smsc(Path(place)) as center:
        for window, goal, aim in ((10, "≥ 2×", "≥ 4×"), (50, "", "")):
            taken: dict[str, list[float]] = {}
            for _ in range(rounds):
                for name, client in CLIENTS.items():
                    if name == "" or peers[name]:
                        center.ask("reset")
                        taken.setdefault(name, []).append(client(center, messages, window))
                        if (got := center.ask("get")["submits"]) != messages:
                            raise RuntimeError(f"{name or 'smsgwd'}: the SMSC got {got} texts of {messages}")
            ours = taken.pop("")
            theirs: dict[str, float | None] = dict.fromkeys(peers)
            theirs |= {name: statistics.median(rates) for name, rates in taken.items()}
            rows.append(row(f"plain client, no store, window {window}", "msg/s", statistics.median(ours), theirs, goal,
                            aim=aim, more_is_better=True, spread=(min(ours), max(ours))))  # fmt: skip
    return rows


def run(
    quick: bool = False, messages: int = 20_000, rounds: int = 5, codec_rounds: int = ROUNDS, slice_: float = SLICE
) -> list[Row]:
    if quick:
        messages, rounds, codec_rounds = messages // 4, 3, 3
    peers = libraries()
    rows = [*codec_rows(peers, codec_rounds, slice_), *session_rows(messages, rounds)]
    if why := missing():
        print(f"  plain client left out: {why}", file=sys.stderr)
        return rows
    return rows + client_rows(peers, messages, rounds)
