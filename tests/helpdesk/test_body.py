"""What a desk is told: nouns as they are now, and nothing that it need not know."""

from smsgwd.helpdesk.body import joined
from smsgwd.model import (
    Contact,
    Conversation,
    Direction,
    Message,
    MessageClass,
    MessageState,
    OutboxItem,
)

MESSAGE = Message(
    id="msg_0000000000001", direction=Direction.IN, state=MessageState.RECEIVED, to="+15550100100", from_="+15550100777",
    text="My internet is down", class_=MessageClass.NORMAL, link="m1", created=1_800_000_000_000, updated=1_800_000_001_000,
    meta={"operator": "26201"},
)  # fmt: skip
CONVERSATION = Conversation(
    id="cnv_0000000000002", contact="+15550100777", link="m1", number="+15550100100", state="open", opened=0, updated=0,
    tags=("connectivity",), tickets={"support": "T-1", "other": "77"},
)  # fmt: skip
CONTACT = Contact(number="+15550100777", name="Corner Bakery", tags=("vip",))


def item(**data) -> OutboxItem:
    return OutboxItem(id="out_1", endpoint="support", kind="message.received", data=data)


def test_everything():
    """Text with the carrier's parameters, contact, conversation with tags, and the ticket of this desk and no other."""
    data = joined(item(rules="internet-down"), MESSAGE, CONVERSATION, CONTACT)
    assert data == {
        "rules": "internet-down",
        "message": {
            "id": "msg_0000000000001", "direction": "in", "state": "received", "from": "+15550100777",
            "to": "+15550100100", "text": "My internet is down", "class": "normal", "link": "m1", "parts": 1, "reason": "",
            "key": None, "author": None, "created": "2027-01-15T08:00:00.000Z", "updated": "2027-01-15T08:00:01.000Z",
            "meta": {"operator": "26201"}, "possible_duplicate": False,
        },
        "conversation": {
            "id": "cnv_0000000000002", "state": "open", "number": "+15550100100", "link": "m1", "tags": ["connectivity"],
            "ticket": "T-1",
        },
        "contact": {"number": "+15550100777", "name": "Corner Bakery", "consent": "none", "tags": ["vip"]},
    }  # fmt: skip


def test_event_alone():
    """An event without nouns is told by its own fields; its number in our log stays ours."""
    assert joined(item(event=7, link="m1", why="no carrier"), None, None, None) == {"link": "m1", "why": "no carrier"}


def test_person_by_mask_alone():
    """Where an event names a person and no conversation is known, the mask is passed on as a mask, not as a number."""
    assert joined(item(contact="+1555…77", action="opt_out"), None, None, None) == {
        "action": "opt_out",
        "contact": {"masked": "+1555…77"},
    }
    assert joined(item(contact="+1555…77"), None, CONVERSATION, CONTACT)["contact"]["number"] == "+15550100777"


def test_no_ticket_yet():
    """Before the desk named its ticket there is none."""
    fresh = Conversation(id="cnv_1", contact="+1", link="m1", number="", state="open", opened=0, updated=0)
    assert joined(item(), None, fresh, None)["conversation"]["ticket"] is None
