"""``smsgwd bench``: how many texts this machine takes."""

from __future__ import annotations

from pathlib import Path

import click

from smsgwd.cli.base import App, app_of, json_option
from smsgwd.errors import StoreUnavailable

#: seconds that all of it may take
LONGEST = 600.0


@click.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Default: where the configured store lies.")
@click.option("--texts", type=click.IntRange(100, 1_000_000), default=5000, show_default=True, help="Texts for each figure.")
@json_option
@click.pass_context
def bench(ctx: click.Context, folder: Path | None, texts: int) -> None:
    """Measure what the disk and the processor give: texts a second that are safe on the disk, alone, at once and all the way.

    A store of its own is made beside the configured one and deleted again; nothing is sent and the daemon may run, which
    then shares the disk. The first line says what the disk is like: more than some thousands a second, one after another, is
    a disk in memory, or one that says "written" before it is.
    """
    import asyncio

    app = app_of(ctx)
    folder = folder or _beside_the_store(app)
    try:
        asyncio.run(_measure(app, folder, texts))
    except TimeoutError:
        raise StoreUnavailable(f"{folder}: not done in {LONGEST:g} s; try fewer texts, or another disk") from None


def _beside_the_store(app: App) -> Path:
    from smsgwd.config.file import load

    return Path(load(app.config_path).gateway.database).absolute().parent


async def _measure(app: App, folder: Path, texts: int) -> None:
    import asyncio

    from smsgwd.daemon import quieten_collector
    from smsgwd.measure import figures

    quieten_collector()
    if not app.as_json:
        click.echo(f"{texts} texts in {folder}, every commit synced")
    found = []
    async with asyncio.timeout(LONGEST):
        async for line in figures(folder, texts):
            found.append(line._asdict())
            if not app.as_json:
                click.echo(f"{line.what:<56} {line.figure:>10,.{_digits(line.figure)}f} {line.unit}")
    if app.as_json:
        app.line({"folder": str(folder), "texts": texts, "figures": found})


def _digits(figure: float) -> int:
    """Three digits say all."""
    return 0 if figure >= 100 else 1 if figure >= 10 else 2
