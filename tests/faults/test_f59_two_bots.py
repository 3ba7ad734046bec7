"""F59, and P11: two gateways that answer everything, wired to each other by their modems. It ends, whatever their rules say.

Real processes: two daemons, two simulated modems; the network between them is this test, which brings each text that one
modem sent to the other one.
"""

import json
from contextlib import ExitStack

import pytest

from tests.story.programs import ask, daemon, journal, link_up, modem, smsgwd, until, write_config

pytestmark = pytest.mark.story

NUMBERS = {"a": "+15550100100", "b": "+15550100200"}
#: answers everything, each time in other words, so that no guard for copies helps
RULE = '[[rule]]\nid = "all"\nthen = [ { reply = "Thank you, noted as {message}" } ]\n'
WIDE = '\n[loops]\nper_rule = 100\nper_sender = 4\n[limits]\nper_number = ["100/m"]\n'


class Network:
    """Brings what one modem sent to the other."""

    def __init__(self, homes) -> None:
        self.homes, self.brought = homes, {"a": 0, "b": 0}

    def carry(self) -> None:
        for name, other in (("a", "b"), ("b", "a")):
            sent = journal(self.homes[name], "submit")
            for line in sent[self.brought[name] :]:
                assert line["to"] == NUMBERS[other]
                self.text(other, NUMBERS[name], line["text"])
                self.brought[name] += 1

    def text(self, name: str, sender: str, text: str) -> None:
        done = smsgwd("sim", "text", "--control", str(self.homes[name] / "m1.ctl"), "--from", sender, text)
        assert done.returncode == 0, done.stderr


def suppressed(config) -> list[str]:
    done = smsgwd("--config", str(config), "--json", "tail", "--kind", "reply.suppressed")
    return [json.loads(line)["data"]["why"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("more", "most", "why"),
    [
        pytest.param("", 1, "loops.per_rule", id="as shipped"),
        pytest.param(WIDE, 4, "loops.per_sender", id="bounds as wide as somebody may set them"),
    ],
)
def test_f59_two_gateways_fall_silent(tmp_path, more, most, why):
    """Each answers as often as its bounds allow, then one of them holds an answer back, says why, and all is quiet."""
    homes, configs = {}, {}
    with ExitStack() as stack:
        for name, number in NUMBERS.items():
            homes[name] = tmp_path / name
            homes[name].mkdir()
            configs[name] = write_config(homes[name], more, RULE)
            configs[name].write_text(configs[name].read_text().replace(NUMBERS["a"], number))
            stack.enter_context(modem(homes[name]))
            stack.enter_context(daemon(homes[name]))
        for config in configs.values():
            link_up(config)
        network = Network(homes)
        network.text("a", NUMBERS["b"], "hello")

        def silent() -> bool:
            network.carry()
            return any(suppressed(config) for config in configs.values())

        until(silent, 40, "an answer that is held back")
        network.carry()
        sent = {name: len(journal(homes[name], "submit")) for name in NUMBERS}
        held = [said for config in configs.values() for said in suppressed(config)]
        waiting = [m for c in configs.values() for m in ask(c, "queue", "list", "--state", "queued")["items"]]
    assert sent == {"a": most, "b": most}
    assert why in held[0]
    assert waiting == []
