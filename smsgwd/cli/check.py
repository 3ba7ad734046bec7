"""``smsgwd check``: everything that can be wrong on paper."""

from __future__ import annotations

import click

from smsgwd.cli.base import app_of, json_option


@click.command()
@json_option
@click.pass_context
def check(ctx: click.Context) -> None:
    """Read configuration, rules and templates; connect nowhere. Ends with 78 and every mistake when one is wrong."""
    from smsgwd.clock import SystemClock
    from smsgwd.config.file import load
    from smsgwd.errors import ConfigError, Problem
    from smsgwd.helpdesk.webhook import WebhookDesk
    from smsgwd.modem.profile import profile_problems
    from smsgwd.rules.load import load_rules

    app = app_of(ctx)
    problems: list[Problem] = []
    links = rules = 0
    try:
        config = load(app.config_path)
        links = len(config.link)
        problems += profile_problems(config.profiles, config.gateway.modems, app.config_path)
        for desk in config.helpdesk:
            try:
                WebhookDesk(desk, SystemClock())
            except ConfigError as e:
                problems += [p._replace(file=app.config_path) for p in e.problems]
        desks = tuple(desk.name for desk in config.helpdesk)
        rules = len(load_rules(config.gateway.rules, config.gateway.templates, desks=desks).rules)
    except ConfigError as e:
        problems += e.problems
    document = {"ok": not problems, "links": links, "rules": rules, "problems": [p._asdict() for p in problems]}
    if problems and not app.as_json:
        raise ConfigError(problems)
    app.show(document, lambda: click.echo(f"configuration is right: {links} links, {rules} rules"))
    if problems:
        ctx.exit(78)
