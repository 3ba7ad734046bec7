"""Plain letters for what GSM-7 lacks."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.sms import gsm7
from smsgwd.sms.national import BASIC, EXTENSION
from smsgwd.sms.plain import plain


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        pytest.param("‘a’ “b” „c‟ «d»", "'a' \"b\" \"c\" \"d\"", id="quotes"),
        pytest.param("1–2—3−4", "1-2-3-4", id="dashes"),
        pytest.param("…", "...", id="ellipsis"),
        pytest.param("a\u00a0b\u202fc\td", "a b c d", id="spaces"),
        pytest.param("soft\u00adhy\u200bphen\ufeff", "softhyphen", id="what is not seen"),
        pytest.param("a\u2028b\u0085c", "a\nb\nc", id="line ends"),
        pytest.param("êîôûâ", "eioua", id="circumflexes"),
        pytest.param("ÊÍÓÚ", "EIOU", id="capitals"),
        pytest.param("čšžřďťň", "cszrdtn", id="carons"),
        pytest.param("łŁđĐőű", "lLdDou", id="strokes and double acutes"),
        pytest.param("œŒþÞẞ", "oeOEthThSS", id="two letters for one"),
        pytest.param("éèàùìòÇñÑ", "éèàùìòÇñÑ", id="what the alphabet has stays"),
        pytest.param("e\u0301", "é", id="composed first"),
        pytest.param("ﬁx ② ™", "fix 2 TM", id="compatibility forms"),
        pytest.param("½ and ¾", "1/2 and 3/4", id="fractions"),
        pytest.param("αβγδ", "ABΓΔ", id="Greek small letters"),
        pytest.param("ΆΈΰἀᾳ", "AEYAA", id="Greek with accents"),
        pytest.param("10°C ©®", "10degC (c)(r)", id="signs"),
        pytest.param("Жук 😀 漢", "Жук 😀 漢", id="what has no plain form stays"),
        pytest.param("`x`", "'x'", id="backtick"),
        pytest.param("", "", id="empty"),
    ],
)
def test_plain_forms(text: str, simple: str) -> None:
    """Each by the first simpler form that the alphabet has."""
    assert plain(text) == simple


def test_the_tables_in_use_decide() -> None:
    """Turkish letters stay where their table is used, and become Latin where not."""
    assert plain("ğışĞİŞ") == "gisGIS"
    assert plain("ğışĞİŞ ê", 1) == "ğışĞİŞ e"
    assert plain("ğ—", 0, 1) == "ğ-"
    assert plain("ê", 3) == "ê"


@given(st.text(sorted(set(BASIC) - {"\x1b"}) + list(EXTENSION.values()), max_size=100))
def test_a_text_of_the_alphabet_is_left_alone(text: str) -> None:
    """Nothing is simplified without need."""
    assert plain(text) == text


@given(st.text(max_size=100), st.integers(0, 13), st.integers(0, 13))
def test_each_character_is_written_or_stays(text: str, locking: int, single: int) -> None:
    """Never something that neither was there nor can be written; twice is once."""
    found = plain(text, locking, single)
    assert all(gsm7.try_encode(c, locking, single) is not None or c in set_of(text) for c in found)
    assert plain(found, locking, single) == found


def set_of(text: str) -> set[str]:
    """The characters of a text, composed or not."""
    return set(text) | set(unicodedata.normalize("NFC", text))
