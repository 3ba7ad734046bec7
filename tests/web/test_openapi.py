"""The OpenAPI document says what is served."""

import json
import re

import pytest

from smsgwd.web.openapi import document
from smsgwd.web.operations import find, table
from smsgwd.web.plant import SCOPES
from tests.web.served import served


def test_every_operation_is_in_it():
    """Each row of the table has its path, a name of its own and a scope that exists."""
    paths = document()["paths"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(names) == len(table()) == len(set(names))
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
