"""The tables of 3GPP TS 23.038: default (6.2.1, 6.2.1.1) and national (annex A).

Languages have identifiers (section 6.2.1.2.4), 0 is the default table. ``LOCKING`` gives all 128 characters of a
language's locking shift table in order of their codes, U+FFFE where there is none (ESC stands at 0x1B); ``SINGLE`` gives
the extension characters by code. Spanish has a single shift table only.

The tables of the scripts of India have one plan. The locking table takes the letters of the script's Unicode block in
order, around ``)(,.!?:;``, digits and Latin small letters (closing before opening parenthesis, as the standard has it);
code points that the script lacks leave holes. The single shift table has Latin capitals, signs, and 32 places for the
script's digits and rare letters. So each of them is written here as the holes of its block and what fills the places.
"""

from __future__ import annotations

NONE = "\ufffe"

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)

EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\",
    0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip

#: ISO 639-1 code -> national language identifier, TS 23.038 section 6.2.1.2.4
LANGUAGES = {
    "tr": 1, "es": 2, "pt": 3, "bn": 4, "gu": 5, "hi": 6, "kn": 7, "ml": 8, "or": 9, "pa": 10, "ta": 11, "te": 12,
    "ur": 13,
}  # fmt: skip

_PORTUGUESE = (
    "@£$¥êéúíóç\nÔô\rÁá"
    "Δ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ"
    " !\"#º%&'()*+,-./"
    "0123456789:;<=>?"
    "ÍABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÃÕÚÜ§"
    "~abcdefghijklmno"
    "pqrstuvwxyzãõ`üà"
)

_URDU = (
    "اآبٻڀپڦتۂٿ\nٹٽ\rٺټ"
    "ثجځڄڃڅچڇحخد\x1bڌڈډڊ"
    " !ڏڍذرڑړ)(ڙز,ږ.ژ"
    "0123456789:;ښسش?"
    "صضطظعفقکڪګگڳڱلمن"
    "ںڻڼوۄەہھءیېے\u064d\u0650\u064f\u0657"
    "\u0654abcdefghijklmno"
    "pqrstuvwxyz\u0655\u0651\u0653\u0656\u0670"
)


def _replaced(table: str, changes: dict[int, str]) -> str:
    return "".join(changes.get(code, character) for code, character in enumerate(table))


# offsets in a block of 128 code points by code; a str is a character of its own
_PLAN: tuple[int | str, ...] = (
    *range(0x01, 0x04), *range(0x05, 0x0C), "\n", 0x0C, 0x0D, "\r", 0x0E, 0x0F,
    *range(0x10, 0x1B), "\x1b", *range(0x1B, 0x1F),
    *" !", *range(0x1F, 0x25), *")(", 0x25, 0x26, ",", 0x27, ".", 0x28,
    *"0123456789:;", *range(0x29, 0x2C), "?",
    *range(0x2C, 0x3A), 0x3C, 0x3D,
    *range(0x3E, 0x4E),
)  # fmt: skip


def _indic(block: int, holes: str, last: str) -> str:
    """``holes``: offsets that the script lacks, in hex; ``last``: offsets at 0x60 and 0x7B to 0x7F."""
    missing = set(bytes.fromhex(holes))
    rows = [c if isinstance(c, str) else NONE if c in missing else chr(block + c) for c in _PLAN]
    first, *others = (chr(block + offset) for offset in bytes.fromhex(last))
    return "".join((*rows, first, "abcdefghijklmnopqrstuvwxyz", *others))


LOCKING: dict[int, str] = {
    1: _replaced(BASIC, {0x04: "€", 0x07: "ı", 0x0B: "Ğ", 0x0C: "ğ", 0x1C: "Ş", 0x1D: "ş", 0x40: "İ", 0x60: "ç"}),
    3: _PORTUGUESE,
    4: _indic(0x0980, "0d0e 1112 29 31 333435 4546 494a", "4e 575c5d7071"),
    5: _indic(0x0A80, "0e 12 29 31 34 46 4a", "50 6061626371"),
    6: _indic(0x0900, "", "50 727b7c7e7f"),
    7: _indic(0x0C80, "01 0d 11 29 34 45 49", "55 5660616263"),
    8: _indic(0x0D00, "01 0d 11 29 3c 45 49", "57 6061626379"),
    9: _indic(0x0B00, "0d0e 1112 29 31 34 4546 494a", "56 5760616263"),
    10: _indic(0x0A00, "0b0c0d0e 1112 29 31 34 37 3d 43444546 494a", "51 7071727374"),
    11: _indic(0x0B80, "01 0b0c0d 11 161718 1b1d 202122 252627 2b2c2d 3c3d 434445 49", "50 5770717279"),
    12: _indic(0x0C00, "0d 11 29 34 3c 45 49", "55 5660616263"),
    13: _URDU,
}


# the 32 places of a single shift table that differ by script
_PLACES = (0x19, 0x1A, *range(0x1C, 0x28), *range(0x2A, 0x2F), *range(0x30, 0x3C), 0x3F)
_SIGNS = dict(enumerate("@£$¥¿\"¤%&'\f*+")) | {0x0E: "-", 0x0F: "/"} | dict(enumerate("<=>¡^¡_#*", 0x10))
_CAPITALS = dict(enumerate("|ABCDEFGHIJKLMNOPQRSTUVWXYZ", 0x40))


def _script(places: str) -> dict[int, str]:
    """The single shift table whose free places hold these characters in order; a space leaves one empty."""
    filled = {code: character for code, character in zip(_PLACES, places, strict=False) if character != " "}
    return EXTENSION | _SIGNS | _CAPITALS | filled


def _block(block: int, places: str, first: str = "।॥") -> dict[int, str]:
    """The same from offsets in hex, behind ``first``."""
    return _script(first + "".join(chr(block + offset) for offset in bytes.fromhex(places)))


SINGLE: dict[int, dict[int, str]] = {
    1: EXTENSION | {0x47: "Ğ", 0x49: "İ", 0x53: "Ş", 0x63: "ç", 0x67: "ğ", 0x69: "ı", 0x73: "ş"},
    2: EXTENSION
    | {0x09: "ç", 0x41: "Á", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x61: "á", 0x69: "í", 0x6F: "ó", 0x75: "ú"},
    3: EXTENSION
    | {0x05: "ê", 0x09: "ç", 0x0B: "Ô", 0x0C: "ô", 0x0E: "Á", 0x0F: "á", 0x12: "Φ", 0x13: "Γ", 0x15: "Ω", 0x16: "Π"}
    | {0x17: "Ψ", 0x18: "Σ", 0x19: "Θ", 0x1F: "Ê", 0x41: "À", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x5B: "Ã", 0x5C: "Õ"}
    | {0x61: "Â", 0x69: "í", 0x6F: "ó", 0x75: "ú", 0x7B: "ã", 0x7C: "õ", 0x7F: "â"},
    4: _block(0x0980, "666768696a6b6c6d6e6f 5f606162 63 72737475 767778797a", ""),
    5: _block(0x0A80, "666768696a6b6c6d6e6f"),
    6: _block(0x0900, "666768696a6b6c6d6e6f 5152 5354 58595a 5b5c5d5e5f 60616263 7071"),
    7: _block(0x0C80, "666768696a6b6c6d6e6f 5e 71 72"),
    8: _block(0x0D00, "666768696a6b6c6d6e6f 7071 72737475 7a 7b7c7d7e7f"),
    9: _block(0x0B00, "666768696a6b6c6d6e6f 5c5d 5f 7071"),
    10: _block(0x0A00, "666768696a6b6c6d6e6f 595a 5b5c5e 75"),
    11: _block(0x0B80, "666768696a6b6c6d6e6f 7374 75767778 7a"),
    12: _block(0x0C00, "666768696a6b6c6d6e6f 5859 78797a7b7c 7d7e7f", "  "),
    13: _script(
        "\u0600\u0601۰۱۲۳۴۵۶۷۸۹،\u060d\u060e\u060f\u0610\u0611\u0612\u0613\u0614\u061b\u061f\u0640\u0652\u0658\u066b"
        "\u066c\u0672\u0673\u06cd\u06d4"
    ),
}
