"""The tables, as the first migration makes them.

``message`` holds both directions and is the only place of a text (besides the raw PDUs of ``inbound_part``). The person
is always ``peer``, our own number ``ours`` (outbound only where a sender was asked for; else it is the number of the link). ``done`` counts the
parts that the network took: parts go in order, so the next one is ``done + 1``. A ``due`` of 0 means "at once", so that
a step of the clock delays no text that was never put off.

Indexes over live rows are partial, so that finished rows cost nothing; a query must repeat their WHERE term literally.
Row ids are time-ordered (:class:`smsgwd.queue.transaction.Ids`) except those of ``event``, which count from 1. The
newest event is never deleted: SQLite would give its number again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from smsgwd.model import MESSAGE_TRANSITIONS, SUBMISSION_TRANSITIONS

S = TypeVar("S", bound=StrEnum)

TABLES = """
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  direction TEXT NOT NULL,
  state TEXT NOT NULL,
  priority INTEGER NOT NULL,
  link TEXT NOT NULL,
  peer TEXT NOT NULL,
  ours TEXT NOT NULL,
  class TEXT NOT NULL,
  text TEXT,
  encoding TEXT NOT NULL,
  locking INTEGER NOT NULL,
  single INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  cuts TEXT NOT NULL,
  ref INTEGER NOT NULL,
  done INTEGER NOT NULL,
  flash INTEGER NOT NULL,
  report INTEGER NOT NULL,
  pinned INTEGER NOT NULL,
  due INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  origin TEXT NOT NULL,
  key TEXT NOT NULL,
  key_digest TEXT NOT NULL,
  callback TEXT NOT NULL,
  conversation INTEGER,
  answers INTEGER,
  rule TEXT NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
CREATE INDEX message_queued ON message (link, priority, due, id, expires) WHERE state = 'queued';
CREATE INDEX message_aside ON message (state, id)
  WHERE state IN ('held', 'uncertain', 'failed', 'expired', 'cancelled', 'partial');
CREATE INDEX message_peer ON message (peer, id);
CREATE INDEX message_in ON message (id) WHERE direction = 'in';
CREATE INDEX message_rule ON message (created) WHERE origin = 'rule';
CREATE UNIQUE INDEX message_key ON message (key) WHERE key <> '';
CREATE UNIQUE INDEX message_answer ON message (answers, rule) WHERE answers IS NOT NULL AND rule <> '';

CREATE TABLE submission (
  id INTEGER PRIMARY KEY,
  message INTEGER NOT NULL,
  link TEXT NOT NULL,
  part INTEGER NOT NULL,
  state TEXT NOT NULL,
  reference TEXT NOT NULL,
  reason TEXT NOT NULL,
  report TEXT NOT NULL,
  open INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX submission_message ON submission (message);
CREATE INDEX submission_open ON submission (link, state, reference, id) WHERE open = 1;

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  message INTEGER,
  link TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;

CREATE TABLE inbound_part (
  id INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  message INTEGER,
  digest BLOB NOT NULL,
  seen INTEGER NOT NULL,
  link TEXT NOT NULL,
  ours TEXT NOT NULL,
  sender TEXT NOT NULL,
  ref INTEGER NOT NULL,
  ref_bits INTEGER NOT NULL,
  part INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  alphabet TEXT NOT NULL,
  locking INTEGER NOT NULL,
  single INTEGER NOT NULL,
  payload BLOB,
  raw BLOB,
  dcs INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  message_class INTEGER,
  service INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  sent_at INTEGER,
  fault TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX inbound_part_digest ON inbound_part (digest);
CREATE INDEX inbound_part_first ON inbound_part (first);
CREATE INDEX inbound_part_message ON inbound_part (message) WHERE message IS NOT NULL;
CREATE INDEX inbound_part_set ON inbound_part (link, sender, ref, ref_bits, parts, id) WHERE parts > 1;
CREATE INDEX inbound_part_waiting ON inbound_part (at) WHERE message IS NULL;

CREATE TABLE report_orphan (
  id INTEGER PRIMARY KEY,
  link TEXT NOT NULL,
  reference TEXT NOT NULL,
  recipient TEXT NOT NULL,
  status TEXT NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  raw BLOB NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX report_orphan_link ON report_orphan (link, reference);

CREATE TABLE contact (
  number TEXT PRIMARY KEY,
  consent TEXT NOT NULL,
  name TEXT NOT NULL,
  tags TEXT NOT NULL,
  first_seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE consent (
  id INTEGER PRIMARY KEY,
  number TEXT NOT NULL,
  action TEXT NOT NULL,
  method TEXT NOT NULL,
  matched TEXT NOT NULL,
  message INTEGER,
  cancelled INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX consent_number ON consent (number, id);

CREATE TABLE conversation (
  id INTEGER PRIMARY KEY,
  contact TEXT NOT NULL,
  link TEXT NOT NULL,
  number TEXT NOT NULL,
  state TEXT NOT NULL,
  tags TEXT NOT NULL,
  opened INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX conversation_open ON conversation (contact, link) WHERE state = 'open';

CREATE TABLE ticket (
  conversation INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  ticket TEXT NOT NULL,
  PRIMARY KEY (conversation, endpoint)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL,
  kind TEXT NOT NULL,
  message INTEGER,
  conversation INTEGER,
  at INTEGER NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_pending ON outbox (endpoint, due, id) WHERE state = 'pending';
CREATE INDEX outbox_turn ON outbox (endpoint, conversation, id) WHERE state = 'pending' AND conversation IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';

CREATE TABLE link (
  name TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  number TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  paused INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  created INTEGER NOT NULL,
  revoked INTEGER NOT NULL
) STRICT;

CREATE TABLE cursor (name TEXT PRIMARY KEY, event INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE rollup (
  day TEXT NOT NULL,
  link TEXT NOT NULL,
  direction TEXT NOT NULL,
  class TEXT NOT NULL,
  state TEXT NOT NULL,
  messages INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  PRIMARY KEY (day, link, direction, class, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE store (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID
"""


#: the changes that nearly every text makes, asked for first
_COMMON = ("queued>sending", "sending>sent", "sent>delivered", "in_flight>accepted")


def no_way_back(table: str, transitions: Mapping[S, frozenset[S]]) -> str:
    """A trigger that refuses every change of ``state`` that the transition table does not have. Plain comparisons, the
    likely ones first: a list (``IN``) is made anew for each row, and a text to look in is put together for each; both cost
    more than the row."""
    allowed = sorted(f"{state}>{new}" for state, following in transitions.items() for new in following)
    allowed.sort(key=lambda change: change not in _COMMON)
    changes = (change.split(">") for change in allowed)
    known = " OR ".join(f"OLD.state = '{old}' AND NEW.state = '{new}'" for old, new in changes)
    return (
        f"CREATE TRIGGER {table}_forward AFTER UPDATE OF state ON {table} WHEN NEW.state <> OLD.state AND NOT ({known}) "
        f"BEGIN SELECT RAISE(ABORT, '{table}: this change of state is not in the table'); END"
    )


def statements() -> list[str]:
    """Everything that makes a new database, statement by statement."""
    tables = [s.strip() for s in TABLES.split(";\n")]
    return [
        *tables,
        no_way_back("message", MESSAGE_TRANSITIONS),
        no_way_back("submission", SUBMISSION_TRANSITIONS),
    ]


#: what the second migration does. ``ours`` of an outbound text is the sender that was asked for, and ``norm`` is a
#: reference as :func:`smsgwd.queue.references.norm` writes it, so that a receipt that writes it otherwise is one seek away
CARRIERS = (
    "ALTER TABLE message ADD COLUMN schedule INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE message ADD COLUMN meta TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE message ADD COLUMN token TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE inbound_part ADD COLUMN meta TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE submission ADD COLUMN norm TEXT NOT NULL DEFAULT ''",
    "UPDATE submission SET norm = CASE WHEN ltrim(lower(reference), '0') = '' THEN substr(reference, 1, 1) "
    "ELSE ltrim(lower(reference), '0') END WHERE open = 1",
    "DROP INDEX submission_open",
    "CREATE INDEX submission_open ON submission (link, state, norm, id) WHERE open = 1",
    "ALTER TABLE report_orphan ADD COLUMN norm TEXT NOT NULL DEFAULT ''",
    "UPDATE report_orphan SET norm = CASE WHEN ltrim(lower(reference), '0') = '' THEN substr(reference, 1, 1) "
    "ELSE ltrim(lower(reference), '0') END",
    "ALTER TABLE report_orphan ADD COLUMN form TEXT NOT NULL DEFAULT 'same'",
    "ALTER TABLE report_orphan ADD COLUMN own INTEGER",
    "DROP INDEX report_orphan_link",
    "CREATE INDEX report_orphan_link ON report_orphan (link, norm)",
    "ALTER TABLE token ADD COLUMN caps TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE spend (day TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, segments INTEGER NOT NULL, "
    "cost REAL NOT NULL, PRIMARY KEY (day, kind, name)) STRICT, WITHOUT ROWID",
    "DROP TRIGGER message_forward",
    no_way_back("message", MESSAGE_TRANSITIONS),  # a carrier may take a sent text back: sent -> cancelled
)

#: the states of texts that nothing drives on, of index ``message_aside``. Not a list, for the same reason as in
#: :func:`no_way_back`; a query names one of them, or has this very term
ASIDE = "(" + " OR ".join(f"state = '{s}'" for s in ("held", "uncertain", "failed", "expired", "cancelled", "partial")) + ")"

#: what the third migration does; a statement a line
PROMISES: tuple[str, ...] = (
    # quicker to keep: see no_way_back and ASIDE
    "DROP TRIGGER message_forward",
    no_way_back("message", MESSAGE_TRANSITIONS),
    "DROP TRIGGER submission_forward",
    no_way_back("submission", SUBMISSION_TRANSITIONS),
    "DROP INDEX message_aside",
    f"CREATE INDEX message_aside ON message (state, id) WHERE {ASIDE}",
    # what is to be done about this text when it is in doubt; empty = as its class
    "ALTER TABLE message ADD COLUMN uncertain TEXT NOT NULL DEFAULT ''",
    # agents' answers that are not gone: the order within a conversation
    "CREATE INDEX message_reply ON message (conversation, id) WHERE origin = 'desk' AND state IN ('queued', 'sending')",
    # what operators did, as a chain of hashes (see audit.py); what is personal in it lies beside it and may be deleted
    "CREATE TABLE audit (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, pii_commit BLOB, prev BLOB NOT NULL, "
    "hash BLOB NOT NULL) STRICT",
    "CREATE TABLE audit_pii (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, number TEXT NOT NULL, salt BLOB NOT NULL, "
    "data TEXT NOT NULL) STRICT",
    "CREATE INDEX audit_pii_number ON audit_pii (number) WHERE number <> ''",
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit: rows are never changed'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit: rows are never deleted'); END",
    # people who were erased and must still never be written to, by keyed hash (see persons.py)
    "CREATE TABLE erased (person TEXT PRIMARY KEY, consent TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    # rows that retention passed while they were alive, or changed too recently (see retention.py)
    "CREATE TABLE kept (what TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (what, id)) STRICT, WITHOUT ROWID",
)

#: what the fourth migration does: triggers that cost a text less
QUICKER = (
    "DROP TRIGGER message_forward",
    no_way_back("message", MESSAGE_TRANSITIONS),
    "DROP TRIGGER submission_forward",
    no_way_back("submission", SUBMISSION_TRANSITIONS),
)
