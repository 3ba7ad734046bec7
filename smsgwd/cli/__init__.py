"""The command line. One file per noun; nothing but click is imported before a command is known.

``main`` turns the errors of :mod:`smsgwd.errors` into one line on stderr and the exit status of the contract:
0 done · 1 not done · 2 usage · 69 daemon not reachable · 75 temporary, try again · 78 configuration wrong.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from smsgwd import __version__
from smsgwd.cli.base import App

#: command -> where it lives; the help line stands here so that ``--help`` imports none of them
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("smsgwd.cli.run:run", "The daemon, in the foreground."),
    "check": ("smsgwd.cli.check:check", "Read configuration, rules and templates; connect nowhere."),
    "doctor": ("smsgwd.cli.doctor:doctor", "Look at everything that can be wrong, and name what mends it."),
    "send": ("smsgwd.cli.send:send", "Accept a text durably and print its id."),
    "queue": ("smsgwd.cli.queue:queue", "Outbound texts: list, show, cancel, replace, retry, hold, release, settle."),
    "inbox": ("smsgwd.cli.inbox:inbox", "Inbound texts: list, show."),
    "conversations": ("smsgwd.cli.conversations:conversations", "Threads with people: list, show, reply, close."),
    "contacts": ("smsgwd.cli.contacts:contacts", "People by number: show, set, erase."),
    "audit": ("smsgwd.cli.audit:audit", "What operators did, as a chain that shows every change: verify, export."),
    "tail": ("smsgwd.cli.tail:tail", "Events as they happen."),
    "links": ("smsgwd.cli.links:links", "Modems and SMPP binds: list, show, pause, resume, accept."),
    "ussd": ("smsgwd.cli.ussd:ussd", "Send a USSD code over a modem and print the answer."),
    "rules": ("smsgwd.cli.rules:rules", "Rules: check, list, try a text against them, test."),
    "route": ("smsgwd.cli.route:route", "Routing: explain which link would carry a text, and why."),
    "pdu": ("smsgwd.cli.pdu:pdu", "Decode and encode TPDUs."),
    "outbox": ("smsgwd.cli.outbox:outbox", "Calls owed to helpdesks: list, show, replay."),
    "status": ("smsgwd.cli.status:status", "How the gateway is doing."),
    "db": ("smsgwd.cli.db:db", "The store: check, backup, restore, purge."),
    "token": ("smsgwd.cli.token:token", "API tokens: create, list, revoke."),
    "sim": ("smsgwd.cli.sim:sim", "Simulators: modem, SMSC, helpdesk."),
    "demo": ("smsgwd.cli.demo:demo", "The whole gateway at work, with no hardware."),
    "bench": ("smsgwd.cli.bench:bench", "How many texts this machine takes."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def __init__(self, *args: object, table: dict[str, tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        module, _, name = self.table[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in self.table.items()])


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="Default: $SMSGWD_CONFIG, then /etc/smsgwd/smsgwd.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else on stdout.")
@click.option("--reason", default="", metavar="TEXT", help="Why: stands in the audit chain beside what the command changes.")
@click.version_option(__version__, prog_name="smsgwd")
@click.pass_context
def cli(ctx: click.Context, config: str | None, as_json: bool, reason: str) -> None:
    """smsgwd: texts in and out over GSM modems and carrier links, with rules and helpdesks."""
    ctx.obj = App(config or os.environ.get("SMSGWD_CONFIG") or "/etc/smsgwd/smsgwd.toml", as_json, reason)


def main(args: list[str] | None = None) -> None:
    """The entry point; always ends with :class:`SystemExit`."""
    from smsgwd.cli.base import report
    from smsgwd.errors import SmsgwdError

    try:
        code = cli.main(args, standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as e:
        e.show()
        sys.exit(e.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # the reader of our output has gone (``| head``): not our fault, and nothing more to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except SmsgwdError as e:
        sys.exit(report(e))
