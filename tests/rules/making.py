"""Short ways to write rules, texts and facts in tests."""

from pathlib import Path

from smsgwd.model import ConsentState, Contact, Conversation, PeerFacts
from smsgwd.rules.engine import decide
from smsgwd.rules.load import load_rules
from smsgwd.rules.model import ConsentTexts, Decision, GuardLimits, Inbound, RuleSet

#: Monday, 5 January 2026, 12:00 UTC
MONDAY_NOON = 1767614400000
TEXTS = ConsentTexts("stopped", "started", "helped")
PERSON = "+15550100777"


def inbound(text: str, **more) -> Inbound:
    return Inbound(
        **{"message": "msg_1", "from_": PERSON, "to": "+15550100100", "link": "m1", "text": text, "at": MONDAY_NOON, **more}
    )


def facts(*, name: str = "", tags: tuple[str, ...] = (), consent: str = "none", first: bool = False, **more) -> PeerFacts:
    return PeerFacts(
        contact=Contact(number=PERSON, name=name, tags=tags, consent=ConsentState(consent)),
        conversation=Conversation(
            id="cnv_1", contact=PERSON, link="m1", number="+15550100100", state="open", opened=0, updated=0,
            tags=("vip",),
        ),
        first_contact=first,
        **more,
    )  # fmt: skip


def load(home: Path, *files: str, templates: dict[str, str] | None = None, desks=("support",)) -> RuleSet:
    """Rules from files named 0.toml, 1.toml …"""
    folders = home / "rules.d", home / "templates"
    for folder in folders:
        folder.mkdir(exist_ok=True)
    for i, text in enumerate(files):
        (folders[0] / f"{i}.toml").write_text(text)
    for name, text in (templates or {}).items():
        (folders[1] / f"{name}.txt").write_text(text)
    return load_rules(*folders, desks=desks)


def asked(rules: RuleSet, text: str, *, limits: GuardLimits | None = None, known: PeerFacts | None = None, **more) -> Decision:
    return decide(rules, inbound(text, **more), known or facts(), limits or GuardLimits(), TEXTS, explain=True)
