"""Errors as RFC 9457 problem documents, and back.

``type`` is ``urn:smsgwd:problem:SLUG``; the slug is stable and callers may test it, the detail is for people. The command
line turns an answer back into the error it was made from.
"""

from __future__ import annotations

import math
from typing import Any

from smsgwd.errors import Conflict, NotFound, RequestRefused, SmsgwdError, StoreUnavailable, StoreUnusable

PREFIX = "urn:smsgwd:problem:"

#: slugs of refusals that are not 422
_STATUS = {
    "invalid-body": 400, "invalid-query": 400, "unauthorized": 401, "forbidden": 403, "method-not-allowed": 405,
    "too-large": 413, "no-answer": 504, "link-not-up": 503, "not-offered": 409, "timed-out": 408, "unsupported-media-type": 415, "too-many-requests": 429,
    "store-full": 507, "queue-full": 507, "lane-full": 429, "too-busy": 429,
    "premium-not-allowed": 403, "short-code-not-allowed": 403, "cap-reached": 429, "pumping": 429, "prefix-rate": 429,
}  # fmt: skip
_TITLES = {
    "not-found": "There is no such thing",
    "conflict": "Not in a state that allows this",
    "store-unavailable": "The store is away",
    "store-unusable": "The store cannot be used",
    "error": "Not done",
}


def slug_of(error: SmsgwdError) -> tuple[str, int]:
    """(slug, HTTP status) of an expected error."""
    if isinstance(error, RequestRefused):
        return error.code, _STATUS.get(error.code, 422)
    if isinstance(error, NotFound):
        return "not-found", 404
    if isinstance(error, Conflict):
        return "conflict", 409
    if isinstance(error, StoreUnavailable):
        return "store-unavailable", 503
    if isinstance(error, StoreUnusable):
        return "store-unusable", 500
    return "error", 500


def problem(error: SmsgwdError) -> dict[str, Any]:
    """The problem document of an expected error; ``retry_after`` (seconds) where it is known when to try again."""
    slug, status = slug_of(error)
    title = _TITLES.get(slug, slug.replace("-", " ").capitalize())
    made = {"type": PREFIX + slug, "title": title, "status": status, "detail": str(error)}
    if isinstance(error, RequestRefused) and error.retry_after:
        made["retry_after"] = math.ceil(error.retry_after)
    return made


def error_of(document: dict[str, Any]) -> SmsgwdError:
    """The error behind a problem document."""
    slug = str(document.get("type", "")).removeprefix(PREFIX)
    detail = str(document.get("detail") or document.get("title") or "the request was not done")
    made: dict[str, type[SmsgwdError]] = {
        "not-found": NotFound, "conflict": Conflict, "store-unavailable": StoreUnavailable,
        "store-unusable": StoreUnusable, "error": SmsgwdError,
    }  # fmt: skip
    if slug in made:
        return made[slug](detail)
    return RequestRefused(slug, detail, retry_after=float(document.get("retry_after") or 0))
