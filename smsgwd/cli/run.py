"""``smsgwd run``: the daemon, in the foreground."""

from __future__ import annotations

import click

from smsgwd.cli.base import app_of


@click.command()
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True,
              help="debug shows every step of every text.")  # fmt: skip
@click.pass_context
def run(ctx: click.Context, log_level: str) -> None:
    """The daemon, in the foreground.

    SIGTERM drains: what is on the wire is finished, then the links close. SIGHUP reads configuration and rules again.
    Logs are JSON lines on stdout, readable lines on a terminal. Ends with 78 when the configuration is wrong, 75 when
    another smsgwd has the database.
    """
    import asyncio
    import sys

    from smsgwd import daemon, log

    with log.sink(sys.stdout) as lines:
        log.set_up(log_level, lines)
        asyncio.run(daemon.main(app_of(ctx).config_path))
