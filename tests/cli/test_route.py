"""`smsgwd route explain` and the caps of tokens, with no daemon running."""

import pytest

from tests.cli.terminal import Terminal

MORE = """
segments_per_day = 2
cost = 0.05
denied = ["+1900"]
[limits]
currency = "USD"
[quiet]
from = "00:00"
until = "23:59"
"""
EXPLAIN = ("route", "explain", "--to", "+12125550100")


@pytest.fixture
def limited(tmp_path, capsys):
    return Terminal(tmp_path, capsys, MORE)


def test_explain(limited):
    """Step by step on lines of their own, then the link, what it takes and costs; nothing is stored."""
    ended = limited(*EXPLAIN, "--text", "x" * 200)
    assert ended.status == 0
    *steps, blank, last = ended.out.splitlines()
    assert [line.split("\t")[0] for line in steps] == ["number", "consent", "link", "link", "link", "text", "caps", "neighbours", "time"]
    assert {line.split("\t")[1] for line in steps} == {"ok"}
    assert (blank, last) == ("", "m1: 2 segments, 0.1 USD")
    assert limited.ask("queue", "list")["items"] == []
    assert limited.ask(*EXPLAIN, "--text", "x" * 200)["answer"] == "route"


def test_refused(limited):
    """Exit status 1, and the reason is the last step; with --json as well."""
    for i in range(2):
        limited("send", "--to", f"+1212555{i:04}", "hello")
    ended = limited(*EXPLAIN)
    assert ended.status == 1
    assert "segments_per_day of link m1 is used up" in ended.out
    as_json = limited("--json", *EXPLAIN)
    found = as_json.document
    assert (as_json.status, found["answer"], found["code"], found["link"]) == (1, "refused", "cap-reached", "")
    assert found["not_before"].endswith("T00:00:00.000Z")
    assert found["steps"][-1]["result"] == "refused"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        pytest.param(("--to", "+447400123456"), "country-not-allowed", id="country"),
        pytest.param(("--to", "+19002345678"), "premium-not-allowed", id="premium"),
        pytest.param(("--to", "54321"), "short-code-not-allowed", id="short code"),
        pytest.param(("--to", "+12125550100", "--from", "m9"), "unknown-link", id="sender"),
        pytest.param(("--to", "+12125550100", "--text", "x" * 9000), "too-long", id="text"),
        pytest.param(("--to", "+12125550100", "--from", "m1", "--text", "x" * 400), "cap-reached", id="too long for the cap"),
    ],
)
def test_explain_and_send_agree(limited, args, code):
    """What is explained as refused is refused when it is sent, for the same reason."""
    ended = limited("--json", "route", "explain", *args)
    assert (ended.status, ended.document["code"]) == (1, code)
    text = args[args.index("--text") + 1] if "--text" in args else "."
    plain = [a for i, a in enumerate(args) if a != "--text" and (i == 0 or args[i - 1] != "--text")]
    refused = limited("send", *plain, text)
    assert refused.status == 1
    assert ended.document["steps"][-1]["why"] in refused.err


def test_quiet_hours(limited):
    """A text that would wait says until when and why, and is no refusal."""
    ended = limited("--json", *EXPLAIN, "--class", "bulk")
    found = ended.document
    if found["answer"] == "route":  # the one minute of the day that is not quiet
        pytest.skip("it is 23:59 in New York")
    assert (ended.status, found["answer"], found["link"]) == (0, "later", "m1")
    assert "quiet hours" in found["steps"][-1]["why"]
    assert "not before" in limited(*EXPLAIN, "--class", "bulk").out


def test_caps_of_tokens(limited):
    """They are given when the token is made, and listed."""
    made = limited.ask("token", "create", "--scope", "messages:send", "--segments-per-day", "5", "--cost-per-month", "9.5")
    assert made["caps"] == {"segments_per_day": 5, "cost_per_month": 9.5}
    assert "segments_per_day=5 cost_per_month=9.5" in limited("token", "list").out
    assert limited("token", "create", "--scope", "admin", "--segments-per-day", "0").status == 2
