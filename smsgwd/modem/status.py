"""The modem's second AT port, where its family has one: operator and signal are asked there, beside the texts.

Nothing that sends or reads a text is ever written to it, and what it says unasked is left to the first port. A second port
that cannot be opened or does not answer is no fault: the link asks over the first one then, between two texts.
"""

from __future__ import annotations

from smsgwd.clock import Clock
from smsgwd.config import ModemConfig
from smsgwd.errors import LinkError
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.modem import commands
from smsgwd.modem.channel import Channel
from smsgwd.modem.network import Network
from smsgwd.modem.profile import Profile

log = get_logger("modem")


class StatusPort:
    """The second port of one open modem; ``serving`` while it answers."""

    def __init__(self, config: ModemConfig, profile: Profile, path: str, sink: LinkSink, clock: Clock) -> None:
        self.config, self.profile, self.path, self.sink, self.clock = config, profile, path, sink, clock
        self.serving = False

    async def run(self) -> None:
        """Until cancelled, or until the port does not serve."""
        channel = Channel(self.profile, lambda: None)
        try:
            await channel.open(self.path, self.config.baudrate)
            await channel.probe()
            for command in (commands.ECHO_OFF, commands.NUMERIC_ERRORS, commands.OPERATOR_AS_TEXT):
                await channel.attempt(command)
            network, self.serving = Network(channel, roaming=self.config.roaming), True
            while True:
                channel.check()
                channel.unsolicited.clear()
                await self.sink.described(self.config.name, **await network.describe())
                await self.clock.sleep(self.profile.poll)
        except LinkError as e:
            log.info("the second port does not serve, the first one is asked", link=self.config.name, why=str(e))
        finally:
            self.serving = False
            channel.close()
