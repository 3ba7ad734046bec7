"""The OpenAPI 3.1 document, made from the table of operations and the structs of their bodies."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from smsgwd import __version__
from smsgwd.model import Contact, Conversation, LinkStatus, Message, OutboxItem, Submission, Token
from smsgwd.web.operations import Operation, table

_NOUNS = (Message, Submission, Contact, Conversation, LinkStatus, OutboxItem, Token)
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem",
    "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                   "detail": {"type": "string"}},
    "required": ["type", "title", "status", "detail"],
}  # fmt: skip


def document() -> dict[str, Any]:
    """The whole document."""
    bodies = tuple(dict.fromkeys(o.body for o in table() if o.body is not None))
    _, schemas = msgspec.json.schema_components((*_NOUNS, *bodies), ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in table():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "smsgwd", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "smsgw_…"}},
        },
        "security": [{"token": []}],
    }
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole))  # defaults of structs hold tuples
    return made


def _operation(operation: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{([a-z]+)\}", operation.path)
    ] + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in operation.query]
    if operation.method == "POST":
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}})
    made: dict[str, Any] = {
        "operationId": _name(operation),
        "summary": operation.summary,
        "description": f"Needs the scope `{operation.scope}`.",
        "parameters": parameters,
        "responses": {
            str(operation.status): {"description": "done", "content": {"application/json": {"schema": {}}}},
            "default": {
                "description": "not done",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if operation.body is not None:
        reference = {"$ref": f"#/components/schemas/{operation.body.__name__}"}
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return made


def _name(operation: Operation) -> str:
    words = re.findall(r"[a-z]+", operation.path.removeprefix("/v1"))
    return "_".join([operation.method.lower(), *words])
