"""``smsgwd pdu``: TPDUs for people, and for programs that have a pile of them.

``decode -`` reads one PDU in hex a line and answers one JSON object a line, for a rejected one ``{"error": …}``, so that
answers and questions stay in step; it ends with 0. PDUs given as arguments are shown, and a rejected one ends with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from smsgwd.cli.base import EX_FAILED, App, app_of, json_option
from smsgwd.errors import PduError
from smsgwd.sms.address import Address, TypeOfNumber
from smsgwd.sms.encoding import Alphabet, decode_dcs
from smsgwd.sms.national import LANGUAGES
from smsgwd.sms.short_message import ShortMessage
from smsgwd.sms.split import Plan, split
from smsgwd.sms.status_report import StatusReport
from smsgwd.sms.tpdu import Deliver, Direction, Pdu, Submit, decode_hex, submit_for
from smsgwd.sms.udh import Iei, UserDataHeader

#: longest line of ``decode -``: far more than any PDU, so that a wrong file ends soon
LONGEST_LINE = 4096


@click.group()
def pdu() -> None:
    """Decode and encode TPDUs (3GPP TS 23.040)."""


# ---- decode --------------------------------------------------------------------------------------------------------


@pdu.command()
@click.argument("hex_", metavar="HEX…|-", nargs=-1, required=True)
@click.option("--direction", type=click.Choice(["mt", "mo"]), default="mt", show_default=True, help="to us, from us")
@json_option
@click.pass_context
def decode(ctx: click.Context, hex_: tuple[str, ...], direction: Direction) -> None:
    """Show what a PDU says, with or without the SMSC before it. `-` reads one a line."""
    app = app_of(ctx)
    if hex_ == ("-",):
        for line in iter(lambda: sys.stdin.readline(LONGEST_LINE), ""):
            app.line(_answer(line.strip(), direction))
        return
    if len(hex_) == 1:
        document = describe(decode_hex(hex_[0], direction))
        app.show(document, lambda: _print(document))
        return
    if not _several(app, hex_, direction):
        ctx.exit(EX_FAILED)


def _several(app: App, texts: Sequence[str], direction: Direction) -> bool:
    """Shows each; False when one was rejected."""
    good = True
    for i, text in enumerate(texts):
        document = _answer(text, direction)
        good = good and "error" not in document
        if app.as_json:
            app.line(document)
            continue
        if i:
            click.echo()
        _print(document)
    return good


def _answer(text: str, direction: Direction) -> dict[str, Any]:
    try:
        return describe(decode_hex(text, direction))
    except PduError as e:
        return {"error": str(e)}


def describe(pdu: Pdu) -> dict[str, Any]:
    """A decoded PDU as the JSON document of ``pdu decode``."""
    if isinstance(pdu, StatusReport):
        return _report(pdu)
    document = _message(pdu)
    if isinstance(pdu, Deliver):
        return {"type": "sms-deliver", **document, "timestamp": _iso(pdu.tp_scts), "report": pdu.tp_sri}
    assert isinstance(pdu, Submit)
    validity = pdu.validity
    return {
        "type": "sms-submit",
        **document,
        "mr": pdu.tp_mr,
        "validity": _iso(validity) if isinstance(validity, datetime) else validity,
        "report": pdu.tp_srr,
        "reject_duplicates": pdu.tp_rd,
    }


def _message(pdu: ShortMessage) -> dict[str, Any]:
    """What both directions have."""
    address = pdu.tp_oa if isinstance(pdu, Deliver) else pdu.tp_da if isinstance(pdu, Submit) else Address("")
    concat = pdu.concat
    return {
        "smsc": pdu.smsc.text if pdu.smsc is not None else None,
        "number": address.text,
        "ton": address.ton.name.lower(),
        "text": pdu.text,
        "alphabet": pdu.alphabet.value,
        "data": pdu.payload.hex() if pdu.alphabet is Alphabet.DATA else None,
        "dcs": pdu.tp_dcs,
        "class": pdu.message_class,
        "pid": pdu.tp_pid,
        "service": pdu.service,
        "waiting": decode_dcs(pdu.tp_dcs).waiting,
        "udh": _header(pdu.ud.header),
        "udh_malformed": pdu.ud.header.malformed,
        "locking": pdu.locking,
        "single": pdu.single,
        "ref": concat.ref if concat else None,
        "ref_bits": concat.ref_bits if concat else None,
        "part": concat.part if concat else 1,
        "parts": concat.parts if concat else 1,
        "bad_concat": pdu.ud.header.bad_concat,
        "truncated": pdu.truncated,
        "excess": pdu.excess,
    }


def _header(header: UserDataHeader) -> list[dict[str, Any]]:
    names = {int(kind): kind.name.lower() for kind in Iei}
    return [{"iei": e.iei, "name": names.get(e.iei), "value": e.value.hex()} for e in header.elements]


def _report(pdu: StatusReport) -> dict[str, Any]:
    return {
        "type": "sms-status-report",
        "smsc": pdu.smsc.text if pdu.smsc is not None else None,
        "number": pdu.tp_ra.text,
        "ton": pdu.tp_ra.ton.name.lower(),
        "mr": pdu.tp_mr,
        "timestamp": _iso(pdu.tp_scts),
        "discharged": _iso(pdu.tp_dt),
        "st": pdu.tp_st,
        "status": pdu.status.name,
        "category": pdu.status.category,
        "reason": pdu.status.reason,
        "text": pdu.text,
        "alphabet": pdu.ud.alphabet.value if pdu.ud is not None else None,
        "dcs": pdu.tp_dcs,
        "pid": pdu.tp_pid,
        "udh": _header(pdu.ud.header) if pdu.ud is not None else [],
        "truncated": pdu.truncated,
        "excess": pdu.excess,
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None


def _print(document: dict[str, Any]) -> None:
    """Readable: one line for each thing that says something."""
    for name, value in document.items():
        if name in ("type", "number", "text", "error") or value not in (None, False, 0, "", []):
            click.echo(f"{name.replace('_', ' '):<18} {_shown(name, value)}")


def _shown(name: str, value: Any) -> str:
    if name in ("dcs", "pid", "st"):
        return f"0x{value:02X}"
    if name == "udh":
        return "; ".join(f"{e['iei']:02X} {e['value']}" + (f" ({e['name']})" if e["name"] else "") for e in value)
    if name == "waiting":
        return f"{value.kind}, {'on' if value.active else 'off'}"
    if value is True:
        return "yes"
    # a text goes to a terminal: its control characters must not
    return "".join(c if c.isprintable() or c == " " else repr(c)[1:-1] for c in str(value))


# ---- encode --------------------------------------------------------------------------------------------------------


def _number(ctx: click.Context, param: click.Parameter, value: str) -> Address:
    address = Address.parse(value)
    if address.ton is TypeOfNumber.ALPHANUMERIC or not 1 <= len(address.digits) <= 20:
        raise click.BadParameter("write + and digits, or digits alone; 20 at most", ctx, param)
    return address


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> int:
    from smsgwd.config import parse_duration

    try:
        return parse_duration(value) if value else 0
    except ValueError as e:
        raise click.BadParameter(str(e), ctx, param) from None


@pdu.command()
@click.argument("text")
@click.option("--to", required=True, callback=_number, metavar="N", help="with + international, else as it is")
@click.option("--alphabet", type=click.Choice(["auto", "gsm7", "ucs2", "data"]), default="auto", show_default=True,
              help="data: the octets of the text in UTF-8")  # fmt: skip
@click.option("--transliterate", is_flag=True, help="plain letters for what GSM-7 lacks, where that saves parts")
@click.option("--national", multiple=True, type=click.Choice(list(LANGUAGES)), help="language table that may be used")
@click.option("--flash", is_flag=True, help="class 0")
@click.option("--report", is_flag=True, help="ask for a status report")
@click.option("--validity", callback=_seconds, metavar="D", help="such as 30m, 12h, 2d")
@click.option("--ref", type=click.IntRange(0, 65535), default=0, show_default=True, metavar="N",
              help="reference of the parts; above 255 it takes 16 bits")  # fmt: skip
@json_option
@click.pass_context
def encode(
    ctx: click.Context, text: str, to: Address, alphabet: str, transliterate: bool, national: tuple[str, ...],
    flash: bool, report: bool, validity: int, ref: int,
) -> None:  # fmt: skip
    """Write the SMS-SUBMIT of each part, ready for AT+CMGS."""
    chosen = None if alphabet == "auto" else Alphabet(alphabet)
    if chosen is Alphabet.DATA:
        text = text.encode(errors="surrogateescape").decode("latin-1")
    plan = split(text, alphabet=chosen, national=national, transliterate=transliterate, wide_ref=ref > 255)
    if plan.parts > 255:
        raise PduError(f"the text needs {plan.parts} parts; 255 are the most")
    document = _plan(plan, to, flash, report, validity, ref)
    app = app_of(ctx)
    app.show(document, lambda: _print_plan(document))


def _plan(plan: Plan, to: Address, flash: bool, report: bool, validity: int, ref: int) -> dict[str, Any]:
    """The JSON document of ``pdu encode``; ``length`` is what AT+CMGS wants: the TPDU's octets without the SMSC."""
    segments, dcs = [], 0
    for i, text in enumerate(plan.texts):
        made = submit_for(
            to=to, text=text, alphabet=plan.alphabet, locking=plan.locking, single=plan.single, ref=ref, part=i + 1,
            parts=plan.parts, flash=flash, report=report, validity=validity,
        )  # fmt: skip
        tpdu, dcs = made.encode(), made.tp_dcs
        segments.append(
            {
                "part": i + 1,
                "parts": plan.parts,
                "text": made.text,
                "units": plan.units[i],
                "length": len(tpdu),
                "pdu": "00" + tpdu.hex().upper(),
            }
        )
    return {
        "type": "sms-submit",
        "number": to.text,
        "text": plan.text if plan.alphabet is not Alphabet.DATA else "",
        "alphabet": plan.alphabet.value,
        "dcs": dcs,
        "locking": plan.locking,
        "single": plan.single,
        "ref": ref if plan.parts > 1 else None,
        "parts": plan.parts,
        "segments": segments,
    }


def _print_plan(document: dict[str, Any]) -> None:
    _print({name: value for name, value in document.items() if name != "segments"})
    for segment in document["segments"]:
        click.echo(f"\npart {segment['part']} of {segment['parts']}, {segment['units']} units")
        click.echo(f"AT+CMGS={segment['length']}")
        click.echo(segment["pdu"])
