"""``smsgwd sim modem``, and ``sim text`` and ``sim fault``, which speak to its control socket."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import click

from smsgwd.cli.base import app_of, json_option, until_told

#: seconds for the answer of a control socket
TIMEOUT = 10.0


@click.command()
@click.option("--link", required=True, metavar="PATH", help="Where the modem's port appears.")
@click.option("--number", default="+15550100100", show_default=True, help="The SIM's own number.")
@click.option("--profile", default="generic", show_default=True, metavar="NAME", help="Modem family to name itself after.")
@click.option("--latency", type=click.FloatRange(0), default=0.0, metavar="S", help="Seconds from a PDU to its +CMGS.")
@click.option("--report-after", type=click.FloatRange(0), default=None, metavar="S",
              help="A delivery report so long after each text that asks for one.")
@click.option("--slots", type=click.IntRange(1, 255), default=50, show_default=True, help="Places of each storage.")
@click.option("--pin", default="", help="The SIM wants this PIN.")
@click.option("--journal", default="", metavar="FILE", help="One JSON line for each thing on the network side.")
@click.option("--control", default="", metavar="SOCK", help="Unix socket that takes JSON lines.")
@click.option("--script", default="", metavar="FILE", help="JSON lines as for --control, each `after` so many seconds.")
@click.option("--seed", type=int, default=None, help="Makes what is random the same each time.")
@json_option
@click.pass_context
def modem(
    ctx: click.Context, link: str, number: str, profile: str, latency: float, report_after: float | None, slots: int,
    pin: str, journal: str, control: str, script: str, seed: int | None,
) -> None:  # fmt: skip
    """A GSM modem on a pty.

    Prints `ready PATH`, then runs until it is told to end. Any program that drives a modem in PDU mode can use it.
    """
    from smsgwd.clock import SystemClock
    from smsgwd.journal import Journal
    from smsgwd.modem.sim.phone import Phone
    from smsgwd.modem.sim.server import Options, SimModem, read_script

    app, clock = app_of(ctx), SystemClock()

    async def main() -> None:
        stop, steps = until_told(), read_script(script) if script else []
        serial = int.from_bytes(link.encode(), "big") % 10**7
        phone = Phone(number, slots=slots, pin=pin, serial=serial)
        options = Options(latency=latency, report_after=report_after, seed=seed)
        with Journal(journal, clock) as notes:
            sim = SimModem(phone, profile, link, notes, clock, options)
            sim.plug()
            try:
                async with asyncio.TaskGroup() as group:
                    if control:
                        group.create_task(sim.serve_control(control, stop), name="control")
                    playing = group.create_task(sim.play(steps), name="script")
                    app.line({"ready": link}, f"ready {link}")
                    await stop.wait()
                    playing.cancel()
            finally:
                sim.unplug()

    try:
        asyncio.run(main())
    except (OSError, ValueError) as e:
        raise click.ClickException(str(e)) from None


def _ask(control: str, request: dict[str, Any]) -> dict[str, Any]:
    """One request to a control socket; ClickException when it cannot be reached or says no."""
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(TIMEOUT)
            s.connect(control)
            s.sendall(json.dumps(request).encode() + b"\n")
            with s.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline() or b"{}")
    except OSError as e:
        raise click.ClickException(f"{control}: {e.strerror or e}; is `smsgwd sim modem --control {control}` running?") from None
    if not answer.get("ok"):
        raise click.ClickException(str(answer.get("error", "the simulator did not answer")))
    return answer


@click.command()
@click.option("--control", required=True, metavar="SOCK", help="Control socket of a simulated modem or SMSC.")
@click.option("--from", "from_", required=True, metavar="NUMBER", help="Who writes.")
@click.argument("text")
@json_option
@click.pass_context
def text(ctx: click.Context, control: str, from_: str, text: str) -> None:
    """Somebody texts the simulated modem."""
    app = app_of(ctx)
    answer = _ask(control, {"do": "text", "from": from_, "text": text})
    app.show(answer, lambda: click.echo(f"{answer['parts']} parts"))


def _list_faults(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value:
        return
    from smsgwd.modem.sim.faults import FAULTS

    for name, (what, takes) in FAULTS.items():
        more = " ".join(f"{k}={v}" for k, v in takes.items() if k != "count" or v == 1)
        click.echo(f"{name:<18} {what}" + (f"  ({more})" if more else ""))
    ctx.exit(0)


@click.command()
@click.option("--control", required=True, metavar="SOCK", help="Control socket of a simulated modem.")
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list_faults, help="List the faults.")
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]…")
@json_option
@click.pass_context
def fault(ctx: click.Context, control: str, name: str, arguments: tuple[str, ...]) -> None:
    """Something goes wrong in the simulated modem; --list tells what can."""
    request: dict[str, Any] = {"do": "fault", "name": name}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key in request:
            raise click.UsageError(f"{argument!r} is not like count=2")
        request[key] = value
    app = app_of(ctx)
    answer = _ask(control, request)
    app.show(answer, lambda: click.echo("done"))
