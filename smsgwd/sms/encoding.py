"""Alphabets and TP-DCS (3GPP TS 23.038 section 4)."""

from __future__ import annotations

from enum import StrEnum


class Alphabet(StrEnum):
    """The three ways user data is written, TS 23.038 section 4."""

    GSM7 = "gsm7"
    #: 8-bit data, never shown as text
    DATA = "data"
    UCS2 = "ucs2"
