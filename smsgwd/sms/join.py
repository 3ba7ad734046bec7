"""From the payloads of parts back to one text.

Parts are decoded together, not one by one: a sender may split a surrogate pair, or ESC and its code, over two parts
(3GPP TS 23.040 section 9.2.3.24.1 forbids it, phones do it). So neighbours of the same alphabet and tables are joined
first. Data gives no text. Nothing here fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from smsgwd.sms import gsm7
from smsgwd.sms.encoding import Alphabet, decode_ucs2

#: alphabet, locking, single, payload (septets one an octet for GSM7, octets otherwise)
Part = tuple[Alphabet, int, int, bytes]


def text_of(alphabet: Alphabet, locking: int, single: int, payload: bytes) -> str:
    """The text of one payload; "" for data."""
    if alphabet is Alphabet.GSM7:
        return gsm7.decode(payload, locking, single)
    return decode_ucs2(payload) if alphabet is Alphabet.UCS2 else ""


def join(parts: Sequence[Part]) -> str:
    """The text of all parts in order."""
    texts = []
    for (alphabet, locking, single), run in groupby(parts, key=lambda part: part[:3]):
        payloads = [part[3] for part in run]
        texts.append(text_of(alphabet, locking, single, _joined(alphabet, payloads)))
    return "".join(texts)


def _joined(alphabet: Alphabet, payloads: list[bytes]) -> bytes:
    """Octets of all parts. An odd octet at the end of a UCS-2 part is half a character if the whole comes out even
    (some senders fill all 133 octets), else it is dropped, so that it cannot shift what follows."""
    if alphabet is Alphabet.UCS2 and sum(map(len, payloads)) % 2:
        payloads = [payload[: len(payload) & ~1] for payload in payloads]
    return b"".join(payloads)
