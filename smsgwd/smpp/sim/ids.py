"""How carriers write message_id, and how they write it differently in the receipt. Pure.

==========  =======================================
``hex``     ``19ac3f2``
``dec``     ``26919922``
``uuid``    ``5F0C7E1C-6B0F-4B3A-9E57-7D1E1C0A33B1``
``padded``  ``00000000019AC3F2``: sixteen digits
==========  =======================================
"""

from __future__ import annotations

import uuid

IDS = ("hex", "dec", "uuid", "padded")
#: as in the answer; in the other digits; in lower case; without zeros in front
RECEIPT_IDS = ("same", "hex>dec", "dec>hex", "lower", "stripped")
#: a namespace of our own, so that the same number has the same name
_NAMES = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def message_id(number: int, style: str) -> str:
    """The message_id of a text by its number."""
    match style:
        case "dec":
            return str(number)
        case "uuid":
            return str(uuid.uuid5(_NAMES, str(number))).upper()
        case "padded":
            return f"{number:016X}"
    return f"{number:x}"


def receipt_id(own: str, style: str) -> str:
    """The id that the receipt names for a text whose message_id is ``own``."""
    match style:
        case "hex>dec":
            return str(int(own, 16))
        case "dec>hex":
            return f"{int(own):x}"
        case "lower":
            return own.lower()
        case "stripped":
            return own.lstrip("0") or "0"
    return own


def other_digits(own: str, style: str) -> str:
    """``own``, written in ``style``, in the other digits; a uuid has none and stays."""
    if style == "uuid":
        return own
    return receipt_id(own, "dec>hex" if style == "dec" else "hex>dec")
