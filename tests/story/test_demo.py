"""`smsgwd demo`: the story that a newcomer sees first."""

import json

import pytest

from tests.story.programs import smsgwd

pytestmark = pytest.mark.story


def test_demo_plays_to_the_end():
    """The demo ends with status 0 and a summary in which every text was delivered once."""
    done = smsgwd("--json", "demo", timeout=100)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["inbound"] == 1
    assert summary["outbound"] == summary["delivered"] == summary["submitted_to_networks"] == 3
    assert (summary["conversations"], summary["tickets"]) == (1, 1)
