"""What a person sees as one character, and where a text may be cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.sms.cluster import breaks_at, clusters, cut_before

FAMILY = "👩\u200d👩\u200d👧\u200d👦"


@pytest.mark.parametrize(
    "one",
    [
        pytest.param("\r\n", id="CR LF"),
        pytest.param("e\u0301", id="a combining mark"),
        pytest.param("e\u0301\u0323\u20dd", id="several, one of them enclosing"),
        pytest.param("कि", id="a spacing mark"),
        pytest.param("❤\ufe0f", id="a variation selector"),
        pytest.param("1\ufe0f\u20e3", id="a keycap"),
        pytest.param("👍🏽", id="a skin tone"),
        pytest.param(FAMILY, id="joined people"),
        pytest.param("🏳\ufe0f\u200d🌈", id="joined flag"),
        pytest.param("🇦🇹", id="regional indicators"),
        pytest.param("🏴\U000e0067\U000e0062\U000e007f", id="tags"),
        pytest.param("\u1112\u1161\u11ab", id="conjoining Hangul"),
        pytest.param("한\u11ab", id="a syllable and a trailing consonant"),
    ],
)
def test_one_character(one: str) -> None:
    """Is not cut, alone and between others."""
    assert clusters(one) == [one]
    assert clusters(f"a{one}b") == ["a", one, "b"]
    assert not any(breaks_at(one, at) for at in range(1, len(one)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("ab", ["a", "b"], id="letters"),
        pytest.param("\n\r", ["\n", "\r"], id="LF CR"),
        pytest.param("\r\r\n", ["\r", "\r\n"], id="CR before CR LF"),
        pytest.param("🇦🇹🇩🇪🇨", ["🇦🇹", "🇩🇪", "🇨"], id="flags in pairs from the left"),
        pytest.param("x🇦🇹", ["x", "🇦🇹"], id="a flag behind a letter"),
        pytest.param("한국", ["한", "국"], id="syllables"),
        pytest.param("\u0301a", ["\u0301", "a"], id="a mark with nothing before it"),
        pytest.param("я\u200bя", ["я", "\u200b", "я"], id="a zero width space joins nothing"),
        pytest.param("", [], id="empty"),
    ],
)
def test_several_characters(text: str, found: list[str]) -> None:
    """Each on its own."""
    assert clusters(text) == found


@pytest.mark.parametrize(
    ("text", "start", "at", "cut"),
    [
        pytest.param("abcdef", 0, 3, 3, id="between letters"),
        pytest.param("abe\u0301f", 0, 3, 2, id="before what the mark belongs to"),
        pytest.param("ab\r\ncd", 0, 3, 2, id="before CR LF"),
        pytest.param(f"ab{FAMILY}", 0, 8, 2, id="before a family"),
        pytest.param(FAMILY, 0, 3, 3, id="one that is larger is cut"),
        pytest.param(f"ab{FAMILY}", 2, 5, 5, id="not at the start of the part"),
        pytest.param("🇦🇹🇩🇪", 0, 3, 2, id="between flags"),
        pytest.param("abc", 0, 3, 3, id="the end"),
        pytest.param("abc", 0, 9, 9, id="behind the end"),
    ],
)
def test_the_last_good_place(text: str, start: int, at: int, cut: int) -> None:
    """At most ``at``, behind ``start``."""
    assert cut_before(text, start, at) == cut


texts = st.text(max_size=60) | st.text("a\r\n\u0301\u200d👩🏽🇦🇹🇩\ufe0f\u1112\u1161\u11ab한", max_size=60)


@given(texts)
def test_clusters_are_the_text(text: str) -> None:
    """None empty, nothing lost, cut exactly where breaks_at says."""
    found = clusters(text)
    assert "".join(found) == text
    assert all(found)
    ends = {sum(map(len, found[: i + 1])) for i in range(len(found))} - {len(text)}
    assert ends == {at for at in range(1, len(text)) if breaks_at(text, at)}


@given(texts, st.data())
def test_a_cut_moves_on(text: str, data: st.DataObject) -> None:
    """Always behind the start, never behind the place asked for, and good unless there is none."""
    start = data.draw(st.integers(0, max(0, len(text) - 1)))
    at = data.draw(st.integers(start + 1, len(text) + 1))
    cut = cut_before(text, start, at)
    assert start < cut <= at
    good = [place for place in range(start + 1, min(at, len(text) - 1) + 1) if breaks_at(text, place)]
    assert at >= len(text) or cut == (good[-1] if good else at)
