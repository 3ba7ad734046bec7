"""How a text goes over the link that carries it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.config import ModemConfig
from smsgwd.config.smpp import DataCoding
from smsgwd.errors import RequestRefused
from smsgwd.planning import plan_text
from smsgwd.sms import gsm7
from smsgwd.sms.encoding import Alphabet
from tests.smpp.texts import carrier

G, U = Alphabet.GSM7, Alphabet.UCS2
LATIN1, ASCII = {"default_alphabet": "latin1"}, {"default_alphabet": "ascii"}


def modem(**keys) -> ModemConfig:
    return ModemConfig(name="m1", type="modem", port="/dev/null", **keys)


@pytest.mark.parametrize(
    ("keys", "text", "alphabet", "units"),
    [
        pytest.param({}, "a" * 161, G, (153, 8), id="GSM-7"),
        pytest.param({"segmentation": "udh16"}, "a" * 161, G, (152, 9), id="a wide reference"),
        pytest.param({"segmentation": "udh16"}, "я" * 71, U, (66, 5), id="a wide reference, UCS-2"),
        pytest.param({"segmentation": "sar"}, "a" * 161, G, (153, 8), id="sar"),
        pytest.param({"segmentation": "sar"}, "я" * 71, U, (67, 4), id="sar, UCS-2"),
        pytest.param({"segmentation": "payload"}, "a" * 161, G, (161,), id="payload is not cut"),
        pytest.param({"segmentation": "payload"}, "я" * 300, U, (300,), id="payload, UCS-2"),
        pytest.param(LATIN1, "é@", G, (2,), id="Latin-1 has it"),
        pytest.param(LATIN1, "€", U, (1,), id="Latin-1 lacks the euro sign"),
        pytest.param(LATIN1, "ΔΣ", U, (2,), id="Latin-1 lacks Greek"),
        pytest.param(LATIN1, "ç", U, (1,), id="GSM-7 lacks what Latin-1 has"),
        pytest.param(LATIN1, "{" * 100, G, (152, 48), id="counted as on the air"),
        pytest.param(ASCII, "é", U, (1,), id="ASCII lacks accents"),
        pytest.param({"default_alphabet": "utf8"}, "é€Δ", G, (4,), id="UTF-8 has all of GSM-7"),
        pytest.param({**ASCII, "data_coding": DataCoding(latin1=3)}, "é", G, (1,), id="Latin-1 beside ASCII"),
        pytest.param({**ASCII, "data_coding": DataCoding(latin1=3)}, "€", U, (1,), id="neither"),
        pytest.param({"data_coding": DataCoding(latin1=3)}, "€", G, (2,), id="GSM-7 beside Latin-1"),
    ],
)
def test_smpp(keys, text, alphabet, units):
    """Alphabet and parts by default alphabet and segmentation of the carrier."""
    plan = plan_text(text, carrier(**keys), 10)
    assert (plan.text, plan.alphabet, plan.units) == (text, alphabet, units)


@pytest.mark.parametrize(
    ("keys", "single"),
    [
        pytest.param({}, 1, id="UDH"), pytest.param({"segmentation": "udh16"}, 1, id="wide UDH"),
        pytest.param({"segmentation": "sar"}, 0, id="sar has no header"),
        pytest.param({"segmentation": "payload"}, 0, id="payload is cut by the carrier"),
        pytest.param({"default_alphabet": "utf8"}, 0, id="another default alphabet"),
    ],
)  # fmt: skip
def test_national_tables(keys, single):
    """They are used where the default alphabet is GSM-7 and a header names them."""
    text = "ğ" * 71  # two parts as UCS-2, one with the Turkish table
    assert plan_text(text, carrier(national=("tr",), **keys), 10).single == single
    assert plan_text(text, modem(national=("tr",)), 10).single == 1


def test_plain_letters():
    """`transliterate` works for the carrier's character set as well; alphabet = gsm7 leaves out what it lacks."""
    assert plan_text("“ê” " * 18, carrier(transliterate=True, **ASCII), 10).text == '"e" ' * 18
    assert plan_text("ê", carrier(transliterate=True, **ASCII), 10).text == "ê"  # exact where it costs nothing
    forced = plan_text("é€ ж a", carrier(**LATIN1), 10, G)
    assert (forced.text, forced.alphabet) == ("é? ? a", G)
    assert plan_text("abc", carrier(**LATIN1), 10, U).alphabet is U


@pytest.mark.parametrize("link", [modem(), carrier(), carrier(segmentation="payload")], ids=["modem", "udh", "payload"])
def test_limit(link):
    """Too many segments are refused, also where the carrier would cut."""
    assert plan_text("a" * 306, link, 2).text == "a" * 306
    with pytest.raises(RequestRefused) as refused:
        plan_text("a" * 307, link, 2)
    assert refused.value.code == "too-long"


@given(
    st.text("aé€Δ{ж😀\n ç", max_size=400), st.sampled_from(["udh8", "udh16", "sar"]),
    st.sampled_from(["gsm7", "ascii", "latin1", "utf8"]), st.booleans(), st.sampled_from([None, G, U]),
)  # fmt: skip
@settings(max_examples=200)
def test_every_plan_can_be_written(text, segmentation, default, transliterate, alphabet):
    """The carrier's character set has all of a GSM-7 plan, and each part fits."""
    link = carrier(segmentation=segmentation, default_alphabet=default, transliterate=transliterate)
    plan = plan_text(text, link, 255, alphabet)
    assert max(plan.units) <= plan.capacity
    assert "".join(plan.texts) == plan.text
    if plan.alphabet is G:
        assert gsm7.try_encode(plan.text) is not None
        assert default == "gsm7" or plan.text.encode(default).decode(default) == plan.text
    assert alphabet in (None, plan.alphabet)
