"""References as carriers tell and report them."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smsgwd.model import ReferenceMatch
from smsgwd.queue.references import LONGEST, STEPS, Step, candidates, fits, norm, told

AUTO = STEPS[ReferenceMatch.AUTO]

#: (told in submit_sm_resp, reported in the receipt, the step that says so)
PAIRS = [
    pytest.param("39f99dd5", "39f99dd5", Step.SAME, id="the same"),
    pytest.param("39f99dd5", "0972660181", Step.HEX_DEC, id="decimal, padded to 10"),
    pytest.param("00B8BE19", "B8BE19", Step.ZEROS, id="without its zeros"),
    pytest.param("0E99ABCD", "e99abcd", Step.ZEROS, id="without its zero, in lower case"),
    pytest.param("04062581461565934000241", "4062581461565934000241", Step.ZEROS, id="23 digits"),
    pytest.param("812FC7470000001B", "9308878062554710043", Step.HEX_DEC, id="more than 63 bits"),
    pytest.param("9308878062554710043", "812fc7470000001b", Step.DEC_HEX, id="more than 63 bits, in hexadecimal"),
    pytest.param("1101C1-C9D03D-F000", "1101c1-c9d03d-f000", Step.CASE, id="dashes"),
    pytest.param("6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff", Step.CASE, id="UUID"),
    pytest.param("12absa-1", "12absa-1", Step.SAME, id="letters beyond F"),
    pytest.param("SAR-77-2-1", "SAR-77-2-1", Step.SAME, id="the part in the id"),
    pytest.param("0", "000", Step.ZEROS, id="zeros"),
    pytest.param("16", "10", Step.DEC_HEX, id="short"),
]


@pytest.mark.parametrize(("told_", "reported", "step"), PAIRS)
def test_pairs_that_are_met(told_, reported, step):
    """The first step that finds it, and the form that it is looked for under is the one that it is stored under."""
    assert next(x for x in AUTO if fits(x, told_, reported)) is step
    assert norm(told_) in candidates(reported, (step,))


@pytest.mark.parametrize(("told_", "reported", "step"), PAIRS)
def test_orphans_are_found_as_well(told_, reported, step):
    """The other way round: by what was told, the report that came before is found under one of its forms."""
    assert norm(reported) in candidates(told_, AUTO)


@pytest.mark.parametrize(
    ("told_", "reported"),
    [
        pytest.param("10", "0x10", id="no prefix is read"), pytest.param("", "0", id="nothing is not zero"),
        pytest.param("", "", id="nothing") , pytest.param("abc", "abd", id="another"), pytest.param("१०", "10", id="other digits"),
        pytest.param("-5", "5", id="a sign"), pytest.param("1_0", "10", id="an underscore"), pytest.param("1.0", "10", id="a dot"),
    ],
)  # fmt: skip
def test_what_is_not_the_same(told_, reported):
    """No step that does more than compare characters makes these one."""
    assert not any(fits(x, told_, reported) for x in AUTO if x not in (Step.SAME, Step.CASE))


@given(st.integers(0, 1 << 250))
@example(0)
@example(0x812FC7470000001B)
def test_numbers_of_any_size(number):
    """Hexadecimal and decimal find each other, padded or not, whatever the size."""
    hexadecimal, decimal = f"{number:X}", f"{number:012d}"
    assert fits(Step.HEX_DEC, hexadecimal, decimal)
    assert fits(Step.DEC_HEX, decimal, hexadecimal)
    if max(len(hexadecimal), len(decimal)) <= LONGEST:
        assert norm(hexadecimal) in candidates(decimal, (Step.HEX_DEC,))
        assert norm(decimal) in candidates(hexadecimal, (Step.DEC_HEX,))
        assert fits(Step.HEX_DEC, told(decimal, Step.HEX_DEC), decimal)
        assert fits(Step.DEC_HEX, told(hexadecimal, Step.DEC_HEX), hexadecimal)


_ids = st.text("0123456789abcdefABCDEF-xyz", max_size=70)


@given(_ids, _ids)
@settings(max_examples=200)
def test_the_same_is_the_same(a, b):
    """Under SAME nothing but the reference itself fits, whatever it looks like."""
    (step,) = STEPS[ReferenceMatch.SAME]
    assert fits(step, a, b) is (a == b)
    assert fits(step, a, a)


@given(st.text(max_size=80))
def test_norm(reference):
    """Short enough for the index, the same when it is made twice, and empty for nothing alone."""
    made = norm(reference)
    assert len(made) <= LONGEST
    assert bool(made) is bool(reference)
    assert norm(made) == made


@given(st.text(max_size=80))
def test_candidates_of_anything(reference):
    """Any text has at most three forms to look for, none of them too long, the plainest first."""
    forms = candidates(reference, AUTO)
    assert forms[0] == norm(reference)
    assert len(forms) <= 3
    assert all(len(form) <= LONGEST for form in forms)


def test_a_wish_for_numbers_is_followed():
    """hex>dec and dec>hex compare as numbers in that direction alone."""
    assert candidates("16", STEPS[ReferenceMatch.HEX_DEC]) == ("10",)
    assert candidates("10", STEPS[ReferenceMatch.DEC_HEX]) == ("16",)
    assert not fits(Step.HEX_DEC, "16", "10")
    assert told("abc", Step.HEX_DEC) == "abc"
    assert told("010", Step.ZEROS) == "010"
