"""How a text goes over the link that is to carry it: alphabet and cuts by the link's configuration. Pure.

A modem writes every alphabet. An SMSC whose default alphabet is ASCII, Latin-1 or UTF-8 takes a GSM-7 text only as far as
that (or Latin-1, where ``data_coding.latin1`` is set) has its characters; else the text goes as UCS-2. National tables are
named in a user data header beside GSM-7, so they are used with ``default_alphabet = "gsm7"`` and a header alone. The way of
cutting decides how much a part holds; with ``segmentation = "payload"`` the carrier cuts, and we count what that will cost.

Both what is accepted and what moves to another link is planned here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from smsgwd.config import LinkConfig, SmppConfig
from smsgwd.errors import RequestRefused
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.split import Plan, split

_GSM7, _LATIN1 = "gsm7", "latin-1"


def plan_text(text: str, link: LinkConfig, most: int, alphabet: Alphabet | None = None) -> Plan:
    """The plan of a text on a link. RequestRefused("too-long") when it needs more than ``most`` segments."""
    if isinstance(link, SmppConfig):
        plan = split(
            text, alphabet=alphabet, national=_national(link), transliterate=link.transliterate,
            wide_ref=link.segmentation == "udh16", charsets=_charsets(link),
        )  # fmt: skip
    else:
        plan = split(text, alphabet=alphabet, national=link.national, transliterate=link.transliterate)
    if plan.parts > most:
        raise RequestRefused(
            "too-long", f"the text needs {plan.parts} segments ({plan.alphabet.value}); limits.segments allows {most}"
        )
    if plan.parts > 1 and isinstance(link, SmppConfig) and link.segmentation == "payload":
        whole = sum(plan.units)
        return msgspec.structs.replace(plan, cuts=(0,), units=(whole,), capacity=whole)
    return plan


def _national(link: SmppConfig) -> Sequence[str]:
    """None where no header names them; :func:`split` uses none beside other character sets either."""
    return link.national if link.segmentation in ("udh8", "udh16") else ()


def _charsets(link: SmppConfig) -> Sequence[str]:
    """The character sets that a GSM-7 text is written in; empty for GSM-7 itself, which has them all."""
    if link.default_alphabet == _GSM7:
        return ()
    return (_LATIN1, link.default_alphabet) if link.data_coding.latin1 >= 0 else (link.default_alphabet,)
