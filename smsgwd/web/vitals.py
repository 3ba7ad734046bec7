"""What the gateway tells of itself: the room of its store, what waits inside it, how late it is. For ``/metrics`` and
``/v1/status``."""

from __future__ import annotations

from typing import Any

from smsgwd import log
from smsgwd.gateway import Gateway

#: name, kind, what it is
FAMILIES = {
    "smsgwd_store_low": ("gauge", "1 while new texts are refused because the store has little room."),
    "smsgwd_store_free_bytes": ("gauge", "Free space of the file system of the database."),
    "smsgwd_store_used_bytes": ("gauge", "What the database uses."),
    "smsgwd_store_log_bytes": ("gauge", "Size of the write-ahead log."),
    "smsgwd_store_reserve_bytes": ("gauge", "What of the reserve lies beside the database."),
    "smsgwd_store_waiting_changes": ("gauge", "Changes that wait for the disk."),
    "smsgwd_event_loop_lag_seconds": ("gauge", "The longest time of the last minute in which the event loop was blocked."),
    "smsgwd_log_lines_lost_total": ("counter", "Lines of the log that could not be written."),
}


def vitals(gateway: Gateway) -> dict[str, float]:
    """A number for each of the families."""
    seen = gateway.queue.capacity()
    return {
        "smsgwd_store_low": bool(seen.low), "smsgwd_store_free_bytes": seen.free, "smsgwd_store_used_bytes": seen.used,
        "smsgwd_store_log_bytes": seen.log, "smsgwd_store_reserve_bytes": seen.reserve,
        "smsgwd_store_waiting_changes": gateway.queue.waiting_changes(),
        "smsgwd_event_loop_lag_seconds": gateway.lag(), "smsgwd_log_lines_lost_total": log.lost(),
    }  # fmt: skip


def store(gateway: Gateway) -> dict[str, Any]:
    """The room of the store, as ``/v1/status`` tells it."""
    seen = gateway.queue.capacity()
    return {"low": seen.low, "free": seen.free, "used": seen.used, "log": seen.log, "reserve": seen.reserve}
