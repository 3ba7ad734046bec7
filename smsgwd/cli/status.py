"""``smsgwd status``: how the gateway is doing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from smsgwd.cli.base import App, app_of, json_option, local_time


@click.command()
@json_option
@click.pass_context
def status(ctx: click.Context) -> None:
    """Links, what waits, what was done today (UTC), what is owed."""
    app = app_of(ctx)
    found = app.door.call("GET", "/v1/status")
    app.show(found, lambda: _print(app, found))


def _print(app: App, found: dict[str, Any]) -> None:
    click.echo(f"{found['name']}, smsgwd {found['version']}, {local_time(found['at'])}\n")
    app.table(
        ["link", "state", "queued", "since", "reason"],
        [
            (x["name"], f"{x['state']}, paused" if x["paused"] else x["state"], x["queued"], local_time(x["since"]), x["reason"])
            for x in found["links"]
        ],
        "no links are configured",
    )
    if found["queue"]:
        click.echo()
        app.table(
            ["waiting on", "state", "texts", "oldest"],
            [(d["link"], d["state"], d["count"], f"{d['oldest_age'] // 1000} s") for d in found["queue"]],
        )
    today: Counter[tuple[str, str]] = Counter()
    for row in found["today"]:
        today[row["direction"], row["state"]] += row["messages"]
    if today:
        click.echo()
        app.table(["today", "state", "texts"], [(way, state, n) for (way, state), n in sorted(today.items())])
    room = found["store"]
    if room["low"]:
        click.echo(f"\nno new texts are taken: {room['low']}")
    time = found["clock"]
    if time["state"] != "set":
        click.echo(f"\nwaits for the clock, {time['seconds']} s more at most: {time['why']}")
    owed = found["outbox"]
    click.echo(f"\nowed to helpdesks: {owed['pending']} pending, {owed['dead']} dead")
    if owed["dead"]:
        click.echo("smsgwd outbox list --dead shows them, smsgwd outbox replay ID tries one again")
