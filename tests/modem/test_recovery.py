"""The ladder: which step follows how many silent openings."""

import asyncio
import sys

import msgspec
import pytest

from smsgwd.errors import LinkError
from smsgwd.modem import switch
from smsgwd.modem.recovery import Step, next_step
from smsgwd.modem.switch import run_command
from tests.modem.wire import QUICK, Ear, running, wire

NONE, R, P = Step.REOPEN, Step.RESTART, Step.POWER


@pytest.mark.parametrize(
    ("restarts", "switch", "steps"),
    [
        pytest.param(False, False, [NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE], id="neither"),
        pytest.param(True, False, [NONE, R, NONE, R, NONE, R, NONE, R], id="a modem that comes back from CFUN=1,1"),
        pytest.param(False, True, [NONE, NONE, NONE, P, NONE, P, NONE, P], id="a power switch"),
        pytest.param(True, True, [NONE, R, NONE, P, NONE, R, NONE, P], id="both take turns"),
    ],
)
def test_steps(restarts, switch, steps):
    """Every second opening is tried without a step; the power switch comes last."""
    assert [next_step(n, restarts=restarts, switch=switch) for n in range(1, 9)] == steps


@pytest.mark.parametrize(
    ("code", "told"),
    [pytest.param("pass", "done", id="good"), pytest.param("raise SystemExit(3)", "ended with status 3", id="bad")],
)
async def test_the_command_and_its_end(code, told):
    """It is run without a shell, and its end is one line."""
    assert told in await run_command((sys.executable, "-c", code))


async def test_a_command_that_is_not_there():
    """Told, not raised."""
    assert await run_command(("/nowhere/switch", "off")) == "switch cannot be run: No such file or directory"


async def test_a_command_that_hangs_is_killed(monkeypatch):
    """It costs its time-out, and no process is left."""
    monkeypatch.setattr(switch, "PATIENCE", 0.1)
    assert "was killed" in await run_command((sys.executable, "-c", "import time; time.sleep(60)"))


async def test_a_silent_modem_climbs(tmp_path):
    """Each silent opening is one event with its step; a modem that answers again begins anew."""
    mark = tmp_path / "switched"
    command = (sys.executable, "-c", f"open({str(mark)!r}, 'a').write('x')")
    ear = Ear()
    with wire() as modem:
        answers = dict(modem.answers)
        modem.answers["AT"] = None
        profile = msgspec.structs.replace(QUICK, reset="cfun")
        async with running(modem, up=False, profile=profile, ear=ear, reset_command=command) as (link, _, task):
            with pytest.raises(LinkError):
                await task
            for _ in range(3):
                with pytest.raises(LinkError, match="does not answer"):
                    await link.run(ear, asyncio.Event())
            assert modem.count("AT+CFUN=1,1") == 1
            modem.answers = answers
    steps = [data["step"] for kind, data in ear.notices if kind == "link.recovery"]
    assert steps == ["reopen", "restart", "reopen", "power"]
    assert mark.read_text() == "x"
