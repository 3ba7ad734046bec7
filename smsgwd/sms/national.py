"""The tables of 3GPP TS 23.038: default (6.2.1, 6.2.1.1) and national (annex A). Facts only.

Languages have identifiers (section 6.2.1.2.4), 0 is the default table. ``LOCKING`` gives all 128 characters of a
language's locking shift table in order of their codes, U+FFFE where there is none (ESC stands at 0x1B); ``SINGLE`` gives
the extension characters by code. Spanish has a single shift table only.
"""

from __future__ import annotations

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

LOCKING: dict[int, str] = {
    0: BASIC,
}

SINGLE: dict[int, dict[int, str]] = {
    0: EXTENSION,
}
