"""The codec on oFono's own tests; see :mod:`tests.peer.corpora`."""

from __future__ import annotations

import msgspec
import pytest

from smsgwd.sms import gsm7
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.join import join
from smsgwd.sms.national import LANGUAGES
from smsgwd.sms.split import split
from smsgwd.sms.submit import RELATIVE, Submit
from smsgwd.sms.tpdu import StatusReport, decode_hex, decode_pdu, with_smsc
from smsgwd.sms.userdata import UserData
from tests.peer import corpora

pytestmark = pytest.mark.peer

#: name -> direction, text, party, fields
PLAIN = {
    "simple_deliver": ("mt", "How are you?", "+31641600986", {"tp_pid": 0, "tp_dcs": 0}),
    "alnum_sender": ("mt", "Testmail", "sipgate", {"tp_dcs": 0}),
    "simple_submit": ("mo", "hellohello", "+46708251358", {"tp_vp": b"\xaa", "tp_vpf": RELATIVE}),
    "simple_mwi": ("mt", "", "+33660660001", {"tp_dcs": 0xC8, "service": True}),
}


#: written otherwise than they came: the last digit is not filled with 15; the zone of the report is no number
ODD = {
    "sr_pdu3", "sms_charset_default", "sms_charset_default_ext", "sms_charset_turkey", "sms_charset_turkey_ext",
    "sms_charset_portugal", "sms_charset_portugal_ext", "sms_charset_spain",
}  # fmt: skip


def test_all(capsys, record_property):
    """All are decoded, and written again: to the octet where the octets are as the standard has them."""
    corpora.have("ofono")
    pdus = corpora.ofono_pdus()
    assert len(pdus) >= 22
    for name, pdu in pdus.items():
        direction = "mo" if pdu.startswith("00") and not name.startswith("sr_pdu") else "mt"
        found = decode_hex(pdu, direction)
        assert (found.truncated, found.excess) == (False, 0), name
        if name not in ODD:
            assert with_smsc(found) == found.raw, name
        written = decode_pdu(with_smsc(found), direction, smsc=True)
        assert msgspec.structs.replace(written, raw=found.raw) == found, name
    corpora.told(capsys, record_property, "oFono", f"{len(pdus)} of {len(pdus)} decoded; {corpora.peers(list(pdus.values()))}")


def test_fields():
    """Text, party and the fields that oFono's test asserts."""
    corpora.have("ofono")
    strings = corpora.ofono().strings()
    for name, (direction, text, party, fields) in PLAIN.items():
        found = decode_hex(strings[name], direction)
        address = found.tp_da if isinstance(found, Submit) else found.tp_oa
        assert (found.text, address.text) == (text, party), name
        assert {field: getattr(found, field) for field in fields} == fields, name
    first = decode_hex(strings["simple_deliver"], "mt")
    assert first.smsc.text == "+31624000000"
    assert first.tp_scts.isoformat() == "2002-08-26T19:37:41-01:00"
    assert decode_hex(strings["simple_mwi"], "mt").tp_scts.isoformat() == "2013-08-07T16:47:41+02:00"


def test_tables():
    """The texts of the default and the national tables; the languages are given from outside."""
    corpora.have("ofono")
    sets = corpora.ofono().structs("sms_charset_data")
    languages = {"GSM_DIALECT_TURKISH": "tr", "GSM_DIALECT_PORTUGUESE": "pt", "GSM_DIALECT_SPANISH": "es"}
    for name, fields in sets.items():
        locking, single = (LANGUAGES.get(languages.get(fields.get(f"{kind}_lang", ""), ""), 0) for kind in ("locking", "single"))
        payload = decode_hex(fields["pdu"], "mo").payload
        assert gsm7.decode(payload, locking, single) == corpora.listed(fields["expected_text"]), name
    assert len(sets) >= 7


def test_formatted_texts():
    """Headers of EMS do not disturb the text."""
    corpora.have("ofono")
    texts = corpora.ofono().structs("ems_udh_test")
    for name, fields in texts.items():
        found = decode_hex(fields["pdu"], "mo")
        assert found.text == fields["expected"], name
        assert found.ud.header.elements[0].iei == 0x0A
    assert len(texts) >= 2


def test_assembly():
    """Three parts of one Cyrillic text; our own cut of the same text has three parts too."""
    corpora.have("ofono")
    strings = corpora.ofono().strings()
    parts = [decode_hex(strings[f"assembly_pdu{i}"], "mt") for i in (1, 2, 3)]
    assert [(p.concat.ref, p.concat.part, p.concat.parts) for p in parts] == [(30, i, 3) for i in (1, 2, 3)]
    text = join([(p.alphabet, p.locking, p.single, p.payload) for p in parts])
    assert text == b"".join(p.payload for p in parts).decode("utf-16-be")
    assert split(text, wide_ref=True).parts == 3


def test_reports():
    """References and recipients of the three, which come without SMSC."""
    corpora.have("ofono")
    pdus = corpora.ofono_pdus()
    found = [decode_hex(pdus[f"sr_pdu{i}"][2:], "mt") for i in (1, 2, 3)]
    assert all(isinstance(report, StatusReport) for report in found)
    assert [(r.tp_mr, r.tp_ra.text, r.status.category) for r in found] == [
        (4, "+4915259911630", "delivered"), (5, "+4915259911630", "delivered"), (6, "123456789", "delivered"),
    ]  # fmt: skip


def test_push():
    """Data for a port: 8-bit, no text."""
    corpora.have("ofono")
    (fields,) = corpora.ofono().structs("wap_push_data").values()
    found = decode_hex(fields["pdu"], "mt")
    assert (found.alphabet, found.text, found.service) == (Alphabet.DATA, "", True)
    assert (found.ud.header.ports.destination, found.ud.header.ports.bits) == (2948, 16)


def test_encoding():
    """Its SMS-SUBMIT to the octet, and as many parts as it makes, at the limit too."""
    corpora.have("ofono")
    source = corpora.ofono()
    strings = source.strings()
    submit = Submit(
        tp_da=Address.parse(strings["da_addr"]), smsc=Address.parse(strings["sc_addr"]), tp_vpf=RELATIVE, tp_vp=b"\xa7",
        ud=UserData(Alphabet.GSM7, gsm7.encode(strings["test_no_fragmentation_7bit"])),
    )  # fmt: skip
    assert with_smsc(submit).hex().upper() == strings["expected_no_fragmentation_7bit"].upper()
    quotation = source.structs("sms_concat_data")["shakespeare_test"]
    assert split(quotation["str"], wide_ref=True).parts == int(quotation["segments"])
    assert split("a" * 152 * 30 + "b" * 152 + "c" * 152 + "d" * 152, wide_ref=True).parts == 33
    for character, wide, room in (("A", True, 152), ("A", False, 153), ("Ж", True, 66), ("Ж", False, 67)):
        assert split(character * room * 255, wide_ref=wide).parts == 255
        assert split(character * (room * 255 + 1), wide_ref=wide).parts == 256
