"""``smsgwd sim smsc``: a carrier's SMSC that speaks SMPP."""

from __future__ import annotations

import asyncio

import click

from smsgwd.cli.base import app_of, json_option, until_told


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=2775, show_default=True, help="0 picks a free port.")
@click.option("--system-id", default="", help="Name of the account; without one any is taken.")
@click.option("--password", default="", help="Its password; without one any is taken.")
@click.option("--journal", default="", metavar="FILE", help="One JSON line for each text, receipt and delivery.")
@click.option("--control", default="", metavar="SOCK", help="Unix socket that takes JSON lines.")
@click.option("--report-after", type=click.FloatRange(0), default=None, metavar="S",
              help="A receipt so long after each text that asks for one.")
@click.option("--tps", type=click.FloatRange(0), default=0.0, metavar="N", help="Submissions a second; 0 = no limit.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[:KEY=VALUE…]",
              help="A fault from the start: no-answer, error:code=88, slow:seconds=3, drop, refuse-bind:code=13.")
@json_option
@click.pass_context
def smsc(
    ctx: click.Context, host: str, port: int, system_id: str, password: str, journal: str, control: str,
    report_after: float | None, tps: float, faults: tuple[str, ...],
) -> None:  # fmt: skip
    """A carrier's SMSC that speaks SMPP 3.4.

    Prints `ready HOST:PORT`, then runs until it is told to end.
    """
    from smsgwd.clock import SystemClock
    from smsgwd.journal import Journal
    from smsgwd.smpp.sim.centre import Centre

    app, clock = app_of(ctx), SystemClock()

    async def main() -> None:
        with Journal(journal, clock) as notes:
            centre = Centre(notes, clock, system_id=system_id, password=password, report_after=report_after, rate=tps)
            for name, _, more in (f.partition(":") for f in faults):
                centre.fault(name, dict(pair.split("=", 1) for pair in more.split(":") if pair))
            stop = until_told()
            async with asyncio.TaskGroup() as group:
                if control:
                    group.create_task(centre.serve_control(control, stop), name="control")
                await centre.serve(host, port, stop, lambda address: app.line({"ready": address}, f"ready {address}"))

    try:
        asyncio.run(main())
    except (OSError, ValueError) as e:
        raise click.ClickException(str(e)) from None
