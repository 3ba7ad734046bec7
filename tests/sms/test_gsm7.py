"""The GSM 7-bit alphabet and its packing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.errors import PduError
from smsgwd.sms import gsm7
from smsgwd.sms.national import BASIC, EXTENSION, LOCKING, SINGLE

WRITTEN = [c for c in BASIC if c != "\x1b"] + list(EXTENSION.values())
septets = st.lists(st.integers(0, 127), max_size=400).map(bytes)


def packed_by_definition(values: bytes, fill: int) -> bytes:
    """TS 23.038 section 6.1.2.1, bit by bit: each septet's least significant bit first."""
    bits = [0] * fill + [value >> k & 1 for value in values for k in range(7)]
    bits += [0] * (-len(bits) % 8)
    return bytes(sum(bit << k for k, bit in enumerate(bits[i : i + 8])) for i in range(0, len(bits), 8))


@pytest.mark.parametrize("code", [code for code in range(128) if code != 0x1B])
def test_each_code_of_the_default_table_both_ways(code: int) -> None:
    """Every one of the 127 characters is one septet, and comes back."""
    assert gsm7.encode(BASIC[code]) == bytes([code])
    assert gsm7.decode(bytes([code])) == BASIC[code]


@pytest.mark.parametrize(("code", "character"), EXTENSION.items())
def test_each_extension_character_both_ways(code: int, character: str) -> None:
    """All ten are ESC and a code."""
    assert gsm7.encode(character) == bytes([0x1B, code])
    assert gsm7.decode(bytes([0x1B, code])) == character


def test_the_table_has_the_characters_that_others_get_wrong() -> None:
    """§ is 0x5F, form feed is ESC 0x0A, € is ESC 0x65, and a backtick is not there."""
    assert len(set(WRITTEN)) == 137
    assert gsm7.encode("§") == b"\x5f"
    assert gsm7.encode("\f") == b"\x1b\x0a"
    assert gsm7.encode("€") == b"\x1b\x65"
    assert gsm7.try_encode("`") is None


@pytest.mark.parametrize(
    ("junk", "text"),
    [
        pytest.param(b"A\x1b", "A", id="ESC at the end is dropped"),
        pytest.param(b"\x1b", "", id="ESC alone"),
        pytest.param(b"A\x1b\x1bB", "A B", id="ESC ESC is a space"),
        pytest.param(b"\x1b\x1b\x1b", " ", id="ESC ESC ESC"),
        pytest.param(b"\x1bA", "A", id="an unknown extension is the character of the table"),
        pytest.param(b"\x1b\x00", "@", id="unknown extension of code 0"),
        pytest.param(b"a\x80b\xffc", "a\ufffdb\ufffdc", id="octets that are no septets"),
        pytest.param(b"a\x1b\x80", "a\ufffd", id="ESC before such an octet"),
        pytest.param(b"", "", id="empty"),
    ],
)
def test_junk_gives_a_deterministic_text(junk: bytes, text: str) -> None:
    """Nothing fails, and each case has one answer."""
    assert gsm7.decode(junk) == text


@pytest.mark.parametrize("text", ["`", "\0", "a\0b", "я", "ab😀", "x\ud800", "\t", "ê", "\ufffe", "€\x80", "\x1b", "\x9b"])
def test_what_the_alphabet_lacks_is_refused(text: str) -> None:
    """try_encode says None; encode says where, and never what."""
    assert gsm7.try_encode(text) is None
    with pytest.raises(PduError, match=r"offset \d+ is not in the GSM 7-bit alphabet") as caught:
        gsm7.encode(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize("language", sorted(set(LOCKING) | set(SINGLE)))
def test_national_tables_both_ways(language: int) -> None:
    """Each character of a table is written with it and read back, alone and beside the others."""
    locking, single = gsm7.tables(language, language)
    everything = [c for c in locking if c not in "\ufffe\x1b"] + list(single.values())
    for character in everything:
        assert gsm7.decode(gsm7.encode(character, language, language), language, language) == character
    text = "".join(everything)
    assert gsm7.decode(gsm7.encode(text, language, language), language, language) == text
    with_single_only = "".join(single.values())
    assert gsm7.decode(gsm7.encode(with_single_only, 0, language), 0, language) == with_single_only


def test_a_hole_in_a_national_table_is_not_a_character() -> None:
    """Bengali has no character at 0x0D-plus-one holes: reading gives U+FFFD, writing U+FFFE is refused."""
    assert gsm7.decode(b"\x0c", 4) == "\ufffd"
    assert gsm7.try_encode("\ufffe", 4, 4) is None


def test_an_unknown_language_means_the_default_tables() -> None:
    """TS 23.038 section 6.2.1.2.5."""
    assert gsm7.decode(b"\x04\x1b\x65", 200, 200) == "è€"


def test_the_character_of_code_zero_and_nul() -> None:
    """@ is code 0 and NUL is no character, in every path."""
    assert gsm7.encode("@Δ@") == b"\x00\x10\x00"
    assert gsm7.encode("@", 1, 1) == b"\x00"
    assert gsm7.try_encode("Δ\0") is None
    assert gsm7.encode("ا", 13) == b"\x00"


@given(st.text(st.sampled_from(WRITTEN), max_size=400))
def test_round_trip(text: str) -> None:
    """What can be written is read back."""
    assert gsm7.decode(gsm7.encode(text)) == text


@given(st.text(max_size=50), st.integers(0, 15), st.integers(0, 15))
def test_any_text_is_written_whole_or_refused(text: str, locking: int, single: int) -> None:
    """Never something else than the text."""
    written = gsm7.try_encode(text, locking, single)
    assert written is None or gsm7.decode(written, locking, single) == text


@given(septets, st.integers(0, 6))
def test_packing_is_the_definition_bit_by_bit(values: bytes, fill: int) -> None:
    """For all seven fill states."""
    assert gsm7.pack(values, fill) == packed_by_definition(values, fill)


@given(septets, st.integers(0, 6))
def test_unpacking_gives_the_septets_back(values: bytes, fill: int) -> None:
    """And no more of them, however many are asked for than are there."""
    octets = gsm7.pack(values, fill)
    assert gsm7.unpack(octets, len(values), fill) == values
    more = gsm7.unpack(octets, len(values) + 9, fill)
    assert more[: len(values)] == values
    assert len(more) - len(values) in (0, 1)


@settings(max_examples=50)
@given(st.binary(max_size=200), st.integers(-5, 300), st.integers(0, 6), st.integers(0, 14), st.integers(0, 14))
def test_any_octets_are_read(octets: bytes, count: int, fill: int, locking: int, single: int) -> None:
    """Never an exception, never a lone surrogate or more characters than septets."""
    values = gsm7.unpack(octets, count, fill)
    text = gsm7.decode(values, locking, single)
    assert len(text) <= len(values) <= max(0, count)
    assert len(gsm7.decode(octets, locking, single).encode()) >= 0
