"""``smsgwd links``: modems and SMPP binds."""

from __future__ import annotations

from typing import Any

import click

from smsgwd.cli.base import app_of, json_option, local_time, pairs


@click.group()
def links() -> None:
    """Modems and SMPP binds: list, show, pause, resume, accept."""


@links.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context) -> None:
    """All links."""
    app = app_of(ctx)
    found = app.door.call("GET", "/v1/links")
    rows = [
        (x["name"], x["type"], _state(x), x["queued"], local_time(x["since"]), x["number"], x["reason"])
        for x in found["items"]
    ]
    columns = ["name", "type", "state", "queued", "since", "number", "reason"]
    app.show(found, lambda: app.table(columns, rows, "no links are configured"))


def _state(link: dict[str, Any]) -> str:
    return f"{link['state']}, paused" if link["paused"] else str(link["state"])


@links.command()
@click.argument("name")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str) -> None:
    """One link: its state, since when, and why."""
    app = app_of(ctx)
    found = app.door.call("GET", f"/v1/links/{name}")
    rows = [
        ("name", found["name"]), ("type", found["type"]), ("state", _state(found)), ("reason", found["reason"]),
        ("since", local_time(found["since"])), ("number", found["number"]), ("queued", found["queued"]),
        *((name.replace("_", " "), str(value)) for name, value in found["facts"].items()),
    ]  # fmt: skip
    app.show(found, lambda: pairs(rows))


def _verb(name: str, text: str) -> click.Command:
    @click.command(name, help=text)
    @click.argument("link")
    @json_option
    @click.pass_context
    def command(ctx: click.Context, link: str) -> None:
        app = app_of(ctx)
        found = app.door.call("POST", f"/v1/links/{link}/{name}")
        app.show(found, lambda: click.echo(f"{found['name']} {_state(found)}"))

    return command


links.add_command(_verb("pause", "Send nothing over a link until it is resumed; it goes on receiving."))
links.add_command(_verb("resume", "Let a paused link send again."))
links.add_command(
    _verb("accept", "Accept the SIM and modem that a link has now, and let its PIN be tried once more.")
)
