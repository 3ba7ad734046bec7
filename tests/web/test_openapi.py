"""The OpenAPI document says what is served."""

import json
import re

import pytest
from jsonschema import ValidationError

from smsgwd.web.openapi import document
from smsgwd.web.operations import find, table
from smsgwd.web.plant import SCOPES
from tests.web.conforming import conforms
from tests.web.served import served


def test_every_operation_is_in_it():
    """Each row of the table has its path, a name of its own and a scope that exists."""
    paths = document()["paths"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(names)) == len(names)
    assert set(paths) - {o.path for o in table()} == {"/healthz", "/readyz", "/metrics", "/openapi.json"}
    for operation in table():
        assert operation.method.lower() in paths[operation.path]
        assert operation.scope in SCOPES
        assert find(operation.method, re.sub(r"\{[a-z]+\}", "x", operation.path))[0] is operation


def test_references_resolve():
    """No $ref points nowhere."""
    made = document()
    for reference in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(made)):
        assert reference in made["components"]["schemas"]


def test_it_is_valid():
    """By the rules of OpenAPI 3.1."""
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(document())


async def test_it_is_served(tmp_path):
    """At /openapi.json, to anybody."""
    async with served(tmp_path) as api:
        status, made, _ = await api.over_tcp("GET", "/openapi.json", token="")
    assert status == 200
    assert made["openapi"] == "3.1.0"


def test_times_are_written_as_they_are_answered():
    """Times of answers are ISO 8601 or null; the time that a request names is text as people write it."""
    schemas = document()["components"]["schemas"]
    assert schemas["Message"]["properties"]["created"] == {"type": ["string", "null"], "format": "date-time"}
    assert schemas["SendRequest"]["properties"]["at"]["type"] == "string"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        pytest.param(200, {"items": [], "next": None, "more": 1}, id="a field too many"),
        pytest.param(200, {"items": [{"id": "tok_1"}], "next": None}, id="fields missing"),
        pytest.param(202, {"items": [], "next": None}, id="another status"),
        pytest.param(404, {"error": "no"}, id="no problem document"),
    ],
)
def test_the_check_of_answers_bites(status, answer):
    """What the document does not promise fails the check that every answer in these tests goes through."""
    with pytest.raises((AssertionError, ValidationError)):
        conforms("GET", "/v1/tokens", status, answer)
