"""P7: an inbound text leaves the SIM, and is acknowledged to the carrier, only after it was committed."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from smsgwd.model import LinkState
from tests.faults.carrier import carried
from tests.faults.plant import plant, plug
from tests.modem.wire import HELLO, Wire, until
from tests.smpp.wire import smsc


def stored(path) -> list[str]:
    """What another program finds of inbound texts at this moment."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        return [text for (text,) in conn.execute("SELECT text FROM message WHERE direction = 'in'")]


class Sim(Wire):
    """A modem with one text on its SIM. It looks into the database when it is told to delete, and its line may end after so
    many octets that it says, from the first look at its storage on."""

    def __init__(self, path, says: int = 10**9) -> None:
        super().__init__()
        self.database, self.says = path, says
        self.at_delete: list[list[str]] = []
        self.slots = {3: HELLO}
        self._counted = False

    def _answer(self, command: str) -> None:
        self._counted = self._counted or command.startswith("AT+CMGL")
        if command.startswith("AT+CMGD"):
            self.at_delete.append(stored(self.database))
        super()._answer(command)

    def say(self, text: str) -> None:
        if self._counted and self.master >= 0:
            text, self.says = text[: max(self.says, 0)], self.says - len(text)
        if self.master >= 0:
            super().say(text)
        if self._counted and self.says <= 0:
            self.close()


async def test_p07_deleted_after_the_commit(tmp_path):
    """When AT+CMGD comes, another program finds the text in the database already."""
    modem = Sim(tmp_path / "q.db")
    try:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            await until(lambda: not modem.slots)
            assert await gate.inbox() == ["hello"]
    finally:
        modem.close()
    assert modem.at_delete == [["hello"]]


@pytest.mark.parametrize("says", range(1, 230, 12))
@pytest.mark.parametrize("crash", [False, True], ids=["goes on", "crash"])
async def test_p07_line_cut_while_it_is_read(tmp_path, says, crash):
    """The line ends anywhere from the look at the storage to the delete, with a crash of the gateway and without: the text
    is on the SIM, in the database, or both, never neither; in the end it is stored once and off the SIM."""
    modem = Sim(tmp_path / "q.db", says)
    back = Wire()
    try:
        async with plant(tmp_path, modem) as gate:
            await until(lambda: modem.master < 0 or not modem.slots)
            if crash:
                await gate.crash()
            elif modem.master < 0:
                await gate.is_(LinkState.DOWN)
            assert modem.slots or stored(tmp_path / "q.db")
        back.slots = dict(modem.slots)
        plug(tmp_path / "tty1", back)
        async with plant(tmp_path, back) as gate:
            await gate.up()
            await until(lambda: not back.slots)
            assert await gate.inbox() == ["hello"]
    finally:
        modem.close()
        back.close()
        await asyncio.sleep(0)


async def test_p07_carrier(tmp_path, monkeypatch):
    """At the n-th deliver_sm_resp there are n texts in the database, or more."""
    early = []
    async with smsc(tmp_path) as place, carried(tmp_path, place.port) as gate:
        note = place.centre.journal.note

        def looking(kind, **what):
            if kind == "answer":
                early.append(len(stored(tmp_path / "q.db")) <= len(place.notes("answer")))
            note(kind, **what)

        monkeypatch.setattr(place.centre.journal, "note", looking)
        await gate.up()
        for n in range(20):
            place.do("text", **{"from": "+15550100777", "text": f"text {n}"})
        await until(lambda: len(place.notes("answer")) == 20)
    assert early == [False] * 20
