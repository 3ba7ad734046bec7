"""Writes what ``smsgwd/modem/profiles.toml`` knows: ``python hardware/generate.py``.

The udev rules, whole, and the tables of README.md between their marks. A test compares both with what would be written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from smsgwd.modem.profile import Layout, Profile, profiles

HARDWARE = Path(__file__).resolve().parent
RULES = HARDWARE / "61-smsgwd-modems.rules"
README = HARDWARE / "README.md"

HEAD = """\
# Stable names for the AT ports of known modems, and ModemManager kept off them.
# Installed as /usr/lib/udev/rules.d/61-smsgwd-modems.rules: after 60-serial, which sets ID_*, before 80-mm-candidate.
# Written by hardware/generate.py from smsgwd/modem/profiles.toml.
#
# Ids and interface numbers are from the makers' and ModemManager's tables. None has been tried on hardware with smsgwd.
#
# A stick that this machine itself uses for internet by ModemManager must be left out. Say so in a file with a lower
# number, for example /etc/udev/rules.d/61-a-mine.rules:
#   SUBSYSTEM=="tty", ATTRS{serial}=="0123456789", ENV{SMSGWD_IGNORE}="1"
# After a change: udevadm control --reload && udevadm trigger --subsystem-match=tty

ACTION!="add|change|bind", GOTO="smsgwd_end"
SUBSYSTEM!="tty", GOTO="smsgwd_end"
ENV{SMSGWD_IGNORE}=="1", GOTO="smsgwd_end"
"""
MIDDLE = """\
ENV{SMSGWD_FAMILY}=="", GOTO="smsgwd_end"
# read by ModemManager on each port; one that is left out would be opened
ENV{ID_MM_DEVICE_IGNORE}="1"
"""
TAIL = """\
# ---- /dev/smsgwd/SERIAL; by the USB socket for sticks without a serial number ----
ENV{SMSGWD_PORT}=="at", ENV{ID_SERIAL_SHORT}=="?*", SYMLINK+="smsgwd/$env{ID_SERIAL_SHORT}"
ENV{SMSGWD_PORT}=="at", ENV{ID_SERIAL_SHORT}=="", ENV{ID_PATH}=="?*", SYMLINK+="smsgwd/$env{ID_PATH}"

LABEL="smsgwd_end"
"""


def families(rows: dict[str, Profile]) -> Iterator[tuple[str, Profile, Layout]]:
    """Each order of ports with a name of its own: ``zte-mf``, ``zte-mf-2``."""
    for name, row in rows.items():
        for i, layout in enumerate(row.devices, start=1):
            yield (name if i == 1 else f"{name}-{i}"), row, layout


# ---- udev ----------------------------------------------------------------------------------------------------------


def rules(rows: dict[str, Profile]) -> str:
    """The rules file."""
    out = [HEAD, "# ---- which device it is: every port of it is kept from ModemManager ----"]
    for family, row, layout in families(rows):
        out.append(f"# {row.title}")
        for vendor, ids in groupby(sorted(layout.usb), key=lambda usb: usb[:4]):
            products = "|".join(usb[5:] for usb in ids)
            out.append(f'ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{products}", ENV{{SMSGWD_FAMILY}}="{family}"')
    out += ["", MIDDLE, "# ---- which of its ports takes AT commands ----"]
    for family, row, layout in families(rows):
        terms = [f'ENV{{SMSGWD_FAMILY}}=="{family}"', *_place(layout), 'ENV{SMSGWD_PORT}="at"', f'ENV{{SMSGWD_PROFILE}}="{row.name}"']
        out.append(", ".join(terms))
    return "\n".join([*out, "", TAIL])


def _place(layout: Layout) -> list[str]:
    """Terms for the best AT port. What is said of the interface must stand in one line: udev wants it of one parent."""
    at = layout.at
    terms = [f'ENV{{ID_USB_INTERFACE_NUM}}=="{"|".join(at.numbers)}"'] if at.numbers else []
    pairs = (("bInterfaceClass", at.class_), ("bInterfaceSubClass", at.subclass), ("bInterfaceProtocol", at.protocol))
    said = [f'ATTRS{{{name}}}=="{_any(value)}"' for name, value in pairs if value]
    return terms + (['SUBSYSTEMS=="usb"', *said] if said else [])


def _any(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else "|".join(value)


# ---- the page ------------------------------------------------------------------------------------------------------


def matrix(rows: dict[str, Profile]) -> str:
    """All families: one line for each order of ports."""
    out = ["| profile | devices | USB ids | AT port | never opened | proof | tried |", "|---|---|---|---|---|---|---|"]
    for row in rows.values():
        for i, layout in enumerate(row.devices or (None,)):
            named = (f"`{row.name}`", row.title) if i == 0 else ("", "")
            ports = _ports(layout) if layout else ("", "named by you" if row.name != "generic" else "asked for", "")
            cells = (*named, *ports, row.proof, f"yes: {row.report}" if row.tried else "no")
            out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out)


def _ports(layout: Layout) -> tuple[str, str, str]:
    at = layout.at
    first = ", ".join(at.numbers) or f"class {_any(at.class_)}/{_any(at.subclass)}/{_any(at.protocol)}".replace("|", " or ")
    second = f" ({', '.join(at.seconds)})" if at.seconds else ""
    others = [f"{', '.join(o.numbers) or 'protocol ' + _any(o.protocol)} {o.what.upper() if len(o.what) < 5 else o.what}" for o in layout.other]
    return " ".join(f"`{usb}`" for usb in layout.usb), first + second, "; ".join(others)


def quirks(rows: dict[str, Profile]) -> str:
    """Every observation."""
    out = ["| device | firmware | symptom | what smsgwd does | source | proof |", "|---|---|---|---|---|---|"]
    for row in rows.values():
        for q in row.quirks:
            cells = (q.device, q.firmware, q.symptom, q.effect, q.source, q.proof)
            out.append("| " + " | ".join(c.replace("|", "\\|").replace("<", "&lt;") for c in cells) + " |")
    return "\n".join(out)


def page(text: str, rows: dict[str, Profile]) -> str:
    """README.md with its marked parts made anew. KeyError for a mark that nobody makes."""
    makers = {"matrix": matrix, "quirks": quirks}
    return re.sub(
        r"<!-- ([a-z-]+) -->\n.*?<!-- /\1 -->",
        lambda found: f"<!-- {found[1]} -->\n{makers[found[1]](rows)}\n<!-- /{found[1]} -->",
        text,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    known = profiles()
    for file, new in ((RULES, rules(known)), (README, page(README.read_text(encoding="utf-8"), known))):
        if new != file.read_text(encoding="utf-8"):
            file.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{file.name} written\n")
