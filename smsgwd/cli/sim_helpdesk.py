"""``smsgwd sim helpdesk``: a helpdesk that takes signed webhooks."""

from __future__ import annotations

import asyncio

import click

from smsgwd.cli.base import app_of, json_option, until_told


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 picks a free port.")
@click.option("--journal", default="", metavar="FILE", help="One JSON line for each call.")
@click.option("--secret", default="", help="Key of the signatures; without one they are not checked.")
@click.option("--reply", default="", metavar="TEXT", help="An agent's answer to each new ticket.")
@click.option(
    "--reply-url", default="http://127.0.0.1:8480", show_default=True, help="Where the gateway's HTTP API is."
)
@click.option("--token", default="", help="API token for the answers.")
@click.option("--fail", type=click.IntRange(min=0), default=0, metavar="N", help="Answer 503 to the first N calls.")
@click.option("--slow", type=click.FloatRange(0, 3600), default=0.0, metavar="S", help="Answer after so many seconds.")
@json_option
@click.pass_context
def helpdesk(
    ctx: click.Context, host: str, port: int, journal: str, secret: str, reply: str, reply_url: str, token: str,
    fail: int, slow: float,
) -> None:  # fmt: skip
    """A helpdesk that takes signed webhooks.

    Prints `ready HOST:PORT`, then keeps tickets in memory until it is told to end; a page at / shows them, /tickets
    gives them as JSON. Nothing is kept after the end.
    """
    from smsgwd.clock import SystemClock
    from smsgwd.helpdesk.sim import Agent, SimDesk, serve
    from smsgwd.journal import Journal

    app, clock = app_of(ctx), SystemClock()

    async def main() -> None:
        with Journal(journal, clock) as notes:
            agent = Agent(notes, clock, text=reply, url=reply_url, token=token) if reply else None
            try:
                desk = SimDesk(
                    notes, clock, secret=secret, fail=fail, slow=slow, answer=agent.answer if agent else None
                )
            except ValueError:
                raise click.BadParameter(
                    "not a whsec_ key: what follows is not base64", param_hint="--secret"
                ) from None
            await serve(
                host, port, desk, agent, until_told(), lambda address: app.line({"ready": address}, f"ready {address}")
            )

    try:
        asyncio.run(main())
    except OSError as e:
        raise click.ClickException(str(e)) from None
