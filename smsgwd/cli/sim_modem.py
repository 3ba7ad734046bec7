"""``smsgwd sim modem``, and ``sim text`` and ``sim fault``, which speak to its control socket."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import zlib
from typing import Any

import click

from smsgwd.cli.base import app_of, json_option, until_told

#: seconds for the answer of a control socket
TIMEOUT = 10.0
#: bytes of that answer
LONGEST_ANSWER = 1 << 20


class ModemCommand(click.Command):
    """Its help ends with the tables of profiles and faults."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from smsgwd.modem.sim import families

        with formatter.section("Profiles, each for a real device"):
            formatter.write_dl(families.help_rows())
        _write_faults(formatter)


def _write_faults(formatter: click.HelpFormatter) -> None:
    from smsgwd.modem.sim import catalogue, faults

    with formatter.section("Faults of the modem, with their arguments (count=0: until cleared)"):
        formatter.write_dl(faults.help_rows())
    with formatter.section("The same by the names of the fault catalogue"):
        formatter.write_dl(catalogue.help_rows())


@click.command(cls=ModemCommand)
@click.option("--link", required=True, metavar="PATH", help="Where the modem's port appears.")
@click.option("--second", default="", metavar="PATH", help="Where a second port appears, for status alone.")
@click.option("--number", default="+15550100100", show_default=True, metavar="N", help="The SIM's own number.")
@click.option("--profile", default="generic", show_default=True, metavar="NAME", help="Modem family to behave like.")
@click.option("--latency", type=click.FloatRange(0, 3600), default=0.0, metavar="S",
              help="Seconds from a PDU to its +CMGS.")
@click.option("--report-after", type=click.FloatRange(0, 86400), default=None, metavar="S",
              help="A delivery report so long after each text that asks for one.")
@click.option("--slots", type=click.IntRange(1, 255), default=50, show_default=True, metavar="N",
              help="Places of each storage.")
@click.option("--pin", default="", metavar="PIN", help="The SIM wants this PIN, 4 to 8 digits.")
@click.option("--journal", default="", metavar="FILE", help="One JSON line for each thing on the network side.")
@click.option("--control", default="", metavar="SOCK", help="Unix socket that takes JSON lines.")
@click.option("--script", default="", metavar="FILE", help="JSON lines as for --control, each `after` so many seconds.")
@click.option("--seed", type=int, default=None, metavar="N", help="Makes what is random the same each time.")
@json_option
@click.pass_context
def modem(
    ctx: click.Context, link: str, second: str, number: str, profile: str, latency: float, report_after: float | None, slots: int,
    pin: str, journal: str, control: str, script: str, seed: int | None,
) -> None:  # fmt: skip
    """A GSM modem on a pty.

    Prints `ready PATH`, then runs until SIGTERM or SIGINT. Any program that drives a modem can use it.
    """
    from smsgwd.clock import SystemClock
    from smsgwd.journal import Journal
    from smsgwd.modem.sim.control import Control, read_script
    from smsgwd.modem.sim.engine import SimModem
    from smsgwd.modem.sim.families import find_family
    from smsgwd.modem.sim.phone import Phone

    if second and os.path.abspath(second) == os.path.abspath(link):
        raise click.BadParameter("is the same as --link", param_hint="--second")
    if not re.fullmatch(r"\+?[0-9]{1,20}", number):
        raise click.BadParameter("is no number", param_hint="--number")
    if pin and not re.fullmatch("[0-9]{4,8}", pin):
        raise click.BadParameter("is 4 to 8 digits", param_hint="--pin")
    try:
        family = find_family(profile)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="--profile") from None
    app, clock = app_of(ctx), SystemClock()

    async def main() -> None:
        stop, steps = until_told(), read_script(script) if script else []
        # several modems on one machine are told apart by IMEI and ICCID; the same link has the same ones each time
        phone = Phone(number, family=family, slots=slots, pin=pin, serial=zlib.crc32(link.encode()))
        with Journal(journal, clock) as notes:
            sim = SimModem(
                phone, link, notes, clock, latency=latency, report_after=report_after, seed=seed, second=second
            )
            requests = Control(sim)
            sim.plug()
            try:
                if control:
                    await requests.start(control)
                async with asyncio.TaskGroup() as group:
                    playing = group.create_task(requests.play(steps, clock), name="script")
                    app.line({"ready": link}, f"ready {link}")
                    await stop.wait()
                    playing.cancel()
            finally:
                await requests.stop()
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
                line = answers.readline(LONGEST_ANSWER)
    except OSError as e:
        why = e.strerror or e
        raise click.ClickException(f"{control}: {why}; is `smsgwd sim modem --control {control}` running?") from None
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise click.ClickException(f"{control}: no answer of a simulator")
    if not answer.get("ok"):
        raise click.ClickException(str(answer.get("error", "the simulator says no")))
    return answer


@click.command()
@click.option("--control", required=True, metavar="SOCK", help="Control socket of a simulated modem or SMSC.")
@click.option("--from", "sender", required=True, metavar="N", help="Who writes: a number, or up to 11 letters.")
@click.argument("text")
@json_option
@click.pass_context
def text(ctx: click.Context, control: str, sender: str, text: str) -> None:
    """Somebody texts the simulated modem or SMSC; a long TEXT comes in parts."""
    app = app_of(ctx)
    answer = _ask(control, {"do": "text", "from": sender, "text": text})
    parts = answer.get("parts", 1)
    app.show(answer, lambda: click.echo("1 part" if parts == 1 else f"{parts} parts"))


class FaultCommand(click.Command):
    """Its help ends with the tables of faults of both simulators."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from smsgwd.cli.sim_smsc import write_faults

        _write_faults(formatter)
        write_faults(formatter)


@click.command(cls=FaultCommand)
@click.option("--control", required=True, metavar="SOCK", help="Control socket of a simulated modem or SMSC.")
@click.option("--seed", type=int, default=None, metavar="N", help="Makes what is random the same each time.")
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]...")
@json_option
@click.pass_context
def fault(ctx: click.Context, control: str, seed: int | None, name: str, arguments: tuple[str, ...]) -> None:
    """Something goes wrong in a simulated modem or SMSC.

    NAME is a fault of it, or a name of the fault catalogue: F1 to F29 for modems, F30 to F40 for SMSCs.
    """
    request: dict[str, Any] = {"do": "fault", "name": name} | ({} if seed is None else {"seed": seed})
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not key or key in request:
            raise click.UsageError(f"{argument!r} is not like count=2")
        request[key] = value
    app = app_of(ctx)
    answer = _ask(control, request)
    app.show(answer, lambda: click.echo("done"))
