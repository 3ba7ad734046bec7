"""The nouns, as frozen structs, and their states, as transition tables.

Ids are time-ordered integers inside the store and prefixed text outside (``msg_0j4k2m8x7q9rt``): :func:`public_id` and
:func:`row_id` are the only two places that know how. Times are milliseconds since 1970 UTC (:mod:`smsgwd.clock`).

States are written once, here, as tables; the queue asserts each change against them, and the picture in the README is
made from them.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum

import msgspec

from smsgwd.errors import NotFound
from smsgwd.sms.address import Address
from smsgwd.sms.encoding import Alphabet

# ---- ids -----------------------------------------------------------------------------------------------------------

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_VALUES = {c: i for i, c in enumerate(_DIGITS)}
#: two digits at a time: ids are written several times for each text
_PAIRS = tuple(a + b for a in _DIGITS for b in _DIGITS)

MESSAGE, CONVERSATION, SUBMISSION, OUTBOX, TOKEN = "msg", "cnv", "sub", "out", "tok"


def public_id(prefix: str, row: int) -> str:
    """``msg_`` and 13 characters of base 32 that sort like the number: 0 <= row < 2**63."""
    p = _PAIRS
    return (
        f"{prefix}_{_DIGITS[row >> 60]}{p[row >> 50 & 1023]}{p[row >> 40 & 1023]}{p[row >> 30 & 1023]}"
        f"{p[row >> 20 & 1023]}{p[row >> 10 & 1023]}{p[row & 1023]}"
    )


def row_id(prefix: str, public: str) -> int:
    """The number behind a public id; NotFound when it is no id of this kind."""
    head, _, tail = public.partition("_")
    try:
        if head != prefix or len(tail) != 13:
            raise KeyError(public)
        row = 0
        for c in tail:
            row = row << 5 | _VALUES[c]
    except KeyError:
        raise NotFound(f"{public!r} is not an id of the form {prefix}_…") from None
    if row >= 1 << 63:
        raise NotFound(f"{public!r} is not an id of the form {prefix}_…")
    return row


def own_reference(row: int) -> int:
    """16 bits of a row's number that rows of one minute do not share: its milliseconds and its counter, added. (The low
    bits alone are 0 for the first row of every millisecond.)"""
    return (row + (row >> 20)) & 0xFFFF


# ---- states --------------------------------------------------------------------------------------------------------


class Direction(StrEnum):
    OUT = "out"
    IN = "in"


class MessageState(StrEnum):
    #: waits for an operator's ``queue release``
    HELD = "held"
    QUEUED = "queued"
    #: at least one Submission is open or accepted, and parts are left
    SENDING = "sending"
    #: the network took every part
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    #: nobody can know whether the network took it; never sent again by itself
    UNCERTAIN = "uncertain"
    #: inbound, whole
    RECEIVED = "received"
    #: inbound, some parts never came
    PARTIAL = "partial"


_M = MessageState
#: What may follow what. A state without a row is terminal.
MESSAGE_TRANSITIONS: dict[MessageState, frozenset[MessageState]] = {
    _M.HELD: frozenset({_M.QUEUED, _M.CANCELLED, _M.EXPIRED}),
    _M.QUEUED: frozenset({_M.HELD, _M.SENDING, _M.CANCELLED, _M.EXPIRED, _M.FAILED}),
    _M.SENDING: frozenset({_M.QUEUED, _M.SENT, _M.FAILED, _M.UNCERTAIN, _M.DELIVERED}),
    _M.SENT: frozenset({_M.DELIVERED, _M.FAILED, _M.EXPIRED, _M.CANCELLED}),
    _M.UNCERTAIN: frozenset({_M.QUEUED, _M.SENT, _M.DELIVERED, _M.FAILED, _M.EXPIRED}),
    _M.PARTIAL: frozenset({_M.RECEIVED}),
}
TERMINAL = frozenset({_M.DELIVERED, _M.FAILED, _M.EXPIRED, _M.CANCELLED, _M.RECEIVED})


class SubmissionState(StrEnum):
    #: committed before the wire sees a byte
    IN_FLIGHT = "in_flight"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


_S = SubmissionState
SUBMISSION_TRANSITIONS: dict[SubmissionState, frozenset[SubmissionState]] = {
    _S.IN_FLIGHT: frozenset({_S.ACCEPTED, _S.REFUSED, _S.UNCERTAIN}),
    _S.UNCERTAIN: frozenset({_S.ACCEPTED, _S.REFUSED}),
}


class LinkState(StrEnum):
    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    DRAINING = "draining"


class MessageClass(StrEnum):
    """What the text is for; gives priority and the policy of an uncertain outcome."""

    BULK = "bulk"
    NORMAL = "normal"
    ALARM = "alarm"


class Priority(IntEnum):
    """Lower goes first; one seek each in the queue."""

    ALARM = 0
    NORMAL = 1
    BULK = 2


PRIORITY = {
    MessageClass.ALARM: Priority.ALARM,
    MessageClass.NORMAL: Priority.NORMAL,
    MessageClass.BULK: Priority.BULK,
}


class Origin(StrEnum):
    """Who asked for an outbound text."""

    API = "api"
    CLI = "cli"
    #: an agent at a helpdesk
    DESK = "desk"
    #: an automatic answer of a user rule; loop limits count these
    RULE = "rule"
    #: the answer to STOP, START or HELP
    CONSENT = "consent"


class ConsentState(StrEnum):
    NONE = "none"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"


# ---- outbound ------------------------------------------------------------------------------------------------------


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A composed outbound text that is ready to be stored: number checked, alphabet chosen, cut in parts, routed."""

    to: str  # E.164 with plus sign, or a short code
    text: str
    link: str  # the link that is to carry it
    alphabet: Alphabet
    #: national language identifiers of TS 23.038 section 6.2.1.2.4, 0 = default table
    locking: int = 0
    single: int = 0
    #: offset of each part in ``text``, in code points; the first is 0
    cuts: tuple[int, ...] = (0,)
    #: True when the text may not move to another link (the sender's number was named)
    pinned: bool = False
    class_: MessageClass = MessageClass.NORMAL
    flash: bool = False
    report: bool = True
    due: int = 0
    #: when the SMSC is to deliver it, where the link leaves that to the SMSC; 0 = at once
    schedule: int = 0
    #: the sender that was asked for; empty = the link's own number
    sender: str = ""
    #: names and values of the caller's own, for a carrier's optional parameters
    meta: dict[str, str] = {}
    #: the API token that asked for it
    token: str = ""
    #: milliseconds since 1970 after which it is not sent any more; 0 = never
    expires: int = 0
    #: idempotency key of the caller, and the digest of the request that came with it
    key: str = ""
    key_digest: str = ""
    origin: Origin = Origin.API
    #: helpdesk or webhook endpoint that wants to hear of this text
    callback: str = ""
    conversation: str = ""
    #: inbound message that is being answered, and the rule that did
    answers: str = ""
    rule: str = ""
    author: str = ""
    held: bool = False
    #: why it is due later than was asked for; empty when it is not
    waits: str = ""
    #: what to do when nobody knows whether it was sent: hold, retry or assume-sent; empty = as its class
    uncertain: str = ""

    @property
    def parts(self) -> int:
        return len(self.cuts)


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """What fits in one TPDU, as a link gets it. ``text`` is this part's text alone."""

    submission: str  # sub_…: the attempt that is already on disk
    message: str
    to: Address
    text: str
    alphabet: Alphabet
    locking: int = 0
    single: int = 0
    #: concatenation reference 0..255, the same for all parts of a message; unused when parts == 1
    ref: int = 0
    part: int = 1
    parts: int = 1
    flash: bool = False
    report: bool = True
    #: seconds the network may keep trying; 0 = its own default
    validity: int = 0
    class_: MessageClass = MessageClass.NORMAL
    #: see :class:`Draft`
    schedule: int = 0
    sender: str = ""
    meta: dict[str, str] = {}


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """The network took the segment. ``reference`` is TP-MR or the SMSC's message_id; empty when it gave none."""

    reference: str = ""
    #: a report on it is to be expected, where its text wants reports; False for a part that the carrier was not asked about
    report: bool = True


class RefusalClass(StrEnum):
    """What a refusal says about the next try."""

    #: never again for this text
    PERMANENT = "permanent"
    #: again after a pause
    TEMPORARY = "temporary"
    #: the link, its SIM or its account is at fault: the text goes elsewhere or waits, its tries are not counted
    LINK = "link"
    #: too fast for the network: again on the same link after ``retry_after``, its tries are not counted
    BUSY = "busy"


class Refusal(msgspec.Struct, frozen=True, tag="refused"):
    """The network, or the modem, said no; nothing was sent."""

    code: str  # "CMS 38", "ESME 0x58", "no prompt"
    class_: RefusalClass
    reason: str
    #: least pause in seconds before the next try; 0 = the queue's own back-off
    retry_after: float = 0.0
    #: most tries of a text that is refused like this; 0 = as configured
    tries: int = 0
    #: an operator is alarmed the so-manieth time within an hour, since it tells of a mistake of ours; 0 = never
    alarm: int = 0
    #: so many of them in a row, over different numbers, make the link rest; 0 = as usual
    run: int = 0


class InDoubt(msgspec.Struct, frozen=True, tag="uncertain"):
    """No answer: the network may have it or not."""

    reason: str


SubmitResult = Accepted | Refusal
Outcome = Accepted | Refusal | InDoubt


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, as stored."""

    id: str
    message: str
    link: str
    part: int
    state: SubmissionState
    reference: str = ""
    reason: str = ""
    #: state of the network's report on this attempt: "", delivered, failed, expired, pending …
    report: str = ""
    at: int = 0


class SegmentState(msgspec.Struct, frozen=True, kw_only=True):
    """How far one part has come: its newest Submission, or "queued" before the first."""

    part: int
    parts: int
    state: str
    link: str = ""
    reference: str = ""
    reason: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One text as a person means it, as stored. Field names are those of the HTTP API (contract)."""

    id: str
    direction: Direction
    state: MessageState
    to: str
    from_: str = msgspec.field(name="from")
    text: str | None
    class_: MessageClass = msgspec.field(name="class")
    link: str
    created: int
    updated: int
    reason: str = ""
    encoding: Alphabet = Alphabet.GSM7
    parts: int = 1
    due: int = 0
    expires: int = 0
    attempts: int = 0
    origin: str = ""
    key: str = ""
    conversation: str = ""
    answers: str = ""
    rule: str = ""
    author: str = ""
    meta: dict[str, str] = {}
    #: what to do when nobody knows whether it was sent: hold, retry or assume-sent; empty = as its class
    uncertain: str = ""
    #: it was sent again after an attempt of which nobody knew what came of it
    possible_duplicate: bool = False
    segments: tuple[SegmentState, ...] = ()


# ---- inbound -------------------------------------------------------------------------------------------------------


class InboundSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One SMS-DELIVER or deliver_sm, decoded as far as it goes.

    ``payload`` is the user data without its header: septets one an octet for GSM7, octets otherwise. Texts are decoded
    from the joined payloads, so that a surrogate pair that a sender split over two parts comes back whole.
    ``fault`` is set for bytes that could not be decoded; they are stored raw all the same.
    """

    raw: bytes
    sender: Address
    payload: bytes = b""
    alphabet: Alphabet = Alphabet.GSM7
    locking: int = 0
    single: int = 0
    ref: int = 0
    #: 8 or 16; 0 when the text is in one part
    ref_bits: int = 0
    part: int = 1
    parts: int = 1
    dcs: int = 0
    pid: int = 0
    #: 0 = flash; None when TP-DCS names none
    message_class: int | None = None
    #: message waiting indication, application port or silent type: rules do not answer these
    service: bool = False
    #: TP-SCTS; None when it was no valid time
    sent_at: datetime | None = None
    #: the number it was sent to, where the protocol says (SMPP destination_addr); empty = the link's own number
    to: str = ""
    #: found in the modem's storage at start rather than notified
    stored: bool = False
    #: optional parameters that the standard does not have: name of the configuration or ``0x1401`` -> value
    meta: dict[str, str] = {}
    fault: str = ""
    #: it reads like a delivery report, though nothing marks it as one: it is one if the store knows what it speaks of
    receipt: DeliveryReport | None = None


class ReportStatus(StrEnum):
    """What a delivery report means (TP-ST of TS 23.040 section 9.2.3.15, or the receipt's stat)."""

    DELIVERED = "delivered"
    #: handed on, delivery not confirmed; or replaced: nothing more will come
    CLOSED = "closed"
    #: the service centre is still trying
    PENDING = "pending"
    FAILED = "failed"
    EXPIRED = "expired"


class ReferenceMatch(StrEnum):
    """How a report's reference is compared with the one that the link was told."""

    #: character by character
    SAME = "same"
    #: whatever finds exactly one text: the same, without case, without leading zeros, hexadecimal against decimal
    AUTO = "auto"
    #: told in hexadecimal, reported in decimal; and the other way round
    HEX_DEC = "hex>dec"
    DEC_HEX = "dec>hex"


class DeliveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the network says later about one submission."""

    reference: str
    status: ReportStatus
    #: TP-ST, or the SMSC's error code, as text: "0x46", "err:011"
    code: str = ""
    reason: str = ""
    recipient: Address | None = None
    #: when the service centre took the text (TP-SCTS); None where the report names no valid time
    sent_at: datetime | None = None
    raw: bytes = b""
    #: how the reference may differ from what the link was told at first (smpp: ``receipt_id``)
    match: ReferenceMatch = ReferenceMatch.SAME
    #: user_message_reference of SMPP: :func:`own_reference` of our submission's number, echoed; None where there is none
    own: int | None = None
    #: it failed since somebody took it back (smpp: DELETED)
    deleted: bool = False


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an inbound segment. ``message`` is empty while parts are missing."""

    message: str = ""
    duplicate: bool = False


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A person by number."""

    number: str
    consent: ConsentState = ConsentState.NONE
    name: str = ""
    tags: tuple[str, ...] = ()
    first_seen: int = 0


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """The thread of one person with one of our numbers."""

    id: str
    contact: str
    link: str
    number: str
    state: str  # open | closed
    opened: int
    updated: int
    tags: tuple[str, ...] = ()
    tickets: dict[str, str] = {}


# ---- links, events, what we owe -------------------------------------------------------------------------------------


class LinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A link as stored and shown."""

    name: str
    type: str
    state: LinkState
    reason: str
    since: int
    paused: bool = False
    number: str = ""
    queued: int = 0
    #: what the link tells of its device and network since the gateway runs: model, operator, signal …
    facts: dict[str, str | int | float | None] = {}


#: what an event says besides: ids, counts and states
EventData = dict[str, str | int | float | bool | None]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that happened, numbered, never changed. ``data`` holds ids, counts and states, never a text or a
    whole number."""

    id: int
    at: int
    kind: str
    message: str = ""
    link: str = ""
    data: EventData = {}


class OutboxItem(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call that we owe an endpoint, tried until accepted or dead. The body is joined when it is sent."""

    id: str
    endpoint: str
    kind: str
    message: str = ""
    conversation: str = ""
    at: int = 0
    due: int = 0
    attempts: int = 0
    state: str = "pending"  # pending | done | dead
    reason: str = ""
    data: EventData = {}


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An API token; the store keeps its SHA-256 alone."""

    id: str
    scopes: tuple[str, ...]
    created: int
    revoked: int = 0
    #: caps: segments_per_day, segments_per_month, cost_per_day, cost_per_month; absent = no limit
    caps: dict[str, float] = {}


# ---- what react needs and gives --------------------------------------------------------------------------------------


class PeerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knows about the sender of an inbound text when the rules are asked. Counts never include the
    text itself."""

    contact: Contact
    conversation: Conversation
    first_contact: bool
    #: automatic answers to this sender: by rule in the last 10 minutes, in all in the last 24 hours
    rule_replies_10m: dict[str, int] = {}
    replies_24h: int = 0
    #: automatic answers to anybody in the last minute
    replies_1m: int = 0
    #: earlier inbound texts of this sender with the same words in the last hour
    identical_1h: int = 0
    #: our newest text to this sender
    last_outbound: str | None = None


class ConsentChange(msgspec.Struct, frozen=True, kw_only=True):
    """A record for the consent ledger."""

    number: str
    action: str  # opt_in | opt_out | help | probable
    method: str  # keyword | free_text | web | api | desk | operator
    matched: str = ""
    message: str = ""


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one inbound text causes, written in one commit together with the cursor."""

    event: int
    message: str
    conversation: str
    replies: tuple[Draft, ...] = ()
    #: helpdesk names that get the conversation as a ticket
    forwards: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    consent: ConsentChange | None = None
    #: rules that matched, in order
    rules: tuple[str, ...] = ()
    #: (what, why) of automatic answers that were held back: ("reply of rule x", "loops.per_sender")
    suppressed: tuple[tuple[str, str], ...] = ()
