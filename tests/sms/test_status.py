"""TP-ST."""

from __future__ import annotations

import pytest

from smsgwd.sms.status import tp_status


@pytest.mark.parametrize(
    ("first", "last", "category"),
    [
        (0x00, 0x00, "delivered"), (0x01, 0x1F, "closed"), (0x20, 0x3F, "pending"), (0x40, 0x45, "failed"),
        (0x46, 0x46, "expired"), (0x47, 0x5F, "failed"), (0x60, 0x7F, "failed"), (0x80, 0xFF, "failed"),
    ],
)  # fmt: skip
def test_every_value_has_its_category(first: int, last: int, category: str) -> None:
    """All 256, by the table of TS 23.040 section 9.2.3.15."""
    assert {tp_status(st).category for st in range(first, last + 1)} == {category}


@pytest.mark.parametrize(
    ("st", "name"),
    [
        (0x00, "delivered"), (0x01, "forwarded"), (0x02, "replaced"), (0x03, "completed-03"), (0x10, "completed-sc-10"),
        (0x20, "trying-congestion"), (0x21, "trying-sme-busy"), (0x25, "trying-error-in-sme"), (0x26, "trying-26"),
        (0x30, "trying-sc-30"), (0x41, "incompatible-destination"), (0x46, "validity-expired"), (0x49, "does-not-exist"),
        (0x4A, "permanent-4a"), (0x5F, "permanent-sc-5f"), (0x60, "temporary-congestion"), (0x66, "temporary-66"),
        (0x7F, "temporary-sc-7f"), (0x80, "reserved-80"), (0xFF, "reserved-ff"),
    ],
)  # fmt: skip
def test_names(st: int, name: str) -> None:
    """Stable slugs, and a line for people with each."""
    assert tp_status(st).name == name
    assert tp_status(st).reason


def test_names_are_unique() -> None:
    """One name, one value."""
    assert len({tp_status(st).name for st in range(256)}) == 256
