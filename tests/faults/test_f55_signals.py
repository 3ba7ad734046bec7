"""F55: SIGTERM, SIGTERM twice, SIGHUP with a bad file; real processes. Every moment of a clean stop is in
tests/promises/test_p15_clean_stop.py."""

import json
import signal

import pytest

from tests.story.programs import ask, daemon, journal, link_up, modem, smsgwd, state_of, until, write_config

pytestmark = pytest.mark.story

RULE = '[[rule]]\nid = "hi"\nthen = [ { reply = "first" } ]\n'


def events(config, kind: str) -> list[dict]:
    done = smsgwd("--config", str(config), "--json", "tail", "--kind", kind)
    return [json.loads(line)["data"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("times", "status", "then"),
    [pytest.param(1, 0, "sent", id="once"), pytest.param(2, None, "uncertain", id="twice")],
)
def test_f55_sigterm(tmp_path, times, status, then):
    """Once: the text on the wire is finished, and the end is 0. Twice: it ends at once, the text is uncertain at the next
    start. Either way it was on the air once, and the text behind it goes later, once."""
    config = write_config(tmp_path)
    with modem(tmp_path, "m1", "--latency", "2"):
        with daemon(tmp_path) as process:
            link_up(config)
            first, second = (ask(config, "send", "--to", "+15550100777", text)["id"] for text in ("one", "two"))
            until(lambda: journal(tmp_path, "submit"), what="the first text at the modem")
            process.send_signal(signal.SIGTERM)
            until(lambda: "finishing what is on the wire" in (tmp_path / "daemon.log").read_text(), what="the stop")
            if times == 2:
                process.send_signal(signal.SIGTERM)
                until(lambda: "told twice to stop" in (tmp_path / "daemon.log").read_text(), what="the second stop")
            ended = process.wait(20)
            assert status is None or ended == status
        assert state_of(config, second) == "queued"
        with daemon(tmp_path):
            until(lambda: state_of(config, second) == "sent", what="the second text")
            assert state_of(config, first) == then
    assert [line["text"] for line in journal(tmp_path, "submit")] == ["one", "two"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("smsgwd.toml", "[gateway]\ncontry = 'US'\n", id="a key that is misspelt"),
        pytest.param("smsgwd.toml", "[gateway\n", id="no TOML"),
        pytest.param("smsgwd.toml", "[uncertain]\nnormal = 'perhaps'\n", id="a word that is not known"),
        pytest.param("smsgwd.toml", None, id="gone"),
        pytest.param("rules.d/10-test.toml", "[[rule]]\nid = 5\n", id="a rule"),
    ],
)
def test_f55_sighup_with_a_bad_file(tmp_path, file, text):
    """The old configuration is kept, whole: the gateway goes on, answers by the old rule, and says how many mistakes there
    are; once the file is good again, the next SIGHUP takes it."""
    config = write_config(tmp_path, rules=RULE)
    good, path = (tmp_path / file).read_text(), tmp_path / file
    with modem(tmp_path), daemon(tmp_path) as process:
        link_up(config)
        asking = tmp_path / "asking.toml"  # the commands of this test read a good one
        asking.write_text(config.read_text())
        path.write_text(text) if text is not None else path.unlink()
        process.send_signal(signal.SIGHUP)
        (refused,) = until(lambda: events(asking, "config.refused"), what="the refusal")
        assert refused["problems"] >= 1
        control = str(tmp_path / "m1.ctl")
        assert smsgwd("sim", "text", "--control", control, "--from", "+15550100777", "Hello").returncode == 0
        until(lambda: journal(tmp_path, "submit"), what="the answer of the old rule")
        path.write_text(good.replace('"first"', '"second"'))
        process.send_signal(signal.SIGHUP)
        until(lambda: events(asking, "config.reloaded"), what="the reload")
        assert smsgwd("sim", "text", "--control", control, "--from", "+15550100888", "Hello").returncode == 0
        until(lambda: len(journal(tmp_path, "submit")) == 2, what="the next answer")
        assert process.poll() is None
    texts = [line["text"] for line in journal(tmp_path, "submit")]
    assert texts == ["first", "second" if file.startswith("rules") else "first"]
