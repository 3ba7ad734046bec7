"""Hypothesis strategies for whole TPDUs, each within what the standard allows."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

from smsgwd.sms.address import Address, TypeOfNumber
from smsgwd.sms.deliver import Deliver
from smsgwd.sms.encoding import Alphabet, decode_dcs
from smsgwd.sms.national import BASIC
from smsgwd.sms.status_report import StatusReport
from smsgwd.sms.submit import ABSOLUTE, ENHANCED, NONE, RELATIVE, Submit
from smsgwd.sms.udh import Element, UserDataHeader
from smsgwd.sms.userdata import MOST_OCTETS, MOST_SEPTETS, UserData

octet = st.integers(0, 255)
numbers = st.builds(
    Address, st.text("0123456789*#abc", max_size=20), st.sampled_from([t for t in TypeOfNumber if t != 5]), st.integers(0, 15)
)
letters = st.builds(
    Address, st.text(sorted(set(BASIC) - {"\x1b", "@"}), max_size=11), st.just(TypeOfNumber.ALPHANUMERIC), st.integers(0, 15)
)
addresses = numbers | letters
zones = st.integers(-79, 79).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
times = st.datetimes(datetime(1990, 1, 2), datetime(2089, 12, 30), timezones=zones).map(  # noqa: DTZ001
    lambda time: time.replace(microsecond=0)
)
elements = st.builds(Element, octet, st.binary(max_size=10))
headers = st.lists(elements, max_size=4).map(lambda found: UserDataHeader(tuple(found)))


def user_data_of(dcs: int) -> st.SearchStrategy[UserData]:
    """User data that fits, in the alphabet of a TP-DCS."""
    alphabet = decode_dcs(dcs).alphabet

    def behind(header: UserDataHeader) -> st.SearchStrategy[UserData]:
        used = len(header.encode())
        if alphabet is Alphabet.GSM7:
            room = MOST_SEPTETS - (8 * used + 6) // 7
            payloads = st.lists(st.integers(0, 127), max_size=room).map(bytes)
        else:
            payloads = st.binary(max_size=MOST_OCTETS - used)
        return st.builds(UserData, st.just(alphabet), payloads, st.just(header))

    return headers.flatmap(behind)


def _with_user_data(kind: type, **fields: st.SearchStrategy) -> st.SearchStrategy:
    return octet.flatmap(lambda dcs: st.builds(kind, tp_dcs=st.just(dcs), ud=user_data_of(dcs), **fields))


flag = st.booleans()
delivers: st.SearchStrategy[Deliver] = _with_user_data(
    Deliver, tp_oa=addresses, tp_scts=st.none() | times, tp_mms=flag, tp_lp=flag, tp_sri=flag, tp_rp=flag, tp_pid=octet
)
_periods = st.one_of(
    st.just((NONE, b"")),
    st.tuples(st.just(RELATIVE), st.binary(min_size=1, max_size=1)),
    st.tuples(st.sampled_from([ABSOLUTE, ENHANCED]), st.binary(min_size=7, max_size=7)),
)
submits: st.SearchStrategy[Submit] = _periods.flatmap(
    lambda period: _with_user_data(
        Submit, tp_da=addresses, tp_mr=octet, tp_rd=flag, tp_srr=flag, tp_rp=flag, tp_pid=octet,
        tp_vpf=st.just(period[0]), tp_vp=st.just(period[1]),
    )
)  # fmt: skip
reports: st.SearchStrategy[StatusReport] = (st.none() | octet).flatmap(
    lambda dcs: st.builds(
        StatusReport, tp_mr=octet, tp_ra=addresses, tp_st=octet, tp_scts=st.none() | times, tp_dt=st.none() | times,
        tp_mms=flag, tp_lp=flag, tp_srq=flag, tp_pid=st.none() | octet, tp_dcs=st.just(dcs),
        ud=st.none() | user_data_of(dcs or 0),
    )
)  # fmt: skip
