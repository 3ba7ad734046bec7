"""``smsgwd sim smsc``: a carrier's SMSC that speaks SMPP."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from smsgwd.cli.base import app_of, json_option, until_told


class SmscCommand(click.Command):
    """Its help ends with the tables of faults."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_faults(formatter)


def write_faults(formatter: click.HelpFormatter) -> None:
    """What can go wrong in the SMSC."""
    from smsgwd.smpp.sim.faults import catalogue_rows, help_rows

    with formatter.section("Faults of the SMSC, with their arguments (count=0: until cleared)"):
        formatter.write_dl(help_rows())
    with formatter.section("The same by the names of the fault catalogue"):
        formatter.write_dl(catalogue_rows())


_PATH = click.Path()


@click.command(cls=SmscCommand)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=2775, show_default=True, help="0 picks a free port.")
@click.option("--system-id", default="", metavar="I", help="Name of the account; without one any is taken.")
@click.option("--password", default="", metavar="W", help="Its password; without one any is taken.")
@click.option("--binds", type=click.IntRange(0, 1000), default=0, metavar="N",
              help="Binds that an account may have at a time; 0 = no limit.")
@click.option("--tls", nargs=2, type=_PATH, default=None, metavar="CERT KEY",
              help="TLS with this certificate and key, PEM files.")
@click.option("--client-ca", type=_PATH, default=None, metavar="CA",
              help="With --tls: clients must show a certificate that this one signed.")
@click.option("--other-tls", nargs=2, type=_PATH, default=None, metavar="CERT KEY",
              help="With --tls: what the fault `other-certificate` shows.")
@click.option("--journal", default="", metavar="FILE", help="One JSON line for each text, receipt and delivery.")
@click.option("--control", default="", metavar="SOCK", help="Unix socket that takes JSON lines.")
@click.option("--report-after", type=click.FloatRange(0, 86400), default=None, metavar="S",
              help="A receipt so long after each text that asks for one.")
@click.option("--receipt", default="standard", show_default=True,
              type=click.Choice(["standard", "text", "lower", "upper", "no-dates", "dates12", "tlv", "payload", "data_sm"]),
              help="What receipts are like; standard has text and optional parameters.")
@click.option("--receipt-id", type=click.Choice(["same", "hex>dec", "dec>hex", "lower", "stripped"]), default="same",
              show_default=True, help="How the receipt writes message_id; stripped of zeros in front.")
@click.option("--receipt-order", "order", type=click.Choice(["after", "before", "shuffled"]), default="after",
              show_default=True, help="Receipts come after their answer, before it, or out of order.")
@click.option("--states", default="delivered", show_default=True, metavar="STATE[,STATE…]",
              help="Final states of the texts, in turn: names or numbers of message_state.")
@click.option("--tps", "rate", type=click.FloatRange(0, 1_000_000), default=0.0, metavar="N",
              help="Submissions a second that an account may make; 0 = no limit.")
@click.option("--window", type=click.IntRange(0, 10_000), default=0, metavar="N",
              help="Submissions of a connection that may be without an answer; 0 = no limit.")
@click.option("--window-status", type=click.Choice(["throttled", "full"]), default="throttled", show_default=True,
              help="Beyond the window: ESME_RTHROTTLED or ESME_RMSGQFUL.")
@click.option("--delay", type=click.FloatRange(0, 3600), default=0.0, metavar="S",
              help="Seconds until a submission is answered.")
@click.option("--ids", type=click.Choice(["hex", "dec", "uuid", "padded"]), default="hex", show_default=True,
              help="How message_id is written; padded has 16 hexadecimal digits.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[:KEY=VALUE…]", help="A fault from the start; see below.")
@json_option
@click.pass_context
def smsc(
    ctx: click.Context, /, host: str, port: int, tls: tuple[str, str] | None, client_ca: str | None,
    other_tls: tuple[str, str] | None, journal: str, control: str, states: str, faults: tuple[str, ...], **options: Any,
) -> None:  # fmt: skip
    """A carrier's SMSC that speaks SMPP 3.4.

    Prints `ready HOST:PORT`, then runs until SIGTERM or SIGINT; then it unbinds everybody. Any ESME can bind to it.
    """
    from smsgwd.clock import SystemClock
    from smsgwd.journal import Journal
    from smsgwd.smpp.sim.centre import Centre
    from smsgwd.smpp.sim.control import controlled
    from smsgwd.smpp.sim.faults import read_option
    from smsgwd.smpp.sim.serve import serving, show, tls_context
    from smsgwd.smpp.sim.settings import read_states

    if (client_ca or other_tls) and not tls:
        raise click.UsageError("--client-ca and --other-tls need --tls")
    app, clock = app_of(ctx), SystemClock()

    async def main() -> None:
        stop, context = until_told(), tls_context(*tls, client_ca or "") if tls else None
        with Journal(journal, clock) as notes:
            centre = Centre(notes, clock, states=read_states(states), **options)
            if context is not None and other_tls:
                tls_context(*other_tls)  # it can be used
                centre.other_certificate = lambda: show(context, *other_tls)
            for option in faults:
                for fault in read_option(option):
                    centre.fault(fault)
            async with controlled(centre, control), serving(centre, host, port, context) as address:
                app.line({"ready": address}, f"ready {address}")
                await stop.wait()

    try:
        asyncio.run(main())
    except (OSError, ValueError) as e:
        raise click.ClickException(str(e)) from None
