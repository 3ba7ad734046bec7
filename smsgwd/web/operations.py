"""What programs and people may ask over HTTP, as one table: method, path, scope, and a function.

Nothing here knows sockets or aiohttp. :mod:`smsgwd.web.app` serves the table; the command line calls the same functions
on the store itself while the daemon is stopped; the OpenAPI document is made from it. A function takes a :class:`Call`
and returns (status, document); it raises the errors of :mod:`smsgwd.errors`, which :mod:`smsgwd.web.problems` words.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec

from smsgwd.errors import NotFound, RequestRefused
from smsgwd.gateway import Gateway
from smsgwd.model import Token
from smsgwd.queue.privacy.acting import Actor, acting
from smsgwd.routing.numbers import normal_number

#: bytes of one request body
LARGEST_BODY = 1 << 20
#: characters of the reason of an act
LONGEST_REASON = 200

T = TypeVar("T")


class Call(msgspec.Struct, frozen=True):
    """One request, whoever carried it."""

    gateway: Gateway
    #: the ``{name}`` parts of the path
    path: Mapping[str, str]
    query: Mapping[str, str]
    #: JSON as it came; empty for none
    body: bytes = b""
    #: the Idempotency-Key header
    key: str = ""
    #: the caller's token; None = everything is allowed (the unix socket, the command line)
    token: Token | None = None
    #: who calls, for the audit chain: the token's id, or ``uid:1000``
    who: str = "gateway"

    def read(self, shape: type[T]) -> T:
        """The body as a struct. RequestRefused("invalid-body") names the field that is wrong."""
        return decoded(self.body or b"{}", shape)

    def need(self, scope: str) -> None:
        """RequestRefused("forbidden") unless the caller has this scope too, beside that of the operation."""
        if self.token is not None and not {scope, "admin"} & set(self.token.scopes):
            raise RequestRefused("forbidden", f"this token lacks the scope {scope}")

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number of the query. RequestRefused("invalid-query")."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise RequestRefused("invalid-query", f"`{name}` is a number from {least} to {most}")
        return int(text)


Answer = tuple[int, Any]


def decoded(octets: bytes | msgspec.Raw, shape: type[T]) -> T:
    """JSON as a struct. RequestRefused("invalid-body") for anything else, bytes that are no UTF-8 and towers of
    brackets among it."""
    try:
        return msgspec.json.decode(octets, type=shape)
    except UnicodeDecodeError:
        raise RequestRefused("invalid-body", "a text in the JSON is not UTF-8") from None
    except RecursionError:
        raise RequestRefused("invalid-body", "the JSON is nested too deeply") from None
    except msgspec.DecodeError as e:
        raise RequestRefused("invalid-body", str(e)) from None


def filtered_number(text: str, country: str) -> str:
    """A number that somebody searches for, in the form in which it is stored: E.164 where it is one, else (short codes,
    senders with letters) as it is. A ``+`` that was not percent-encoded arrives as a space, and is read as it was meant."""
    if re.fullmatch(r" [0-9]{7,15}", text):
        text = f"+{text[1:]}"
    if re.fullmatch(r"[0-9]{3,6}", text):
        return text
    try:
        return normal_number(text, country)
    except RequestRefused:
        return text


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    method: str
    #: ``/v1/messages/{id}``
    path: str
    #: what a token must allow
    scope: str
    run: Callable[[Call], Awaitable[Answer]]
    #: one line for people
    summary: str
    #: names of the query's parameters
    query: tuple[str, ...] = ()
    #: the struct of the body
    body: type[msgspec.Struct] | None = None
    #: status of the good answer, and the shape of its document
    status: int = 200
    answer: type[msgspec.Struct]
    #: True when the document is a page of them
    many: bool = False
    #: True when an idempotency key makes it safe to call again
    keyed: bool = False
    #: True for a question that is no GET: it decides nothing
    asks: bool = False

    def check(self, call: Call) -> None:
        """RequestRefused("invalid-query") for a parameter that it does not know: a misspelt filter must not answer with
        everything."""
        for name in call.query:
            if name not in self.parameters:
                known = f"it knows {', '.join(self.parameters)}" if self.parameters else "it takes none"
                raise RequestRefused("invalid-query", f"there is no parameter `{name[:40]}` here; {known}")

    @property
    def acts(self) -> bool:
        """It changes something on a person's word, and the audit chain tells whose. Texts, which have a key, are no acts."""
        return self.method != "GET" and not self.keyed and not self.asks

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names that the query may have; an act may come with its reason."""
        return (*self.query, "reason") if self.acts else self.query

    async def answered(self, call: Call) -> Answer:
        """Checks the query and runs it. Here, and nowhere else, the queue learns who acts, and why."""
        self.check(call)
        if not self.acts:
            return await self.run(call)
        reason = call.query.get("reason", "")
        if len(reason) > LONGEST_REASON or not reason.isprintable():
            raise RequestRefused("invalid-query", f"`reason` has at most {LONGEST_REASON} printable characters")
        with acting(Actor(call.who, reason)):
            return await self.run(call)


@cache
def table() -> tuple[Operation, ...]:
    """All operations, in the order of the documentation."""
    from smsgwd.web import desk, keeping, messages, plant, route, store

    return (*messages.OPERATIONS, *desk.OPERATIONS, *plant.OPERATIONS, *route.OPERATIONS, *store.OPERATIONS, *keeping.OPERATIONS)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{([a-z]+)\}", r"(?P<\1>[^/]+)", path))


def find(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """The operation of a request and the parts of its path; NotFound."""
    for operation in table():
        if operation.method == method and (found := _pattern(operation.path).fullmatch(path)):
            return operation, found.groupdict()
    raise NotFound(f"there is no {method} {path}")


async def call(
    gateway: Gateway, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None, who: str = "gateway"
) -> Answer:
    """Runs an operation without HTTP: (status, document), the document as JSON would bring it. ``body`` is anything
    that JSON can hold.

    ``path`` is the plain path, without percent-encoding. Raises what the operation raises.
    """
    operation, parts = find(method, path)
    octets = b"" if body is None else msgspec.json.encode(body)
    status, document = await operation.answered(Call(gateway, parts, dict(query or {}), octets, who=who))
    return status, msgspec.json.decode(msgspec.json.encode(document))
