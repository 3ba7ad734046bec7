"""Segments become SMS-SUBMITs, and what a modem shows becomes texts and reports."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.model import DeliveryReport, InboundSegment, ReportStatus
from smsgwd.modem.mapping import read_pdu, tpdu_of
from tests.modem.wire import HELLO, REPORT, segment

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


def test_submit():
    """The length counts the TPDU without the SMSC, which is left to the SIM."""
    octets, pdu = tpdu_of(segment("hello", report=False))
    assert pdu == "0001000B916346214365F7000005E8329BFD06"
    assert octets == len(pdu) // 2 - 1


@pytest.mark.parametrize(
    ("more", "first"),
    [
        pytest.param({"report": False}, "01", id="plain"),
        pytest.param({"report": True}, "21", id="report asked"),
        pytest.param({"report": False, "validity": 3600}, "11", id="validity"),
        pytest.param({"report": True, "ref": 7, "part": 2, "parts": 3}, "61", id="a part"),
    ],
)
def test_first_octet(more, first):
    """TP-SRR, TP-VPF and TP-UDHI are set when wanted, and only then."""
    assert tpdu_of(segment("hello", **more))[1][2:4] == first


def test_text_and_report():
    """A text with its time, and a report with its reference."""
    text = read_pdu(HELLO, NOW)
    assert isinstance(text, InboundSegment)
    assert (text.sender.text, text.payload, text.fault) == ("+36641234567", b"hello", "")
    report = read_pdu(REPORT.replace("2110508000", "2110508046"), NOW)
    assert isinstance(report, DeliveryReport)
    assert report.reference == "5"
    assert report.status in ReportStatus


@pytest.mark.parametrize(
    ("pdu", "stored", "marked"),
    [
        pytest.param(HELLO, False, False, id="notified"),
        pytest.param(HELLO, True, False, id="found, half an hour old"),
        pytest.param(HELLO.replace("62113261005080", "62113231005080"), True, True, id="found, hours old"),
        pytest.param(HELLO.replace("62113261005080", "00000000000000"), True, True, id="found, without time"),
    ],
)
def test_found_on_the_sim(pdu, stored, marked):
    """Only what was found and is old is marked as stored."""
    read = read_pdu(pdu, NOW, stored=stored)
    assert isinstance(read, InboundSegment)
    assert read.stored is marked


@given(st.one_of(st.binary(max_size=200).map(bytes.hex), st.text(max_size=40)))
def test_anything_is_kept(pdu):
    """What cannot be read is kept raw with its fault; nothing is ever raised."""
    read = read_pdu(pdu, NOW)
    if isinstance(read, InboundSegment) and read.fault:
        assert read.payload == b""
