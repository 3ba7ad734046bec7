"""``smsgwd sim``: simulators that people test against. Each is an independent program in a process of its own."""

from __future__ import annotations

import click

from smsgwd.cli import LazyGroup

SIMULATORS: dict[str, tuple[str, str]] = {
    "modem": ("smsgwd.cli.sim_modem:modem", "A GSM modem on a pty."),
    "text": ("smsgwd.cli.sim_modem:text", "A text from somebody to a simulated modem or SMSC."),
    "fault": ("smsgwd.cli.sim_modem:fault", "Something goes wrong in a simulated modem or SMSC."),
    "smsc": ("smsgwd.cli.sim_smsc:smsc", "A carrier's SMSC that speaks SMPP."),
    "helpdesk": ("smsgwd.cli.sim_helpdesk:helpdesk", "A helpdesk that takes signed webhooks."),
}


@click.group(cls=LazyGroup, table=SIMULATORS)
def sim() -> None:
    """Simulators: modem, SMSC, helpdesk."""
