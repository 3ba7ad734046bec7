"""Parts back to one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.join import join
from smsgwd.sms.split import split
from smsgwd.sms.userdata import user_data

G, D, U = Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        pytest.param([], "", id="none"),
        pytest.param([(U, 0, 0, b"\x00a\xd8\x3d"), (U, 0, 0, b"\xde\x00\x00b")], "a😀b", id="a pair over two parts"),
        pytest.param([(G, 0, 0, b"a\x1b"), (G, 0, 0, b"\x65b")], "a€b", id="ESC over two parts"),
        pytest.param([(G, 1, 0, b"\x04"), (G, 0, 0, b"\x04")], "€è", id="each part by its own tables"),
        pytest.param([(G, 0, 0, b"a\x1b"), (G, 1, 0, b"\x65")], "ae", id="ESC before a part of other tables"),
        pytest.param([(G, 0, 0, b"a"), (U, 0, 0, b"\x04\x4f"), (D, 0, 0, b"xyz"), (G, 0, 0, b"b")], "aяb", id="mixed"),
        pytest.param([(D, 0, 0, b"xyz")], "", id="data"),
        pytest.param([(U, 0, 0, b"\x04\x4f\x04"), (U, 0, 0, b"\x04\x4f")], "яя", id="an odd octet does not shift the rest"),
        pytest.param([(U, 0, 0, b"\x04\x4f\x04"), (U, 0, 0, b"\x4f")], "яя", id="a unit over two parts"),
        pytest.param([(U, 0, 0, b"\xd8\x3d"), (U, 0, 0, b"\xd8\x3d")], "\ufffd\ufffd", id="two halves that are no pair"),
    ],
)
def test_joining(parts: list[tuple[Alphabet, int, int, bytes]], text: str) -> None:
    """What senders cut is made whole, and nothing fails."""
    assert join(parts) == text


def halves(text: str) -> st.SearchStrategy[tuple[bytes, int]]:
    octets = text.encode("utf-16-be")
    return st.tuples(st.just(octets), st.integers(0, len(octets)))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff\ufffe"), min_size=1, max_size=80).flatmap(halves))
def test_ucs2_cut_anywhere_comes_back(cut: tuple[bytes, int]) -> None:
    """Inside a pair, even inside a unit."""
    octets, at = cut
    assert join([(U, 0, 0, octets[:at]), (U, 0, 0, octets[at:])]) == octets.decode("utf-16-be")


@given(st.text(max_size=600), st.booleans())
def test_split_and_join(text: str, wide: bool) -> None:
    """A text of ours comes back from the payloads of its parts."""
    plan = split(text, national=("tr",), wide_ref=wide)
    total = plan.parts
    parts = []
    for i, piece in enumerate(plan.texts):
        _, payload = user_data(piece, plan.alphabet, plan.locking, plan.single, 7, i + 1, total)
        parts.append((plan.alphabet, plan.locking, plan.single, payload))
    assert join(parts) == plan.text.removeprefix("\ufeff")


alphabets = st.sampled_from(list(Alphabet))


@given(st.lists(st.tuples(alphabets, st.integers(0, 20), st.integers(0, 20), st.binary(max_size=40)), max_size=5))
def test_any_parts(parts: list[tuple[Alphabet, int, int, bytes]]) -> None:
    """Always valid Unicode."""
    assert join(parts).encode("utf-8").decode() == join(parts)
