"""TP-DCS and UCS-2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.sms.encoding import Alphabet, Waiting, decode_dcs, decode_ucs2, encode_dcs, encode_ucs2, storable

G, D, U = Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2


@pytest.mark.parametrize(
    ("dcs", "alphabet", "message_class"),
    [
        (0x00, G, None), (0x04, D, None), (0x08, U, None), (0x0C, G, None), (0x01, G, None),
        (0x10, G, 0), (0x11, G, 1), (0x14, D, 0), (0x16, D, 2), (0x18, U, 0), (0x1B, U, 3), (0x1C, G, None),
        (0x20, D, None), (0x28, D, None), (0x30, D, 0), (0x40, G, None), (0x48, U, None), (0x54, D, 0),
        (0x80, G, None), (0x8F, G, None), (0xB4, G, None), (0xC0, G, None), (0xC8, G, None), (0xD0, G, None),
        (0xE0, U, None), (0xEF, U, None), (0xF0, G, 0), (0xF1, G, 1), (0xF4, D, 0), (0xF5, D, 1), (0xF7, D, 3),
        (0xF8, G, 0), (0xFF, D, 3),
    ],
)  # fmt: skip
def test_groups(dcs: int, alphabet: Alphabet, message_class: int | None) -> None:
    """One or more values of each group of TS 23.038 section 4."""
    found = decode_dcs(dcs)
    assert (found.dcs, found.alphabet, found.message_class) == (dcs, alphabet, message_class)
    assert found.compressed == (0x20 <= dcs & 0xBF < 0x40 and dcs < 0x80)
    assert found.transient == (0x40 <= dcs < 0x80)


@pytest.mark.parametrize(
    ("dcs", "waiting"),
    [
        (0xC8, Waiting("voicemail", True, False)), (0xC1, Waiting("fax", False, False)),
        (0xDA, Waiting("email", True, True)), (0xE3, Waiting("other", False, True)), (0xF0, None), (0x00, None),
    ],
)  # fmt: skip
def test_message_waiting(dcs: int, waiting: Waiting | None) -> None:
    """Kind, on or off, and whether the text is kept."""
    assert decode_dcs(dcs).waiting == waiting


@pytest.mark.parametrize("alphabet", list(Alphabet))
@pytest.mark.parametrize("message_class", [None, 0, 1, 2, 3])
def test_what_is_written_is_read(alphabet: Alphabet, message_class: int | None) -> None:
    """A flash text keeps its class in every alphabet."""
    found = decode_dcs(encode_dcs(alphabet, message_class))
    assert (found.alphabet, found.message_class) == (alphabet, message_class)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        pytest.param("044FD83D", "я\ufffd", id="half a pair at the end"),
        pytest.param("D83D044F", "\ufffdя", id="high surrogate alone"),
        pytest.param("DE00044F", "\ufffdя", id="low surrogate alone"),
        pytest.param("DE00D83D", "\ufffd\ufffd", id="the wrong way round"),
        pytest.param("044F04", "я", id="odd length"),
        pytest.param("FEFF044F", "я", id="byte order mark"),
        pytest.param("FFFE4F04", "я", id="little-endian with its mark"),
        pytest.param("0041FEFF", "A\ufeff", id="a mark inside is kept"),
        pytest.param("00000041", "\0A", id="NUL"),
        pytest.param("", "", id="empty"),
        pytest.param("FF", "", id="one octet"),
    ],
)
def test_ucs2_of_any_kind(octets: str, text: str) -> None:
    """Always valid Unicode."""
    assert decode_ucs2(bytes.fromhex(octets)) == text


@given(st.text(max_size=200))
def test_ucs2_round_trip(text: str) -> None:
    """The whole of Unicode, pairs included (a leading byte order mark is eaten)."""
    assert decode_ucs2(encode_ucs2(text)) == text.removeprefix("\ufeff") or text.startswith("\ufffe")


@given(st.binary(max_size=300))
def test_ucs2_never_fails(octets: bytes) -> None:
    """And what it gives can be stored."""
    assert decode_ucs2(octets).encode("utf-8").decode() == decode_ucs2(octets)


def test_lone_surrogates_are_replaced_and_pairs_joined() -> None:
    """A text from JSON may hold them."""
    assert storable("a\ud83d\ude00b\ud800c") == "a😀b\ufffdc"
    assert encode_ucs2("\ud800") == b"\xff\xfd"
