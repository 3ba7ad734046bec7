"""SMS-STATUS-REPORT."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings

from smsgwd.errors import PduError
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.status_report import StatusReport
from smsgwd.sms.tpdu import decode_hex, decode_pdu
from smsgwd.sms.udh import Element, UserDataHeader
from smsgwd.sms.userdata import UserData
from tests.sms.made import reports
from tests.sms.vectors import V

TIME = datetime(2026, 11, 23, 16, 0, 5, tzinfo=timezone(timedelta(hours=2)))
TO = Address.parse("+36641234567")
#: what every report has, but for its first octet: TP-MR 5, TP-RA, TP-SCTS, TP-DT, TP-ST 0
FIXED = "050B916346214365F7621132610050806211326100508000"


def read(octets: str) -> StatusReport:
    found = decode_pdu(bytes.fromhex(octets), "mt", smsc=False)
    assert isinstance(found, StatusReport)
    return found


def made(**more: object) -> StatusReport:
    return msgspec.structs.replace(StatusReport(tp_mr=5, tp_ra=TO, tp_st=0, tp_scts=TIME, tp_dt=TIME), **more)


@pytest.mark.parametrize(
    ("report", "octets"),
    [
        pytest.param(made(), f"06{FIXED}", id="without options"),
        pytest.param(made(tp_mms=False, tp_lp=True, tp_srq=True), f"2A{FIXED}", id="bits of the first octet"),
        pytest.param(made(tp_pid=0), f"06{FIXED}0100", id="TP-PID"),
        pytest.param(made(tp_dcs=8), f"06{FIXED}0208", id="TP-DCS"),
        pytest.param(made(tp_pid=1, tp_dcs=4), f"06{FIXED}030104", id="both"),
        pytest.param(made(ud=UserData(Alphabet.GSM7, b"hello")), f"06{FIXED}0405E8329BFD06", id="a text alone"),
        pytest.param(
            made(tp_pid=0, tp_dcs=8, ud=UserData(Alphabet.UCS2, b"\x04\x4f")), f"06{FIXED}07000802044F", id="all three"
        ),
        pytest.param(
            made(ud=UserData(Alphabet.GSM7, b"hello", UserDataHeader((Element(0x24, b"\1"),)))),
            f"46{FIXED}040A032401014097D9EC37", id="a header",
        ),
    ],
)  # fmt: skip
def test_both_ways(report: StatusReport, octets: str) -> None:
    """With each of the options of TP-PI, TS 23.040 section 9.2.3.27."""
    assert report.encode().hex().upper() == octets
    assert msgspec.structs.replace(read(octets), raw=b"") == report


@pytest.mark.parametrize("st", [0x00, 0x01, 0x20, 0x30, 0x41, 0x46, 0x60, 0xFF])
def test_status(st: int) -> None:
    """TP-ST as sent, with its meaning beside it."""
    found = decode_hex(f"{V['report-42']}{st:02X}", "mt")
    assert isinstance(found, StatusReport)
    assert (found.tp_mr, found.tp_st, found.tp_ra) == (42, st, TO)
    assert found.status.category in ("delivered", "closed", "pending", "failed", "expired")
    assert (found.status.category == "delivered") == (st == 0)


def test_known_report() -> None:
    """Reference, times and the centre."""
    found = decode_hex(V["report"], "mt")
    assert isinstance(found, StatusReport)
    assert (found.tp_mr, found.tp_scts, found.tp_dt, found.text) == (5, TIME, TIME + timedelta(minutes=1), "")
    assert found.smsc == Address.parse("+19436446500")


def test_no_times() -> None:
    """Zeros and fill are no times; the report counts all the same."""
    found = read("06050B916346214365F700000000000000FFFFFFFFFFFFFF00")
    assert (found.tp_scts, found.tp_dt, found.status.category) == (None, None, "delivered")


@pytest.mark.parametrize("options", ["07", "0700", "070008", "07000804044F", "0405E832", "01", "80", "8080"])
def test_options_that_break_off(options: str) -> None:
    """What was there counts; the report is whole but for that."""
    found = read(f"06{FIXED}{options}")
    assert found.truncated
    assert found.status.name == "delivered"


def test_further_indicator_octets() -> None:
    """Bit 7 of TP-PI announces another; their reserved bits mean nothing here."""
    found = read(f"06{FIXED}81000F")
    assert (found.tp_pid, found.truncated, found.excess) == (0x0F, False, 0)
    assert read(f"06{FIXED}78").excess == 0


def test_a_header_that_lies_is_marked() -> None:
    """Optional user data that cannot be read does not take the report with it."""
    found = read(f"46{FIXED}0403200003")
    assert (found.truncated, found.ud, found.tp_mr) == (True, None, 5)


def test_trailing_octets() -> None:
    """Counted, after the options."""
    found = read(f"06{FIXED}0100FFFF")
    assert (found.tp_pid, found.excess, found.truncated) == (0, 2, False)


def test_cut_at_every_octet() -> None:
    """The mandatory part is whole or there is no report."""
    octets = bytes.fromhex(f"06{FIXED}")
    for at in range(len(octets)):
        with pytest.raises(PduError, match=r"the PDU ends (in|before)"):
            decode_pdu(octets[:at], "mt", smsc=False)


@settings(max_examples=150)
@given(reports)
def test_round_trip(report: StatusReport) -> None:
    """decode(encode(x)) is x, for every field the type has."""
    octets = report.encode()
    found = decode_pdu(octets, "mt", smsc=False)
    assert found == msgspec.structs.replace(report, raw=octets)
