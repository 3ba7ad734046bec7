"""``smsgwd send``: accept a text durably and print its id."""

from __future__ import annotations

import sys
from typing import Any

import click

from smsgwd.cli.base import App, app_of, json_option, named_values

#: states after which nothing more is expected, and whether that is well
_ENDS = {"delivered": True, "failed": False, "expired": False, "cancelled": False, "uncertain": False}
#: seconds between two looks of --wait
_LOOK = 0.25


@click.command()
@click.option("--to", "to", required=True, metavar="NUMBER", help="+E.164, or a national number of gateway.country.")
@click.option("--from", "from_", default="", metavar="LINK", help="Link or own number to send from.")
@click.option("--class", "class_", type=click.Choice(["bulk", "normal", "alarm"]), default="normal", show_default=True,
              help="What it is for: sets priority and the policy of an unknown outcome.")
@click.option("--at", default="", metavar="TIME", help="2026-01-31T09:30, 2026-01-31T09:30+01:00, '2026-01-31 09:30 Europe/Vienna', 09:30 or +2h.")
@click.option("--validity", default="", metavar="DURATION", help="How long it may wait: 30m, 12h, 2d.")
@click.option("--key", default="", help="Idempotency key: the same key never sends twice.")
@click.option("--flash", is_flag=True, help="Shown at once and not stored by the phone.")
@click.option("--alphabet", type=click.Choice(["auto", "gsm7", "ucs2"]), default="auto", show_default=True,
              help="auto takes what needs fewest parts.")
@click.option("--uncertain", type=click.Choice(["hold", "retry", "assume-sent"]), default=None,
              help="What to do when nobody knows whether it was sent; without it, as its class.")
@click.option("--meta", multiple=True, metavar="NAME=VALUE", callback=named_values,
              help="For the carrier's optional parameters; repeatable.")
@click.option("--wait", type=click.FloatRange(0, 86400), default=None, metavar="SECONDS",
              help="Wait for sent or delivered; ends with 1 when it failed or the time is over.")
@click.argument("text")
@json_option
@click.pass_context
def send(
    ctx: click.Context, to: str, from_: str, class_: str, at: str, validity: str, key: str, flash: bool, alphabet: str,
    uncertain: str | None, meta: dict[str, str], wait: float | None, text: str,
) -> None:  # fmt: skip
    """Accept TEXT durably and print its id. A TEXT of - is read from stdin.

    Works with the daemon stopped too: the text then goes out at the next start.
    """
    app = app_of(ctx)
    if text == "-":
        text = sys.stdin.read().removesuffix("\n")
    body: dict[str, Any] = {
        "to": to, "text": text, "from": from_, "class": class_, "at": at, "validity": validity, "key": key,
        "flash": flash, "alphabet": "" if alphabet == "auto" else alphabet, "uncertain": uncertain, "meta": meta, "origin": "cli",
    }  # fmt: skip
    accepted = app.door.call("POST", "/v1/messages", body={k: v for k, v in body.items() if v or k in ("to", "text")})
    if wait is None:
        app.show(accepted, lambda: _say(app, accepted))
        return
    found = _wait(app, accepted["id"], wait)
    app.show(found, lambda: click.echo(f"{found['id']} {found['state']}{_reason(found)}"))
    if found["state"] not in ("sent", "delivered"):
        ctx.exit(1)


def _say(app: App, accepted: dict[str, Any]) -> None:
    """The id alone for scripts; a person sees what it takes as well."""
    if not sys.stdout.isatty():
        click.echo(accepted["id"])
        return
    parts = accepted["segments"]
    click.echo(f"{accepted['id']}  {accepted['state']} on {accepted['link']}, "
               f"{parts} part{'s' if parts > 1 else ''} ({accepted['encoding']})")  # fmt: skip


def _reason(found: dict[str, Any]) -> str:
    return f": {found['reason']}" if found["reason"] else ""


def _wait(app: App, message: str, seconds: float) -> dict[str, Any]:
    """Looks until the text is delivered, or sent without more to come, or failed."""
    import asyncio

    from smsgwd.clock import SystemClock

    clock = SystemClock()

    async def look() -> dict[str, Any]:
        end = clock.monotonic() + seconds
        while True:
            found: dict[str, Any] = app.door.call("GET", f"/v1/messages/{message}")
            if found["state"] in _ENDS or clock.monotonic() >= end:
                return found
            await clock.sleep(_LOOK)

    if not sys.stderr.isatty() or app.as_json:
        return asyncio.run(look())
    from rich.console import Console

    with Console(stderr=True).status("on its way …"):
        return asyncio.run(look())
