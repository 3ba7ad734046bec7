"""Every answer in these tests is held against the OpenAPI document."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from smsgwd.errors import NotFound
from smsgwd.web.openapi import document
from smsgwd.web.operations import find


@cache
def _validator(name: str, page: bool) -> Draft202012Validator:
    """Of one shape, closed: a field that the document does not know is a mistake of the document."""
    made = document()
    shape = {"$ref": f"#/components/schemas/{name}", "unevaluatedProperties": False}
    if page:
        shape = {
            "type": "object", "required": ["items", "next"], "additionalProperties": False,
            "properties": {"items": {"type": "array", "items": shape}, "next": {"type": ["string", "null"]}},
        }  # fmt: skip
    return Draft202012Validator({**shape, "components": made["components"]}, format_checker=FormatChecker())


def conforms(method: str, path: str, status: int, answer: Any) -> None:
    """The answer has the shape that the document promises for this call."""
    try:
        operation, _ = find(method, path.partition("?")[0])
    except NotFound:
        if not path.startswith("/v1/"):
            return
        assert status in (404, 405)
        _validator("Problem", False).validate(answer)
        return
    if status >= 400:
        _validator("Problem", False).validate(answer)
        assert answer["status"] == status
        return
    assert status == operation.status
    _validator(operation.answer.__name__, operation.many).validate(answer)
