"""Signatures of Standard Webhooks, held against the published vector and the project's own verifier."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.helpdesk.signing import TOLERANCE, key_of, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
KEY = key_of(SECRET)


def test_published_vector():
    """The vector of the specification's reference libraries."""
    assert sign(KEY, ID, AT, BODY) == SIGNATURE
    assert verify(KEY, ID, str(AT), SIGNATURE, BODY, AT)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"key": b"another key"}, id="key"),
        pytest.param({"id_": "msg_other"}, id="id"),
        pytest.param({"id_": ""}, id="no id"),
        pytest.param({"id_": "msg.1614265330"}, id="a dot in the id"),
        pytest.param({"id_": "msg_é\udcff"}, id="an id beyond ASCII"),
        pytest.param({"timestamp": str(AT + 1)}, id="timestamp"),
        pytest.param({"timestamp": ""}, id="no timestamp"),
        pytest.param({"timestamp": f"-{AT}"}, id="negative timestamp"),
        pytest.param({"timestamp": f" {AT}"}, id="space before the timestamp"),
        pytest.param({"timestamp": "1_614_265_330"}, id="underscores in the timestamp"),
        pytest.param({"timestamp": "²"}, id="a digit that is no number"),
        pytest.param({"timestamp": "9" * 5000}, id="endless timestamp"),
        pytest.param({"body": b'{"test": 2432232315}'}, id="body"),
        pytest.param({"body": b""}, id="no body"),
        pytest.param({"signatures": ""}, id="no signature"),
        pytest.param({"signatures": SIGNATURE.removeprefix("v1,")}, id="no version"),
        pytest.param({"signatures": SIGNATURE.replace("v1", "v1a")}, id="another version"),
        pytest.param({"signatures": SIGNATURE[:-4]}, id="cut off"),
        pytest.param({"signatures": "v1,\udcff"}, id="signature that is no text"),
        pytest.param({"now": AT + TOLERANCE + 1}, id="too old"),
        pytest.param({"now": AT - TOLERANCE - 1}, id="from the future"),
    ],
)
def test_refused(changed):
    """Whatever differs, the call is refused; no text from the wire raises."""
    call = {"key": KEY, "id_": ID, "timestamp": str(AT), "signatures": SIGNATURE, "body": BODY, "now": AT}
    assert verify(**call)
    assert not verify(**{**call, **changed})


@pytest.mark.parametrize("seconds", [-TOLERANCE, TOLERANCE])
def test_tolerance(seconds):
    """The clocks may differ by five minutes."""
    assert verify(KEY, ID, str(AT), SIGNATURE, BODY, AT + seconds)


def test_rotation():
    """One right signature among several is enough."""
    old, other = sign(b"old", ID, AT, BODY), "v2,something"
    assert verify(KEY, ID, str(AT), f"{old} {other} {SIGNATURE}", BODY, AT)
    assert not verify(KEY, ID, str(AT), f"{old} {other}", BODY, AT)


def test_dot_in_id():
    """An id with a dot is never signed: ID.TIMESTAMP.BODY could be read in two ways."""
    with pytest.raises(ValueError, match="dot"):
        sign(KEY, "a.1", AT, BODY)


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        pytest.param(SECRET, base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), id="whsec"),
        pytest.param("whsec_YWJjZA==", b"abcd", id="padded"),
        pytest.param("whsec_YWJjZA", b"abcd", id="padding left out"),
        pytest.param("plain words", b"plain words", id="text"),
        pytest.param("pässword", "pässword".encode(), id="text beyond ASCII"),
    ],
)
def test_keys(secret, key):
    """whsec_ is base64, all else is text."""
    assert key_of(secret) == key


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("", id="empty"),
        pytest.param("whsec_", id="nothing behind the prefix"),
        pytest.param("whsec_secret!words", id="no base64"),
        pytest.param("whsec_A", id="one letter too few"),
        pytest.param("whsec_pässword", id="beyond ASCII"),
    ],
)
def test_no_keys(secret):
    """A secret that is no key is refused, in words that do not repeat it."""
    with pytest.raises(ValueError) as caught:
        key_of(secret)
    assert "secret!words" not in str(caught.value)
    assert "pässword" not in str(caught.value)


@settings(max_examples=60)
@given(
    key=st.binary(min_size=24, max_size=64),
    id_=st.text("abcdefghijklmnop_0123456789", min_size=1, max_size=30),
    body=st.text(max_size=200),
)
def test_reference_library(key, id_, body):
    """The verifier of the Standard Webhooks project takes what we sign, and we take what it signs."""
    library = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed").Webhook(
        "whsec_" + base64.b64encode(key).decode()
    )
    octets, now = body.encode("utf-8", "ignore"), int(datetime.now(UTC).timestamp())
    ours = sign(key, id_, now, octets)
    headers = {"webhook-id": id_, "webhook-timestamp": str(now), "webhook-signature": ours}
    library.verify(octets, headers, json_parse=False)
    theirs = library.sign(id_, datetime.fromtimestamp(now, UTC), octets.decode())
    assert verify(key, id_, str(now), theirs, octets, now)
