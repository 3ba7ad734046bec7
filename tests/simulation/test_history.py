"""Histories of the gateway, one for each seed; and that the checks find what they are made to find."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from smsgwd.model import SUBMISSION, public_id
from smsgwd.queue import submitting
from smsgwd.queue.progress import part_accepted
from smsgwd.queue.states import S, conclude, requeue
from tests.simulation.__main__ import main, quiet
from tests.simulation.history import History
from tests.simulation.parts import SimDaemon

ROOT = Path(__file__).parents[2]
#: seeds in every run of the suite; `make simulate SEEDS=…` goes on
SEEDS, GROUP = 100, 10
#: within so many histories each mistake below must be found
ENOUGH = 25


@pytest.fixture(autouse=True)
def no_log():
    quiet()


@pytest.mark.parametrize("first", range(0, SEEDS, GROUP))
def test_histories(first):
    """Crashes, full disks, broken links, lost and late answers, reports in any order, failing desks, clocks that jump: all
    that the gateway has promised holds at each moment, and at the end."""
    outcomes = []
    for seed in range(first, first + GROUP):
        try:
            outcomes.append(History(seed).run())
        except BaseException as e:
            e.add_note(f"again: python -m tests.simulation --seed {seed} --trace")
            raise
    assert sum(outcome.wire for outcome in outcomes) > 100
    assert sum(outcome.lives for outcome in outcomes) > GROUP
    assert len({outcome.digest for outcome in outcomes}) == GROUP


def test_one_seed_is_one_history():
    """The same seed gives the same history to the last row, after others in this process and in new ones, whatever the hash
    of strings is there."""
    History(8).run()
    here = History(7).run().digest
    there = []
    for hashes in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", "7"], cwd=ROOT, capture_output=True, text=True, timeout=60,
            env={**os.environ, "PYTHONHASHSEED": hashes}, check=True,
        )  # fmt: skip
        there += re.findall(r"digest='(\w+)'", done.stdout)
    assert there == [here, here]


# ---- mistakes that must be found -------------------------------------------------------------------------------------


def resends(monkeypatch) -> None:
    """What the incumbents do: no answer, so it is sent again."""

    def in_doubt(tx, s, m, outcome, now):
        conclude(tx, s, S.UNCERTAIN, reason=outcome.reason, open=True)
        if m.state == "sending":
            requeue(tx, m, now + 1000, now, outcome.reason)

    monkeypatch.setattr(submitting, "in_doubt", in_doubt)


def calls_doubt_sent(monkeypatch) -> None:
    """No answer is taken for a yes."""

    def in_doubt(tx, s, m, outcome, now):
        conclude(tx, s, S.ACCEPTED, reason=outcome.reason, open=True)
        if part_accepted(tx, m, s.part, now):
            requeue(tx, m, 0, now)

    monkeypatch.setattr(submitting, "in_doubt", in_doubt)


def forgets_what_flew(monkeypatch) -> None:
    """The start after a crash gives open attempts back to the queue as if nothing had gone."""

    def recover(tx, now):
        open_ = tx.execute("SELECT id FROM submission WHERE open = 1 AND state = 'in_flight'").fetchall()
        for (id_,) in open_:
            submitting.unsubmit(tx, public_id(SUBMISSION, id_), "the gateway ended", now)
        return len(open_)

    monkeypatch.setattr(submitting, "recover", recover)


def acknowledges_first(daemon: SimDaemon) -> None:
    """A text is acknowledged to the network whatever the store says."""
    receive = daemon.intake.received

    async def received(link, segment):
        if daemon.clock.now() % 3:  # two of three are not even tried
            await receive(link, segment)

    daemon.intake.received = received


@pytest.mark.parametrize(
    ("mistake", "promise"),
    [
        pytest.param(resends, "P4", id="resends what is in doubt"),
        pytest.param(calls_doubt_sent, "P[45]", id="calls it sent"),
        pytest.param(forgets_what_flew, "P4", id="forgets what flew"),
    ],
)
def test_a_mistake_of_the_store_is_found(monkeypatch, mistake, promise):
    """The simulation can fail: a policy that breaks a promise is found within a few histories, and named."""
    mistake(monkeypatch)
    assert re.match(promise, _found()), mistake.__doc__


def test_a_mistake_of_the_intake_is_found():
    """A text that was acknowledged and is not stored is missed."""
    assert re.match("P[78]", _found(acknowledges_first))


def _found(change=lambda daemon: None) -> str:
    """What the first history says that finds something; "" when none of them does."""
    for seed in range(ENOUGH):
        try:
            History(seed, change=change).run()
        except BaseExceptionGroup as group:
            leaves = group
            while isinstance(leaves, BaseExceptionGroup):
                leaves = leaves.exceptions[0]
            return str(leaves)
        except AssertionError as e:
            return str(e)
    return ""


def test_a_seed_that_fails_says_how_to_see_it_again(monkeypatch, capsys):
    """The command that replays it, and an exit status that stops CI."""
    resends(monkeypatch)
    assert main(["--seeds", str(ENOUGH)]) == 1
    out = capsys.readouterr().out
    seed = re.search(r"seed (\d+) failed; again: \S+ -m tests\.simulation --seed \1 --trace", out)
    assert seed, out
    assert main(["--seed", seed[1]]) == 1
    assert main(["--seeds", "0"]) == 0
