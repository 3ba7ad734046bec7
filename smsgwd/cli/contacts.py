"""``smsgwd contacts``: people by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from smsgwd.cli.base import app_of, json_option, local_time, pairs

if TYPE_CHECKING:
    from smsgwd.cli.base import App

#: seconds that erasing somebody with very many texts may take
_PATIENCE = 600.0


@click.group()
def contacts() -> None:
    """People by number: show, set, erase."""


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


@contacts.command()
@click.argument("number")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def erase(ctx: click.Context, number: str, yes: bool) -> None:
    """Erase a person: texts both ways, names, threads, keys; prints the proof.

    What waits for them is cancelled first. Counts and states of texts stay without number and words, and an opt-out stays as a
    keyed hash of the number, so that they are still never written to. Backups that were made before hold what they held."""
    app = app_of(ctx)
    if not yes:
        click.confirm(f"Erase all that is kept of {number}? This cannot be undone", abort=True, err=True)
    found = app.door.call("DELETE", f"/v1/contacts/{number}", timeout=_PATIENCE)
    app.show(found, lambda: _print_erased(app, found))


def _print_erased(app: App, found: dict[str, Any]) -> None:
    import glob

    counts = ", ".join(f"{n} {name}" for name, n in found["counts"].items())
    pairs(
        [
            ("erased", found["person"]), ("gone", counts), ("opt-out", "stays" if found["opted_out"] else ""),
            ("audit", f"entry {found['audit']}, {found['hash']}"),
        ]
    )  # fmt: skip
    if not found["log_empty"]:
        click.echo("smsgwd: somebody reads the database, so its write-ahead log still holds old pages; run smsgwd db purge later", err=True)
    path = app.door.config.gateway.database
    for copy in sorted(glob.glob(f"{glob.escape(path)}.*")):
        if not copy.endswith((".lock", ".reserve")):
            click.echo(f"smsgwd: {copy} is an older copy, and holds what it held", err=True)


def _print(found: dict[str, Any]) -> None:
    pairs(
        [
            ("number", found["number"]), ("name", found["name"]), ("consent", found["consent"]),
            ("tags", ", ".join(found["tags"])), ("first seen", local_time(found["first_seen"])),
        ]
    )  # fmt: skip
