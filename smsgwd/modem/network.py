"""Whether the modem can send, and what it knows of the network: registration, operator, signal (TS 27.007).

A modem can send when any of its three domains says so: LTE-only modems are never registered in +CREG. A modem that answers
none of the three is tried: the error table decides then.
"""

from __future__ import annotations

from smsgwd.modem import commands
from smsgwd.modem.channel import Channel


class Network:
    """The network as one open modem sees it."""

    def __init__(self, channel: Channel, *, roaming: bool) -> None:
        self.channel, self.roaming = channel, roaming
        self._registered: dict[str, int] = {}

    def note(self, line: str) -> bool:
        """A registration code that came unasked; False for one that does not read."""
        found = commands.registration(line)
        if found is not None:
            self._registered[found[0]] = found[1]
        return found is not None

    async def look(self) -> None:
        """Asks all three domains."""
        self._registered.clear()
        for name, command in commands.REGISTRATION.items():
            found = commands.registration(await self.channel.first(command) or "+:")
            if found is not None:
                self._registered[name] = found[1]

    def judge(self) -> tuple[bool, str]:
        """Whether texts can be sent, and what people call the state."""
        stats = set(self._registered.values())
        sendable = {s for s in stats if commands.REGISTRATION_STATES.get(s, ("", False))[1]}
        if not self.roaming:
            sendable -= commands.ROAMING
        if sendable or not stats:
            return True, ", ".join(_name(s) for s in sorted(sendable)) or "registration unknown"
        forbidden = " (`roaming` is off)" if stats & commands.ROAMING else ""
        return False, f"no network: {', '.join(sorted({_name(s) for s in stats}))}{forbidden}"

    async def describe(self) -> dict[str, str | int | None]:
        """Operator, access technology and signal, for people; None for what the modem does not know."""
        name, access = commands.operator(await self.channel.first(commands.OPERATOR) or "+COPS: 0")
        dbm = commands.signal_dbm(await self.channel.first(commands.SIGNAL) or "+CSQ: 99")
        if dbm is None:
            dbm = commands.rsrp_dbm(await self.channel.first(commands.SIGNAL_LTE) or "+CESQ: 99")
        return {"operator": name or None, "access": access or None, "signal_dbm": dbm}


def _name(stat: int) -> str:
    return commands.REGISTRATION_STATES.get(stat, (f"state {stat}", False))[0]
