"""``smsgwd rules``: check rule files, try a text against them, run their tests. None of it needs a daemon."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from smsgwd.cli.base import EX_CONFIG, EX_FAILED, App, app_of, json_option, named_values


@click.group()
def rules() -> None:
    """Rules: check them, try a text against them."""


def _load(app: App) -> Any:
    from smsgwd.rules.load import load_rules

    config = app.door.config
    desks = tuple(desk.name for desk in config.helpdesk)
    return load_rules(config.gateway.rules, config.gateway.templates, desks=desks)


def _load_folder(app: App, folder: str) -> Any:
    """The rules of another folder, with the templates beside it where there are some. Without a configuration file,
    which is how it is where rules are written rather than run, desks are not asked for."""
    from smsgwd.rules.load import load_rules

    beside = Path(folder).resolve().parent / "templates"
    if not Path(app.config_path).exists():
        return load_rules(folder, beside)
    config = app.door.config
    templates = beside if beside.is_dir() else config.gateway.templates
    return load_rules(folder, templates, desks=tuple(desk.name for desk in config.helpdesk))


@rules.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False))
@click.option("--strict", is_flag=True, help="End with 2 when there is a warning.")
@json_option
@click.pass_context
def check(ctx: click.Context, folder: str | None, strict: bool) -> None:
    """Read all rules and templates; ends with 78 and every mistake, with file and line.

    FOLDER is checked instead of the configured one, with the folder `templates` beside it.
    """
    from smsgwd.errors import ConfigError
    from smsgwd.rules.lint import warnings

    app = app_of(ctx)
    try:
        found = _load_folder(app, folder) if folder else _load(app)
    except ConfigError as e:
        if not app.as_json:
            raise
        app.show({"ok": False, "rules": 0, "problems": [p._asdict() for p in e.problems]}, lambda: None)
        ctx.exit(EX_CONFIG)
    doubts = warnings(found)
    document = {
        "ok": True, "rules": len(found.rules), "tests": len(found.tests), "digest": found.digest,
        "problems": [p._asdict() for p in doubts],
    }  # fmt: skip

    def human() -> None:
        for doubt in doubts:
            click.echo(f"warning: {doubt}", err=True)
        count = len(found.rules)
        click.echo(f"{count} {'rule is' if count == 1 else 'rules are'} right" if count else "there are no rules")

    app.show(document, human)
    if strict and doubts:
        ctx.exit(2)


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


def _at(ctx: click.Context, param: click.Parameter, value: str | None) -> int:
    """Milliseconds since 1970 UTC; now when nothing is given."""
    from smsgwd.clock import SystemClock

    try:
        return int(datetime.fromisoformat(value).timestamp() * 1000) if value else SystemClock().now()
    except (ValueError, OverflowError):
        raise click.BadParameter("must be like 2026-01-31T09:30 or 2026-01-31T09:30+01:00", ctx, param) from None


@rules.command("try")
@click.option("--from", "from_", default="+15550100777", show_default=True, metavar="NUMBER", help="Who writes.")
@click.option("--to", default="", metavar="NUMBER", help="Our number that is written to.")
@click.option("--link", default="", metavar="NAME", help="The link it comes over.")
@click.option("--at", callback=_at, metavar="TIME", help="2026-01-31T09:30, in the machine's zone; default: now.")
@click.option("--name", default="", help="The person's name.")
@click.option("--tag", "tags", multiple=True, help="A tag of the person; may be given more than once.")
@click.option("--meta", multiple=True, metavar="NAME=VALUE", callback=named_values,
              help="An optional parameter of the carrier; repeatable.")
@click.option("--first-contact", is_flag=True, help="The person never wrote before.")
@click.option("--opted-out", is_flag=True, help="The person opted out before.")
@click.argument("text")
@json_option
@click.pass_context
def try_(
    ctx: click.Context, from_: str, to: str, link: str, at: int, name: str, tags: tuple[str, ...], meta: dict[str, str],
    first_contact: bool, opted_out: bool, text: str,
) -> None:  # fmt: skip
    """What the rules would do with TEXT, and why. Nothing is sent or stored; no daemon is needed."""
    from smsgwd.cli.rehearsal import facts_of, limits_of, rehearse
    from smsgwd.rules.model import Inbound

    app = app_of(ctx)
    inbound = Inbound(message="msg_try", from_=from_, to=to, link=link, text=text, at=at, meta=meta)
    facts = facts_of(inbound, name=name, tags=tags, first_contact=first_contact, opted_out=opted_out)
    document = rehearse(_load(app), inbound, facts, limits_of(app.door.config), app.door.config)
    app.show(document, lambda: _print(document))


def _print(document: dict[str, Any]) -> None:
    click.echo(f"decided by: {document['stage']}")
    if document["consent"]:
        click.echo(f"consent:    {document['consent']}")
    for verdict in document["verdicts"]:
        why = f": {verdict['why']}" if verdict["why"] else ""
        click.echo(f"  {'✓' if verdict['matched'] else '·'} {verdict['rule']}{why}")
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
@click.option("-k", "--rule", "only", default="", metavar="ID", help="Only the tests of this rule.")
@json_option
@click.pass_context
def test(ctx: click.Context, only: str) -> None:
    """Run the [[test]] blocks of the rule files; ends with 1 when one fails."""
    from smsgwd.cli.rehearsal import run_tests

    app = app_of(ctx)
    results = [r for r in run_tests(_load(app), app.door.config) if not only or r["rule"] == only]
    if only and not results:
        raise click.BadParameter(f"there is no [[test]] with rule = {only!r}", ctx, param_hint="-k")
    failed = [r for r in results if not r["ok"]]

    def human() -> None:
        for result in failed:
            click.echo(f"{result['where']}: {result['why']}")
        click.echo(f"{len(results) - len(failed)} of {len(results)} tests passed")

    app.show({"items": results, "next": None}, human)
    if failed:
        ctx.exit(EX_FAILED)
