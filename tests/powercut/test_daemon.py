"""F53, F54, P1 to P4, P7, P8: the real daemon dies at any moment, by ``kill -9`` or by a power cut, and nothing is lost, nothing goes
twice that may not.

A kill leaves the page cache whole; the power cut (``powercut.c``) takes away what was not synced. After each, the next daemon
starts on what is left, and :meth:`tests.powercut.rig.Rig.check` compares it with what callers were told and with the journals
of the networks:

* every text that was answered with 202 is there, once, under the id of the answer;
* every text that a network got has an attempt for each time that it got it;
* none went twice, unless its class says so (alarm) and it is marked;
* what people said is in the store once; at the end all of it, so until then it was kept on the SIM or at the SMSC.

``POWERCUT_CYCLES=1000`` makes a night of it; ``POWERCUT_SEED`` adds to the seeds.
"""

from __future__ import annotations

import os

import pytest

from tests.powercut.rig import rig, scaled
from tests.powercut.shim import Power, build

pytestmark = pytest.mark.story

SEED = int(os.environ.get("POWERCUT_SEED", "0"))
LIVES = 51
#: most attempts that a kill may leave in doubt: what both links have in flight
WINDOW = 60


async def _many_lives(home, seed, power) -> None:
    with rig(home, seed, power) as gateway:
        try:
            for _ in range(scaled(LIVES)):
                await gateway.life()
            await gateway.last_life()
        except AssertionError as e:
            e.add_note(f"seed {seed}")
            raise
        print(f"{len(gateway.accepted)} accepted, {sum(map(len, gateway.said.values()))} came, in doubt {gateway.in_doubt}")
        wire = gateway.wire()
        assert gateway.missing() == []
        assert len(gateway.accepted) > 5 * scaled(LIVES)
        assert len(wire) > len(gateway.accepted) // 2
        assert any(gateway.in_doubt), "no kill ever struck an open attempt"
        assert max(gateway.in_doubt) <= WINDOW


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
async def test_f54_killed_at_any_await(tmp_path, seed):
    """kill -9: what was told is true, what went is known, what came is kept."""
    await _many_lives(tmp_path.resolve(), SEED + seed, None)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [3, 4])
async def test_f53_power_cut_of_the_daemon(tmp_path, seed):
    """The same, and the disk forgets what was not synced."""
    home = tmp_path.resolve()
    shim = build(home)
    await _many_lives(home, SEED + seed, lambda folder: Power(shim, folder, home / "undo.log"))
