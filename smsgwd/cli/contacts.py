"""``smsgwd contacts``: people by number."""

from __future__ import annotations

from typing import Any

import click

from smsgwd.cli.base import app_of, json_option, local_time, pairs


@click.group()
def contacts() -> None:
    """People by number: show, set."""


@contacts.command()
@click.argument("number")
@json_option
@click.pass_context
def show(ctx: click.Context, number: str) -> None:
    """What is known of a person."""
    app = app_of(ctx)
    found = app.door.call("GET", f"/v1/contacts/{number}")
    app.show(found, lambda: _print(found))


@contacts.command("set")
@click.argument("number")
@click.option("--name", default=None, help="Name of the person; an empty one removes it.")
@click.option("--tag", "tags", multiple=True, help="Tag; may be given more than once, replaces the tags there are.")
@json_option
@click.pass_context
def set_(ctx: click.Context, number: str, name: str | None, tags: tuple[str, ...]) -> None:
    """Name or tag a person."""
    if name is None and not tags:
        raise click.UsageError("say --name or --tag")
    app = app_of(ctx)
    body = {**({} if name is None else {"name": name}), **({"tags": list(tags)} if tags else {})}
    found = app.door.call("PUT", f"/v1/contacts/{number}", body=body)
    app.show(found, lambda: _print(found))


def _print(found: dict[str, Any]) -> None:
    pairs(
        [
            ("number", found["number"]), ("name", found["name"]), ("consent", found["consent"]),
            ("tags", ", ".join(found["tags"])), ("first seen", local_time(found["first_seen"])),
        ]
    )  # fmt: skip
