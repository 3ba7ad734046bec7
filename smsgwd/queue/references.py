"""References of submissions, and how a report may write them otherwise. Pure.

A carrier tells an id in submit_sm_resp and writes it in the receipt as it likes: in lower case, without leading zeros, in
decimal where it was hexadecimal, or the other way round, with any number of digits. A reference is stored as it came, and
as its :func:`norm`, which is indexed: whatever form a report has, what it may mean is one seek for each of its
:func:`candidates`. Which of the forms fits, :func:`fits` says, step by step (:class:`Step`).

A TP-MR of a modem is compared character by character: 10 is not 0x10.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from smsgwd.model import ReferenceMatch

#: most characters of a reference that are compared without case and zeros
LONGEST = 64

_DECIMAL = re.compile(r"[0-9]+")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")


class Step(StrEnum):
    """How a reported reference is the one that was told; in the order in which they are tried."""

    #: character by character
    SAME = "same"
    #: but for upper and lower case
    CASE = "case"
    #: but for leading zeros as well
    ZEROS = "zeros"
    #: told in hexadecimal, reported in decimal
    HEX_DEC = "hex>dec"
    #: told in decimal, reported in hexadecimal
    DEC_HEX = "dec>hex"


#: steps that compare characters, not numbers
TEXTUAL = (Step.SAME, Step.CASE, Step.ZEROS)
STEPS: dict[ReferenceMatch, tuple[Step, ...]] = {
    ReferenceMatch.SAME: (Step.SAME,),
    ReferenceMatch.AUTO: tuple(Step),
    ReferenceMatch.HEX_DEC: (Step.HEX_DEC,),
    ReferenceMatch.DEC_HEX: (Step.DEC_HEX,),
}


def norm(reference: str) -> str:
    """A reference without case and leading zeros; "0" for one of zeros alone, and nothing for none."""
    short = reference.casefold().lstrip("0")[:LONGEST]
    return short or reference[:1]


def candidates(reference: str, steps: Sequence[Step]) -> tuple[str, ...]:
    """The norms under which a reference may be stored, in the order of the steps, each once."""
    if len(steps) == 1 and steps[0] in TEXTUAL:  # what most reports ask
        return (norm(reference),)
    return tuple(dict.fromkeys(form for step in steps for form in _forms(reference, step)))


def _forms(reference: str, step: Step) -> Iterable[str]:
    if step is Step.HEX_DEC:
        if _DECIMAL.fullmatch(reference):
            yield f"{int(reference):x}"[:LONGEST]
    elif step is Step.DEC_HEX:
        if _HEXADECIMAL.fullmatch(reference):
            yield str(int(reference, 16))[:LONGEST]
    else:
        yield norm(reference)


def fits(step: Step, told: str, reported: str) -> bool:
    """Whether a step makes the reported reference the told one."""
    if step is Step.SAME:
        return told == reported
    if step is Step.CASE:
        return told.casefold() == reported.casefold()
    if step is Step.ZEROS:
        return bool(told) and norm(told) == norm(reported)
    if step is Step.HEX_DEC:
        return _number(told, 16) == _number(reported, 10) is not None
    return _number(told, 10) == _number(reported, 16) is not None


def told(reference: str, step: Step) -> str:
    """What the link would have been told, by a step, of what a report names like this."""
    numeric = step in (Step.HEX_DEC, Step.DEC_HEX)
    return next(iter(_forms(reference, step)), reference) if numeric else reference


def _number(reference: str, base: int) -> int | None:
    digits = _DECIMAL if base == 10 else _HEXADECIMAL
    return int(reference, base) if digits.fullmatch(reference) else None
