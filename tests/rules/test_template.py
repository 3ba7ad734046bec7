"""Templates: what they put in, what they never do, and what is wrong with them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgwd.rules.template import FIELDS, LONGEST_VALUE, parse_template


def rendered(text, **values):
    template, mistakes = parse_template(text)
    assert not mistakes
    return template.render({key.replace("_", "."): value for key, value in values.items()})


@pytest.mark.parametrize(
    ("text", "values", "wanted"),
    [
        pytest.param("plain", {}, "plain", id="no field"),
        pytest.param("Hi {contact.name}!", {"contact_name": "Ada"}, "Hi Ada!", id="field"),
        pytest.param("Hi { contact.name }", {"contact_name": "Ada"}, "Hi Ada", id="spaces around the name"),
        pytest.param("Hi {contact.name|there}", {}, "Hi there", id="fallback"),
        pytest.param("Hi{contact.name|}", {}, "Hi", id="empty fallback"),
        pytest.param("Hi {contact.name}", {}, None, id="no value and no fallback"),
        pytest.param("{contact.name|}", {}, None, id="nothing left to send"),
        pytest.param("{{from}} {from}", {"from": "+1"}, "{from} +1", id="braces"),
        pytest.param("{contact.name}", {"contact_name": "{from}"}, "{from}", id="a value is not expanded again"),
        pytest.param("{contact.name}", {"contact_name": "A\r\nB\x00\u2028C"}, "A  B  C", id="control characters"),
        pytest.param("{contact.name|x}", {"contact_name": " \n "}, "x", id="a blank value is none"),
    ],
)
def test_render(text, values, wanted):
    """Fields are replaced once, by clean values."""
    assert rendered(text, **values) == wanted


def test_value_is_bounded():
    """A value takes 200 characters at most, however long it was."""
    assert rendered("{contact.name}", contact_name="x" * 10**6) == "x" * LONGEST_VALUE


@pytest.mark.parametrize(
    ("text", "line", "wanted"),
    [
        pytest.param("a\n{contact.nam}", 2, "did you mean 'contact.name'?", id="misspelt"),
        pytest.param("{x.__class__}", 1, "is no field", id="attribute"),
        pytest.param("{0}", 1, "is no field", id="position"),
        pytest.param("{}", 1, "is no field", id="empty"),
        pytest.param("{from:>999999999}", 1, "is no field", id="format"),
        pytest.param("{from!r}", 1, "is no field", id="conversion"),
        pytest.param("{crm.plan|none}", 1, "is no field", id="unknown with fallback"),
        pytest.param("a\n\nb } c", 3, "write '}}'", id="closing brace"),
        pytest.param("a { b", 1, "write '{{'", id="opening brace"),
    ],
)
def test_mistakes(text, line, wanted):
    """What is no field is a mistake with its line; nothing is guessed."""
    _, mistakes = parse_template(text)
    assert mistakes[0].line == line
    assert wanted in mistakes[0].message


def test_every_mistake_is_told():
    """Two wrong fields are two mistakes."""
    _, mistakes = parse_template("{a} {from} {b}\n{c}")
    assert [(m.line, m.message[:3]) for m in mistakes] == [(1, "{a}"), (1, "{b}"), (2, "{c}")]


_PIECES = st.lists(
    st.sampled_from([*(f"{{{name}}}" for name in FIELDS), "{contact.name|dear}", "{to|}", "{{", "}}", "text ", "é\n"]),
    max_size=8,
).map("".join)


@given(_PIECES, st.dictionaries(st.sampled_from(list(FIELDS)), st.text(max_size=300)))
@settings(max_examples=150)
def test_never_raises_after_load(text, values):
    """A template without mistakes renders with any values, to text of bounded length, or not at all."""
    template, mistakes = parse_template(text)
    assert not mistakes
    out = template.render(values)
    if out is None:
        assert template.missing(values) or not template.literal.strip()
    else:
        assert len(out) <= len(template.literal) + LONGEST_VALUE * len(template.pieces)


@given(st.text(alphabet="{}|. abcfrom\n", max_size=40))
@settings(max_examples=200)
def test_any_text_is_read_or_refused(text):
    """No text breaks the reader; one without mistakes and without fields gives itself, braces apart."""
    template, mistakes = parse_template(text)
    if not mistakes and not any(not isinstance(p, str) for p in template.pieces):
        assert template.literal == text.replace("{{", "{").replace("}}", "}")
