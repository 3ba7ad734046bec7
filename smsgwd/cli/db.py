"""``smsgwd db``: the care of the store: is it whole, a copy of it, and back from a copy.

``check`` and ``backup`` look through a connection that cannot write (``mode=ro``), so they run beside the daemon as well as
without it. ``restore`` needs the lock that the daemon holds.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from smsgwd.cli.base import App, app_of, json_option
from smsgwd.cli.db_purge import purge

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsgwd.queue.care.health import Health
    from smsgwd.queue.care.restoring import Restored


@click.group()
def db() -> None:
    """The store: check, backup, restore, purge."""


db.add_command(purge)


@db.command()
@click.argument("file", required=False)
@click.option("--full", is_flag=True, help="Read every index too, and everything that is kept; this takes minutes where the quick look takes seconds.")
@json_option
@click.pass_context
def check(ctx: click.Context, file: str | None, full: bool) -> None:
    """Is the database whole? FILE is another one than the configured one: a backup.

    The daemon may run or not. Looks at the pages, at the tables as this program knows them, and whether what stands in them
    fits together. Ends with 0 when all is well and with 1 when it is not."""
    from smsgwd.clock import SystemClock
    from smsgwd.queue.care.health import look_through

    app = app_of(ctx)
    path = file or app.door.config.gateway.database
    health = look_through(path, full=full, clock=SystemClock())
    app.show(health, lambda: _print_health(health))
    if not health.ok:
        for problem in health.problems:
            click.echo(f"smsgwd: {path}: {problem}", err=True)
        if health.damaged and not file:
            click.echo("smsgwd: restore a backup: smsgwd db restore FILE --hold", err=True)
        ctx.exit(1)


def _print_health(health: Health) -> None:
    from smsgwd.cli.readable import size

    if health.ok:
        what = "every page, index and row" if health.full else "pages, tables and what is under way"
        click.echo(f"{health.path} is whole: schema {health.schema}, {size(health.bytes)}, {what} in {health.seconds:.1f} s")


@db.command()
@click.argument("file")
@click.option("--force", is_flag=True, help="Replace FILE when it is there.")
@json_option
@click.pass_context
def backup(ctx: click.Context, file: str, force: bool) -> None:
    """A copy of the database in FILE, also while the daemon runs.

    The copy is one moment of the store, whole and read through before it gets its name; FILE is never half a copy. Only its
    owner may read it: it holds the texts of people."""
    from smsgwd.cli.readable import size
    from smsgwd.clock import SystemClock
    from smsgwd.queue.care.copying import backup as make

    app = app_of(ctx)
    made = make(app.door.config.gateway.database, file, force=force, clock=SystemClock(), progress=_progress())
    app.show(made, lambda: click.echo(f"{made.path}: {size(made.bytes)} in {made.seconds:.1f} s, read through and whole"))


def _progress() -> Callable[[str, float], None]:
    """Says on a terminal how far it is; elsewhere nothing."""
    if not sys.stderr.isatty():
        return lambda what, share: None

    def say(what: str, share: float) -> None:
        line = f"{what} {share:4.0%}" if what and share else what
        click.echo(f"\r\x1b[K{line}", nl=False, err=True)

    return say


@db.command()
@click.argument("file")
@click.option("--hold", is_flag=True, help="Required: nothing of the restored queue is sent until it is released.")
@json_option
@click.pass_context
def restore(ctx: click.Context, file: str, hold: bool) -> None:
    """Put the copy FILE in the place of the database; the daemon must be stopped.

    What waited when the copy was made may have been sent since. So every text that waits is held, every attempt that was
    open is uncertain, and calls to helpdesks wait as dead ones. `smsgwd queue release --restored` lets texts go,
    `smsgwd queue cancel --restored` drops them, `smsgwd outbox replay --restored` makes the calls. The database as it was
    stays beside the new one."""
    if not hold:
        raise click.UsageError(
            "say --hold: texts that waited when the copy was made may have been sent since, and would go out twice. "
            "With --hold they wait until you release them"
        )
    from smsgwd.clock import SystemClock
    from smsgwd.queue.care.restoring import restore as put_back

    app = app_of(ctx)
    done = put_back(file, app.door.config.gateway.database, clock=SystemClock(), progress=_progress())
    app.show(done, lambda: _print_restored(app, done))


def _print_restored(app: App, done: Restored) -> None:
    from smsgwd.cli.base import local_time

    click.echo(f"{done.path} is as it was at {local_time(done.newest) or 'its beginning'}, from {done.source}")
    if done.kept:
        click.echo(f"the database from before: {done.kept}")
    click.echo(f"{done.held} texts are held, {done.uncertain} are uncertain, {done.calls} calls to helpdesks wait")
    if done.erased:
        click.echo(f"{done.erased} people who were erased since are erased again")
    if not done.carried and done.kept:
        click.echo("the old database could not be read: PINs, revoked tokens, opt-outs and erasures since the copy are not known")
    if done.unanswered:
        click.echo(f"{done.unanswered} inbound texts had not met the rules yet and will not: smsgwd inbox list")
    if done.held:
        click.echo("smsgwd queue list --state held shows them; smsgwd queue release --restored lets them go, cancel --restored drops them")
    if done.uncertain:
        click.echo("smsgwd queue list --state uncertain shows them; smsgwd queue settle ID --sent, --resend or --fail")
    if done.calls:
        click.echo("smsgwd outbox list --dead shows them; smsgwd outbox replay --restored makes them")
