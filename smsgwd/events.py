"""The closed list of event kinds. One line each: what happened, as an operator reads it.

Rows are the state, events are the history; both are written in one commit. An event carries ids, counts and states,
never a text, a whole phone number or a secret: events go to logs, SSE and metrics.
"""

from __future__ import annotations

#: kind -> what it says
KINDS: dict[str, str] = {
    # outbound
    "message.accepted": "a text was accepted and is on disk",
    "message.sending": "an attempt is on disk and goes to the link now",
    "message.sent": "the network took every part",
    "message.delivered": "the network reports it delivered",
    "message.failed": "it will not be sent any more",
    "message.expired": "its validity ended before it was sent or delivered",
    "message.cancelled": "cancelled before it went to the network, or taken back from its carrier",
    "message.kept": "a carrier was asked to take a text back or to replace it, and has not, or not all of it",
    "message.replacing": "a carrier is asked to put other words in the place of a text",
    "message.replaced": "a text has other words now, here or at its carrier",
    "message.unclear": "no answer to other words for a text: nobody knows which of the two arrives",
    "message.uncertain": "no answer from the network: it may have been sent or not",
    "message.settled": "an uncertain text was settled",
    "message.retry": "refused for now; it will be tried again",
    "message.held": "held by an operator or by policy",
    "message.released": "released by an operator",
    "message.rerouted": "moved to another link",
    "part.accepted": "the network took one part of several",
    "report.pending": "the service centre is still trying",
    "report.asked": "a carrier was asked what became of a text",
    "report.orphan": "a delivery report matched no text of ours; kept",
    # inbound
    "message.received": "a text came in whole",
    "message.part": "a part of a longer text came in",
    "message.partial": "parts of a text never came; what came was delivered as it is",
    "message.duplicate": "the same PDU came again; not stored twice",
    "message.undecodable": "a PDU could not be decoded; stored raw",
    # people
    "conversation.opened": "a conversation began",
    "conversation.closed": "a conversation was closed",
    "contact.changed": "an operator or an integration named or tagged a person",
    "contact.erased": "a person was erased; the audit chain has the proof",
    "consent.changed": "a person opted in or out",
    "rule.matched": "a rule matched",
    "reply.suppressed": "an automatic answer was held back",
    # limits
    "cap.reached": "half, four fifths or all of a cap is used; at 100 % nothing more is accepted until its period ends",
    "pumping.suspected": "many neighbouring numbers within an hour; more of that block are refused",
    # desks
    "webhook.delivered": "an endpoint took a call",
    "webhook.retry": "an endpoint did not take a call; it will be tried again",
    "webhook.dead": "an endpoint never took a call; given up",
    "ticket.linked": "a helpdesk named its ticket of a conversation",
    # links
    "link.down": "a link is down",
    "link.starting": "a link is being set up",
    "link.up": "a link can send",
    "link.draining": "a link finishes what it has begun",
    "link.paused": "paused by an operator",
    "link.resumed": "resumed by an operator",
    "link.notice": "a link tells something",
    "link.alarm": "a link needs an operator: its configuration, its account or its delivery reports",
    "storage.high": "the SIM or modem storage is 80 % full",
    "storage.full": "the SIM or modem storage is full",
    "pin.sent": "a SIM PIN was tried, once",
    "pin.refused": "a SIM refused its PIN; it is not tried again",
    "pin.blocked": "a SIM wants a PUK, or has too few tries left; nothing was written",
    "sim.changed": "another SIM than last time; the link waits for `smsgwd links accept`",
    "link.accepted": "an operator accepted the SIM of a link",
    "link.recovery": "a step to bring a modem back",
    "link.tripped": "a link refuses text after text; others take over until it has rested",
    "ussd.unasked": "the network said something by USSD that nobody had asked for",
    "link.balance": "the balance of a prepaid SIM",
    "call.incoming": "somebody calls",
    # the store
    "store.low": "there is little room for the database: new texts are refused, all else goes on",
    "store.ok": "there is room for the database again",
    "store.log": "the write-ahead log does not get shorter: another program keeps reading the database",
    "store.checked": "the database was read through, and is whole",
    "store.damaged": "the database is damaged; the gateway ends",
    "store.restored": "a copy was put in the place of the database; what waited in it is held",
    # the clock
    "clock.waiting": "the wall clock is doubted: nothing expires, no webhook is sent and no TLS begun until it is set",
    "clock.set": "the wall clock is believed again",
    "clock.stepped": "the wall clock stepped; pauses moved with it",
    # the daemon
    "daemon.started": "the daemon is up",
    "daemon.stopping": "the daemon drains",
    "daemon.recovered": "attempts that were open when the daemon ended were found",
    "config.reloaded": "configuration and rules were read again",
    "store.purged": "what was older than it is kept has gone",
    "config.refused": "a new configuration or rule set was wrong; the old one stays",
}

#: kinds that outgoing webhooks know (contract section 5)
WEBHOOK_KINDS = frozenset(
    {
        "message.received", "message.sent", "message.delivered", "message.failed", "message.uncertain",
        "conversation.opened", "conversation.closed", "consent.changed", "link.up", "link.down",
    }
)  # fmt: skip


def masked(number: str) -> str:
    """A number as events and logs show it: ``+1555…42``; letters and short codes stay whole."""
    if len(number) <= 6 or not number.lstrip("+").isdigit():
        return number
    return f"{number[:4]}…{number[-2:]}"
