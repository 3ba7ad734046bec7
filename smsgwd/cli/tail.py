"""``smsgwd tail``: events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smsgwd.cli.base import App, app_of, json_option, local_time
from smsgwd.errors import DaemonUnreachable

_PAGE = 1000
#: seconds between two tries to reach a daemon that went away, and how long
_PAUSE, _PATIENCE = 1.0, 60.0


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens; Ctrl-C ends it.")
@click.option("--after", type=int, default=None, metavar="N", help="Behind event N; a negative one: the newest so many.")
@click.option("--kind", default="", metavar="KIND", help="Only this kind, such as message.sent.")
@json_option
@click.pass_context
def tail(ctx: click.Context, follow: bool, after: int | None, kind: str) -> None:
    """Events as they happen: the newest 100, all behind --after N, or with -f what comes from now on."""
    app = app_of(ctx)
    found = _follow(app, -20 if after is None else after, kind) if follow else _stored(app, after, kind)
    for event in found:
        app.line(event, None if app.as_json else _line(event))


def _stored(app: App, after: int | None, kind: str) -> Iterator[dict[str, Any]]:
    position = -100 if after is None else after
    while True:
        page = app.door.call("GET", "/v1/events", {"after": position, "kind": kind, "limit": _PAGE})["items"]
        yield from page
        if len(page) < _PAGE or position < 0:
            return
        position = page[-1]["id"]


def _follow(app: App, after: int, kind: str) -> Iterator[dict[str, Any]]:
    """The stream; when the daemon restarts, from the last event on."""
    import asyncio

    waited, position = 0.0, after
    started = False
    while True:
        try:
            for event in app.door.stream(position, kind):
                started, waited, position = True, 0.0, event["id"]
                yield event
            started = True
        except DaemonUnreachable as e:
            if not started or waited >= _PATIENCE:
                raise
            if not waited:
                click.echo(f"smsgwd: {e}; waiting for it", err=True)
        waited += _PAUSE
        asyncio.run(asyncio.sleep(_PAUSE))


def _line(event: dict[str, Any]) -> str:
    what = " ".join(x for x in (event.get("message", ""), event.get("link", "")) if x)
    data = " ".join(f"{k}={v}" for k, v in event["data"].items() if v not in (None, ""))
    return f"{event['id']:>8} {local_time(event['at'])}  {event['kind']:<20} {what} {data}".rstrip()
