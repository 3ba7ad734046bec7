"""Every error that smsgwd expects, in one tree.

The docstring is the message an operator reads when no detail is given. ``retryable`` says whether the same request
may succeed later without anybody changing it. Anything that is not in this tree is a bug and ends the daemon.
"""

from __future__ import annotations

from typing import NamedTuple


class SmsgwdError(Exception):
    """Something went wrong in smsgwd."""

    retryable = False

    def __init__(self, detail: str = "") -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(self.detail)


class PduError(SmsgwdError):
    """The bytes are not a PDU of the kind that was expected."""


class Problem(NamedTuple):
    """One mistake in a configuration or rule file."""

    file: str
    path: str
    """Path of the key (``link[0].port``), or ``line N`` where that says more."""
    message: str
    severity: str = "error"
    """``error`` or ``warning``."""

    def __str__(self) -> str:
        return f"{self.file}: {self.path}: {self.message}" if self.path else f"{self.file}: {self.message}"


class ConfigError(SmsgwdError):
    """The configuration is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems))


class RequestRefused(SmsgwdError):
    """The request was refused and nothing was stored.

    ``code`` is the stable slug that callers may test (``invalid-number``, ``empty-text``, ``too-long``,
    ``unknown-link``, ``no-route``, ``opted-out`` ...); it becomes the ``type`` of an RFC 9457 problem. ``retry_after``:
    the same request may be accepted after so many seconds; 0 = unknown, or never.
    """

    def __init__(self, code: str, detail: str, *, retry_after: float = 0.0) -> None:
        self.code, self.retry_after = code, retry_after
        super().__init__(detail)


class NotFound(SmsgwdError):
    """There is no such thing."""


class Conflict(SmsgwdError):
    """The thing is not in a state that allows this, or the idempotency key was used with another body."""


class LinkError(SmsgwdError):
    """The link broke; it is started again after a pause.

    ``retry_after``: seconds that the link itself wants to wait; None leaves them to who started it.
    """

    retryable = True

    def __init__(self, detail: str = "", retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(detail)


class Uncertain(SmsgwdError):
    """Nobody can know whether the network took the text."""


class CommandError(SmsgwdError):
    """The modem refused a command.

    ``kind`` is ``CMS``, ``CME`` or empty for a bare ``ERROR``; ``code`` is the number, or -1 where the modem gave
    none.
    """

    def __init__(self, kind: str, code: int, detail: str = "") -> None:
        self.kind, self.code = kind, code
        super().__init__(detail or (f"+{kind} ERROR: {code}" if kind else "ERROR"))


class StoreUnavailable(SmsgwdError):
    """The database cannot be used now: it is locked, the disk is full or read-only, or another smsgwd has it."""

    retryable = True


class StoreUnusable(SmsgwdError):
    """The database cannot be used by this program: its schema is newer, or it is damaged."""


class DaemonUnreachable(SmsgwdError):
    """The daemon does not answer on its socket."""

    retryable = True
