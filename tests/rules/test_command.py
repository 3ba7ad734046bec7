"""``smsgwd rules`` as people call it: what it prints, and how it ends."""

import json

import pytest

from smsgwd.cli import main

CONFIG = """\
[gateway]
rules = "{home}/rules.d"
templates = "{home}/templates"
country = "US"

[[link]]
name = "m1"
type = "modem"
port = "/dev/null"
number = "+15550100100"
pin = {{ file = "{home}/no-such-pin" }}

[[helpdesk]]
name = "support"
url = "http://127.0.0.1:9/hook"
"""
RULES = """\
[[rule]]
id = "open"
priority = 10
description = "says when we are there"
when.all = [ { keyword = "open" } ]
when.none = [ { hours = "Mon-Fri 08:00-17:00", tz = "UTC" } ]
then = [ { reply = "template:hours" } ]

[[rule]]
id = "rest"
then = [ { forward = "support" }, { tag = "new" } ]

[[test]]
rule = "open"
in = { text = "Are you open?", at = 2026-01-05T20:00:00Z }
want = { matched = "open", replies = 1 }

[[test]]
in = { text = "Hello", from = "CARRIER" }
want = { matched = "rest", replies = 0, forward = "support" }
"""


@pytest.fixture
def home(tmp_path):
    for folder, name, text in (("rules.d", "10.toml", RULES), ("templates", "hours.txt", "Hello {contact.name|you}: 8 to 17.")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    (tmp_path / "smsgwd.toml").write_text(CONFIG.format(home=tmp_path))
    return tmp_path


@pytest.fixture
def call(home, capsys):
    """Runs one command: (status, stdout, stderr)."""

    def run(*args, config=None):
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(config or home / "smsgwd.toml"), "rules", *args])
        out = capsys.readouterr()
        return ended.value.code, out.out, out.err

    return run


def test_check(home, call):
    """Right rules: how many there are."""
    assert call("check") == (0, "2 rules are right\n", "")
    status, out, _ = call("check", "--json")
    document = json.loads(out)
    assert status == 0
    assert (document["ok"], document["rules"], document["tests"], document["problems"]) == (True, 2, 2, [])


def test_check_finds_mistakes(home, call):
    """Wrong rules: 78, and every mistake with file and line."""
    (home / "rules.d" / "20.toml").write_text("[[rule]]\nid='a'\nthen=[{forward='nobody'}, {tag=1}]\n")
    status, out, err = call("check")
    assert (status, out) == (78, "")
    assert [line.split(": ")[2] for line in err.splitlines()] == ["line 3"] * 2
    assert "there is no [[helpdesk]] 'nobody'; known: support" in err
    status, out, _ = call("check", "--json")
    document = json.loads(out)
    assert (status, document["ok"], len(document["problems"])) == (78, False, 2)
    assert document["problems"][0]["file"].endswith("20.toml")


def test_check_warns(home, call):
    """A doubt is a warning, and with --strict it ends with 2."""
    (home / "rules.d" / "20.toml").write_text("[[rule]]\nid='late'\nthen=[{tag='x'}]\n")
    status, out, err = call("check")
    assert (status, out) == (0, "3 rules are right\n")
    assert "'late' is never asked" in err
    assert call("check", "--strict")[0] == 2


def test_check_of_another_folder(home, call, tmp_path_factory):
    """A folder of rules with its templates beside it needs no configuration; with one, its desks must exist."""
    other = tmp_path_factory.mktemp("other")
    for folder in ("rules.d", "templates"):
        (other / folder).mkdir()
    (other / "templates" / "t.txt").write_text("Hi")
    rule = "[[rule]]\nid='a'\nthen=[{reply='template:t'}, {forward='elsewhere'}]\n"
    (other / "rules.d" / "1.toml").write_text(rule)
    assert call("check", str(other / "rules.d"), config=other / "none.toml")[:2] == (0, "1 rule is right\n")
    status, _, err = call("check", str(other / "rules.d"))
    assert status == 78
    assert "there is no [[helpdesk]] 'elsewhere'" in err
    assert call("check", str(other / "none"))[0] == 2


def test_list(home, call):
    """Rules in their order, with the place they come from."""
    items = json.loads(call("list", "--json")[1])["items"]
    assert [(i["id"], i["priority"], i["line"]) for i in items] == [("open", 10, 1), ("rest", 0, 9)]
    assert call("list")[1].splitlines()[0].startswith("10\topen\tsays when we are there\t")


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        pytest.param(
            ["--at", "2026-01-05T20:00Z", "--name", "Ada", "are you open"],
            {"rules": ["open"], "reply": "Hello Ada: 8 to 17.", "why": {"rest": "not asked: open ended it"}},
            id="out of hours",
        ),
        pytest.param(
            ["--at", "2026-01-05T12:00+00:00", "are you open"],
            {"rules": ["rest"], "forwards": ["support"], "why": {"open": "but hours Mon-Fri 08:00-17:00 in UTC"}},
            id="in hours",
        ),
        pytest.param(["hello"], {"rules": ["rest"], "tags": ["new"], "why": {"open": "not keyword open"}}, id="another word"),
        pytest.param(["stop"], {"stage": "consent", "consent": "opt_out", "rules": []}, id="STOP"),
        pytest.param(["--opted-out", "stop"], {"consent": "opt_out", "reply": None}, id="second STOP"),
        pytest.param(
            ["--from", "+15550100100", "--at", "2026-01-05T20:00Z", "open"],
            {"reply": None, "suppressed": [["reply of open", "the sender is a number of our own"]]},
            id="own number",
        ),
    ],
)
def test_try(call, args, wanted):
    """Which rules match, why the others do not, and what would happen."""
    status, out, err = call("try", "--json", *args)
    assert (status, err) == (0, "")
    got = json.loads(out)
    got["reply"] = got["replies"][0]["text"] if got["replies"] else None
    got["why"] = {v["rule"]: v["why"] for v in got["verdicts"] if not v["matched"]}
    assert {key: got[key] for key in wanted} == wanted


def test_try_for_people(call):
    """The same to read."""
    lines = call("try", "--at", "2026-01-05T20:00Z", "open?")[1].splitlines()
    assert lines == [
        "decided by: rules",
        "  ✓ open",
        "  · rest: not asked: open ended it",
        "reply:      Hello you: 8 to 17.  (1 parts, gsm7)",
    ]


@pytest.mark.parametrize("at", ["noon", "2026-13-01", "0001-01-01T00:00"])
def test_try_at_a_wrong_time(call, at):
    """A time that is none is a usage error."""
    status, _, err = call("try", "--at", at, "x")
    assert status == 2
    assert "2026-01-31T09:30" in err


def test_tests(home, call):
    """Tests in rule files: 0 when all pass, 1 and the reason when one fails."""
    assert call("test") == (0, "2 of 2 tests passed\n", "")
    assert call("test", "-k", "open")[1] == "1 of 1 tests passed\n"
    assert call("test", "-k", "opne")[0] == 2
    with (home / "rules.d" / "10.toml").open("a") as file:
        file.write('[[test]]\nin = { text = "x" }\nwant = { matched = "", replies = 1 }\n')
    status, out, _ = call("test")
    assert status == 1
    assert "10.toml:21: matched is 'rest', wanted ''; replies is 0, wanted 1" in out
    items = json.loads(call("test", "--json")[1])["items"]
    assert [i["ok"] for i in items] == [True, True, False]


ABROAD = """
[[rule]]
id = "abroad"
priority = 50
when.any = [ { meta = { operator = "26201" } } ]
then = [ { tag = "abroad" } ]

[[test]]
in = { text = "Hello", meta = { operator = "26201" } }
want = { matched = "abroad" }
"""


def test_parameters_of_a_carrier(home, call):
    """A rule about an optional parameter is tried and tested with one."""
    (home / "rules.d" / "20.toml").write_text(ABROAD)
    _, out, _ = call("try", "--json", "--meta", "operator=26201", "Hello")
    assert json.loads(out)["tags"] == ["abroad"]
    _, out, _ = call("try", "--json", "Hello")
    assert json.loads(out)["tags"] == ["new"]
    assert call("test")[0] == 0
