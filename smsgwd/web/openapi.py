"""The OpenAPI 3.1 document, made from the table of operations and the structs of bodies and answers."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

from smsgwd import __version__
from smsgwd.gateway import SendRequest
from smsgwd.model import MessageState
from smsgwd.web.operations import Operation, table
from smsgwd.web.shapes import Accepted, BatchAnswer, Problem
from smsgwd.web.views import TIMES

_TIME = {"type": ["string", "null"], "format": "date-time"}
_WORD: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer"}
#: parameters of queries: schema and meaning
_QUERY: dict[str, tuple[dict[str, Any], str]] = {
    "state": (_WORD, f"Only this state; of a text: {', '.join(MessageState)}."),
    "to": (_WORD, "Only to this number."),
    "from": (_WORD, "Only from this number."),
    "link": (_WORD, "Only of this link."),
    "conversation": (_WORD, "Only of this conversation."),
    "direction": ({"type": "string", "enum": ["out", "in", "all"]}, "out unless named."),
    "kind": (_WORD, "Only events of this kind, such as message.sent."),
    "after": (_WORD, "The cursor `next` of the page before. Of events: their number; a negative one gives the newest."),
    "reason": ({**_WORD, "maxLength": 200}, "Why; stands in the audit chain."),
    "since": (_WORD, "Only what was done from this time on."),
    "anchor": (_WORD, "An earlier head of the chain, `SEQ:HASH`: shows an end that was cut off."),
    "limit": ({**_WHOLE, "minimum": 1, "maximum": 1000}, "Most items of the answer."),
}
#: what machines ask: path -> (summary, media type, open to all)
_WATCHED = {
    "/healthz": ("200 when the loop turns and the store answers", "application/json", True),
    "/readyz": ("200 when at least one link can send", "application/json", True),
    "/metrics": ("Counts and ages in the Prometheus text format; needs the scope `messages:read`", "text/plain", False),
    "/openapi.json": ("This document", "application/json", True),
}


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in table():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    for path, (summary, media, public) in _WATCHED.items():
        paths[path] = {"get": _watched(path, summary, media, public)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "smsgwd",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "smsgw_…"}},
        },
        "security": [{"token": []}],
    }


def _schemas() -> dict[str, Any]:
    bodies = [o.body for o in table() if o.body is not None]
    answers = [o.answer for o in table()]
    shapes = dict.fromkeys([*bodies, *answers, SendRequest, Accepted, Problem])
    _, found = msgspec.json.schema_components(tuple(shapes), ref_template="#/components/schemas/{name}")
    for schema in found.values():
        for name, value in schema.get("properties", {}).items():
            if name in TIMES and value.get("type") == "integer":
                schema["properties"][name] = _TIME
    found["Batch"]["properties"]["messages"] = {
        "type": "array",
        "items": _ref(SendRequest),
        "minItems": 1,
        "maxItems": 1000,
    }
    answer = {"anyOf": [_ref(Accepted), _ref(Problem)]}
    found[BatchAnswer.__name__]["properties"]["messages"] = {"type": "array", "items": answer}
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))  # defaults as JSON has them, not tuples
    return plain


def _ref(shape: type[msgspec.Struct]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _page(shape: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": _ref(shape)}, "next": {"type": ["string", "null"]}},
        "required": ["items", "next"],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    content = {"application/json": {"schema": (_page if operation.many else _ref)(operation.answer)}}
    if operation.path == "/v1/events":
        content["text/event-stream"] = {"schema": _WORD}
    made: dict[str, Any] = {
        "operationId": _name(operation.method, operation.path),
        "summary": operation.summary,
        "description": f"Needs the scope `{operation.scope}`.",
        "parameters": _parameters(operation),
        "responses": {
            str(operation.status): {"description": "done", "content": content},
            "default": {"description": "not done", "content": {"application/problem+json": {"schema": _ref(Problem)}}},
        },
    }
    if operation.body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(operation.body)}}}
    return made


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _WORD}
        for name in re.findall(r"\{([a-z]+)\}", operation.path)
    ]
    for name in operation.parameters:
        schema, text = _QUERY[name]
        made.append({"name": name, "in": "query", "schema": schema, "description": text})
    if operation.keyed:
        made.append({
            "name": "Idempotency-Key", "in": "header", "schema": {**_WORD, "maxLength": 255},
            "description": "The same call with the same key is done once; with another body it is a conflict.",
        })  # fmt: skip
    return made


def _watched(path: str, summary: str, media: str, public: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": _name("get", path),
        "summary": summary,
        "responses": {
            "200": {"description": "good", "content": {media: {"schema": {}}}},
            "default": {"description": "not good", "content": {"application/problem+json": {"schema": _ref(Problem)}}},
        },
    }
    return {**made, "security": []} if public else made


def _name(method: str, path: str) -> str:
    words = re.findall(r"[a-z]+", path.removeprefix("/v1"))
    return "_".join([method.lower(), *words])
