"""Warnings: what is allowed and yet hardly meant."""

import pytest

from smsgwd.rules.lint import warnings
from tests.rules.making import load

CATCH = '[[rule]]\nid = "all"\nthen = [ { tag = "x" } ]\n'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(CATCH, [], id="nothing to say"),
        pytest.param(CATCH + CATCH.replace("all", "later"), ["'later' is never asked: 'all' before it"], id="behind a catch-all"),
        pytest.param(CATCH + "continue = true\n" + CATCH.replace("all", "b"), [], id="behind one that continues"),
        pytest.param(
            "[[rule]]\nid='s'\ncontinue=true\nthen=[{stop=true}]\n" + CATCH, ["'all' is never asked"], id="behind one that stops"
        ),
        pytest.param(
            "[[rule]]\nid='h'\nwhen.any=[{exact=['Help', 'menu']}]\nthen=[{tag='x'}]\n", ["'h' never sees 'help'"], id="HELP"
        ),
        pytest.param("[[rule]]\nid='h'\nwhen.any=[{keyword='help'}]\nthen=[{tag='x'}]\n", [], id="help in a sentence"),
        pytest.param(
            f"[[rule]]\nid='u'\nthen=[{{reply='ł ś {'x' * 70}'}}]\n", ["'u' answers in 2 parts, because", "ł ś"], id="UCS-2"
        ),
        pytest.param("[[rule]]\nid='u'\nthen=[{reply='dziękuję'}]\n", [], id="UCS-2 in one part"),
    ],
)
def test_warnings(tmp_path, text, wanted):
    """Each doubt is told once, as a warning with the place of the rule."""
    found = warnings(load(tmp_path, text))
    assert len(found) == bool(wanted)
    for problem in found:
        assert problem.severity == "warning"
        assert problem.path.startswith("line ")
        assert all(piece in problem.message for piece in wanted)
