"""The real daemon between two simulators, killed at any moment: load, journals, and what must hold after each kill.

The simulators (SMSC and modem) live through all kills; only the daemon dies. Both keep a journal of what went over the
wire. Callers post texts with idempotency keys over the unix socket; a caller who got no answer posts the same again to the
next daemon, as it should. People text both numbers all the time.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from smsgwd.model import MESSAGE, row_id
from tests.powercut.shim import Power
from tests.story.programs import running, write_config

CONFIG = """\
prefixes = ["+1415"]

[[link]]
name = "c1"
type = "smpp"
host = "127.0.0.1"
port = {port}
number = "+15550100200"
prefixes = ["+1212"]
"""
#: callers at a time; texts of a life
CALLERS, TEXTS = 8, 60
#: seconds for a daemon to be ready, and for what waits at the end to go: a modem whose report nobody acknowledged gives no
#: notice of anything until its settings are looked at again, once a minute
READY, DRAIN = 30.0, 120.0
#: seconds after which a kill comes whatever was seen
LATEST = 1.2


class Lines:
    """The lines of a journal that grows, each read once."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        self.all: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        with self._path.open("rb") as file:
            file.seek(self._at)
            octets = file.read()
        whole = octets.rpartition(b"\n")[0]
        self._at += len(whole) + bool(whole)
        self.all += [json.loads(line) for line in whole.splitlines()]
        return self.all

    def texts(self, kind: str) -> list[str]:
        return [line["text"] for line in self.read() if line["kind"] == kind]


class Rig:
    """Everything but the daemon, and what the world knows."""

    def __init__(self, home: Path, seed: int, power: Power | None) -> None:
        self.home, self.rng, self.power = home, random.Random(seed), power
        self.config = home / "smsgwd.toml"
        self.journals = {name: Lines(home / f"{name}.journal") for name in ("m1", "c1")}
        self.n = 0
        #: key -> what was asked for, without an answer yet
        self.open: dict[str, dict[str, str]] = {}
        #: text -> id of its 202
        self.accepted: dict[str, str] = {}
        #: texts that people sent to us
        self.said: dict[str, list[str]] = {"m1": [], "c1": []}
        #: attempts that were found open after each kill
        self.in_doubt: list[int] = []

    # ---- one life of the daemon ------------------------------------------------------------------------------------

    async def life(self) -> None:
        """Starts the daemon, works, kills it at a moment drawn by lot (sometimes while it still opens its store)."""
        process, ready = await self._started(), self._seen(b'"ready"')
        try:
            if self.rng.random() < 0.12:
                await self._until(lambda: self._locked_by(process.pid), READY)
            else:
                await self._until(ready, READY)
                assert process.returncode is None, "the daemon ended by itself"
                self.check()
                await self._work(process)
                return
            assert process.returncode is None, "the daemon ended by itself"
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            if self.power is not None:
                self.power.cut(self.rng if self.rng.random() < 0.5 else None)

    async def last_life(self) -> None:
        """A daemon that may live until all that waits is done."""
        process, ready = await self._started(), self._seen(b'"ready"')
        try:
            await self._until(ready, READY)
            async with _caller(self.home) as session:
                while self.open:
                    await asyncio.gather(*(self._post(session, *item) for item in list(self.open.items())))
            await self._until(self._done, DRAIN)
            self.check()
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0

    async def _started(self) -> asyncio.subprocess.Process:
        with (self.home / "daemon.log").open("ab") as log:
            self._from = log.tell()
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "smsgwd", "--config", str(self.config), "run",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=self.power.env if self.power else None,
            )  # fmt: skip

    def _seen(self, words: bytes) -> Callable[[], bool]:
        log, start = self.home / "daemon.log", self._from
        return lambda: words in log.read_bytes()[start:]

    def _locked_by(self, pid: int) -> bool:
        lock = self.home / "store" / "smsgwd.db.lock"
        return lock.exists() and lock.read_text().strip() == str(pid)

    async def _until(self, true: Callable[[], bool], limit: float) -> None:
        async with asyncio.timeout(limit):
            while not true():
                await asyncio.sleep(0.005)

    async def _work(self, process: asyncio.subprocess.Process) -> None:
        """Callers and people, until so many things have been seen on one of the sides; then the kill, under their hands."""
        side = self.rng.choice(("accepted", "c1", "c1", "m1"))
        enough = self._count(side) + self.rng.randrange(1, {"m1": 5, "c1": 90}.get(side, TEXTS))
        ended = asyncio.Event()
        async with _caller(self.home) as session, asyncio.TaskGroup() as load:
            for n in range(CALLERS):
                load.create_task(self._call(session, n), name=f"caller {n}")
            load.create_task(self._people(ended), name="people")
            try:
                async with asyncio.timeout(LATEST):
                    while self._count(side) < enough:
                        await asyncio.sleep(0.002)
            except TimeoutError:
                pass  # that side has seen all that there was
            finally:
                assert process.returncode is None, "the daemon ended by itself"
                process.kill()
                ended.set()

    def _count(self, side: str) -> int:
        return len(self.accepted) if side == "accepted" else len(self.journals[side].read())

    # ---- the load --------------------------------------------------------------------------------------------------

    async def _call(self, session: aiohttp.ClientSession, caller: int) -> None:
        """Posts what had no answer, then new texts, as long as there are answers."""
        for key, body in list(self.open.items())[caller::CALLERS]:
            if not await self._post(session, key, body):
                return
        for _ in range(TEXTS // CALLERS):
            self.n += 1
            key, text = f"key-{self.n}", f"text {self.n}"
            class_ = self.rng.choice(("bulk", "normal", "normal", "alarm"))
            area = "1415" if self.rng.random() < 0.1 else "1212"
            self.open[key] = body = {"to": f"+{area}555{self.rng.randrange(10)}177", "text": text, "class": class_, "key": key}
            if not await self._post(session, key, body):
                return

    async def _post(self, session: aiohttp.ClientSession, key: str, body: dict[str, str]) -> bool:
        """False when there was no answer: the same again, to the next daemon."""
        try:
            async with session.post("http://gateway/v1/messages", json=body) as answer:
                document = await answer.json()
        except (aiohttp.ClientError, TimeoutError):
            return False
        assert answer.status == 202, document
        assert self.accepted.setdefault(body["text"], document["id"]) == document["id"], "one key, two texts"
        del self.open[key]
        return True

    async def _people(self, ended: asyncio.Event) -> None:
        """Texts to both numbers, in one part and in two."""
        for n in range(12):
            links = [name for name in self.said if name == "m1" or self._was_bound()]
            link = self.rng.choice(links)
            self.n += 1
            text = f"said {self.n}" + (" and so on" * 20 + f" {self.n}" if n % 4 == 0 else "")
            self.said[link].append(text)
            await self._tell(link, {"do": "text", "from": f"+1555010{self.rng.randrange(7000, 7009)}", "text": text})
            if ended.is_set():
                return
            await asyncio.sleep(0.02)

    def _was_bound(self) -> bool:
        return any(line["kind"] == "bind" for line in self.journals["c1"].all)

    async def _tell(self, link: str, request: dict[str, Any]) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self.home / f"{link}.ctl"))
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            answer = json.loads(await reader.readline())
            assert answer["ok"], answer
        finally:
            writer.close()

    # ---- what must hold --------------------------------------------------------------------------------------------

    def rows(self, sql: str, *args: Any) -> list[Any]:
        """Looks beside the daemon."""
        with closing(sqlite3.connect(f"file:{self.home}/store/smsgwd.db?mode=ro", uri=True)) as conn:
            return conn.execute(sql, args).fetchall()

    def check(self) -> None:
        """After a start: nothing accepted is lost; nothing that went was forgotten; nothing is there twice. The wire is looked at
        first: the daemon is at work already."""
        wire = self.wire()
        found = self.rows(
            "SELECT m.id, m.text, m.state, m.duplicate, m.class, (SELECT count(*) FROM submission s WHERE s.message = m.id) "
            "FROM message m WHERE m.direction = 'out'"
        )
        stored = {text: (id_, state, duplicate, class_, tries) for id_, text, state, duplicate, class_, tries in found}
        assert len(stored) == len(found), "one key, two texts"
        lost = [text for text, id_ in self.accepted.items() if text not in stored or stored[text][0] != row_id(MESSAGE, id_)]
        assert lost == []
        for text, times in wire.items():
            _, state, duplicate, class_, tries = stored[text]
            assert tries >= times, f"{text} went {times} times; {tries} attempts are known"
            assert state not in ("held", "cancelled", "expired"), f"{text} went, and is {state}"
            assert times == 1 or (class_ == "alarm" and duplicate), f"{text} ({class_}) went {times} times"
        self._check_inbound()
        doubt = self.rows("SELECT data FROM event WHERE kind = 'daemon.recovered'")
        self.in_doubt = [json.loads(data)["submissions"] for (data,) in doubt]

    def _check_inbound(self) -> None:
        """Once, and only what was said."""
        came = Counter(text for (text,) in self.rows("SELECT text FROM message WHERE direction = 'in'"))
        assert set(came) <= {text for texts in self.said.values() for text in texts}
        assert [text for text, times in came.items() if times > 1] == []

    def wire(self) -> Counter[str]:
        """How often each text reached a network."""
        return Counter(text for lines in self.journals.values() for text in lines.texts("submit"))

    def missing(self) -> list[str]:
        """Texts of people that are not in the store; they must wait on the SIM or at the SMSC."""
        came = {text for (text,) in self.rows("SELECT text FROM message WHERE direction = 'in'")}
        return [text for texts in self.said.values() for text in texts if text not in came]

    def _done(self) -> bool:
        waits = self.rows("SELECT 1 FROM message WHERE direction = 'out' AND state IN ('queued', 'sending') AND due = 0 LIMIT 1")
        return not waits and not self.missing()


def _caller(home: Path) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(str(home / "smsgwd.sock")), timeout=aiohttp.ClientTimeout(total=20)
    )


@contextmanager
def rig(home: Path, seed: int, power: Callable[[Path], Power] | None) -> Iterator[Rig]:
    """Both simulators run; the daemon's store has a folder of its own, whose power may be cut."""
    (home / "store").mkdir()
    (home / "store").chmod(0o700)
    smsc = ("--port", "0", "--delay", "0.02", "--report-after", "0.1")
    modem = ("--link", str(home / "m1"), "--latency", "0.03", "--report-after", "0.2", "--slots", "255")
    with (
        running("sim", "smsc", *smsc, *_kept(home, "c1"), ready="ready", log=home / "c1.log"),
        running("sim", "modem", *modem, *_kept(home, "m1"), ready="ready", log=home / "m1.log"),
    ):
        port = int((home / "c1.log").read_text().split("ready 127.0.0.1:")[1].split()[0])
        config = write_config(home, CONFIG.format(port=port))
        config.write_text(config.read_text().replace(f"{home}/smsgwd.db", f"{home}/store/smsgwd.db"))
        yield Rig(home, seed, power(home / "store") if power else None)


def _kept(home: Path, name: str) -> tuple[str, ...]:
    return "--journal", str(home / f"{name}.journal"), "--control", str(home / f"{name}.ctl")


def scaled(cycles: int) -> int:
    """How many lives, more of them in a night: POWERCUT_CYCLES is the number of all tests together, for 204."""
    return max(1, cycles * int(os.environ.get("POWERCUT_CYCLES", "204")) // 204)
