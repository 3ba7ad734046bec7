"""Answers to a POST, read whole, byte by byte, and broken off anywhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.helpdesk.answer import LARGEST_BODY, LARGEST_HEAD, Answer, AnswerReader, NoHttp

CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\n{"a":\r\n2\r\n1}\r\n0\r\n'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"


def whole(octets: bytes) -> Answer | None:
    return AnswerReader().feed(octets)


CASES = [
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, kept=True), id="no body"),
    pytest.param(OK + b"\r\nhi", Answer(200, body=b"hi", kept=True), id="length"),
    pytest.param(OK.replace(b"\r\n", b"\n") + b"\nhi", Answer(200, body=b"hi", kept=True), id="lines that end with LF"),
    pytest.param(OK + b"connection: Close\r\n\r\nhi", Answer(200, body=b"hi"), id="told to close"),
    pytest.param(OK.replace(b"1.1", b"1.0") + b"\r\nhi", Answer(200, body=b"hi"), id="HTTP/1.0"),
    pytest.param(CHUNKED + b"\r\n", Answer(200, body=b'{"a":1}', kept=True), id="chunked"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\nhi", Answer(200, body=b"hi", kept=True), id="interim answer"),
    pytest.param(b"HTTP/1.1 503\r\nRetry-After:  7 \r\nContent-Length: 0\r\n\r\n", Answer(503, "7", kept=True), id="no phrase"),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "wanted"), CASES)
def test_whole_and_in_pieces(octets, wanted):
    """The answer is the same however it comes, and is there with its last octet, not before."""
    assert whole(octets) == wanted
    reader = AnswerReader()
    for n in range(len(octets) - 1):
        assert reader.feed(octets[n : n + 1]) is None
    assert reader.feed(octets[-1:]) == wanted


@pytest.mark.parametrize(
    ("octets", "wanted"),
    [
        pytest.param(OK + b"\r\nhi more", Answer(200, body=b"hi"), id="more than it says"),
        pytest.param(CHUNKED + b"Trailer: x\r\n\r\n", Answer(200, body=b'{"a":1}'), id="trailer"),
        pytest.param(b"HTTP/1.1 500 No\r\nContent-Length: 99999\r\n\r\nsorr", Answer(500), id="a failure's body is not awaited"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", Answer(302), id="a redirect without a length"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * LARGEST_BODY, Answer(200, body=b"x" * LARGEST_BODY), id="endless"),
    ],
)  # fmt: skip
def test_not_kept(octets, wanted):
    """What was not read to its end leaves no connection that could be used again."""
    assert whole(octets) == wanted


@pytest.mark.parametrize(
    ("octets", "wanted"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(OK + b"\r\nh", Answer(200), id="breaks off"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nhi", Answer(200, body=b"hi"), id="ends with the connection"),
        pytest.param(CHUNKED[:60], Answer(200), id="chunked, breaks off"),
    ],
)
def test_connection_ends(octets, wanted):
    """A status that was said stands."""
    reader = AnswerReader()
    assert reader.feed(octets) is None
    assert reader.ended() == wanted


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"220 mail.example ESMTP\r\n", id="another protocol"),
        pytest.param(b"HTTP/2 200\r\n\r\n", id="another version"),
        pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", id="two digits"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno field\r\n\r\n", id="a line that is no field"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"x" * LARGEST_HEAD, id="endless head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"x" * LARGEST_HEAD + b"\r\n\r\n", id="too large a head"),
    ],
)
def test_no_http(octets):
    """It is told apart from an answer."""
    with pytest.raises(NoHttp):
        whole(octets)


def test_breaks_off_in_its_head():
    """Half a head is no answer."""
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 200 O") is None
    with pytest.raises(NoHttp):
        reader.ended()


@settings(max_examples=150, deadline=None)
@given(
    octets=st.binary(max_size=80)
    | st.tuples(
        st.sampled_from([b"HTTP/1.1 200 OK\r\n", OK, CHUNKED[:46], b"HTTP/1.1 100 C\r\n\r\n"]), st.binary(max_size=60)
    ).map(b"".join),
    cut=st.integers(0, 80),
)
def test_any_octets(octets, cut):
    """Whatever comes: an answer, more to come, or NoHttp; and the cut into pieces changes a success in nothing."""

    def read(*pieces: bytes) -> tuple[int, bytes] | None:
        reader = AnswerReader()
        try:
            answers = [answer for piece in pieces if (answer := reader.feed(piece)) is not None]
            answer = answers[0] if answers else reader.ended()
        except NoHttp:
            return None
        assert answer is None or len(answer.body) <= LARGEST_BODY
        return None if answer is None else (answer.status, answer.body if answer.status < 300 else b"")

    assert read(octets) == read(octets[:cut], octets[cut:])
