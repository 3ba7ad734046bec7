"""``smsgwd ussd``: asks the network by a code such as ``*100#``."""

from __future__ import annotations

import click

from smsgwd.cli.base import app_of, json_option

#: seconds; the gateway waits a minute for the network
PATIENCE = 90.0


@click.command()
@click.argument("name")
@click.argument("code")
@json_option
@click.pass_context
def ussd(ctx: click.Context, name: str, code: str) -> None:
    """Send a USSD code over the modem NAME and print the network's answer.

    The code must be listed in `ussd` of the link. The answer may take a minute.
    """
    app = app_of(ctx)
    found = app.door.call("POST", f"/v1/links/{name}/ussd", {"code": code}, timeout=PATIENCE)

    def show() -> None:
        click.echo(found["text"])
        if found["more"]:
            click.echo("(the network waits for an answer; sessions are ended after one code)", err=True)

    app.show(found, show)
