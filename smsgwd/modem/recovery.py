"""The ladder by which a silent modem is brought back: which step comes next. Pure.

The first two steps are not here: the channel says ESC and AT by itself, and a port that is closed is opened and set up
again. A modem that stays silent over several openings is then told to restart (where its profile says that it comes back
from that), and at last its power is switched by a command of the configuration. Each pause between is the supervisor's,
and grows. Other failures (no port, no SIM, no network) do not climb the ladder: no restart mends them.
"""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """What is done before the port is opened again."""

    #: nothing: open and set up again
    REOPEN = "reopen"
    #: AT+CFUN=1,1, written without hope of an answer
    RESTART = "restart"
    #: the configuration's `reset_command`
    POWER = "power"


#: silent openings in a row from which on a restart, and from which on the power switch, is due
RESTART_AFTER, POWER_AFTER = 2, 4


def next_step(silent: int, *, restarts: bool, switch: bool) -> Step:
    """The step after ``silent`` openings in a row that found a silent modem.

    ``restarts``: the profile says that AT+CFUN=1,1 helps; ``switch``: there is a `reset_command`. Every second opening is
    tried without either, and where both exist they take turns.
    """
    if silent < RESTART_AFTER or silent % 2:
        return Step.REOPEN
    if switch and silent >= POWER_AFTER and (silent % 4 == 0 or not restarts):
        return Step.POWER
    return Step.RESTART if restarts else Step.REOPEN
