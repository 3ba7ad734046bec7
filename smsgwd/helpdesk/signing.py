"""Signatures of Standard Webhooks (https://www.standardwebhooks.com, specification 1.0.0).

The signed text is ``ID.TIMESTAMP.BODY``; HMAC-SHA256 over it, base64, with ``v1,`` before it. A secret of the form
``whsec_…`` is base64; any other text is used as its UTF-8 bytes. While a secret is being changed a sender may put several
signatures in one header, with a space between; one that is right is enough. Versions other than ``v1`` are passed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache

#: seconds that the clocks of the two sides may differ
TOLERANCE = 300


def key_of(secret: str) -> bytes:
    """The key of a secret. ValueError for an empty key, and for ``whsec_`` with something behind it that is no base64.
    The message never holds the secret."""
    if secret.startswith("whsec_"):
        text = secret.removeprefix("whsec_").rstrip("=")
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):  # ValueError: letters beyond ASCII
            raise ValueError("what follows whsec_ is not base64") from None
    else:
        key = secret.encode()
    if not key:
        raise ValueError("the secret is empty")
    return key


def sign(key: bytes, id_: str, timestamp: int, body: bytes) -> str:
    """``v1,…`` for one call; ``timestamp`` in seconds since 1970. ValueError for an id with a dot in it, which could be
    read as another id with another timestamp."""
    if "." in id_:
        raise ValueError("an id must not have a dot in it")
    code = _keyed(key).copy()
    code.update(b"%s.%d.%s" % (id_.encode(), timestamp, body))
    return "v1," + base64.b64encode(code.digest()).decode()


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> hmac.HMAC:
    """What every code of a key begins with."""
    return hmac.new(key, digestmod=hashlib.sha256)


def verify(key: bytes, id_: str, timestamp: str, signatures: str, body: bytes, now: int) -> bool:
    """True when one of the space-separated signatures is right and the timestamp is within the tolerance of ``now``
    (seconds since 1970). Takes any text as it came over the wire."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12 and id_.isascii() and "." not in id_):
        return False
    if abs(int(timestamp) - now) > TOLERANCE:
        return False
    wanted = sign(key, id_, int(timestamp), body).encode()
    return any(hmac.compare_digest(wanted, given.encode("utf-8", "replace")) for given in signatures.split(" "))
