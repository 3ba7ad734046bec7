"""``/metrics`` in the Prometheus text format: counts and ages, no people, no texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smsgwd import __version__
from smsgwd.gateway import Gateway
from smsgwd.model import LinkState
from smsgwd.web.vitals import FAMILIES, vitals


def _label(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """Whole numbers in full: a count of millions is not rounded."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _family(name: str, kind: str, text: str, rows: Iterable[tuple[dict[str, object], float]]) -> list[str]:
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for labels, value in rows:
        inner = ",".join(f'{k}="{_label(v)}"' for k, v in labels.items())
        lines.append(f"{name}{{{inner}}} {_number(value)}" if inner else f"{name} {_number(value)}")
    return lines


def _known(gateway: Gateway, fact: str) -> list[tuple[dict[str, object], float]]:
    """A number that links tell of themselves; a link that does not know it is left out."""
    told = ((link.name, gateway.roster.facts(link.name).get(fact)) for link in gateway.roster)
    return [({"link": name}, value) for name, value in told if isinstance(value, int | float)]


async def metrics(gateway: Gateway) -> str:
    """The whole page. StoreUnavailable."""
    queue, now = gateway.queue, gateway.clock.now()
    links, depth = await queue.links(), await queue.depth(now)
    today: list[dict[str, Any]] = await queue.rollup(1, now)
    settled = await queue.doubts_settled()
    owed, newest = await queue.outbox_depth(), await queue.events_after(-1, 1)
    lines = _family("smsgwd_info", "gauge", "The program.", [({"version": __version__}, 1)])
    lines += _family("smsgwd_link_up", "gauge", "1 when the link can send.",
                     [({"link": x.name, "type": x.type}, x.state is LinkState.UP) for x in links])  # fmt: skip
    lines += _family("smsgwd_link_paused", "gauge", "1 when an operator paused the link.",
                     [({"link": x.name}, x.paused) for x in links])  # fmt: skip
    lines += _family("smsgwd_link_resting", "gauge", "1 while the link rests after a run of failures.",
                     [({"link": x.name}, bool(x.resting)) for x in gateway.roster])  # fmt: skip
    for fact, what in (("signal_dbm", "Strength of the signal."), ("balance", "Balance of a prepaid SIM.")):
        lines += _family(f"smsgwd_link_{fact}", "gauge", what, _known(gateway, fact))
    lines += _family("smsgwd_queue_messages", "gauge", "Texts that are not done, by link and state.",
                     [({"link": d.link, "state": d.state}, d.count) for d in depth])  # fmt: skip
    lines += _family("smsgwd_queue_oldest_seconds", "gauge", "Age of the oldest due text.",
                     [({"link": d.link, "state": d.state}, d.oldest_age / 1000) for d in depth])  # fmt: skip
    doubtful = {d.link: d.count for d in depth if d.state == "uncertain"}
    names = {x.name for x in links} | doubtful.keys()
    lines += _family("smsgwd_uncertain_messages", "gauge", "Texts of which nobody knows whether they were sent.",
                     [({"link": name}, doubtful.get(name, 0)) for name in sorted(names)])  # fmt: skip
    lines += _family("smsgwd_uncertain_settled_total", "counter", "Doubts that were ended, by what ended them.",
                     [({"by": by}, count) for by, count in settled.items()])  # fmt: skip
    lines += _family(
        "smsgwd_today_messages", "gauge", "Texts of today (UTC) by what became of them.",
        [({k: row[k] for k in ("link", "direction", "class", "state")}, row["messages"]) for row in today],
    )  # fmt: skip
    lines += _family("smsgwd_outbox_items", "gauge", "Calls owed to helpdesks.",
                     [({"state": state}, count) for state, count in owed.items()])  # fmt: skip
    head = await queue.audit_head()  # told outside, so that a chain that is cut off or written anew shows
    lines += _family("smsgwd_audit_head_seq", "counter", "The newest entry of the audit chain.", [({}, head.seq)])
    lines += _family("smsgwd_audit_head_info", "gauge", "The first octets of its hash.", [({"hash": head.hash[:8].hex()}, 1)])
    lines += _family("smsgwd_events_total", "counter", "Events since the store was made.",
                     [({}, newest[0].id if newest else 0)])  # fmt: skip
    told = vitals(gateway)
    for name, (kind, what) in FAMILIES.items():
        lines += _family(name, kind, what, [({}, told[name])])
    lines += _family("smsgwd_refused_total", "counter", "Texts for which there was no room, by what was full.",
                     [({"why": code}, count) for code, count in gateway.room.refused.items()])  # fmt: skip
    return "\n".join(lines) + "\n"
