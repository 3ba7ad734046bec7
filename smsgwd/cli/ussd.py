"""``smsgwd ussd``: asks the network by a code such as ``*100#``."""

from __future__ import annotations

import click

from smsgwd.cli.base import app_of, json_option
from smsgwd.cli.readable import safe

#: seconds; the gateway waits a minute for the network
PATIENCE = 90.0


@click.command()
@click.argument("name")
@click.argument("code")
@click.argument("answers", nargs=-1)
@json_option
@click.pass_context
def ussd(ctx: click.Context, name: str, code: str, answers: tuple[str, ...]) -> None:
    """Send a USSD code over the modem NAME and print the network's answer.

    ANSWERS are what to choose in the menus that follow, one after the other. The code must be listed in `ussd` of the
    link. Each answer of the network may take a minute.
    """
    app = app_of(ctx)
    found = app.door.call("POST", f"/v1/links/{name}/ussd", body={"code": code, "answers": answers},
                          timeout=PATIENCE * (1 + len(answers)))  # fmt: skip

    def show() -> None:
        click.echo(safe(found["text"], lines=True))
        if found["more"]:
            click.echo("(the network waited for another answer; the session was ended)", err=True)

    app.show(found, show)
