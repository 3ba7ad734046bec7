"""``smsgwd rules``: check rule files, try a text against them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from smsgwd.cli.base import App, app_of, json_option


@click.group()
def rules() -> None:
    """Rules: check them, try a text against them."""


def _load(app: App) -> Any:
    from smsgwd.rules.load import load_rules

    config = app.door.config
    desks = tuple(desk.name for desk in config.helpdesk)
    return load_rules(config.gateway.rules, config.gateway.templates, desks=desks)


@rules.command()
@json_option
@click.pass_context
def check(ctx: click.Context) -> None:
    """Read all rules and templates; ends with 78 and every mistake, with file and line."""
    from smsgwd.errors import ConfigError

    app = app_of(ctx)
    try:
        found = _load(app)
    except ConfigError as e:
        if not app.as_json:
            raise
        app.show({"ok": False, "rules": 0, "problems": [p._asdict() for p in e.problems]}, lambda: None)
        ctx.exit(78)
    document = {"ok": True, "rules": len(found.rules), "digest": found.digest, "problems": []}
    app.show(document, lambda: click.echo(f"{len(found.rules)} rules are right"))


@rules.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Rules in the order in which they are asked."""
    app = app_of(ctx)
    found = _load(app).rules
    items = [
        {"id": r.id, "priority": r.priority, "description": r.description, "file": r.file, "line": r.line} for r in found
    ]
    rows = [(r.priority, r.id, r.description, f"{r.file}:{r.line}") for r in found]
    document = {"items": items, "next": None}
    app.show(document, lambda: app.table(["priority", "id", "description", "where"], rows, "no rules"))


@rules.command("try")
@click.option("--from", "from_", default="+15550100777", show_default=True, metavar="NUMBER", help="Who writes.")
@click.option("--to", default="", metavar="NUMBER", help="Our number that is written to.")
@click.option("--link", default="", metavar="NAME", help="The link it comes over.")
@click.option("--at", default="", metavar="TIME", help="2026-01-31T09:30; default: now.")
@click.option("--name", default="", help="The person's name.")
@click.option("--tag", "tags", multiple=True, help="A tag of the person; may be given more than once.")
@click.option("--first-contact", is_flag=True, help="The person never wrote before.")
@click.option("--opted-out", is_flag=True, help="The person opted out before.")
@click.argument("text")
@json_option
@click.pass_context
def try_(
    ctx: click.Context, from_: str, to: str, link: str, at: str, name: str, tags: tuple[str, ...], first_contact: bool,
    opted_out: bool, text: str,
) -> None:  # fmt: skip
    """What the rules would do with TEXT, and why. Nothing is sent or stored; no daemon is needed."""
    from smsgwd.cli.rehearsal import facts_of, limits_of, rehearse
    from smsgwd.clock import SystemClock
    from smsgwd.rules.model import Inbound

    app = app_of(ctx)
    try:
        when = int(datetime.fromisoformat(at).timestamp() * 1000) if at else SystemClock().now()
    except ValueError:
        raise click.BadParameter("must be like 2026-01-31T09:30", param_hint="--at") from None
    inbound = Inbound(message="msg_try", from_=from_, to=to, link=link, text=text, at=when)
    facts = facts_of(inbound, name=name, tags=tags, first_contact=first_contact, opted_out=opted_out)
    document = rehearse(_load(app), inbound, facts, limits_of(app.door.config), app.door.config)
    app.show(document, lambda: _print(document))


def _print(document: dict[str, Any]) -> None:
    click.echo(f"decided by: {document['stage']}")
    if document["consent"]:
        click.echo(f"consent:    {document['consent']}")
    for verdict in document["verdicts"]:
        click.echo(f"  {'✓' if verdict['matched'] else '·'} {verdict['rule']}" + (f": {verdict['why']}" if verdict["why"] else ""))
    for reply in document["replies"]:
        click.echo(f"reply:      {reply['text']}  ({reply['segments']} parts, {reply['encoding']})")
    for kind in ("forwards", "tags"):
        if document[kind]:
            click.echo(f"{kind + ':':<11} {', '.join(document[kind])}")
    for what, why in document["suppressed"]:
        click.echo(f"held back:  {what}: {why}")
    if not (document["replies"] or document["forwards"] or document["tags"] or document["consent"]):
        click.echo("nothing would happen")


@rules.command()
@json_option
@click.pass_context
def test(ctx: click.Context) -> None:
    """Run the [[test]] blocks of the rule files; ends with 1 when one fails."""
    from smsgwd.cli.rehearsal import run_tests

    app = app_of(ctx)
    results = run_tests(_load(app), app.door.config)
    failed = [r for r in results if not r["ok"]]

    def human() -> None:
        for result in failed:
            click.echo(f"{result['where']}: {result['why']}")
        click.echo(f"{len(results) - len(failed)} of {len(results)} tests passed")

    app.show({"items": results, "next": None}, human)
    if failed:
        ctx.exit(1)
