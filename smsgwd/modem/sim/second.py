"""The second AT port of the simulated modem: status alone, with settings of its own, as a stick's spare port has them.

Echo, AT+CMEE and their like belong to a port, so the phone's settings are exchanged for those of this port while it is fed.
Commands about texts answer ERROR here, as do those that change the modem; notices go to the first port.
"""

from __future__ import annotations

from pathlib import Path

from smsgwd.modem.sim.dialogue import Dialogue
from smsgwd.modem.sim.faults import Fault
from smsgwd.modem.sim.line import Line
from smsgwd.modem.sim.phone import Phone
from smsgwd.sms.submit import Submit


class SecondPort:
    """One more port of ``phone``, named ``path``."""

    def __init__(self, phone: Phone, path: Path) -> None:
        self._phone = phone
        self._settings = phone.fresh_settings()
        self._dialogue = Dialogue(phone, self, status_only=True)
        self.line = Line(path, self._took, self._dialogue.drop)

    def restart(self) -> None:
        """The modem restarted: the port's settings are forgotten."""
        self._settings = self._phone.fresh_settings()
        self._dialogue.drop()

    def _took(self, octets: bytes) -> None:
        first, self._phone.settings = self._phone.settings, self._settings
        try:
            self._dialogue.feed(octets)
        finally:
            self._settings, self._phone.settings = self._phone.settings, first

    def say(self, octets: bytes) -> None:
        """See :class:`Outside`."""
        self.line.say(octets)

    def submitted(self, submit: Submit, pdu: str) -> None:
        """No prompt opens here."""
        raise AssertionError("a port for status alone takes no text")

    def ussd(self, answer: str) -> None:
        """AT+CUSD is refused here."""
        raise AssertionError("a port for status alone takes no USSD code")

    def restarts(self) -> None:
        """AT+CFUN=1,1 is refused here."""
        raise AssertionError("a port for status alone restarts nothing")

    def unplugged(self, fault: Fault) -> None:
        """Only AT+CMGS unplugs."""
        raise AssertionError("a port for status alone takes no text")
