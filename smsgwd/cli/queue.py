"""``smsgwd queue``: outbound texts."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from smsgwd.cli.base import App, app_of, json_option, let_go, local_time, page_options, pairs, shortened
from smsgwd.cli.readable import safe

_STATES = ["held", "queued", "sending", "sent", "delivered", "failed", "expired", "cancelled", "uncertain"]
#: what a person can do about a state
_NEXT = {
    "held": "smsgwd queue release {id}",
    "uncertain": "smsgwd queue settle {id} --sent, --resend or --fail",
    "failed": "smsgwd queue retry {id} sends it again as a new text",
    "expired": "smsgwd queue retry {id} sends it again as a new text",
}

#: seconds: a carrier may be asked for each part in turn
_PATIENCE = 120.0


@click.group()
def queue() -> None:
    """Outbound texts: list, show, cancel, replace, retry, hold, release, settle."""


@queue.command("list")
@click.option("--state", type=click.Choice(_STATES), default=None, help="Only these.")
@click.option("--to", default="", metavar="NUMBER", help="Only those to this number.")
@click.option("--link", default="", metavar="NAME", help="Only those of this link.")
@page_options
@json_option
@click.pass_context
def list_(ctx: click.Context, state: str | None, to: str, link: str, limit: int, after: str) -> None:
    """Texts, newest first."""
    app = app_of(ctx)
    query = {"state": state, "to": to, "link": link, "limit": limit, "after": after}
    found = app.door.call("GET", "/v1/messages", query)
    app.show(found, lambda: _table(app, found))


def _table(app: App, found: dict[str, Any]) -> None:
    app.table(
        ["id", "created", "state", "to", "link", "parts", "text"],
        [
            (m["id"], local_time(m["created"]), m["state"], m["to"], m["link"], m["parts"], shortened(m["text"]))
            for m in found["items"]
        ],
        "no texts",
    )


@queue.command()
@click.argument("id")
@click.option("--ask", is_flag=True, help="Ask the carrier first what became of it (links with `query = true`).")
@json_option
@click.pass_context
def show(ctx: click.Context, id: str, ask: bool) -> None:
    """One text: its parts, its attempts, and what can be done.

    With --ask the carrier's answer counts like a delivery report: a text whose receipt never came is delivered or failed
    then. An uncertain text has no id that could be asked about, unless a receipt to its number came that fits nothing
    else: then the carrier is asked about the id that it names, and an answer settles the text."""
    app = app_of(ctx)
    found = app.door.call(*(("POST", f"/v1/messages/{id}/ask") if ask else ("GET", f"/v1/messages/{id}")))
    app.show(found, lambda: _print(app, found))


def _print(app: App, m: dict[str, Any]) -> None:
    for said in m.get("asked", ()):
        reason = f" ({safe(said['reason'])})" if said["reason"] else ""
        click.echo(f"{said['link']} says of part {said['part']}, {safe(said['reference'])}: {said['status']}{reason}")
    pairs(
        [
            ("id", m["id"]), ("state", m["state"]), ("reason", m["reason"]), ("to", m["to"]), ("from", m["from"]),
            ("link", m["link"]), ("class", m["class"]), ("created", local_time(m["created"])),
            ("due", local_time(m["due"])), ("expires", local_time(m["expires"])), ("encoding", m["encoding"]),
            ("attempts", m["attempts"]), ("uncertain", m["uncertain"]), ("duplicate", "possible" if m["possible_duplicate"] else ""), ("conversation", m["conversation"]), ("rule", m["rule"]),
            ("author", m["author"]), ("text", shortened(m["text"], 2000)),
        ]
    )  # fmt: skip
    click.echo()
    app.table(
        ["part", "state", "link", "reference", "reason"],
        [(f"{s['part']}/{s['parts']}", s["state"], s["link"], s["reference"], s["reason"]) for s in m["segments"]],
    )
    if m["submissions"]:
        click.echo()
        app.table(
            ["attempt", "at", "part", "state", "reference", "report", "reason"],
            [(s["id"], local_time(s["at"]), s["part"], s["state"], s["reference"], s["report"], s["reason"])
             for s in m["submissions"]],
        )  # fmt: skip
    if m["state"] in _NEXT:
        click.echo(f"\nWhat can be done: {_NEXT[m['state']].format(id=m['id'])}")


def _verb(name: str, text: str) -> click.Command:
    """The commands that need an id alone, or two words for all texts that a restore holds."""
    restored = name in ("release", "cancel")

    @json_option
    @click.pass_context
    def command(ctx: click.Context, id: str | None, restored: bool = False) -> None:
        app = app_of(ctx)
        if (id is None) is not restored:
            raise click.UsageError("name one text, or say --restored" if id is None else "--restored is for all of them: name none")
        if id is None:
            let_go(app, name, f"{name}d" if name == "release" else f"{name}led", "texts")
            return
        found = app.door.call("POST", f"/v1/messages/{id}/{name}", timeout=_PATIENCE)
        app.show(found, lambda: click.echo(f"{found['id']} {found['state']}"))

    if restored:
        command = click.option("--restored", is_flag=True, help="All texts that `smsgwd db restore` holds.")(command)
    return click.command(name, help=text)(click.argument("id", required=not restored)(command))


for _name, _text in (
    (
        "cancel",
        "Cancel a text that has not gone to the network, or that its carrier gives back (links with `cancel = true`).",
    ),
    ("retry", "Try a waiting text now; a failed or expired one is sent again as a new text."),
    ("hold", "Keep a queued text from being sent."),
    ("release", "Let a held text go."),
):
    queue.add_command(_verb(_name, _text))


@queue.command()
@click.argument("id")
@click.argument("text")
@json_option
@click.pass_context
def replace(ctx: click.Context, id: str, text: str) -> None:
    """Other words for a text that has not gone to the network, or that its carrier replaces (links with `replace = true`).

    A TEXT of - is read from stdin. A text that waits is planned anew. At a carrier the new text goes in the alphabet of the
    old one, and both have one part."""
    app = app_of(ctx)
    if text == "-":
        text = sys.stdin.read().removesuffix("\n")
    found = app.door.call("PUT", f"/v1/messages/{id}/text", body={"text": text}, timeout=_PATIENCE)
    app.show(found, lambda: click.echo(f"{found['id']} {found['state']}, {found['parts']} part{'s' if found['parts'] > 1 else ''}"))


def _login() -> str:
    """Who runs the command, also behind sudo."""
    import getpass

    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"uid {os.getuid()}"


@queue.command()
@click.argument("id")
@click.option("--sent", "how", flag_value="sent", help="It was sent: nothing more is done.")
@click.option("--resend", "how", flag_value="resend", help="Send it again; the person may get it twice.")
@click.option("--fail", "how", flag_value="fail", help="It was not sent, and will not be.")
@click.option("--why", default="", metavar="TEXT", help="Why you say so; it stands in the event and at the text.")
@click.option("--by", default="", metavar="NAME", help="Who says so; without it, your login.")
@json_option
@click.pass_context
def settle(ctx: click.Context, id: str, how: str | None, why: str, by: str) -> None:
    """Say what became of an uncertain text. Who said so, and why, is kept with it."""
    if how is None:
        raise click.UsageError("say --sent, --resend or --fail")
    app = app_of(ctx)
    found = app.door.call("POST", f"/v1/messages/{id}/settle", body={"how": how, "by": by or _login(), "why": why})
    app.show(found, lambda: click.echo(f"{found['id']} {found['state']}"))
