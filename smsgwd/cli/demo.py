"""``smsgwd demo``: the story "My internet is down", played by real processes.

A customer texts; the gateway knows them, answers by a rule, opens a ticket at a helpdesk by signed webhook; an agent
answers there; the answer goes out as a text and is reported delivered. Then an alarm goes out over the carrier link. Each
step is printed when its event arrives, with ids and times.
"""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from smsgwd.cli.base import app_of
from smsgwd.cli.scene import PATIENCE, Program, Scene, SceneError, stage

CUSTOMER = "+15550100777"
ON_CALL = "+15550100999"


@click.command()
@click.option("--keep", is_flag=True, help="Stay up until Ctrl-C and print the addresses.")
@click.pass_context
def demo(ctx: click.Context, keep: bool) -> None:
    """The whole gateway at work, with no hardware.

    Starts the gateway, a simulated modem, a simulated SMSC and a sample helpdesk in a folder of their own, plays a
    customer's problem from the first text to the last delivery report, and prints what was stored.
    """
    app = app_of(ctx)
    folder = Path(tempfile.mkdtemp(prefix="smsgwd-demo-"))
    with stage(folder) as scene:
        story = Story(scene, quiet=app.as_json)
        story.play()
        summary = story.summary()
        app.show(summary, lambda: _print_summary(summary))
        if keep:
            _stay(scene)
    shutil.rmtree(folder)  # not reached when a step fails: the logs are wanted then


class Story:
    """The steps, each waiting for its event."""

    def __init__(self, scene: Scene, quiet: bool) -> None:
        self.scene, self.quiet = scene, quiet
        self.tail: Program = scene.events()
        self.seen: list[dict[str, Any]] = []

    def say(self, caption: str, detail: str = "", at: str = "") -> None:
        if not self.quiet:
            when = _clock(at)
            click.echo(f"{click.style(when, dim=True)}  {click.style(caption, bold=True):<24} {detail}")

    def events(self) -> Iterator[dict[str, Any]]:
        """Every event in its order, those seen already first; SceneError for one that has no place in the story."""
        yield from self.seen.copy()
        while True:
            event: dict[str, Any] = json.loads(self.tail.wait_line("{", PATIENCE))
            self.seen.append(event)
            if event["kind"] in ("message.failed", "message.uncertain", "webhook.dead"):
                raise SceneError(f"unexpected event {event['kind']}: {event['data']}")
            yield event

    def wait(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda e: True) -> dict[str, Any]:
        """The first event of a kind that fits, seen already or still to come."""
        return next(event for event in self.events() if event["kind"] == kind and fits(event))

    def play(self) -> None:
        scene = self.scene
        ups = (event for event in self.events() if event["kind"] == "link.up")
        for event in itertools.islice(ups, 2):
            self.say("link up", f"{event['link']}: {event['data'].get('why', '')}", event["at"])
        scene.run("contacts", "set", CUSTOMER, "--name", "Corner Bakery")
        self._customer_texts()
        reply = self._rule_answers()
        ticket = self._ticket_opens()
        answer = self._agent_answers(ticket)
        self._follow(reply, answer)
        self._alarm_by_carrier()

    def _customer_texts(self) -> None:
        text = "My internet is down since this morning, can you help?"
        self.say("customer texts", f"“{text}”")
        self.scene.run("sim", "text", "--control", f"{self.scene.home}/modem.ctl", "--from", CUSTOMER, text)
        self.received = self.wait("message.received")
        self.say("text is stored", self.received["message"], self.received["at"])
        conversation = self.wait("conversation.opened")
        contact = self.scene.run("contacts", "show", CUSTOMER)
        self.say("customer is known", f"{contact['name']}, conversation {conversation['data']['conversation']}",
                 conversation["at"])  # fmt: skip

    def _rule_answers(self) -> str:
        rule = self.wait("rule.matched")
        self.say("rule matches", str(rule["data"]["rule"]), rule["at"])
        reply = self.wait("message.accepted", lambda e: e["data"].get("origin") == "rule")
        self.say("answer is stored", f"{reply['message']} {self._words(reply['message'])}", reply["at"])
        return str(reply["message"])

    def _ticket_opens(self) -> dict[str, Any]:
        ticket = self.wait("ticket.linked")
        self.say("ticket at the helpdesk", f"{ticket['data']['ticket']} by signed webhook", ticket["at"])
        call = next(c for c in self.scene.journal("helpdesk") if c.get("type") == "message.received")
        if call.get("verified") is not True:
            raise SceneError("the helpdesk did not find the signature right")
        return ticket

    def _agent_answers(self, ticket: dict[str, Any]) -> str:
        answer = self.wait("message.accepted", lambda e: e["data"].get("origin") == "desk")
        words = f"{self._words(answer['message'])} in {ticket['data']['ticket']}"
        self.say("agent answers", f"{answer['message']} {words}", answer["at"])
        return str(answer["message"])

    def _words(self, message: str) -> str:
        """The beginning of a text, quoted; events never carry it."""
        text = self.scene.run("queue", "show", message)["text"]
        return f"“{text if len(text) <= 48 else text[:47] + '…'}”"

    def _alarm_by_carrier(self) -> None:
        sent = self.scene.run("send", "--to", ON_CALL, "--class", "alarm", "--from", "carrier",
                              "Fault at street cabinet 12: customers are offline")  # fmt: skip
        accepted = self.wait("message.accepted", lambda e: e["message"] == sent["id"])
        self.say("alarm to on-call", f"{sent['id']} by the carrier link", accepted["at"])
        self._follow(sent["id"])

    def _follow(self, *messages: str) -> None:
        """Texts on their way, step by step as the steps happen, until the last is delivered."""
        captions = {"message.sent": "network took it", "message.delivered": "delivery report"}
        steps = (e for e in self.events() if e["kind"] in captions and e.get("message") in messages)
        for event in itertools.islice(steps, len(messages) * len(captions)):
            by = event.get("link") or event["data"].get("link", "")
            self.say(captions[event["kind"]], f"{event['message']} by {by}", event["at"])

    def summary(self) -> dict[str, Any]:
        """What the gateway stored, read back by its own commands, and held against what the networks saw."""
        scene = self.scene
        outbound = scene.run("queue", "list")["items"]
        inbound = scene.run("inbox", "list")["items"]
        wire = [j for name in ("modem", "smsc") for j in scene.journal(name) if j["kind"] == "submit"]
        not_delivered = [m["id"] for m in outbound if m["state"] != "delivered"]
        if not_delivered or len(wire) != len(outbound):
            raise SceneError(f"{len(wire)} texts on the networks for {len(outbound)} stored; open: {not_delivered}")
        return {
            "inbound": len(inbound),
            "outbound": len(outbound),
            "delivered": len(outbound) - len(not_delivered),
            "submitted_to_networks": len(wire),
            "conversations": len(scene.run("conversations", "list")["items"]),
            "tickets": len({c.get("ticket") for c in scene.journal("helpdesk") if c.get("ticket")}),
            "events": len(self.seen),
        }


def _print_summary(summary: dict[str, Any]) -> None:
    click.echo("\nStored:")
    for name, count in summary.items():
        click.echo(f"  {name.replace('_', ' '):<22} {count:>4}")
    click.echo("Every text went out once and was reported delivered.")


def _clock(iso: str) -> str:
    when = datetime.fromisoformat(iso) if iso else datetime.now().astimezone()
    return when.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _stay(scene: Scene) -> None:
    click.echo(f"\nStill up. HTTP: http://127.0.0.1:{scene.api_port}/  commands: smsgwd --config {scene.config} …")
    click.echo("Ctrl-C ends it.")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
