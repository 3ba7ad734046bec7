"""The benchmarks measure what they say: right output before any time, ratios that point the right way, a table, JSON.
No test here looks at a speed."""

import asyncio
import json
import math
import os
import sys

import pytest

from bench import __main__ as bench
from bench import chain, codec, figures, modems, start, store, tty_modem

KEYS = {"what", "unit", "smsgwd", "peers", "ratio", "goal"}


def well_formed(rows):
    """Every row has the keys of the table, and a figure that is a number."""
    assert rows
    for line in rows:
        assert line.keys() - {"spread"} == KEYS
        assert math.isfinite(line["smsgwd"])
        # a short look at a daemon that does nothing may find that it took no CPU at all
        assert line["smsgwd"] > 0 or (line["unit"] == "%" and line["smsgwd"] == 0)


# ---- ratios and goals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "peers", "more", "ratio"),
    [
        pytest.param(2.0, {"a": 30.0, "b": 20.0}, False, 10.0, id="a time: the fastest peer over ours"),
        pytest.param(20.0, {"a": 2.0}, False, 0.1, id="a time where we are slower"),
        pytest.param(200.0, {"a": 4.0, "b": 1.0}, True, 50.0, id="a rate: ours over the best peer"),
        pytest.param(200.0, {"a": 2000.0}, True, 0.1, id="a rate where we are slower"),
        pytest.param(2.0, {"a": None, "b": 4.0}, False, 2.0, id="an absent peer does not count"),
        pytest.param(2.0, {"a": None}, False, None, id="nobody to be compared with"),
    ],
)
def test_more_than_one_is_better(ours, peers, more, ratio):
    """The ratio is against the best peer that is there, and above 1 when we are better, whichever way the unit goes."""
    assert figures.row("x", "u", ours, peers, more_is_better=more)["ratio"] == ratio


@pytest.mark.parametrize(
    ("ours", "peer", "goal", "met"),
    [
        pytest.param(2.0, 20.0, "≥ 10×", True, id="ratio met"),
        pytest.param(2.1, 20.0, "≥ 10×", False, id="ratio missed"),
        pytest.param(2.0, None, "≥ 10×", None, id="ratio without a peer"),
        pytest.param(200.0, None, "≥ 200", True, id="at least, equal"),
        pytest.param(199.9, None, "≥ 200", False, id="at least, below"),
        pytest.param(3.0, None, "≤ 3", True, id="at most, equal"),
        pytest.param(3.1, None, "≤ 3", False, id="at most, above"),
        pytest.param(0.15, None, "< 0.15", False, id="below, equal"),
        pytest.param(1.0, 2.0, "", None, id="no goal"),
    ],
)
def test_a_goal_is_judged(ours, peer, goal, met):
    """A goal with × is for the ratio, any other for our own figure."""
    assert figures.met(figures.row("x", "u", ours, {"peer": peer}, goal)) is met


def test_a_goal_that_nobody_can_judge_is_refused():
    """A goal in other words would be shown and never judged."""
    with pytest.raises(ValueError, match="3000"):
        figures.row("x", "u", 1.0, goal="3000")


def test_medians_of_several_runs():
    """The middle of each row, with least and most beside it; rows that do not match are an error."""
    runs = [[figures.row("x", "u", value, goal="≥ 2")] for value in (9.0, 1.0, 3.0)]
    (line,) = figures.medians(runs)
    assert (line["smsgwd"], line["spread"], line["goal"]) == (3.0, [1.0, 9.0], "≥ 2")
    with pytest.raises(ValueError):
        figures.medians([runs[0], []])


def test_the_table_names_absent_peers_and_missed_goals():
    """A reader sees who was not there, who was beaten by how much, and what was missed."""
    rows = [
        figures.row("fast", "µs", 2.0, {"gone": None, "slow": 1234.5}, "≥ 10×", spread=(1.5, 2.5)),
        figures.row("late", "s", 0.2, goal="< 0.15"),
    ]
    head, fast, late = figures.table(rows).splitlines()
    assert head.split() == ["what", "unit", "smsgwd", "(spread)", "peers", "ratio", "goal"]
    assert fast.split() == ["fast", "µs", "2", "(1.5–2.5)", "gone", "absent", "slow", "1,234", "617.2×", "≥", "10×", "met"]
    assert late.endswith("MISSED")
    assert fast.index("gone") == head.index("peers")


# ---- the modules ---------------------------------------------------------------------------------------------------


def test_codec_rows():
    """Every row compares all that is installed; a peer that is not is named with no figure."""
    rows = codec.run(rounds=1, slice_=0.0)
    well_formed(rows)
    goals = {line["what"]: line["goal"] for line in rows if line["goal"]}
    assert goals == {"encode + pack, 160 characters": "≥ 10×", "unpack + decode, 160 characters": "≥ 7×"}
    for name, module in codec.libraries().items():
        assert any(name in line["peers"] and (line["peers"][name] is None) == (module is None) for line in rows), name


def test_codec_texts_fill_one_text():
    """The rows say 160 septets and 70 characters."""
    assert [len(codec.gsm7.encode(text)) for text in (codec.PLAIN, codec.GERMAN)] == [160, 160]
    assert len(codec.PLAIN) == 160
    assert len(codec.CYRILLIC.encode("utf-16-be")) == 140


def test_codec_without_peers():
    """On a machine without any of the libraries ours is measured alone, and checked all the same."""
    alone = codec.cases(dict.fromkeys(codec.MODULES))
    assert [list(case.contenders) for case in alone] == [[""]] * len(alone)
    for case in alone:
        codec.check(case)


@pytest.mark.parametrize("who", ["", "peer"], ids=["ours", "a peer"])
def test_wrong_output_is_not_timed(who):
    """One wrong octet of any contender ends the benchmark."""
    right, wrong = codec.Contender(lambda: b"ab", bytes), codec.Contender(lambda: b"ac", bytes)
    case = codec.Case("x", b"ab", {"": right, "peer": right} | {who: wrong})
    with pytest.raises(ValueError, match=f"{who or 'smsgwd'} gives b'ac'"):
        codec.check(case)


def test_start_rows():
    """The command line's start beside the floor."""
    well_formed(start.run(rounds=1))


def test_a_command_that_fails_has_no_time():
    """A broken command line would be quick."""
    with pytest.raises(RuntimeError, match="ended with 3"):
        start.cpu_of([start.sys.executable, "-c", "raise SystemExit(3)"])


def test_store_rows(tmp_path, monkeypatch):
    """A small chain and the bytes written, on a real file in the folder that was named."""
    monkeypatch.setenv("SMSGWD_BENCH_DIR", str(tmp_path))
    well_formed(asyncio.run(store.whole_chain(messages=20)))
    assert list(tmp_path.iterdir()) == []


def test_cpu_of_a_text_is_a_difference():
    """Start-up, which both runs have, drops out."""
    assert chain.each(10, 500 + 10 * 2.0, 50, 500 + 50 * 2.0) == pytest.approx(2.0)


def test_a_text_that_did_not_arrive_fails_the_chain(tmp_path):
    """Fewer or more PDUs at the modem than texts given: the rate would be a lie. Other lines do not count."""
    events = tmp_path / "events"
    events.write_text('{"ev": "pdu"}\n{"ev": "reply"}\n{"ev": "pdu"}\n')
    chain.arrived(events, 2)
    with pytest.raises(RuntimeError, match="2 texts of 3"):
        chain.arrived(events, 3)


def test_a_peer_that_is_not_installed_is_absent(tmp_path, monkeypatch):
    """Without the kit, or without the program, there is no figure and no error."""
    monkeypatch.setattr(chain, "PEERS", tmp_path)
    assert chain.daemons(1, 2) == {"smstools tuned": (None, None), "gammu-smsd tuned": (None, None)}
    for script in ("run_smstools.py", "run_gammu.py"):
        (tmp_path / script).write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chain.daemons(1, 2) == {"smstools tuned": (None, None), "gammu-smsd tuned": (None, None)}


def test_the_last_text_takes_its_latency_too():
    """Two modems of 2 s with four texts, kept busy all the time, give one a second; a text too few or too many fails."""
    assert modems.speed([102.0, 100.0, 100.0, 102.0], 4, 2.0) == 1.0
    for at in ([100.0] * 3, [100.0] * 5):
        with pytest.raises(RuntimeError, match=f"{len(at)} texts of 4"):
            modems.speed(at, 4, 2.0)


@pytest.mark.story
def test_modems_rows(tmp_path, monkeypatch):
    """Two modems, a text for each, one text to the wire, a short look at idle and dead: whole rows, nothing left behind."""
    monkeypatch.setenv("SMSGWD_BENCH_DIR", str(tmp_path))
    rows = modems.run(count=2, texts=2, latency=0.1, quiet=1, settle=0.0, watch=0.1, single=1)
    well_formed(rows)
    assert [line["goal"] for line in rows] == ["≥ 19.4", "< 50", "< 1", "< 60", "< 1"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["reference modem", "our simulator"])
def test_when_a_modem_took_its_pdus(tmp_path, kind):
    """Both modems' notes give seconds since the epoch: the reference modem's by its file's last change."""
    if kind == "reference modem":
        (tmp_path / "events").write_text('{"t": 1.5, "ev": "pdu"}\n{"t": 3.5, "ev": "reply"}\n{"t": 4, "ev": "pdu"}\n')
        os.utime(tmp_path / "events", (0, 1004.0))
    else:
        kinds = [("submit", "41.500"), ("report", "43.500"), ("submit", "44.000")]
        lines = [json.dumps({"at": f"1970-01-01T00:16:{seconds}Z", "kind": kind}) for kind, seconds in kinds]
        (tmp_path / "journal").write_text("\n".join(lines))
    assert list(modems.pdus(tmp_path)) == [1001.5, 1004.0]


def test_a_daemon_that_ended_takes_no_cpu():
    """An ended process would be the best idler."""
    ends = [sys.executable, "-c", "raise SystemExit(3)"]
    with chain.program(ends) as process, pytest.raises(RuntimeError, match="ended with 3"):
        modems.cpu(process, 60)


@pytest.mark.parametrize("cut", [1, 7, 200], ids=["octet by octet", "in pieces", "whole"])
def test_the_bench_modem_speaks_the_dialogue(cut):
    """A command, a text that is given up, a text that is sent, a command again; however the octets come."""
    dialogue, said = tty_modem.Dialogue(), b""
    octets = b"\x1b\rAT\rAT+CMGS=9\r\x1bAT+CMGS=9\r00AB\x1aAT+CPIN?\r"
    for i in range(0, len(octets), cut):
        said += dialogue.feed(octets[i : i + cut])
    assert said.split() == b"OK > OK > +CMGS: 1 OK +CPIN: READY OK".split()


# ---- the command ---------------------------------------------------------------------------------------------------


def test_json_in_a_file_and_as_the_last_line(tmp_path, monkeypatch, capsys):
    """`--json FILE` writes what the last line says: machine, load, and each row with the name of its benchmark."""
    monkeypatch.setattr(start, "run", lambda: [figures.row("x", "u", 1.0)])
    assert bench.main(["start", "--json", str(tmp_path / "out.json")]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    document = json.loads((tmp_path / "out.json").read_text())
    assert json.loads(last) == document
    assert document.keys() == {"machine", "load", "rows"}
    assert [line["bench"] for line in document["rows"]] == ["start"]


def test_an_unknown_benchmark_is_refused(capsys):
    """With the names that there are."""
    with pytest.raises(SystemExit, match="2"):
        bench.main(["speed"])
    assert "start, codec, store, accept, chain, modems" in capsys.readouterr().err
