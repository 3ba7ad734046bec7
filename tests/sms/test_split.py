"""Which alphabet, and where to cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.errors import PduError
from smsgwd.sms.address import Address
from smsgwd.sms.cluster import breaks_at, clusters
from smsgwd.sms.encoding import Alphabet
from smsgwd.sms.plain import plain
from smsgwd.sms.split import Plan, capacity, split
from smsgwd.sms.tpdu import submit_for

G, D, U = Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2
FAMILY = "👩\u200d👩\u200d👧\u200d👦"  # 7 code points, 11 units


@pytest.mark.parametrize(
    ("text", "alphabet", "cuts", "units"),
    [
        pytest.param("", G, (0,), (0,), id="empty"),
        pytest.param("hi 😀", U, (0,), (5,), id="one emoji"),
        pytest.param("😀" * 35, U, (0,), (70,), id="70 units"),
        pytest.param("😀" * 36, U, (0, 33), (66, 6), id="72 units: no pair is split"),
        pytest.param("я" * 66 + "😀" + "я" * 20, U, (0, 66), (66, 22), id="a pair at the border"),
        pytest.param("я" * 69 + "😀", U, (0, 67), (67, 4), id="71 units"),
        pytest.param("я" * 70, U, (0,), (70,), id="70 in the BMP"),
        pytest.param("я" * 134, U, (0, 67), (67, 67), id="134 in the BMP"),
        pytest.param("a" * 160, G, (0,), (160,), id="160"),
        pytest.param("a" * 161, G, (0, 153), (153, 8), id="161"),
        pytest.param("a" * 306, G, (0, 153), (153, 153), id="306"),
        pytest.param("a" * 307, G, (0, 153, 306), (153, 153, 1), id="307"),
        pytest.param("€" * 80, G, (0,), (160,), id="80 euro"),
        pytest.param("€" * 81, G, (0, 76), (152, 10), id="81 euro: none is split"),
        pytest.param("a" * 152 + "€" + "b" * 20, G, (0, 152), (152, 22), id="a euro at the border"),
        pytest.param("a" * 152 + "\r\n" + "b" * 20, G, (0, 152), (152, 22), id="CR LF at the border"),
        pytest.param("я" * 66 + "e\u0302" + "я" * 20, U, (0, 66), (66, 22), id="a combining mark at the border"),
        pytest.param("я" * 60 + FAMILY + "я" * 20, U, (0, 60), (60, 31), id="a family at the border"),
        pytest.param("я" * 65 + "🇦🇹🇩🇪" + "я" * 20, U, (0, 65), (65, 28), id="a flag at the border"),
        pytest.param("я" * 63 + "🇦🇹🇩🇪" + "я" * 20, U, (0, 65), (67, 24), id="between two flags"),
        pytest.param("я" * 66 + "❤\ufe0f" + "я" * 20, U, (0, 66), (66, 22), id="a variation selector"),
        pytest.param("я" * 64 + "👍🏽" + "я" * 20, U, (0, 64), (64, 24), id="a skin tone"),
        pytest.param("е" + "\u0301" * 100, U, (0, 67), (67, 34), id="a character larger than a part is cut"),
    ],
)
def test_cuts(text: str, alphabet: Alphabet, cuts: tuple[int, ...], units: tuple[int, ...]) -> None:
    """Offsets in code points; units are what the part holds."""
    plan = split(text)
    assert (plan.text, plan.alphabet, plan.cuts, plan.units) == (text, alphabet, cuts, units)
    assert plan.parts == len(cuts)
    assert "".join(plan.texts) == text


@pytest.mark.parametrize(
    ("concat", "locking", "single", "septets"),
    [(0, 0, 0, 160), (0, 0, 1, 155), (0, 1, 0, 155), (0, 1, 1, 152), (5, 0, 0, 153), (5, 0, 1, 149), (5, 1, 1, 146),
     (6, 0, 0, 152), (6, 1, 1, 145)],
)  # fmt: skip
def test_the_price_of_headers(concat: int, locking: int, single: int, septets: int) -> None:
    """In septets, fill bits included."""
    assert capacity(G, concat, locking, single) == septets


def test_a_wide_reference_leaves_less_room() -> None:
    """One octet more in the header."""
    assert split("a" * 161, wide_ref=True).units == (152, 9)
    assert split("я" * 71, wide_ref=True).units == (66, 5)
    assert split("x" * 141, alphabet=D, wide_ref=True).units == (133, 8)


@pytest.mark.parametrize(
    ("text", "national", "locking", "single", "alphabet", "parts"),
    [
        pytest.param("ğ" * 40, ("tr",), 0, 0, U, 1, id="UCS-2 does as well: every phone reads it"),
        pytest.param("a" * 100 + "ğş", ("tr",), 0, 1, G, 1, id="single shift saves a part"),
        pytest.param("ğ" * 100, ("tr",), 1, 0, G, 1, id="locking shift where single is too long"),
        pytest.param("ğ" * 120 + "[" * 10, ("tr",), 1, 0, G, 1, id="locking and the default extension"),
        pytest.param("ö" * 161, ("tr",), 0, 0, G, 2, id="the default tables come first"),
        pytest.param("á" * 100, ("es",), 0, 0, U, 2, id="not shorter than UCS-2"),
        pytest.param("a" * 90 + "á" * 20, ("es",), 0, 2, G, 1, id="Spanish has a single shift table only"),
        pytest.param("ã" * 150, ("es", "pt"), 3, 0, G, 1, id="the language that fits"),
        pytest.param("नमस्ते " * 20, ("hi",), 6, 0, G, 1, id="Hindi"),
        pytest.param("नमस्ते ABC " * 14, ("hi",), 6, 6, G, 2, id="Hindi with capitals needs both tables"),
        pytest.param("ğ" * 100, (), 0, 0, U, 2, id="not without leave"),
        pytest.param("Ж" * 100, ("tr",), 0, 0, U, 2, id="a letter that no table has"),
    ],
)
def test_national_tables(
    text: str, national: tuple[str, ...], locking: int, single: int, alphabet: Alphabet, parts: int
) -> None:
    """Used only where they save parts."""
    plan = split(text, national=national)
    assert (plan.locking, plan.single, plan.alphabet, plan.parts) == (locking, single, alphabet, parts)


@pytest.mark.parametrize(
    ("text", "sent", "alphabet"),
    [
        pytest.param("“Hello” – it’s…" * 8, '"Hello" - it\'s...' * 8, G, id="typographic signs"),
        pytest.param("“Hello”", "“Hello”", U, id="nothing saved, nothing changed"),
        pytest.param("“Hello” 😀" * 20, "“Hello” 😀" * 20, U, id="an emoji has no plain form"),
        pytest.param("crème brûlée, œuf" * 9, "crème brulée, oeuf" * 9, G, id="accents that GSM-7 has stay"),
        pytest.param("Καλημέρα κόσμε " * 9, "KAΛHMEPA KOΣME " * 9, G, id="Greek capitals"),
        pytest.param("a\u00a0b\u200bc" * 40, "a bc" * 40, G, id="spaces"),
        pytest.param("10 µA ×2 ½°" * 13, "10 uA x2 1/2deg" * 13, G, id="signs"),
        pytest.param("e\u0302" * 60, "e" * 60, G, id="decomposed letters"),
    ],
)
def test_plain_letters_where_that_saves_parts(text: str, sent: str, alphabet: Alphabet) -> None:
    """With leave alone."""
    plan = split(text, transliterate=True)
    assert (plan.text, plan.alphabet) == (sent, alphabet)
    assert split(text).text == text


def test_plain_letters_keep_what_the_national_tables_have() -> None:
    """Turkish letters stay where the Turkish table is in use."""
    plan = split("“" + "ğ" * 120, national=("tr",), transliterate=True)
    assert (plan.text, plan.locking) == ('"' + "g" * 120, 0)  # one part either way; the default table comes first
    assert plain("“ğ”", 1, 0) == '"ğ"'


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param("hi 😀!", "hi ?!", id="one emoji, one mark"),
        pytest.param(f"{FAMILY}", "?", id="one for what a person sees as one"),
        pytest.param("“Жук” ê", '"???" e', id="plain letters where there are some"),
        pytest.param("`", "'", id="backtick"),
        pytest.param("a\0b\ud800", "a?b?", id="NUL and a lone surrogate"),
    ],
)
def test_gsm7_by_order(text: str, sent: str) -> None:
    """What the tables lack is written plainly, or as a question mark."""
    plan = split(text, alphabet=G)
    assert (plan.text, plan.alphabet) == (sent, G)


def test_gsm7_by_order_uses_the_national_tables_it_may() -> None:
    """Rather than question marks."""
    plan = split("ığ", alphabet=G, national=("tr",))
    assert (plan.text, plan.single) == ("ığ", 1)


def test_ucs2_and_data_by_order() -> None:
    """As they are; data is cut at octets, and holds octets."""
    assert split("abc", alphabet=U) == Plan("abc", U, 0, 0, (0,), (3,), 70)
    assert split("\xff" * 140, alphabet=D).units == (140,)
    assert split("\xff" * 141, alphabet=D).units == (134, 7)
    assert split("", alphabet=D).units == (0,)
    with pytest.raises(PduError):
        split("я", alphabet=D)


def test_an_unknown_language_is_an_error() -> None:
    """Which names those that are known."""
    with pytest.raises(PduError, match="tr es pt"):
        split("Ж", national=("xx",))


def test_lone_surrogates_become_u_fffd() -> None:
    """They could neither be sent nor stored; pairs are joined."""
    assert split("я\ud83d").text == "я\ufffd"
    assert split("\ud83d\ude00").text == "😀"


def test_clusters() -> None:
    """What a person sees as one character."""
    assert clusters(f"a\r\nе\u0301{FAMILY}🇦🇹🇩🇪1\ufe0f\u20e3한") == [
        "a", "\r\n", "е\u0301", FAMILY, "🇦🇹", "🇩🇪", "1\ufe0f\u20e3", "한",
    ]  # fmt: skip
    assert clusters("\u1112\u1161\u11ab\u1112") == ["\u1112\u1161\u11ab", "\u1112"]
    assert clusters("🏴\U000e0067\U000e007f!") == ["🏴\U000e0067\U000e007f", "!"]
    assert clusters("") == []


texts = st.text(max_size=1000) | st.text("a€[ğş\r\n", max_size=1000) | st.text("яе\u0301😀🇦🇹\u200d", max_size=500)


@settings(max_examples=60)
@given(texts, st.sampled_from([(), ("tr",), ("hi", "pt")]), st.booleans(), st.sampled_from([None, G, U]))
def test_every_part_fits_and_the_text_is_whole(
    text: str, national: tuple[str, ...], transliterate: bool, alphabet: Alphabet | None
) -> None:
    """At most 140 octets each, none empty, and together the text that was promised; the plan counts right."""
    plan = split(text, alphabet=alphabet, national=national, transliterate=transliterate)
    assert "".join(plan.texts) == plan.text
    assert all(plan.texts) or plan.text == ""
    assert all(0 <= units <= plan.capacity for units in plan.units)
    parts = min(plan.parts, 255)
    for i, piece in enumerate(plan.texts[:3]):
        made = submit_for(
            to=Address("1"), text=piece, alphabet=plan.alphabet, locking=plan.locking, single=plan.single, ref=200,
            part=i + 1, parts=parts,
        )  # fmt: skip
        octets = made.ud.encode()
        assert len(octets) <= 141
        assert made.text == piece or "\ufeff" in piece or "\ufffe" in piece
        assert plan.units[i] == len(made.payload) // (2 if plan.alphabet is U else 1)


@settings(max_examples=60)
@given(texts)
def test_no_cut_inside_what_belongs_together(text: str) -> None:
    """Unless that alone is larger than a part."""
    plan = split(text)
    for start, cut in zip(plan.cuts, plan.cuts[1:], strict=False):
        assert breaks_at(plan.text, cut) or not any(breaks_at(plan.text, at) for at in range(start + 1, cut + 1))


@given(st.text(max_size=300))
def test_plain_never_breaks_what_could_be_written(text: str) -> None:
    """It changes nothing in a text of the alphabet, and twice is once."""
    assert plain(plain(text)) == plain(text)
