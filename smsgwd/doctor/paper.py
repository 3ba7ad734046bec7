"""Configuration, rules and templates: what is wrong on paper.

Secrets are read apart from the rest. Where they cannot be read by whoever looks, the daemon may still be able to: that is
a warning, and no wrong configuration.
"""

from __future__ import annotations

import os

import msgspec

from smsgwd.clock import SystemClock
from smsgwd.config import Config, SmppConfig
from smsgwd.config.file import load
from smsgwd.doctor.places import myself
from smsgwd.doctor.report import Check, error, warning, well
from smsgwd.errors import ConfigError, Problem
from smsgwd.helpdesk.webhook import WebhookDesk
from smsgwd.modem.profile import profile_problems
from smsgwd.rules.load import load_rules


class Paper(msgspec.Struct, frozen=True):
    """What was read. ``config`` is None when the file does not read."""

    config: Config | None
    checks: tuple[Check, ...]
    #: texts are not served with these files
    wrong: bool


def read(path: str) -> Paper:
    """Reads everything that ``smsgwd check`` reads, and says all that is wrong with it."""
    try:
        config = load(path, reveal=False)
    except ConfigError as e:
        return Paper(None, tuple(_mistakes("configuration", path, e.problems)), True)
    number = len(config.link)
    checks = [well("configuration", path, f"reads right: {number} link{'' if number == 1 else 's'}")]
    if not any(link.enabled for link in config.link):
        checks.append(warning("configuration", path, "no link is enabled: texts neither go nor come", "add a [[link]]"))
    checks += _odd(config)
    wrong = _profiles(path, config) + _rules(config, checks)
    secrets, unread = _secrets(path)
    checks += [*wrong, *secrets]
    return Paper(config, tuple(checks), bool(wrong) or unread)


def _odd(config: Config) -> list[Check]:
    """What may be meant, but mostly is not."""
    return [
        warning(
            "link", link.name,
            f"window {link.window * link.binds} is more than three seconds of throughput {link.throughput:g}: "
            "texts wait at the SMSC, and so many are uncertain when the line breaks",
            f"window = {max(1, int(link.throughput))} in [[link]] {link.name}",
        )
        for link in config.link
        if isinstance(link, SmppConfig) and link.throughput and link.window * link.binds > 3 * link.throughput
    ]  # fmt: skip


def _mistakes(name: str, subject: str, problems: list[Problem]) -> list[Check]:
    return [error(name, subject, str(p).removeprefix(f"{subject}: "), f"edit {p.file}, then: smsgwd check") for p in problems]


def _profiles(path: str, config: Config) -> list[Check]:
    return _mistakes("profile", path, profile_problems(config.profiles, config.gateway.modems, path))


def _rules(config: Config, checks: list[Check]) -> list[Check]:
    folder, desks = config.gateway.rules, tuple(desk.name for desk in config.helpdesk)
    try:
        rules = load_rules(folder, config.gateway.templates, desks=desks)
    except ConfigError as e:
        return _mistakes("rules", folder, e.problems)
    missing = [name for name in (folder, config.gateway.templates) if not os.path.isdir(name)]
    if missing:
        checks.append(warning("rules", folder, f"there is no folder {missing[0]}", f"sudo install -d {missing[0]}"))
    else:
        checks.append(well("rules", folder, f"{len(rules.rules)} rules and their templates read right"))
    return []


def _secrets(path: str) -> tuple[list[Check], bool]:
    """The checks, and whether a secret is wrong rather than hidden from us."""
    try:
        config = load(path)
    except ConfigError as e:
        hidden = [p for p in e.problems if p.message.endswith(os.strerror(13))]
        wrong = [p for p in e.problems if p not in hidden]
        checks = [
            warning("secret", p.path, f"{p.message} for {myself()}; the daemon may be able to read it", "sudo smsgwd doctor")
            for p in hidden
        ]
        return checks + _mistakes("secret", path, wrong), bool(wrong)
    found: list[Check] = []
    for desk in config.helpdesk:
        try:
            WebhookDesk(desk, SystemClock())
        except ConfigError as e:
            found += _mistakes("secret", path, [p._replace(file=path) for p in e.problems])
    return found, bool(found)
