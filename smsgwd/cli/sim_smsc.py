"""``smsgwd sim smsc``: a carrier's SMSC that speaks SMPP."""

from __future__ import annotations

import asyncio

import click

from smsgwd.cli.base import app_of, json_option, until_told


class SmscCommand(click.Command):
    """Its help ends with the table of faults."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from smsgwd.smpp.sim.faults import help_rows

        with formatter.section("Faults, with their arguments (count=0: until cleared)"):
            formatter.write_dl(help_rows())


@click.command(cls=SmscCommand)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=2775, show_default=True, help="0 picks a free port.")
@click.option("--system-id", default="", metavar="I", help="Name of the account; without one any is taken.")
@click.option("--password", default="", metavar="W", help="Its password; without one any is taken.")
@click.option("--tls", nargs=2, type=click.Path(), default=None, metavar="CERT KEY",
              help="TLS with this certificate and key, PEM files.")
@click.option("--journal", default="", metavar="FILE", help="One JSON line for each text, receipt and delivery.")
@click.option("--control", default="", metavar="SOCK", help="Unix socket that takes JSON lines.")
@click.option("--report-after", type=click.FloatRange(0, 86400), default=None, metavar="S",
              help="A receipt so long after each text that asks for one.")
@click.option("--tps", type=click.FloatRange(0, 1_000_000), default=0.0, metavar="N",
              help="Submissions a second that an account may make; 0 = no limit.")
@click.option("--ids", type=click.Choice(["hex", "decimal"]), default="hex", show_default=True,
              help="How message_id is written.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[:KEY=VALUE…]", help="A fault from the start; see below.")
@json_option
@click.pass_context
def smsc(
    ctx: click.Context, host: str, port: int, system_id: str, password: str, tls: tuple[str, str] | None, journal: str,
    control: str, report_after: float | None, tps: float, ids: str, faults: tuple[str, ...],
) -> None:  # fmt: skip
    """A carrier's SMSC that speaks SMPP 3.4.

    Prints `ready HOST:PORT`, then runs until SIGTERM or SIGINT; then it unbinds everybody. Any ESME can bind to it.
    """
    from smsgwd.clock import SystemClock
    from smsgwd.journal import Journal
    from smsgwd.smpp.sim.centre import Centre
    from smsgwd.smpp.sim.control import controlled
    from smsgwd.smpp.sim.faults import read_option
    from smsgwd.smpp.sim.serve import serving, tls_context

    app, clock = app_of(ctx), SystemClock()

    async def main() -> None:
        stop, context = until_told(), tls_context(*tls) if tls else None
        with Journal(journal, clock) as notes:
            centre = Centre(
                notes, clock, system_id=system_id, password=password, report_after=report_after, rate=tps,
                decimal=ids == "decimal",
            )  # fmt: skip
            for option in faults:
                centre.fault(read_option(option))
            async with controlled(centre, control), serving(centre, host, port, context) as address:
                app.line({"ready": address}, f"ready {address}")
                await stop.wait()

    try:
        asyncio.run(main())
    except (OSError, ValueError) as e:
        raise click.ClickException(str(e)) from None
