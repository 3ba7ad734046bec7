"""Signatures of Standard Webhooks (https://www.standardwebhooks.com, specification 1.0).

The signed text is ``ID.TIMESTAMP.BODY``; HMAC-SHA256 over it, base64, with ``v1,`` before it. A secret of the form
``whsec_…`` is base64; any other text is used as its UTF-8 bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

#: seconds that the clocks of the two sides may differ
TOLERANCE = 300


def key_of(secret: str) -> bytes:
    """The key of a secret. ValueError for ``whsec_`` with something behind it that is no base64."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("what follows whsec_ is not base64") from None


def sign(key: bytes, id_: str, timestamp: int, body: bytes) -> str:
    """``v1,…`` for one call; ``timestamp`` in seconds since 1970."""
    digest = hmac.new(key, b"%s.%d.%s" % (id_.encode(), timestamp, body), hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(key: bytes, id_: str, timestamp: str, signatures: str, body: bytes, now: int) -> bool:
    """True when one of the space-separated signatures is right and the timestamp is within the tolerance of ``now``."""
    if not timestamp.isdigit() or len(timestamp) > 12 or abs(int(timestamp) - now) > TOLERANCE:
        return False
    wanted = sign(key, id_, int(timestamp), body)
    return any(hmac.compare_digest(wanted.encode(), given.encode()) for given in signatures.split(" "))
