"""TP-ST, what became of a text (3GPP TS 23.040 section 9.2.3.15).

``pending`` means that the service centre is still trying and another report follows; ``closed`` that it is done but
nobody confirms the delivery. Reserved values count as their range does; 0x80 and above are reserved as a whole and count
as failed.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Category = Literal["delivered", "closed", "pending", "failed", "expired"]


class TpStatus(msgspec.Struct, frozen=True):
    """One value of TP-ST: a name to store, what it means, and a line for people."""

    name: str
    category: Category
    reason: str


#: first, last, what it means, name of the reserved values, line for people
_RANGES: tuple[tuple[int, int, Category, str, str], ...] = (
    (0x00, 0x0F, "closed", "completed", "completed, reserved value"),
    (0x10, 0x1F, "closed", "completed-sc", "completed, value of the service centre's own"),
    (0x20, 0x2F, "pending", "trying", "still trying, reserved value"),
    (0x30, 0x3F, "pending", "trying-sc", "still trying, value of the service centre's own"),
    (0x40, 0x4F, "failed", "permanent", "permanent error, reserved value"),
    (0x50, 0x5F, "failed", "permanent-sc", "permanent error, value of the service centre's own"),
    (0x60, 0x6F, "failed", "temporary", "temporary error, the service centre gave up, reserved value"),
    (0x70, 0x7F, "failed", "temporary-sc", "temporary error, the service centre gave up, value of its own"),
    (0x80, 0xFF, "failed", "reserved", "reserved value"),
)

_BUSY = (
    ("congestion", "congestion"),
    ("sme-busy", "recipient busy"),
    ("no-response", "no response from the recipient"),
    ("service-rejected", "service rejected"),
    ("quality-not-available", "quality of service not available"),
    ("error-in-sme", "error in the recipient's device"),
)

_VALUES: dict[int, TpStatus] = {
    0x00: TpStatus("delivered", "delivered", "received by the recipient"),
    0x01: TpStatus("forwarded", "closed", "forwarded, delivery not confirmed"),
    0x02: TpStatus("replaced", "closed", "replaced by the service centre"),
    0x40: TpStatus("remote-procedure-error", "failed", "remote procedure error"),
    0x41: TpStatus("incompatible-destination", "failed", "incompatible destination"),
    0x42: TpStatus("rejected", "failed", "connection rejected by the recipient"),
    0x43: TpStatus("not-obtainable", "failed", "recipient not obtainable"),
    0x44: TpStatus("permanent-quality-not-available", "failed", "quality of service not available"),
    0x45: TpStatus("no-interworking", "failed", "no interworking available"),
    0x46: TpStatus("validity-expired", "expired", "validity period expired"),
    0x47: TpStatus("deleted-by-sender", "failed", "deleted by the sender"),
    0x48: TpStatus("deleted-by-sc", "failed", "deleted by the service centre's administration"),
    0x49: TpStatus("does-not-exist", "failed", "the message does not exist"),
}
for _i, (_name, _line) in enumerate(_BUSY):
    _VALUES[0x20 + _i] = TpStatus(f"trying-{_name}", "pending", f"still trying: {_line}")
    _VALUES[0x60 + _i] = TpStatus(f"temporary-{_name}", "failed", f"temporary: {_line}; the service centre gave up")


def tp_status(st: int) -> TpStatus:
    """What a TP-ST octet 0..255 means."""
    st &= 0xFF
    if found := _VALUES.get(st):
        return found
    category, name, line = next(row[2:] for row in _RANGES if row[0] <= st <= row[1])
    return TpStatus(f"{name}-{st:02x}", category, f"{line} (0x{st:02X})")
