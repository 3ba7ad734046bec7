"""The pure parts of the simulated SMSC: faults, accounts, texts."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json
from msgspec.structs import replace

from smsgwd.smpp.bodies import Bind, DataSm, ShortMessage
from smsgwd.smpp.consts import CommandStatus, MessageState, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.receipt import is_receipt, parse_receipt
from smsgwd.smpp.sim.accounts import MOST_ACCOUNTS, Account, Accounts
from smsgwd.smpp.sim.faults import CATALOGUE, FAULTS, Fault, Faults, catalogue_rows, help_rows, read_faults, read_option
from smsgwd.smpp.sim.receipts import Report, receipt, wants_report
from smsgwd.smpp.sim.texts import delivers, described
from tests.smpp.bodies import bodies_of

# ---- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("error", Fault("error", {"count": 1, "code": 8}, 1)),
        ("error:code=0x58:count=2", Fault("error", {"count": 2, "code": 0x58}, 2)),
        ("slow:seconds=0.5:count=0", Fault("slow", {"count": 0, "seconds": 0.5}, None)),
        ("mute", Fault("mute", {"count": 0}, None)),
        ("cut", Fault("cut", {}, 1)),
    ],
)
def test_faults_as_options(text, fault):
    """Name and arguments as the command line writes them, with defaults."""
    assert read_option(text) == [fault]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no fault; faults: no-answer"), ("errors", "is no fault"), ("error:code", "is not like count=2"),
        ("error:code=8:code=9", "is not like count=2"), ("error:codes=8", "takes no 'codes'; it takes: count, code"),
        ("error:code=0", "code is a whole number from 1"), ("error:code=0x100000000", "code is a whole number"),
        ("error:code=1.5", "whole number"), ("error:code=nan", "whole number"), ("slow:seconds=-1", "number from 0 to 86400"),
        ("slow:seconds=inf", "number from 0"), ("slow:seconds=soon", "number from 0"), ("cut:count=1", "takes: nothing"),
        ("undeliverable:state=10", "from 0 to 9"),
    ],
)  # fmt: skip
def test_bad_faults(text, said):
    """What makes no sense is a ValueError that says what does."""
    with pytest.raises(ValueError, match=said):
        read_option(text)


@given(st.one_of(st.none(), st.text(max_size=8), st.sampled_from(sorted(FAULTS))),
       st.dictionaries(st.sampled_from(["count", "code", "x"]), st.none() | st.booleans() | st.text(max_size=5) | st.floats()))
def test_any_request_for_a_fault(name, arguments):
    """A fault or a ValueError."""
    try:
        faults = read_faults(name, arguments)
    except ValueError:
        return
    assert all(fault.name in FAULTS for fault in faults)


def test_faults_are_used_up():
    """Oldest first, count times; count 0 until they are cleared."""
    faults = Faults()
    faults.add(*read_option("error:code=1:count=2"))
    faults.add(*read_option("error:code=2:count=0"))
    assert [faults.take("error")["code"] for _ in range(4)] == [1, 1, 2, 2]
    assert faults.take("nack") is None
    assert ("error" in faults, "nack" in faults, faults.names()) == (True, False, ["error"])
    faults.clear()
    assert faults.take("error") is None


def test_help_names_every_fault():
    """With arguments and defaults."""
    rows = dict(help_rows())
    assert set(rows) == set(FAULTS)
    assert rows["slow"].endswith("[count=1 seconds=5]")


def test_the_catalogue():
    """F30 to F40, each made of faults with arguments that these take; in small letters too."""
    assert list(CATALOGUE) == [f"F{n}" for n in range(30, 41)]
    for name in CATALOGUE:
        assert [fault.name for fault in read_faults(name.lower(), {})] == [step for step, _ in CATALOGUE[name].steps]
    assert read_option("f31:texts=7") == [Fault("swallow", {"count": 1, "texts": 7}, 1)]
    assert dict(catalogue_rows())["F38"].endswith("[refuse-bind code=14 count=0]")
    with pytest.raises(ValueError, match="F31 takes no 'code'; it takes: count, texts"):
        read_option("F31:code=1")


# ---- accounts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accounts", "bind", "status"),
    [
        pytest.param(("", ""), (b"any", b"thing"), None, id="everybody is welcome"),
        pytest.param(("u", ""), (b"u", b"any"), None, id="by name"),
        pytest.param(("u", "p"), (b"u", b"p"), None, id="by name and password"),
        pytest.param(("u", "p"), (b"v", b"p"), CommandStatus.ESME_RINVSYSID, id="another name"),
        pytest.param(("u", "p"), (b"u", b""), CommandStatus.ESME_RINVPASWD, id="no password"),
        pytest.param(("", "p"), (b"any", b"q"), CommandStatus.ESME_RINVPASWD, id="any name, wrong password"),
    ],
)
def test_who_may_bind(accounts, bind, status):
    """The same account for the same name, or why not."""
    book = Accounts(*accounts)
    got = book.admit(Bind(*bind))
    if status is not None:
        assert got == status
    else:
        assert isinstance(got, Account)
        assert book.admit(Bind(*bind)) is got


def test_not_without_end():
    """Where every name is welcome there is a last one."""
    book = Accounts("", "")
    for n in range(MOST_ACCOUNTS):
        assert isinstance(book.admit(Bind(b"%d" % n)), Account)
    assert book.admit(Bind(b"one more")) == CommandStatus.ESME_RBINDFAIL
    assert isinstance(book.admit(Bind(b"0")), Account)


def test_accounts_by_name():
    """The only one, or the first, without a name; a ValueError when there is none."""
    book = Accounts("", "")
    with pytest.raises(ValueError, match="nobody ever bound"):
        book.named("")
    first = book.admit(Bind(b"a"))
    book.admit(Bind(b"b"))
    assert (book.named(""), book.named("b").name) == (first, b"b")
    with pytest.raises(ValueError, match="'c'"):
        book.named("c")


def test_the_rate_of_an_account():
    """So many in any second; what is refused is not counted."""
    account = Account(b"u")
    assert [account.too_fast(2, at) for at in (0.0, 0.1, 0.9, 1.0, 1.05, 1.2)] == [False, False, True, False, True, False]
    slow = Account(b"v")
    assert [slow.too_fast(0.5, at) for at in (0.0, 1.9, 2.0)] == [False, True, False]
    assert not any(Account(b"w").too_fast(0, 0.0) for _ in range(1000))


# ---- texts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(ShortMessage(dest_addr_ton=1, destination_addr=b"15", source_addr_ton=5, source_addr=b"ACME", short_message=b"a\0"),
                     {"to": "+15", "from": "ACME", "text": "a@", "pdu": "6100", "ref": None, "part": 1, "parts": 1}, id="GSM-7"),
        pytest.param(ShortMessage(data_coding=8, short_message=b"\x04\x36"), {"text": "ж"}, id="UCS-2"),
        pytest.param(ShortMessage(data_coding=3, short_message=b"\xe9"), {"text": "é"}, id="Latin-1"),
        pytest.param(ShortMessage(short_message=b"\xe9"), {"text": "é"}, id="no septets"),
        pytest.param(ShortMessage(data_coding=4, short_message=b"\xe9"), {"text": "", "pdu": "E9"}, id="data"),
        pytest.param(ShortMessage(data_coding=0x10, short_message=b"hi"), {"text": "hi"}, id="flash"),
        pytest.param(ShortMessage(esm_class=0x40, short_message=b"\5\0\3\7\3\2x"), {"text": "x", "ref": 7, "part": 2, "parts": 3}, id="part"),
        pytest.param(ShortMessage(esm_class=0x40, short_message=b"\x40x"), {"text": "¡x", "ref": None}, id="header lies"),
        pytest.param(ShortMessage(tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, b"long"),)), {"text": "long"}, id="payload"),
        pytest.param(DataSm(tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, b"long"),)), {"text": "long"}, id="data_sm"),
        pytest.param(ShortMessage(tlvs=(Tlv(0x20C, b"\1\0"), Tlv(0x20E, b"\3"), Tlv(0x20F, b"\2"))), {"ref": 256, "part": 2, "parts": 3}, id="sar"),
    ],
)  # fmt: skip
def test_how_texts_are_told(body, told):
    """Number, words, octets and parts, as the journal has them."""
    got = described(body)
    assert {key: got[key] for key in told} == told


@given(bodies_of(ShortMessage) | bodies_of(DataSm), st.lists(
    st.builds(Tlv, st.sampled_from([0x20C, 0x20E, 0x20F, 0x424]), st.binary(max_size=40)), max_size=5).map(tuple))
@settings(max_examples=300)
def test_any_text_can_be_told(body, tlvs):
    """Whatever an ESME sends fits in a line of JSON."""
    assert json.decode(json.encode(described(replace(body, tlvs=tlvs))))["parts"] >= 0


@pytest.mark.parametrize(
    ("asked", "delivered", "failed"),
    [(0, False, False), (1, True, True), (2, False, True), (3, True, False), (0x11, True, True), (0x10, False, False)],
)
def test_wants_report(asked, delivered, failed):
    """registered_delivery, its two lowest bits."""
    assert wants_report(asked, MessageState.DELIVERED) is delivered
    assert wants_report(asked, MessageState.UNDELIVERABLE) is failed


@pytest.mark.parametrize("state", MessageState)
def test_receipts_read_as_receipts(state):
    """The simulator's receipts say the same by their words as by their parameters."""
    at = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    made = receipt(ShortMessage(source_addr=b"1", destination_addr=b"2" * 40), Report("1f", state, at, at))
    assert is_receipt(made)
    by_words = parse_receipt(ShortMessage(short_message=made.short_message))
    by_parameters = parse_receipt(ShortMessage(tlvs=made.tlvs))
    assert (by_words.reference, by_words.status) == (by_parameters.reference, by_parameters.status) == ("1f", by_words.status)
    assert (made.source_addr, made.destination_addr) == (b"2" * 20, b"1")
    assert b"submit date:2611231600 done date:2611231600" in made.short_message


@pytest.mark.parametrize(
    ("sender", "text", "said"),
    [
        ("", "x", "ASCII"), ("+", "x", "ASCII"), ("é", "x", "ASCII"), ("1" * 21, "x", "20"), ("1", "", "parts"),
        ("1", "x" * 50_000, "parts"),
    ],
)  # fmt: skip
def test_what_no_network_carries(sender, text, said):
    """ValueError in words."""
    with pytest.raises(ValueError, match=said):
        delivers(sender, "+15550100100", text, 1)
