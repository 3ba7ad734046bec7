"""Unmodified clients drive the simulated modem: gammu, gsm-utils and python-gsmmodem-new, by the reference kit."""

import sys
from collections import Counter

import pytest

from tests.peer.bench_kit import needs, run, sent
from tests.story.programs import journal

pytestmark = pytest.mark.peer

STEPS = [
    "gammu identify", "gammu getsmsc", "gammu networkinfo", "gammu monitor", "gammu sendsms", "gammu getallsms",
    "gsmctl me", "gsmctl fun", "gsmctl currop", "gsmctl pin", "gsmctl batt", "gsmctl sig", "gsmsendsms", "gsmsmsstore",
    "python-gsmmodem-new",
]  # fmt: skip


def test_all_clients_drive_the_modem(tmp_path):
    """All steps of the kit pass, and the five PDUs that they send are in the journal as they were meant."""
    needs("drive_clients.py", "gammu", "gsmctl", "gsmsendsms", "gsmsmsstore", "cc")
    pytest.importorskip("gsmmodem")
    # the kit wants an environment of its own with the library; this one has it
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "venv").symlink_to(sys.prefix, target_is_directory=True)
    steps = run("drive_clients.py", tmp_path)
    if skipped := [step for step in steps if step["ok"] is None]:
        pytest.skip(f"{skipped[0]['client']}: {skipped[0]['note']}")
    assert [step["client"] for step in steps] == STEPS
    assert {step["client"]: step["note"] for step in steps if step["ok"] is not True} == {}
    texts = sent(tmp_path)
    assert [line["mr"] for line in texts] == [1, 2, 3, 4, 5]
    assert {(line["from"], line["to"]) for line in texts} == {("+15550100100", "+436641234567")}
    assert [line["text"] for line in texts[:3]] == ["hello from gammu", "hello from gsm-utils", "one part"]
    assert "".join(line["text"] for line in texts[3:]) == "two parts " * 20
    assert [(line["part"], line["parts"]) for line in texts] == [(1, 1), (1, 1), (1, 1), (1, 2), (2, 2)]
    references = Counter(line["ref"] for line in journal(tmp_path, "submit"))
    assert sorted(references.values()) == [2, 3]
    assert references[None] == 3
