"""P3: intent before act. Before the network side sees a text, the attempt to send it is committed."""

import sqlite3
from contextlib import closing

from tests.faults.carrier import carried
from tests.faults.plant import plant
from tests.modem.wire import Wire
from tests.smpp.wire import smsc


def attempts(path) -> list[str]:
    """What another program sees at this moment: the text of each attempt that is in flight."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        return [text for (text,) in conn.execute(
            "SELECT m.text FROM submission s JOIN message m ON m.id = s.message WHERE s.state = 'in_flight' AND m.state = 'sending'"
        )]  # fmt: skip


class Watching(Wire):
    """A modem that looks into the database whenever a send command or a whole PDU reaches it."""

    def __init__(self, path) -> None:
        super().__init__()
        self.database, self.seen = path, []

    def _answer(self, command: str) -> None:
        if command.startswith("AT+CMGS"):
            self.seen.append(attempts(self.database))
        super()._answer(command)

    def _take(self, pdu: str) -> None:
        self.seen.append(attempts(self.database))
        super()._take(pdu)


async def test_p03_modem(tmp_path):
    """At AT+CMGS, and at the end of the PDU, the one attempt that is in flight is that of this text."""
    modem = Watching(tmp_path / "q.db")
    try:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            for n in range(20):
                await gate.reaches(await gate.send(f"text {n}"), "sent")
    finally:
        modem.close()
    assert modem.seen == [[f"text {n}"] for n in range(20) for _ in range(2)]


async def test_p03_carrier(tmp_path, monkeypatch):
    """At every submit_sm in the SMSC's journal its attempt is committed; with many in the window, each one's is."""
    missing = []
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, window=10) as gate:
        note = place.centre.journal.note

        def looking(kind, **what):
            if kind == "submit" and what["text"] not in attempts(tmp_path / "q.db"):
                missing.append(what["text"])
            note(kind, **what)

        monkeypatch.setattr(place.centre.journal, "note", looking)
        await gate.up()
        messages = [await gate.send(f"text {n}") for n in range(50)]
        for message in messages:
            await gate.reaches(message, "sent")
    assert len(place.notes("submit")) == 50
    assert missing == []
