"""Requests to the simulated modem: JSON lines on its control socket, and scripts."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.clock import SystemClock
from smsgwd.control import LONGEST_LINE
from smsgwd.journal import Journal
from smsgwd.modem.sim.control import Control, read_script
from smsgwd.modem.sim.engine import SimModem
from smsgwd.modem.sim.phone import Phone
from tests.modem.sim.feeding import HELLO, WISHED, Kept, plugged


@pytest.fixture
async def control(tmp_path):
    """Requests to a modem that nobody has plugged in."""
    return Control(SimModem(Phone("+15550100100"), str(tmp_path / "tty"), Kept(), SystemClock(), seed=1))


def asked(control: Control, **request) -> dict:
    return control.answer(json.dumps(request).encode())


async def test_verbs(tmp_path):
    """text, pdu, report, fault and state each do what they say and answer one object."""
    async with plugged(tmp_path) as (sim, program):
        control = Control(sim)
        assert asked(control, do="text", **{"from": "+36641234567"}, text="hello") == {"ok": True, "parts": 1}
        assert asked(control, do="text", **{"from": "Bank"}, text="x" * 200) == {"ok": True, "parts": 2}
        assert asked(control, do="pdu", pdu=HELLO) == {"ok": True}
        await program.send(WISHED)
        assert asked(control, do="report", mr=1) == asked(control, do="report", mr=1, st=70) == {"ok": True}
        assert asked(control, do="fault", name="error", code=21, after=3) == {"ok": True}
        state = asked(control, do="state")
        assert (state["ok"], state["stored"]["SM"], state["faults"]) == (True, 4, ["error"])
        assert [(x["kind"], x["from"]) for x in sim.journal.lines[:4]] == [
            ("deliver", "+36641234567"), ("deliver", "Bank"), ("deliver", "Bank"), ("deliver", "+36641234567"),
        ]  # fmt: skip
        assert [line["st"] for line in sim.journal.of("report")] == [0, 70]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        pytest.param(b"hello", "Expecting value", id="no-json"),
        pytest.param(b"\xff\xfe", "", id="no-text"),
        pytest.param(b"[]", "a request is a JSON object", id="no-object"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
        pytest.param(b"{}", "`do` is text, pdu, report, fault or state", id="no-verb"),
        pytest.param(b'{"do":"text","from":"+1"}', "`text` is missing", id="no-text-key"),
        pytest.param(b'{"do":"text","from":1,"text":"x"}', "`from` is missing, or is no text", id="from-a-number"),
        pytest.param(b'{"do":"pdu","pdu":"xyz"}', "hexadecimal", id="no-hex"),
        pytest.param(b'{"do":"report"}', "`mr` is a number from 0 to 255", id="no-mr"),
        pytest.param(b'{"do":"report","mr":1}', "no text with the reference 1", id="not-sent"),
        pytest.param(b'{"do":"report","mr":1,"st":256}', "`st` is a number", id="st"),
        pytest.param(b'{"do":"report","mr":true}', "`mr` is a number", id="boolean"),
        pytest.param(b'{"do":"fault"}', "None is no fault", id="no-fault"),
        pytest.param(b'{"do":"fault","name":"hang","x":1}', "hang takes no 'x'", id="bad-argument"),
    ],
)
async def test_bad_requests(control, line, error):
    """What makes no sense is answered with what is wrong."""
    answer = control.answer(line)
    assert answer["ok"] is False
    assert error in answer["error"]
    assert control.modem.journal.lines == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["text", "pdu", "report", "fault", "state", HELLO]),
    lambda x: st.lists(x, max_size=2)
    | st.dictionaries(st.sampled_from(["do", "from", "text", "pdu", "mr", "st", "name", "count", "for"]), x, max_size=5),
    max_leaves=8,
)  # fmt: skip


async def test_any_line_is_answered(tmp_path):
    """Whatever comes as a line, one JSON object answers it."""
    control = Control(SimModem(Phone("+15550100100"), str(tmp_path / "tty"), Kept(), SystemClock()))

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=30) | _JSON.map(lambda x: json.dumps(x).encode()))
    def check(line):
        answer = control.answer(line)
        assert ("error" in json.loads(json.dumps(answer))) is not answer["ok"]

    check()


async def test_same_seed_same_references(tmp_path):
    """--seed makes the references of parts the same each time; another seed makes others."""

    def references(seed):
        sim = SimModem(Phone("+1"), str(tmp_path / "tty"), Kept(), SystemClock(), seed=seed)
        for _ in range(8):
            sim.text("+36641234567", "x" * 200)
        return [line["ref"] for line in sim.journal.of("deliver")]

    assert references(7) == references(7)
    assert references(7) != references(8)


# ---- the socket ----------------------------------------------------------------------------------------------------


async def test_socket(control, tmp_path):
    """Each line is answered by one, in order and in pieces; empty lines by none; the socket goes at the end."""
    await control.start(str(tmp_path / "c"))
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "c"))
    writer.write(b'{"do":"state"}\n\n  \nnonsense\n{"do":')
    assert json.loads(await reader.readline())["ok"] is True
    assert json.loads(await reader.readline())["ok"] is False
    writer.write(b'"state"}\n')
    assert json.loads(await reader.readline())["number"] == "+15550100100"
    await control.stop()
    assert await reader.read() == b""
    assert not (tmp_path / "c").exists()
    writer.close()


async def test_endless_line(control, tmp_path):
    """A line without an end is refused at its bound, and its program is sent away."""
    await control.start(str(tmp_path / "c"))
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "c"))
    writer.write(b"x" * (LONGEST_LINE + 1))
    assert "at most" in json.loads(await reader.readline())["error"]
    assert await reader.read() == b""
    writer.close()
    await control.stop()


async def test_the_socket_of_another(control, tmp_path):
    """A simulator that answers keeps its socket; one that died leaves it; a file is left alone."""
    path = str(tmp_path / "c")
    await control.start(path)
    second = Control(control.modem)
    with pytest.raises(FileExistsError, match="another simulator"):
        await second.start(path)
    await second.stop()
    assert (tmp_path / "c").is_socket()
    control._server.close()  # as a killed one leaves it
    assert (tmp_path / "c").is_socket()
    await second.start(path)
    await second.stop()
    (tmp_path / "file").write_text("kept")
    with pytest.raises(FileExistsError, match="is no socket"):
        await control.start(str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "kept"


# ---- scripts -------------------------------------------------------------------------------------------------------


class Steps(SystemClock):
    """Sleeps are noted, not slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_script(control, tmp_path):
    """The requests in their order, each after its time; a bad one is in the journal and the next one follows."""
    (tmp_path / "s").write_text(
        '{"do":"text","from":"+36641234567","text":"one","after":1.5}\n\n{"do":"dance"}\n{"do":"pdu","pdu":"' + HELLO + '"}\n'
    )
    clock = Steps()
    await control.play(read_script(str(tmp_path / "s")), clock)
    assert clock.slept == [1.5, 0, 0]
    assert [line["kind"] for line in control.modem.journal.lines] == ["deliver", "script", "deliver"]
    assert control.modem.journal.of("script")[0]["do"] == "dance"


async def test_script_with_half_a_character(tmp_path):
    """JSON can hold half of a surrogate pair; a journal on disk cannot: what is written down has it escaped."""
    (tmp_path / "s").write_text('{"do":"\\ud800"}\n{"do":"text","from":"+36641234567","text":"\\ud800"}\n')
    with Journal(str(tmp_path / "journal"), SystemClock()) as notes:
        control = Control(SimModem(Phone("+1"), str(tmp_path / "tty"), notes, SystemClock()))
        await control.play(read_script(str(tmp_path / "s")), Steps())
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    assert [(line["kind"], line.get("do")) for line in lines] == [("script", r"\ud800"), ("deliver", None)]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        pytest.param("x", "line 2: not a JSON object", id="no-json"),
        pytest.param("[]", "line 2: not a JSON object", id="no-object"),
        *(
            pytest.param(f'{{"do":"state","after":{after}}}', "line 2: `after` is a number of seconds", id=f"after-{after}")
            for after in ("-1", "true", '"1"', "NaN", "1e9", "null")
        ),
    ],
)
def test_bad_scripts(line, error, tmp_path):
    """A script is read as a whole before anything starts; the error names file and line."""
    (tmp_path / "s").write_text('{"do":"state"}\n' + line + "\n")
    with pytest.raises(ValueError, match=error) as caught:
        read_script(str(tmp_path / "s"))
    assert str(tmp_path / "s") in str(caught.value)
