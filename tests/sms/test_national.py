"""The tables themselves, against samples that were read off annex A one by one."""

from __future__ import annotations

import pytest

from smsgwd.sms.national import BASIC, EXTENSION, LANGUAGES, LOCKING, NONE, SINGLE


def test_every_language_of_the_standard_has_its_tables() -> None:
    """Identifiers 1 to 13; Spanish has a single shift table only."""
    assert sorted(LANGUAGES.values()) == list(range(1, 14))
    assert sorted(SINGLE) == list(range(1, 14))
    assert sorted(LOCKING) == [1, *range(3, 14)]


@pytest.mark.parametrize("language", sorted(LOCKING))
def test_a_locking_table_is_whole(language: int) -> None:
    """128 places, ESC, LF, CR and space where they belong, no character twice."""
    table = LOCKING[language]
    assert len(table) == 128
    assert (table[0x1B], table[0x0A], table[0x0D], table[0x20]) == ("\x1b", "\n", "\r", " ")
    characters = [c for c in table if c != NONE]
    assert len(set(characters)) == len(characters)
    assert table[0x61:0x7B] == "abcdefghijklmnopqrstuvwxyz"
    assert table[0x30:0x3A] == "0123456789"


@pytest.mark.parametrize("language", sorted(SINGLE))
def test_a_single_shift_table_keeps_the_extension(language: int) -> None:
    """The ten characters of the default extension stand where they stand there; ESC and CR2 are free."""
    table = SINGLE[language]
    assert all(table[code] == character for code, character in EXTENSION.items())
    assert not {0x0D, 0x1B} & set(table)
    assert all(0 <= code < 128 and len(character) == 1 for code, character in table.items())


@pytest.mark.parametrize(
    ("language", "code", "character"),
    [
        (1, 0x04, "€"), (1, 0x07, "ı"), (1, 0x1C, "Ş"), (1, 0x60, "ç"),
        (3, 0x12, "ª"), (3, 0x15, "∞"), (3, 0x24, "º"), (3, 0x60, "~"), (3, 0x7D, "`"),
        (4, 0x00, "\u0981"), (4, 0x0C, NONE), (4, 0x28, ")"), (4, 0x29, "("), (4, 0x7F, "\u09f1"),
        (5, 0x11, "\u0a91"), (5, 0x60, "\u0ad0"), (6, 0x3C, "\u0929"), (6, 0x7B, "\u0972"), (6, 0x4F, "\u093d"),
        (7, 0x00, NONE), (7, 0x24, "\u0ca1"), (7, 0x7B, "\u0cd6"), (8, 0x4E, NONE), (8, 0x7F, "\u0d79"),
        (9, 0x60, "\u0b56"), (10, 0x4B, NONE), (10, 0x4E, "\u0a3c"), (10, 0x7F, "\u0a74"),
        (11, 0x0B, NONE), (11, 0x22, "\u0b9f"), (11, 0x3C, "\u0ba9"), (11, 0x4D, "\u0bb9"), (11, 0x7F, "\u0bf9"),
        (12, 0x4F, "\u0c3d"), (12, 0x5F, "\u0c4d"), (13, 0x00, "ا"), (13, 0x2F, "\u0698"), (13, 0x5D, "\u0650"),
    ],
)  # fmt: skip
def test_locking_samples(language: int, code: int, character: str) -> None:
    """Places where a shifted row would show."""
    assert LOCKING[language][code] == character


@pytest.mark.parametrize(
    ("language", "code", "character"),
    [
        (1, 0x47, "Ğ"), (1, 0x73, "ş"), (2, 0x09, "ç"), (2, 0x75, "ú"), (3, 0x05, "ê"), (3, 0x1F, "Ê"), (3, 0x7F, "â"),
        (4, 0x19, "\u09e6"), (4, 0x24, "\u09df"), (4, 0x34, "\u09fa"), (5, 0x19, "\u0964"), (5, 0x25, "\u0aef"),
        (6, 0x26, "\u0951"), (6, 0x3A, "\u0971"), (7, 0x2A, "\u0cf2"), (8, 0x34, "\u0d7f"), (9, 0x2C, "\u0b71"),
        (10, 0x2D, "\u0a75"), (11, 0x2E, "\u0bfa"), (12, 0x32, "\u0c7f"), (12, 0x1C, "\u0c66"), (13, 0x19, "\u0600"),
        (13, 0x3B, "\u06cd"), (13, 0x3F, "\u06d4"), (6, 0x41, "A"), (6, 0x0C, "+"), (6, 0x0B, "*"), (6, 0x0F, "/"),
    ],
)  # fmt: skip
def test_single_samples(language: int, code: int, character: str) -> None:
    """First, last and middle of what each script adds."""
    assert SINGLE[language][code] == character


def test_the_default_table_is_whole() -> None:
    """128 places, each once."""
    assert len(set(BASIC)) == len(BASIC) == 128
