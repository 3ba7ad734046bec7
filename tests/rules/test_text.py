"""How a text becomes words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.rules.text import words


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("No Internet, please!", "no internet please", id="case and punctuation"),
        pytest.param("«STOP».", "stop", id="quotes"),
        pytest.param("ＳＴＯＰ", "stop", id="full-width letters"),
        pytest.param("stop 🙏🏽", "stop", id="emoji with skin tone"),
        pytest.param("stop ❤️", "stop", id="emoji with variation selector"),
        pytest.param("STOP\U0001fae9now", "stop now", id="emoji newer than the tables"),
        pytest.param("press 1️⃣", "press 1", id="keycap"),
        pytest.param("st\u00ado\u200bp\u0000", "stop", id="soft hyphen, zero-width space, NUL"),
        pytest.param("one\ftwo\r\nthree", "one two three", id="page break and line ends"),
        pytest.param("l’internet", "l internet", id="typographic apostrophe"),
        pytest.param("l'internet", "l internet", id="apostrophe"),
        pytest.param("e-mail_to", "e mail to", id="hyphen and underscore"),
        pytest.param("città ÀÉÎ", "citta aei", id="accents"),
        pytest.param("cafe\u0301", "cafe", id="accent of its own"),
        pytest.param("Straße", "strasse", id="sharp s"),
        pytest.param("ZŁOTY Bjørn đ", "zloty bjorn d", id="strokes"),
        pytest.param("İPTAL kapalı", "iptal kapali", id="Turkish i"),
        pytest.param("नमस्ते", "नमस्ते", id="virama is no accent"),
        pytest.param("がき", "がき", id="voicing is no accent"),
        pytest.param("가나", "가나", id="Hangul stays composed"),
        pytest.param("\ufe0f \u0301", "", id="marks without a letter"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_plain_words(text, wanted):
    """Words without diacritics, case and ornament."""
    assert " ".join(words(text).plain) == wanted


def test_exact_words_keep_accents():
    """The form that goes into the consent ledger is as it was written."""
    assert words("ARRÊT !").exact == ("arrêt",)


@given(st.text())
@settings(max_examples=200)
def test_idempotent(text):
    """Words joined by spaces give the same words again, and no text fails."""
    once = words(text)
    again = words(" ".join(once.exact))
    assert (again.exact, again.plain) == (once.exact, once.plain)
    assert words(" ".join(once.plain)).plain == once.plain


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=3), st.lists(st.sampled_from("abc"), max_size=8))
@settings(max_examples=100)
def test_phrase_is_a_run_of_words(phrase, text):
    """A phrase is found exactly where its words follow each other."""
    found = words(" ".join(text)).has_phrase(tuple(phrase))
    assert found == (f" {' '.join(phrase)} " in f" {' '.join(text)} ")
