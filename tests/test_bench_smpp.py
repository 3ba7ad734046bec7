"""The benchmarks of the carrier link measure what they say: every text once, counts to their goals, aims beside goals.
No test here looks at a speed."""

import asyncio
import shutil
import socket
import time

import pytest

from bench import __main__ as bench
from bench import carrier, figures, smpp, smpp_session
from tests.test_bench import well_formed

#: how ApacheBench ends
AB = """\
Failed requests:        {failed}
{non2xx}Requests per second:    4419.25 [#/sec] (mean)
  50%     11
  99%     20
"""
needs_kit = pytest.mark.skipif(bool(carrier.missing("ab")), reason=carrier.missing("ab") or "all is there")


def plain(rows):
    """The rows without their aims, as the other benchmarks have them."""
    return [{key: value for key, value in line.items() if key != "aim"} for line in rows]


# ---- goals and aims ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "goal", "aim", "verdict"),
    [
        pytest.param(0.5, "≥ 0.7×", "≥ 1.0×", "MISSED", id="neither"),
        pytest.param(0.8, "≥ 0.7×", "≥ 1.0×", "met", id="the goal alone"),
        pytest.param(1.0, "≥ 0.7×", "≥ 1.0×", "aim met", id="both"),
        pytest.param(0.8, "", "≥ 1.0×", "aim missed", id="an aim alone, missed"),
        pytest.param(0.8, "≥ 0.7×", "", "met", id="no aim"),
        pytest.param(0.8, "", "", "", id="nothing"),
    ],
)
def test_an_aim_is_more_than_a_goal(ours, goal, aim, verdict):
    """The last column says MISSED for a goal that must be met, and only then looks at the aim."""
    line = figures.row("x", "u", ours, {"peer": 1.0}, goal, aim=aim, more_is_better=True)
    assert figures.verdict(line) == verdict
    assert ("aim" in figures.table([line]).splitlines()[0].split()) == bool(aim)


def test_an_aim_that_nobody_can_judge_is_refused():
    """As a goal in other words is."""
    with pytest.raises(ValueError, match="no loss"):
        figures.row("x", "u", 1.0, aim="no loss")


def test_a_module_gets_the_options_that_it_knows(monkeypatch):
    """--quick is for those that take it; the others run as always."""
    asked = []
    monkeypatch.setattr(smpp, "run", lambda quick, jasmin: asked.append((quick, jasmin)) or [])
    monkeypatch.setattr(smpp_session, "run", lambda messages=1: asked.append(messages) or [])
    for name in ("smpp", "smpp_session"):
        bench.measured(name, {"quick": True, "jasmin": None})
    assert asked == [(True, None), 1]


# ---- what is counted -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "lost"),
    [
        pytest.param(AB.format(failed=0, non2xx=""), "", id="all taken"),
        pytest.param(AB.format(failed=3, non2xx=""), "3 requests", id="failed"),
        pytest.param(AB.format(failed=0, non2xx="Non-2xx responses:      2\n"), "2 requests", id="refused"),
        pytest.param("apr_socket_connect(): Connection refused (111)", "0 requests", id="nothing posted"),
    ],
)
def test_a_post_that_was_not_taken_fails_the_run(out, lost):
    """A refusal is quick, and would make a fine rate."""
    if lost:
        with pytest.raises(RuntimeError, match=lost):
            carrier.posted(out)
    else:
        assert carrier.posted(out) == carrier.Posted(4419.25, 20.0)


@pytest.mark.parametrize("got", [9, 11], ids=["one lost", "one twice"])
def test_each_text_reaches_the_smsc_once(got):
    """Fewer or more submit_sm than texts: the rate would be a lie."""
    smpp.once({"submits": 10}, 10)
    with pytest.raises(RuntimeError, match=f"{got} texts of 10"):
        smpp.once({"submits": got}, 10)


def test_every_mark_has_its_own_time(monkeypatch):
    """Counts come to their goals one after the other, each at its look; one that never does is named."""
    monkeypatch.setattr(smpp, "PAUSE", 0.0)
    sent, owed = iter([1, 2, 2]), iter([0, 0, 2])
    marks = {"sent": lambda: next(sent), "owed": lambda: next(owed)}
    reached = smpp.watch(marks, {"sent": 2, "owed": 2}, time.monotonic())
    assert 0 < reached["sent"] < reached["owed"]
    monkeypatch.setattr(smpp, "LIMIT", 0.0)
    with pytest.raises(TimeoutError, match="owed"):
        smpp.watch({"sent": lambda: 2, "owed": lambda: 1}, {"sent": 2, "owed": 2}, 0.0)


def test_the_desk_counts_calls_about_deliveries():
    """Calls may come in pieces or two at once, and other kinds are taken without being counted."""

    def post(kind):
        body = b'{"type":"%s"}' % kind
        return b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    desk = carrier.Desk()
    try:
        with socket.create_connection(("127.0.0.1", desk.port), 5) as s:
            calls = post(b"message.delivered") + post(b"message.sent") + post(b"message.delivered")
            for piece in (calls[:70], calls[70:]):
                s.sendall(piece)
            answers = b""
            while answers.count(b"\r\n\r\n") < 3:
                answers += s.recv(4096)
    finally:
        desk.close()
    assert answers == b"HTTP/1.1 204 No Content\r\n\r\n" * 3
    assert desk.delivered == 2


# ---- who is not there ----------------------------------------------------------------------------------------------


def test_without_the_kit_it_is_left_out(tmp_path, monkeypatch, capsys):
    """The reason is told, and there are no rows."""
    monkeypatch.setattr(carrier, "REFSMSC", tmp_path / "refsmsc.py")
    assert smpp.run(quick=True) == []
    assert "left out: the kit with refsmsc.py is not" in capsys.readouterr().err


def test_without_ab_it_is_left_out(tmp_path, monkeypatch, capsys):
    """ApacheBench posts; nothing can be compared without it."""
    monkeypatch.setattr(carrier, "REFSMSC", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert smpp.run(quick=True) == []
    assert "left out: not installed: ab" in capsys.readouterr().err


def test_without_kannel_there_is_no_ratio(tmp_path, monkeypatch):
    """The reason has the programs' names; the rows are there, with nobody beside us."""
    monkeypatch.setattr(carrier, "KANNEL", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name, path="": None)
    assert carrier.kannel_is_there() == "not installed: bearerbox, smsbox"
    runs = smpp.Runs()
    runs.add("single", {"smsc": 2000, "sent": 1900, "p99": 20.0, "cpu": 300.0, "rss": 58.0}, "smsc")
    runs.add("Kannel single", None)
    rows = [*smpp.outbound_rows(runs), *smpp.other_rows(runs)]
    well_formed(plain(rows))
    assert {line["ratio"] for line in rows} == {None}
    assert [line["smsgwd"] for line in rows] == [2000, 1900, 20.0, 300.0, 58.0]


@pytest.mark.parametrize(
    ("program", "line"),
    [
        pytest.param("print('{\"msg_per_s\": 7}')", {"msg_per_s": 7}, id="its line"),
        pytest.param("raise SystemExit('it does not bind')", None, id="it fails"),
        pytest.param("import signal; signal.pause()", None, id="it takes too long"),
    ],
)
def test_a_kit_that_gives_nothing_is_absent(program, line, tmp_path, monkeypatch, capsys):
    """Its reason is told; one that takes too long is told to end, and waited for."""
    (tmp_path / "kit.py").write_text(program)
    monkeypatch.setattr(carrier, "KANNEL", tmp_path / "kit.py")
    monkeypatch.setattr(carrier, "LONGEST", 1.0)
    assert carrier.kannel(5) == line
    assert ("Kannel gave no figures" in capsys.readouterr().err) == (line is None)


# ---- whole runs ----------------------------------------------------------------------------------------------------


def test_rounds_become_medians():
    """The middle of our runs with least and most beside it, against the middle of Kannel's."""
    runs = smpp.Runs()
    for ours, theirs in ((900, 1000), (3000, 2000), (1500, 9000)):
        runs.add("single", {"smsc": ours}, "smsc")
        runs.add("Kannel single", {"msg_per_s": theirs}, "msg_per_s")
    (line,) = smpp.outbound_rows(runs)
    assert (line["smsgwd"], line["spread"], line["ratio"]) == (1500, [900, 3000], 0.75)
    assert figures.verdict(line) == "met"


def test_session_rows():
    """Codec and session without a socket: all contenders give the same octets and fields, every submit is answered."""
    peers = smpp_session.libraries()
    rows = [*smpp_session.codec_rows(peers, rounds=1, slice_=0.0), *smpp_session.session_rows(messages=100, rounds=1)]
    well_formed(plain(rows))
    assert [line["goal"] for line in rows] == ["", "", "≤ 10", "≥ 80000"]
    assert all(line["peers"].keys() == peers.keys() for line in rows[:2])


def test_the_pdu_has_the_octets_that_the_rows_say():
    """105, as in the figures of others."""
    assert len(smpp_session.pdu.pack(smpp_session.CommandId.SUBMIT_SM, 0, 1, smpp_session.body())) == 105


def test_a_refused_text_fails_the_clients_rate():
    """A refusal is as quick as an acceptance."""

    async def refused():
        return False

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(smpp_session.workers(4, 2, refused))
    assert "refused a text" in str(caught.value.exceptions[0])


@pytest.mark.story
@needs_kit
def test_client_rows():
    """Each client gives the SMSC every text once, with both windows."""
    rows = smpp_session.client_rows(smpp_session.libraries(), messages=60, rounds=1)
    well_formed(plain(rows))
    assert [line["goal"] for line in rows] == ["≥ 2×", ""]


@pytest.mark.story
@needs_kit
def test_smpp_rows(tmp_path, monkeypatch):
    """A few texts each way through a real daemon, with Kannel left out: whole rows, nothing left behind."""
    monkeypatch.setenv("SMSGWD_BENCH_DIR", str(tmp_path))
    monkeypatch.setattr(smpp, "kannel_is_there", lambda: "a test")
    runs = smpp.measure(smpp.Amount(20, 200, 20, 20, 20, 0, 1), None)
    rows = [*smpp.outbound_rows(runs), *smpp.other_rows(runs)]
    well_formed(plain(rows))
    assert len(rows) == 23
    assert list(tmp_path.iterdir()) == []
