"""What all commands share: the options of the whole program, ways to print, and exit statuses.

A command prints through :meth:`App.show` (one document) or :meth:`App.line` (one object of a stream). On a terminal that
is a table or a readable line, elsewhere the same in plain text, and with ``--json`` exactly one JSON document, or one
object a line. stderr takes messages for people.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smsgwd.errors import (
    ConfigError,
    DaemonUnreachable,
    RequestRefused,
    SmsgwdError,
    StoreUnavailable,
    StoreUnusable,
)

if TYPE_CHECKING:
    import asyncio

    from smsgwd.cli.door import Door

EX_FAILED, EX_UNAVAILABLE, EX_TEMPFAIL, EX_CONFIG = 1, 69, 75, 78
#: slugs of refusals that only say: not now
NO_ROOM = ("store-full", "queue-full", "lane-full", "too-busy")

F = TypeVar("F", bound=Callable[..., Any])


class App:
    """The state of one invocation: where the configuration is, and how to print."""

    def __init__(self, config_path: str, as_json: bool, reason: str = "") -> None:
        self.config_path, self.as_json, self.reason = config_path, as_json, reason

    @cached_property
    def door(self) -> Door:
        """The way to the gateway."""
        from smsgwd.cli.door import Door

        return Door(self.config_path, self.reason)

    def show(self, document: Any, human: Callable[[], None]) -> None:
        """Prints one document: JSON with ``--json``, else what ``human`` prints."""
        if self.as_json:
            self.line(document)
        else:
            human()

    def line(self, document: Any, human: str | None = None) -> None:
        """Prints one line of a stream and flushes it."""
        if self.as_json or human is None:
            import msgspec

            sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
        else:
            click.echo(human)
        sys.stdout.flush()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "nothing") -> None:
        """A table on a terminal; tab-separated lines without a head elsewhere."""
        texts = [[_cell(cell) for cell in row] for row in rows]
        if not sys.stdout.isatty():
            for row in texts:
                click.echo("\t".join(row))
            return
        if not texts:
            click.echo(empty)
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in texts:
            table.add_row(*(Text(cell) for cell in row))  # Text: a text message is never markup
        Console().print(table)


def local_time(iso: str | None) -> str:
    """A document's time in the zone of this machine: the time of day for today, else with its date."""
    if not iso:
        return ""
    when = datetime.fromisoformat(iso).astimezone()
    today = datetime.now().astimezone().date()
    return when.strftime("%H:%M:%S" if when.date() == today else "%Y-%m-%d %H:%M")


def shortened(text: str | None, width: int = 48) -> str:
    """One line of a text for a table; control characters are shown as spaces, so that no text moves the cursor."""
    line = "".join(c if c.isprintable() else " " for c in text or "")
    return line if len(line) <= width else line[: width - 1] + "…"


def _cell(value: object) -> str:
    """A value in one line, with what could steer a terminal made visible: it may be a stranger's words."""
    from smsgwd.cli.readable import safe

    return "" if value is None else safe(str(value).replace("\t", " ").replace("\n", " "))


def pairs(rows: Iterable[tuple[str, object]]) -> None:
    """Names and values under each other; empty ones are left out."""
    for name, value in rows:
        if value not in (None, "", [], ()):
            click.echo(f"{name + ':':<14} {_cell(value)}")


def named_values(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Reads a repeatable option: ``("a=1", "b=2")`` by name."""
    found = [pair.partition("=") for pair in given]
    if not all(name and sign for name, sign, _ in found):
        raise click.BadParameter("is written NAME=VALUE", ctx, param)
    return {name: value for name, _, value in found}


def app_of(ctx: click.Context) -> App:
    """The App of this invocation (a command may be run without the main group in tests)."""
    app = ctx.find_object(App)
    return app if app is not None else App("/etc/smsgwd/smsgwd.toml", False)


def _set_json(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        app_of(ctx).as_json = True


def json_option(command: F) -> F:
    """``--json`` after the command, the same as before it."""
    option = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_set_json,
        help="Print JSON and nothing else.",
    )
    return option(command)


def let_go(app: App, what: str, done: str, noun: str) -> None:
    """Does something with all that a restore has put aside, in commits of a bounded size, and says how many."""
    total = {"done": 0, "left": 0}
    after, more = 0, True
    while more:
        some = app.door.call("POST", "/v1/restored", body={"do": what, "after": after})
        total = {name: number + some[name] for name, number in total.items()}
        after, more = some["after"], some["more"]
    left = f", {total['left']} stay held: they went in part" if total["left"] else ""
    app.show(total, lambda: click.echo(f"{total['done']} {noun} {done}{left}"))


def until_told() -> asyncio.Event:
    """An Event of the running loop that SIGTERM and SIGINT set."""
    import asyncio
    import signal

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def page_options(command: F) -> F:
    """``--limit`` and ``--after`` of a list."""
    command = click.option("--after", default="", metavar="CURSOR", help="Go on behind the `next` of a page.")(command)
    limit = click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Most rows.")
    return limit(command)


def exit_status(error: SmsgwdError) -> int:
    """The contract's exit status for an expected error."""
    if isinstance(error, ConfigError | StoreUnusable):
        return EX_CONFIG
    if isinstance(error, DaemonUnreachable):
        return EX_UNAVAILABLE
    if isinstance(error, StoreUnavailable) or (isinstance(error, RequestRefused) and error.code in NO_ROOM):
        return EX_TEMPFAIL
    return EX_FAILED


def report(error: SmsgwdError) -> int:
    """Says the error on stderr, a line for each problem, and returns the exit status."""
    lines = [str(p) for p in error.problems] if isinstance(error, ConfigError) else [str(error)]
    for line in lines:
        click.echo(f"smsgwd: {_cell(line)}", err=True)
    return exit_status(error)
