"""``smsgwd route``: which link would carry a text, and why."""

from __future__ import annotations

from typing import Any

import click

from smsgwd.cli.base import App, app_of, json_option, local_time
from smsgwd.cli.readable import paint


@click.group()
def route() -> None:
    """Routing: explain."""


@route.command()
@click.option("--to", "to", required=True, metavar="NUMBER", help="+E.164, a national number, or a short code.")
@click.option("--class", "class_", type=click.Choice(["bulk", "normal", "alarm"]), default="normal", show_default=True,
              help="What the text would be for.")
@click.option("--from", "from_", default="", metavar="LINK", help="Link or own number it would be sent from.")
@click.option("--text", default="", metavar="TEXT", help="Counts its segments against the caps; else one is assumed.")
@json_option
@click.pass_context
def explain(ctx: click.Context, to: str, class_: str, from_: str, text: str) -> None:
    """Say step by step which link would carry a text, when, and what it would cost. Nothing is stored or sent.

    Ends with 0 when there is a link, with 1 when the text would be refused.
    """
    app = app_of(ctx)
    found = app.door.call("POST", "/v1/route", body={"to": to, "class": class_, "from": from_, "text": text})
    app.show(found, lambda: _print(app, found))
    if found["answer"] == "refused":
        ctx.exit(1)


def _print(app: App, found: dict[str, Any]) -> None:
    app.table(["step", "result", "why"], [(s["step"], s["result"], s["why"]) for s in found["steps"]])
    click.echo()
    if found["answer"] == "refused":
        again = f"; not before {local_time(found['not_before'])}" if found["not_before"] else ""
        click.echo(f"{paint('refused', 'refused')} ({found['code']}){again}")
        return
    at = f", not before {local_time(found['not_before'])}" if found["not_before"] else ""
    sender = f" from {found['sender']}" if found["sender"] else ""
    cost = f", {found['cost']:g} {found['currency']}" if found["cost"] else ""
    parts = f"{found['segments']} segment{'s' if found['segments'] != 1 else ''}"
    click.echo(f"{paint(found['link'], 'up')}{sender}: {parts}{cost}{at}")
