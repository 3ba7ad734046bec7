"""The audit chain without a database: whatever is changed shows, and what is personal may go."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.queue.privacy.chain import NOTHING, Entry, Followed, Head, canonical, commitment, ended, follow, link


def chained(bodies) -> list[Entry]:
    """A chain of (body, data or None)."""
    entries, prev = [], NOTHING
    for seq, (body, data) in enumerate(bodies, 1):
        salt = bytes([seq % 256] * 16) if data is not None else None
        commit = commitment(salt, data) if salt is not None else None
        hash_ = link(seq, prev, body, commit)
        entries.append(Entry(seq, body, commit, prev, hash_, salt, data))
        prev = hash_
    return entries


BODIES = st.lists(st.tuples(st.text(max_size=20), st.none() | st.text(max_size=20)), min_size=1, max_size=12)


def test_the_hash_is_as_it_is_written_down():
    """An auditor with other tools comes to the same hash."""
    salt, data, body = b"s" * 16, '{"number":"+15550100777"}', '{"act":"x"}'
    commit = hmac.new(salt, data.encode(), hashlib.sha256).digest()
    inner = hashlib.sha256(body.encode()).digest()
    told = hashlib.sha256(b"smsgwd-audit-v1\0" + (7).to_bytes(8, "big") + b"p" * 32 + inner + commit).digest()
    assert commitment(salt, data) == commit
    assert link(7, b"p" * 32, body, commit) == told
    assert link(7, b"p" * 32, body, None) == hashlib.sha256(
        b"smsgwd-audit-v1\0" + (7).to_bytes(8, "big") + b"p" * 32 + inner + bytes(32)
    ).digest()


def test_one_form():
    """The same document is the same text, in whatever order its names come."""
    assert canonical({"b": "ü", "a": [1, {"d": 2, "c": None}]}) == '{"a":[1,{"c":null,"d":2}],"b":"\\u00fc"}'


@given(BODIES, st.data())
def test_followed_in_any_pages(bodies, data):
    """A chain is followed the same whole and page by page."""
    entries = chained(bodies)
    cut = data.draw(st.integers(0, len(entries)))
    whole = follow(entries)
    assert follow(entries[cut:], follow(entries[:cut])) == whole == Followed(Head(len(entries), entries[-1].hash), 0)


@given(BODIES, st.data())
def test_what_is_personal_may_go(bodies, data):
    """Data and salts that are deleted are counted, and the head stays."""
    entries = chained(bodies)
    gone = data.draw(st.sets(st.sampled_from(range(len(entries)))))
    erased = [e._replace(salt=None, data=None) if i in gone else e for i, e in enumerate(entries)]
    found = follow(erased)
    assert found.head == follow(entries).head
    assert found.erased == sum(entries[i].commit is not None for i in gone)


@given(BODIES, st.data(), st.sampled_from(["body", "commit", "prev", "hash", "data", "salt"]))
def test_every_change_is_named(bodies, data, field):
    """Whatever field of an entry is another one, that entry is the first that does not fit."""
    entries = chained(bodies)
    i = data.draw(st.sampled_from(range(len(entries))))
    old = getattr(entries[i], field)
    if field in ("data", "salt") and old is None:
        other = entries[i]._replace(data="x", salt=b"x")
    else:
        other = entries[i]._replace(**{field: old + "x" if isinstance(old, str) else (old or b"") + b"x"})
    assert follow([*entries[:i], other, *entries[i + 1 :]]).broken == i + 1


@pytest.mark.parametrize(
    ("change", "broken", "why"),
    [
        pytest.param(lambda e: [*e[:2], *e[3:]], 3, "it is not there; the next one is 4", id="taken out"),
        pytest.param(lambda e: [e[1], *e[2:]], 1, "it is not there; the next one is 2", id="the first taken out"),
        pytest.param(lambda e: [e[0], e[2]._replace(seq=2), e[1]._replace(seq=3), *e[3:]], 2, "it does not follow", id="order"),
        pytest.param(lambda e: [e[0], e[0], *e[1:]], 2, "it is not there", id="twice"),
    ],
)
def test_rows_taken_out_or_moved(change, broken, why):
    """The first entry that is missing or stands elsewhere is named, with what is wrong."""
    found = follow(change(chained([(c, None) for c in "abcde"])))
    assert (found.broken, found.why.startswith(why)) == (broken, True), found


def test_a_tail_that_was_cut_needs_an_anchor():
    """The chain alone does not see it; a head that was kept elsewhere does, and so a chain that was written anew."""
    entries = chained([(c, None) for c in "abcde"])
    anchor = Head(5, entries[-1].hash)
    short = follow(entries[:3], anchor=anchor)
    assert not short.broken
    assert ended(short, anchor).broken == 4
    assert not ended(follow(entries, anchor=anchor), anchor).broken
    anew = chained([(c, None) for c in "abXde"])
    assert not follow(anew).broken
    assert follow(anew, anchor=anchor).broken == 5
