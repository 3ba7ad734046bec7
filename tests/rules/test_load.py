"""Rule files: what is read, and that every mistake is told with its file and line."""

import os

import pytest

from smsgwd.cli.scene import RULES, TEMPLATE
from smsgwd.errors import ConfigError
from smsgwd.rules.load import load_rules
from tests.rules.making import asked, facts, load

GOOD = '[[rule]]\nid = "a"\nthen = [ { tag = "x" } ]\n'


def problems(home, *files, **more):
    with pytest.raises(ConfigError) as caught:
        load(home, *files, **more)
    return [(os.path.basename(p.file), p.path, p.message) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        pytest.param("[[rule]\n", "line 1", "not TOML", id="not TOML"),
        pytest.param(GOOD + "a = 1\na = 2\n", "line 5", "not TOML", id="key twice"),
        pytest.param('[[rule]]\nid = "', "line 2", "not TOML", id="text without an end"),
        pytest.param("x = " + "[" * 100000, "line 1", "not TOML", id="nested without end"),
        pytest.param(GOOD + "[[rules]]\n", "line 4", "unknown table 'rules'; did you mean 'rule'?", id="misspelt table"),
        pytest.param("\n\nid = 1\n", "line 3", "unknown table 'id'", id="key outside"),
        pytest.param('[rule]\nid = "a"\n', "line 1", "two brackets", id="one bracket"),
        pytest.param("rule = [1]\n", "line 1", "two brackets", id="rules that are no tables"),
        pytest.param("[[rule]]\nthen = [{tag='x'}]\n", "line 1", "`id` is missing", id="no id"),
        pytest.param("[[rule]]\nid = 5\nthen = [{tag='x'}]\n", "line 2", "`id` is a name", id="id as number"),
        pytest.param("[[rule]]\nid = 'a b'\nthen = [{tag='x'}]\n", "line 2", "`id` is a name", id="id with a space"),
        pytest.param(GOOD + "priorty = 5\n", "line 4", "unknown key 'priorty'; did you mean 'priority'?", id="misspelt key"),
        pytest.param(GOOD + "priority = true\n", "line 4", "`priority` is a whole number", id="priority as boolean"),
        pytest.param(GOOD + "priority = 1.5\n", "line 4", "`priority` is a whole number", id="priority as fraction"),
        pytest.param(GOOD + 'enabled = "no"\n', "line 4", "`enabled` is true or false", id="enabled as text"),
        pytest.param(GOOD + "continue = 1\n", "line 4", "`continue` is true or false", id="continue as number"),
        pytest.param(GOOD + "description = 1\n", "line 4", "`description` is a text", id="description as number"),
        pytest.param(GOOD + "when = 1\n", "line 4", "`when` is a table", id="when as number"),
        pytest.param(GOOD + "when.not = []\n", "line 4", "unknown block of `when` 'not'; known: any, all, none", id="not"),
        pytest.param(GOOD + "when.any = {keyword='x'}\n", "line 4", "list of tables", id="block without brackets"),
        pytest.param(GOOD + "when.any = [{}]\n", "line 4", "list of tables", id="empty condition"),
        pytest.param(
            GOOD + "when.any = [\n{ keyword = 'x' },\n{ keywrd = 'y' } ]\n", "line 6",
            "unknown condition 'keywrd'; did you mean 'keyword'?", id="misspelt condition",
        ),
        pytest.param(
            GOOD + "when.any = [ { keyword = 'x', phrase = 'y' } ]\n", "line 4", "one condition a table", id="two conditions"
        ),
        pytest.param(
            GOOD + "when.any = [ { hours = '08:00-09:00', zone = 'UTC' } ]\n", "line 4", "unknown key beside hours 'zone'",
            id="key beside a condition",
        ),
        pytest.param(GOOD + "when.any = [ { keyword = 'a b' } ]\n", "line 4", "`keyword` takes single", id="wrong value"),
        pytest.param("[[rule]]\nid='a'\n", "line 1", "`then` is a list", id="no then"),
        pytest.param("[[rule]]\nid='a'\nthen = []\n", "line 3", "`then` is a list", id="empty then"),
        pytest.param("[[rule]]\nid='a'\nthen = 'x'\n", "line 3", "`then` is a list", id="then as text"),
        pytest.param(
            "[[rule]]\nid='a'\nthen = [ { replay = 'x' } ]\n", "line 3", "unknown action 'replay'; did you mean 'reply'?",
            id="misspelt action",
        ),
        pytest.param("[[rule]]\nid='a'\nthen = [{reply='x', tag='y'}]\n", "line 3", "one action a table", id="two actions"),
        pytest.param(
            "[[rule]]\nid='a'\nthen = [{reply='x'}, {reply='y'}]\n", "line 3", "one answer at most", id="two answers"
        ),
        pytest.param("[[rule]]\nid='a'\nthen = [{stop=false}]\n", "line 3", "`stop` is only ever true", id="stop = false"),
        pytest.param("[[rule]]\nid='a'\nthen = [{tag=['']}]\n", "line 3", "`tag` is a text", id="empty tag"),
        pytest.param("[[rule]]\nid='a'\nthen = [{reply=' '}]\n", "line 3", "`reply` is a text", id="blank answer"),
        pytest.param(
            "[[rule]]\nid='a'\nthen = [ { tag = 'x' },\n { forward = 'suport' } ]\n", "line 4",
            "there is no [[helpdesk]] 'suport'; did you mean 'support'?", id="unknown desk",
        ),
        pytest.param(
            "[[rule]]\nid='a'\nthen = [{reply='template:outag'}]\n", "line 3",
            "there is no template 'outag'; did you mean 'outage'?", id="unknown template",
        ),
        pytest.param(
            "[[rule]]\nid='a'\nthen = [{reply='Hi {contact.nam}'}]\n", "line 3", "did you mean 'contact.name'?", id="unknown field"
        ),
        pytest.param(
            f"[[rule]]\nid='a'\nthen = [{{reply='{'x' * 1531}'}}]\n", "line 3", "takes 11 segments; 10 are the most", id="too long"
        ),
        pytest.param(GOOD + GOOD, "line 4", "id 'a' is used in", id="id twice"),
        pytest.param(GOOD + GOOD + "enabled = false\n", "line 4", "id 'a' is used in", id="id twice, one disabled"),
        pytest.param("[[test]]\nwant = {replies=0}\n", "line 1", "`in` with at least a text", id="test without text"),
        pytest.param("[[test]]\nin = {text='x'}\n", "line 1", "`want` with at least one", id="test that wants nothing"),
        pytest.param("[[test]]\nin = 1\nwant = {replies=0}\n", "line 2", "`in` is a table", id="in as number"),
        pytest.param(
            "[[test]]\nin = {text='x', form='+1'}\nwant = {replies=0}\n", "line 2", "unknown key of `in` 'form'",
            id="misspelt key of in",
        ),
        pytest.param(
            "[[test]]\nin = {text='x', meta={a=1}}\nwant = {replies=0}\n", "line 2", "`in.meta` has names and texts", id="meta"
        ),
        pytest.param(
            "[[test]]\nin = {text='x'}\nwant = {reply=0}\n", "line 3", "unknown key of `want` 'reply'", id="misspelt key of want"
        ),
        pytest.param(
            "[[test]]\nin = {text='x'}\nwant = {replies='1'}\n", "line 3", "`want.replies` has the wrong type", id="count as text"
        ),
        pytest.param(
            "[[test]]\nin = {text='x'}\nwant = {replies=true}\n", "line 3", "`want.replies` has the wrong type", id="count as boolean"
        ),
        pytest.param(
            "[[test]]\nin = {text='x', first_contact=1}\nwant = {replies=0}\n", "line 2", "wrong type", id="first_contact as number"
        ),
        pytest.param(
            "[[test]]\nin = {text='x', at='noon'}\nwant = {replies=0}\n", "line 2", "`at` is a time", id="time that is none"
        ),
        pytest.param(
            "[[test]]\nin = {text='x', at='0001-01-01T00:00'}\nwant = {replies=0}\n", "line 2", "with its zone", id="time without zone"
        ),
        pytest.param(
            GOOD + "[[test]]\nin = {text='x'}\nwant = {matched='aa'}\n", "line 4", "there is no rule 'aa'", id="test of no rule"
        ),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, text, path, wanted):
    """Each mistake has the line where it stands, and says what would be right."""
    (found,) = problems(tmp_path, text, templates={"outage": "Sorry."})
    assert found[:2] == ("0.toml", path)
    assert wanted in found[2]


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        pytest.param("Hi\n{nobody}\n", "line 2", "{nobody} is no field", id="unknown field"),
        pytest.param("\n\nHi {name}", "line 3", "did you mean 'contact.name'?", id="blank lines before"),
        pytest.param("\n \n", "line 1", "the template is empty", id="empty"),
        pytest.param("ü" * 10 + "ł" * 661, "line 1", "takes 11 segments", id="too long in UCS-2"),
    ],
)
def test_mistakes_of_templates(tmp_path, text, path, wanted):
    """A template's mistake is told once, with its line, and the rules that use it are not blamed."""
    rule = "[[rule]]\nid='a'\nthen=[{reply='template:t'}]\n"
    (found,) = problems(tmp_path, rule, templates={"t": text})
    assert found[:2] == ("t.txt", path)
    assert wanted in found[2]


def test_all_mistakes_at_once(tmp_path):
    """Mistakes of all files and templates come together, in the order of the files."""
    found = problems(
        tmp_path, "[[rule]]\nid='a'\nthen=[{tag=1}, {forward='x'}, {reply='{q} {r}'}]\n", "[[rule]]\nwhn=1\n",
        templates={"t": "{u}"},
    )  # fmt: skip
    assert [f[0] for f in found] == ["t.txt", *["0.toml"] * 4, *["1.toml"] * 3]


@pytest.mark.parametrize(
    ("folder", "name", "raw"),
    [
        pytest.param("rules.d", "0.toml", b"# ok\n\xff\n", id="rules"),
        pytest.param("templates", "0.txt", b"ok\n\xff\n", id="template"),
    ],
)
def test_not_utf8(tmp_path, folder, name, raw):
    """A file that is not UTF-8 is a problem with the line, not a crash."""
    load(tmp_path)
    (tmp_path / folder / name).write_bytes(raw)
    assert problems(tmp_path) == [(name, "line 2", "not UTF-8")]


def test_file_that_cannot_be_read(tmp_path):
    """A dangling link is told, not skipped: its rules would be missing in silence."""
    load(tmp_path)
    (tmp_path / "rules.d" / "5.toml").symlink_to(tmp_path / "gone")
    ((name, _, message),) = problems(tmp_path)
    assert (name, message) == ("5.toml", "cannot be read: No such file or directory")


def test_folder_that_is_a_file(tmp_path):
    """A folder that is none is told."""
    (tmp_path / "x").write_text("")
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        load_rules(tmp_path / "x", tmp_path / "templates")


def test_files_of_editors_are_left_alone(tmp_path):
    """Hidden files, copies and folders that are not there hold no rules."""
    load(tmp_path, GOOD)
    (tmp_path / "rules.d" / ".#0.toml").symlink_to("somebody@host.1")
    (tmp_path / "rules.d" / "0.toml~").write_text("nonsense")
    assert [r.id for r in load(tmp_path).rules] == ["a"]
    assert load_rules(tmp_path / "none", tmp_path / "none").rules == ()


def test_places(tmp_path):
    """A rule knows its file and line."""
    rules = load(tmp_path, "# head\n\n" + GOOD, GOOD.replace('"a"', '"b"')).rules
    assert [(os.path.basename(r.file), r.line) for r in rules] == [("0.toml", 3), ("1.toml", 1)]


def test_rule_written_inline(tmp_path):
    """Rules may be written in any way TOML allows; a mistake has at least the file then."""
    assert [r.id for r in load(tmp_path, "rule = [ { id = 'a', then = [ { tag = 'x' } ] } ]\n").rules] == ["a"]
    assert problems(tmp_path, "rule = [ { id = 'a', then = [ { tag = '' } ] } ]\n")[0][:2] == ("0.toml", "line 1")


def test_desks_need_not_be_known(tmp_path):
    """Without a list of desks any name is taken; an iterator of desks lasts for all files."""
    rule = "[[rule]]\nid='{}'\nthen=[{{forward='support'}}]\n"
    assert load(tmp_path, rule.format("a"), rule.format("b"), desks=None).rules[0].then[0].forward == "support"
    assert len(load(tmp_path, desks=iter(["support"])).rules) == 2


def test_disabled_rule_may_wait_for_its_desk(tmp_path):
    """A disabled rule may name a helpdesk that is still to come; its other mistakes are told."""
    text = "[[rule]]\nid='a'\nenabled=false\nthen=[{forward='later'}, {tag=''}]\n"
    assert [p[2][:5] for p in problems(tmp_path, text)] == ["`tag`"]


def test_digest(tmp_path):
    """The digest is that of the content: the same for the same files, another for each change."""
    first = load(tmp_path, GOOD, templates={"t": "Hi"}).digest
    assert load(tmp_path, GOOD).digest == first
    changed = load(tmp_path, GOOD + "# note\n").digest
    assert load(tmp_path, templates={"t": "Ho"}).digest not in (first, changed)
    assert len(first) == 64


def test_tests_of_disabled_rules_are_left_out(tmp_path):
    """A test goes with its rule."""
    test = "[[test]]\nrule = 'a'\nin = {text='x', at=2026-01-05T12:00:00Z}\nwant = {matched='a'}\n"
    assert len(load(tmp_path, GOOD + test).tests) == 1
    assert load(tmp_path, GOOD + "enabled = false\n" + test).tests == ()


def test_rules_of_the_demo(tmp_path):
    """The demo's rules load and do what the demo shows."""
    rules = load(tmp_path, RULES, templates={"outage": TEMPLATE})
    decision = asked(rules, "My internet is down", known=facts(name="Ada"))
    assert decision.replies[0].text.startswith("Hello Ada. We see a fault")
    assert (decision.forwards, decision.tags) == (("support",), ("connectivity",))
    assert asked(rules, "Good morning").rules == ("everything-else",)
