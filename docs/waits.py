"""Every wait of the program on something outside of itself, and what ends it: read from the source.

An ``await`` of one of :data:`OUTSIDE`, or of a bare future, must end by itself: it stands in an ``asyncio.timeout`` block of
its function, or has its time as an argument; else it needs a line in :data:`REASONS` that says what ends it. A test holds
both: no wait without an end, and no reason for a wait that is gone. ``python docs/generate.py`` writes the table of
``limits.md`` from it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parents[1] / "smsgwd"
#: calls that wait for a device, a socket, a thread, another task
OUTSIDE = frozenset(
    {
        "acquire", "any_came", "came", "communicate", "connect", "create_subprocess_exec", "create_subprocess_shell", "drain",
        "fetch", "gather", "get", "getaddrinfo", "getnameinfo", "join", "open_connection", "open_unix_connection", "prepare",
        "put", "read", "readexactly", "readline", "readuntil", "recv", "request", "run_in_executor", "shield", "sleep",
        "sock_accept", "sock_connect", "sock_recv", "sock_sendall", "start_tls", "to_thread", "wait", "wait_closed",
        "wait_for", "write", "write_eof",
    }
)  # fmt: skip
#: those whose time is an argument: its name, its place
TIMED = {"came": ("seconds", 1), "any_came": ("seconds", 1), "wait": ("timeout", 9), "wait_for": ("timeout", 1), "sleep": ("", 0)}
#: programs that stand in for the outside while somebody tests: whoever started them ends them
SIMULATORS = ("cli/sim_", "helpdesk/sim.py", "modem/sim/", "smpp/sim/")

_STOP = "until the daemon is told to stop, or what it waits for happens: it is what a worker does while there is nothing to do"
_CANCELLED = "tasks that were cancelled, or whose waits all stand in this table"
_CALLER = "its callers wait in an `asyncio.timeout` block"
_MEASURE = "the whole measurement: 10 minutes (`cli/bench.py`)"
_THREAD = "a look at files of the machine, in a thread; the watchdog of systemd where a disk never answers"
#: (file, function) -> what ends a wait that has no time of its own
REASONS: dict[tuple[str, str], str] = {
    ("care.py", "Care._apart"): "a check that is broken off at a stop, and reads the database once",
    ("care.py", "Care._end"): _THREAD,
    ("daemon.py", "Daemon._watch_store"): _STOP,
    ("daemon.py", "Daemon._reloads"): _STOP,
    ("daemon.py", "Daemon._time_for"): _STOP,
    ("doctor/daemon.py", "_get"): _CALLER,
    ("doctor/desks.py", "reach"): _CANCELLED,
    ("doctor/desks.py", "_connect"): _CALLER,
    ("doctor/examination.py", "_Examination.run"): _CANCELLED,
    ("doctor/examination.py", "_Examination._modems"): _CANCELLED,
    ("helpdesk/post.py", "_Connection.ask"): "`timeout` of the desk, by a timer of its own",
    ("keeping.py", "verify"): "a thousand entries of the chain are followed, in memory",
    ("measure.py", "Wire.lane"): _MEASURE,
    ("measure.py", "chain"): _MEASURE,
    ("modem/balance.py", "Balance.once"): "the pattern of the configuration over the words of one USSD answer, in memory",
    ("modem/channel.py", "Channel.open"): "5 s without that the port takes an octet (`modem/port.py`)",
    ("modem/channel.py", "Channel._port_write"): "5 s without that the port takes an octet (`modem/port.py`)",
    ("modem/channel.py", "Channel._next"): _CALLER,
    ("modem/link.py", "ModemLink.run"): _THREAD,
    ("modem/link.py", "ModemLink.submit"): "the link answers every job: the modem's time-outs end it, or the end of the link does",
    ("modem/link.py", "ModemLink._wake_on"): _STOP,
    ("modem/link.py", "ModemLink._guarded"): "commands of the modem, each with its time-out",
    ("modem/switch.py", "run_command"): "a program that was killed",
    ("outbox.py", "Lane._watch"): _STOP,
    ("outbox.py", "Lane._record"): _STOP,
    ("queue/reader.py", "Reader.look"): "a read is broken off after 5 s, and 1,000 may wait",
    ("queue/sqlite.py", "open_queue"): "before anything runs: systemd's `TimeoutStartSec`",
    ("queue/sqlite.py", "SqliteQueue.look_at_space"): _THREAD,
    ("queue/sqlite.py", "SqliteQueue._claimed"): "the thread that writes: 5 s for a lock of others; the watchdog where a disk never answers",
    ("smpp/connection.py", "Connection.serve"): _STOP,
    ("smpp/connection.py", "Connection._told"): _STOP,
    ("smpp/inbox.py", "Inbox.empty"): _CALLER,
    ("smpp/inbox.py", "Inbox._clerk"): _STOP,
    ("smpp/link.py", "SmppLink.submit"): "the session's response timer makes it uncertain",
    ("smpp/link.py", "SmppLink._room"): "a place of the window: every answer or response timer frees one, and the end of the link all",
    ("smpp/link.py", "SmppLink.run"): "the first try of a session: the bind timer ends it",
    ("smpp/post.py", "before"): "a stop, or the connect and bind timers of the work",
    ("web/app.py", "_hand_over"): "what fits the socket's buffer is not waited for; the rest has its time",
    ("web/app.py", "_body"): "what came with the head is not waited for; the rest has its time",
    ("web/app.py", "serve"): _STOP,
    ("web/keeping.py", "purge"): "verbs of the queue, each for a bounded number of rows",
}


class Wait(NamedTuple):
    """One wait. ``ends``: its time-out as the source writes it, or the reason; empty = nothing ends it."""

    file: str
    function: str
    line: int
    what: str
    ends: str


def waits(source: Path = SOURCE) -> list[Wait]:
    """All waits of a tree."""
    found: list[Wait] = []
    for path in sorted(source.rglob("*.py")):
        file = str(path.relative_to(source))
        if file.startswith(SIMULATORS):
            continue
        found += waits_of(path.read_text(encoding="utf-8"), file)
    return found


def waits_of(text: str, file: str) -> list[Wait]:
    """All waits of one module."""
    return [wait for node in ast.iter_child_nodes(ast.parse(text)) for wait in _inside(node, file, "", "")]


def _inside(node: ast.AST, file: str, function: str, ends: str) -> Iterator[Wait]:
    if isinstance(node, ast.ClassDef):
        function = f"{function}{node.name}."
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        function, ends = f"{function.rpartition('.')[0]}{'.' if '.' in function else ''}{node.name}", ""
    elif isinstance(node, ast.AsyncWith):
        for item in node.items:
            yield from _inside(item, file, function, ends)
        ends = next(filter(None, map(_timeout, node.items)), ends)
        for child in node.body:
            yield from _inside(child, file, function, ends)
        return
    elif isinstance(node, ast.Await) and (what := _waited_for(node.value)):
        own = _own_time(node.value) or ends or REASONS.get((file, function), "")
        yield Wait(file, function, node.lineno, what, own)
    for child in ast.iter_child_nodes(node):
        yield from _inside(child, file, function, ends)


def _timeout(item: ast.withitem) -> str:
    call = item.context_expr
    if isinstance(call, ast.Call) and _name(call.func) in ("timeout", "timeout_at") and call.args:
        return f"{ast.unparse(call.args[0])}"
    return ""


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _waited_for(value: ast.expr) -> str:
    """What is waited for, if it lies outside: the callee, or the future itself."""
    if not isinstance(value, ast.Call):
        return ast.unparse(value)
    name = _name(value.func)
    return ast.unparse(value.func) if name in OUTSIDE else ""


def _own_time(value: ast.expr) -> str:
    """The time that the call itself names; None is no time."""
    if not isinstance(value, ast.Call) or _name(value.func) not in TIMED:
        return ""
    keyword, place = TIMED[_name(value.func)]
    given = next((k.value for k in value.keywords if k.arg == keyword), None)
    if given is None and len(value.args) > place:
        given = value.args[place]
    return "" if given is None or ast.unparse(given) == "None" else ast.unparse(given)


def table() -> str:
    """The waits as a table, one row for each function and thing."""
    rows = {(w.file, w.function, w.what, w.ends) for w in waits()}
    lines = [f"| `{file}` | `{function}` | `{what}` | {_shown(ends, file, function)} |" for file, function, what, ends in sorted(rows)]
    return "| file | function | waits for | at most |\n|---|---|---|---|\n" + "\n".join(lines)


def _shown(ends: str, file: str, function: str) -> str:
    if ends == REASONS.get((file, function)):
        return ends
    seconds = ends.replace("|", "\\|")
    return f"`{seconds}` s"
