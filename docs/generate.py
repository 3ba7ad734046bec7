"""Writes the parts of the manual that the program itself knows: ``python docs/generate.py``.

Each page has pairs of marks, ``<!-- NAME -->`` and ``<!-- /NAME -->``; what stands between them is made anew. A test
compares the pages with what would be written, so that they cannot grow old.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import click
import msgspec

from smsgwd import config
from smsgwd.cli import COMMANDS
from smsgwd.cli.sim import SIMULATORS
from smsgwd.config.keys import DURATION, SIZE
from smsgwd.events import KINDS, WEBHOOK_KINDS
from smsgwd.faults import Entry, made_by
from smsgwd.model import MESSAGE_TRANSITIONS, SUBMISSION_TRANSITIONS
from smsgwd.modem.sim import catalogue as modem_catalogue
from smsgwd.modem.sim import families as modem_families
from smsgwd.modem.sim import faults as modem_faults
from smsgwd.rules.template import FIELDS
from smsgwd.smpp.sim import faults as centre_faults
from smsgwd.web.operations import table

DOCS = Path(__file__).resolve().parent


# ---- commands ------------------------------------------------------------------------------------------------------


def _commands() -> Iterator[tuple[str, click.Command]]:
    for name, (where, _) in COMMANDS.items():
        if name == "sim":
            continue
        yield from _walk(name, _load(where))
    for name, (where, _) in SIMULATORS.items():
        yield from _walk(f"sim {name}", _load(where))


def _load(where: str) -> click.Command:
    module, _, attribute = where.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    return command


def _walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for sub, child in command.commands.items():
            yield from _walk(f"{name} {sub}", child)
    else:
        yield name, command


def commands() -> str:
    """Every command with its options."""
    out = []
    for name, command in _commands():
        context = click.Context(command, info_name=name)
        usage = " ".join(command.collect_usage_pieces(context)).replace("[OPTIONS]", "[OPTIONS]")
        text = (command.help or "").replace("\b", "").strip()
        out.append(f"### smsgwd {name}\n\n`smsgwd {name} {usage}`\n\n{text}\n")
        rows = [
            (", ".join(o.opts) + (f" {o.make_metavar(context)}" if not o.is_flag else ""), o.help or "", _default(o))
            for o in command.params
            if isinstance(o, click.Option) and o.name != "json" and "--json" not in o.opts
        ]
        out += [f"- `{names}`: {text}{default}" for names, text, default in rows]
        out.append("")
    return "\n".join(out)


def _default(option: click.Option) -> str:
    return f" Default: `{option.default}`." if option.show_default and option.default not in (None, "") else ""


def exit_statuses() -> str:
    rows = {
        0: "done", 1: "not done; the reason is on stderr", 2: "wrong usage", 69: "the daemon cannot be reached",
        75: "temporary, try again: the store is away, or another smsgwd has it",
        78: "the configuration is wrong; all mistakes are listed with file and key. Or the database cannot be used: damaged, or newer",
    }  # fmt: skip
    return "| status | meaning |\n|---|---|\n" + "\n".join(f"| {n} | {text} |" for n, text in rows.items())


def faults() -> str:
    return _faults(modem_faults.FAULTS)


def catalogue() -> str:
    """The names F1 to F29 and what makes them."""
    return _catalogue(modem_catalogue.CATALOGUE)


def smsc_catalogue() -> str:
    """The names F30 to F40 and what makes them."""
    return _catalogue(centre_faults.CATALOGUE)


def _catalogue(table: Mapping[str, Entry]) -> str:
    rows = [f"| `{name}` | {entry.what} | {made} |" for name, entry in table.items()
            for made in [made_by(entry) if entry.why else f"`{made_by(entry)}`"]]  # fmt: skip
    return "| name | what happens | made by |\n|---|---|---|\n" + "\n".join(rows)


def profiles() -> str:
    """The simulated modem's families."""
    rows = [f"| `{name}` | {device} |" for name, device in modem_families.help_rows()]
    return "| profile | stands for |\n|---|---|\n" + "\n".join(rows)


def smsc_faults() -> str:
    return _faults(centre_faults.FAULTS)


def _faults(table: Mapping[str, Any]) -> str:
    rows = [
        f"| `{name}` | {kind.what} | {' '.join(f'`{k}={v}`' for k, v in kind.takes.items())} |"
        for name, kind in table.items()
    ]
    return "| fault | what happens | arguments |\n|---|---|---|\n" + "\n".join(rows)


# ---- configuration -------------------------------------------------------------------------------------------------


def keys() -> str:
    """Every section of the configuration with its keys."""
    out = []
    sections: list[tuple[str, type[msgspec.Struct]]] = [
        ("[gateway]", config.Gateway), ("[[link]], type = \"modem\"", config.ModemConfig),
        ("[[link]], type = \"smpp\"", config.SmppConfig), ("[api]", config.Api), ("[[helpdesk]]", config.Helpdesk),
        ("[retention]", config.Retention), ("[limits]", config.Limits), ("[store]", config.Store), ("[quiet]", config.Quiet),
        ("[uncertain]", config.Uncertain), ("[loops]", config.Loops), ("[consent]", config.Consent), ("[doors]", config.Doors),
    ]  # fmt: skip
    tables = [(f"{config.key_of(name)} = {{…}} of an smpp link", kind)
              for name, hint in get_type_hints(config.SmppConfig).items() for kind in _tables(hint)]  # fmt: skip
    sections[3:3] = tables
    for title, kind in sections:
        out.append(f"### {title}\n")
        if not msgspec.structs.fields(kind):
            out.append("No keys yet.\n")
            continue
        hints = get_type_hints(kind, include_extras=True)
        out.append("| key | value | default | what |\n|---|---|---|---|")
        for field in msgspec.structs.fields(kind):
            hint = hints[field.name]
            out.append(f"| `{config.key_of(field.name)}` | {_kind(hint)} | {_shown(field)} | {_help(hint)} |")
        out.append("")
    return "\n".join(out)


def _tables(hint: Any) -> list[type[msgspec.Struct]]:
    """The structs that the value of a key may be a table of."""
    kinds = [hint, *get_args(hint)]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]


def _help(hint: Any) -> str:
    return next((m.description for m in getattr(hint, "__metadata__", ()) if getattr(m, "description", None)), "")


def _plain(hint: Any) -> Any:
    return _plain(hint.__origin__) if hasattr(hint, "__metadata__") else hint


def _kind(hint: Any) -> str:
    plain = _plain(hint)
    if DURATION in getattr(hint, "__metadata__", ()):
        return "duration"
    if SIZE in getattr(hint, "__metadata__", ()):
        return "size"
    if isinstance(plain, types.UnionType):
        return "true, false or a table" if bool in get_args(plain) else "secret"
    if get_origin(plain) is tuple:
        return "list of tables" if _tables(plain) else "list of texts"
    if get_origin(plain) is dict:
        return "table"
    if _tables(plain):
        return "table"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}.get(plain, str(get_args(plain)))


def _shown(field: Any) -> str:
    if field.required:
        return "required"
    value = field.default
    if value in ("", (), None, msgspec.NODEFAULT):
        return ""
    if isinstance(value, msgspec.Struct):
        return " ".join(f"`{name} = {getattr(value, name)}`" for name in value.__struct_fields__)
    if isinstance(value, tuple):
        return " ".join(f"`{v}`" for v in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


# ---- events, states, HTTP ------------------------------------------------------------------------------------------


def kinds() -> str:
    rows = [f"| `{kind}` | {text} | {'yes' if kind in WEBHOOK_KINDS else ''} |" for kind, text in KINDS.items()]
    return "| kind | what happened | by webhook |\n|---|---|---|\n" + "\n".join(rows)


def message_states() -> str:
    return _diagram(MESSAGE_TRANSITIONS, {"held": "", "queued": "", "received": "", "partial": ""})


def submission_states() -> str:
    return _diagram(SUBMISSION_TRANSITIONS, {"in_flight": ""})


def _diagram(transitions: dict[Any, frozenset[Any]], first: dict[str, str]) -> str:
    lines = [f"    [*] --> {state}" for state in first]
    lines += [f"    {a.value} --> {b.value}" for a, following in transitions.items() for b in sorted(following)]
    ends = {b for following in transitions.values() for b in following} - set(transitions)
    lines += [f"    {state.value} --> [*]" for state in sorted(ends)]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```"


def calls() -> str:
    rows = [f"| `{o.method} {o.path}` | {o.summary} | `{o.scope}` |" for o in table()]
    return "| call | what | scope |\n|---|---|---|\n" + "\n".join(rows)


def fields() -> str:
    return "| field | what |\n|---|---|\n" + "\n".join(f"| `{{{name}}}` | {text} |" for name, text in FIELDS.items())


def waits() -> str:
    """Every wait and its time-out."""
    spec = importlib.util.spec_from_file_location("waits", DOCS / "waits.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.table())


#: mark -> who makes what stands between
PARTS: dict[str, Callable[[], str]] = {
    "waits": waits,
    "commands": commands, "exit-statuses": exit_statuses, "faults": faults, "smsc-faults": smsc_faults,
    "smsc-catalogue": smsc_catalogue,
    "catalogue": catalogue, "profiles": profiles, "keys": keys, "kinds": kinds,
    "message-states": message_states, "submission-states": submission_states, "calls": calls, "fields": fields,
}  # fmt: skip


def renewed(text: str) -> str:
    """A page with its marked parts made anew. KeyError for a mark that nobody makes."""
    return re.sub(
        r"<!-- ([a-z-]+) -->\n.*?<!-- /\1 -->",
        lambda found: f"<!-- {found[1]} -->\n{PARTS[found[1]]().strip()}\n<!-- /{found[1]} -->",
        text,
        flags=re.DOTALL,
    )


def pages() -> list[Path]:
    """The pages that have marks."""
    return sorted(p for p in DOCS.glob("*.md") if "<!-- /" in p.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for page in pages():
        old = page.read_text(encoding="utf-8")
        new = renewed(old)
        if new != old:
            page.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{page.name} written\n")
