"""Public corpora of PDUs: fetched into a folder outside this tree, read, never copied.

They are under the GPL or the LGPL, so nothing of them is in this repository. ``$SMSGWD_CORPORA`` names the folder
(default ``~/.cache/smsgwd/corpora``). What is not there is fetched once: sources of Debian packages with ``apt-get source``
from the mirror that this machine uses anyway, with lists of our own, so that the system stays as it is; sources of Python
packages with pip. :class:`Absent` says why there is none.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

#: seconds for one answer of a mirror, and for one whole fetch
ANSWER, FETCH = 20, 120
#: package -> how its unpacked folder begins
DEBIAN = {"gammu": "gammu-", "ofono": "ofono-", "gsmlib": "gsmlib-", "libosmocore": "libosmocore-"}
PYPI = {"python-gsmmodem-new": "0.13.0"}


class Absent(Exception):
    """The corpus is not here and cannot be had."""


def home() -> Path:
    return Path(os.environ.get("SMSGWD_CORPORA") or Path.home() / ".cache" / "smsgwd" / "corpora")


def corpus(package: str) -> Path:
    """The unpacked source of a package; Absent with the reason."""
    found = _outcome(package)
    if isinstance(found, Absent):
        raise found
    return found


@cache
def _outcome(package: str) -> Path | Absent:
    """Asked once in a run, so that a machine without a network waits once."""
    prefix = DEBIAN.get(package, f"{package}-")
    try:
        home().mkdir(parents=True, exist_ok=True)
        if (folder := _folder(prefix)) is not None:
            return folder
        if not _archives(package):
            (_fetch_debian if package in DEBIAN else _fetch_pypi)(package)
        for archive in _archives(package):
            _run("tar", "--extract", "--file", str(archive), "--directory", str(home()))
    except (OSError, subprocess.SubprocessError) as e:
        return Absent(f"{package}: {e}")
    if (folder := _folder(prefix)) is None:
        return Absent(f"{package}: its source could not be fetched into {home()}")
    return folder


def _folder(prefix: str) -> Path | None:
    return next((path for path in sorted(home().glob(f"{prefix}*")) if path.is_dir()), None)


def _archives(package: str) -> list[Path]:
    pattern = f"{package}_*.orig.tar.*" if package in DEBIAN else f"{package}-*.tar.gz"
    return [path for path in sorted(home().glob(pattern)) if path.suffix != ".asc"]


def _run(*command: str, check: bool = True) -> str:
    ended = subprocess.run(
        command, check=check, capture_output=True, text=True, timeout=FETCH, cwd=home(), stdin=subprocess.DEVNULL
    )
    return ended.stdout


def _fetch_debian(package: str) -> None:
    """With a sources list and package lists of our own. A packaging part that is missing on the mirror is no fault."""
    options = _own_lists()
    _run("apt-get", *options, "source", "--download-only", package, check=False)


@cache
def _own_lists() -> tuple[str, ...]:
    """Options of apt-get that use the machine's mirrors for sources, from a folder that goes with the process."""
    sites = _run("apt-get", "indextargets", "--format", "deb-src $(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
    own = tempfile.TemporaryDirectory(prefix="smsgwd-apt-", ignore_cleanup_errors=True)
    _kept.append(own)
    folder = Path(own.name)
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    sources = folder / "sources.list"
    sources.write_text("\n".join(sorted(set(sites.splitlines()))) + "\n")
    settings = {
        "Dir::Etc::SourceList": sources, "Dir::Etc::SourceParts": os.devnull, "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache", "Acquire::http::Timeout": ANSWER, "Acquire::https::Timeout": ANSWER,
        "Acquire::Retries": 0, "APT::Sandbox::User": "root",
    }  # fmt: skip
    options = tuple(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))
    _run("apt-get", *options, "-o", "APT::Update::Post-Invoke-Success::=", "update", check=False)
    return options


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _fetch_pypi(package: str) -> None:
    source = f"{package}=={PYPI[package]}"
    _run(
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--timeout", str(ANSWER),
        "--retries", "0", "--dest", str(home()), source,
    )  # fmt: skip


# ---- reading -------------------------------------------------------------------------------------------------------


def at_replies(folder: str) -> Iterator[tuple[str, str | None]]:
    """(folder/number, the PDU or None) of gammu's AT+CMGR replies: the first line of 30 hex digits or more."""
    for path in sorted((corpus("gammu") / "tests" / folder).glob("*.dump")):
        lines = re.split(r"[\r\n]+", path.read_text("latin-1"))
        yield f"{folder}/{path.stem}", next((x for x in lines if re.fullmatch(r"[0-9A-Fa-f]{30,}", x)), None)


def pairs() -> Iterator[tuple[str, dict[str, str], str]]:
    """(number, description, PDU) of gammu's at-sms-encode."""
    for path in sorted((corpus("gammu") / "tests" / "at-sms-encode").glob("*.backup")):
        keys = dict(re.findall(r"^(\w+) = \"?([^\"\r\n]*)", path.read_text("latin-1"), re.MULTILINE))
        text = "".join(keys.pop(name) for name in sorted(keys) if name.startswith("Text"))
        keys["Text"] = bytes.fromhex(text).decode("utf-16-be")
        yield path.stem, keys, path.with_suffix(".dump").read_text().strip()


_STRING = r'"((?:[^"\\]|\\.)*)"'


def _joined(literals: str) -> str:
    """Neighbouring C strings as one."""
    return "".join(re.findall(_STRING, literals)).replace(r"\n", "\n")


class CSource:
    """Constants in a C file."""

    def __init__(self, path: Path) -> None:
        self.text = re.sub(r"/\*.*?\*/", "", path.read_text("latin-1"), flags=re.DOTALL)

    def strings(self) -> dict[str, str]:
        """``const char *name = "…" "…";`` and ``const char name[] = …`` by name."""
        found = re.findall(rf"const char \*?(\w+)(?:\[\])?\s*=\s*((?:{_STRING}\s*)+);", self.text)
        return {name: _joined(literals) for name, literals, *_ in found}

    def octets(self) -> dict[str, bytes]:
        """``uint8_t name[] = { 0x…, };`` by name."""
        found = re.findall(r"uint8_t (\w+)\[\]\s*=\s*\{([^}]*)\}", self.text)
        return {name: bytes(int(x, 16) for x in re.findall(r"0x([0-9a-fA-F]{2})", body)) for name, body in found}

    def defines(self) -> dict[str, int]:
        return {name: int(value) for name, value in re.findall(r"#define (\w+) (\d+)", self.text)}

    def structs(self, kind: str) -> dict[str, dict[str, str]]:
        """``struct kind name = { .field = value, … };`` by name; strings joined, other values as written."""
        found = {}
        for name, body in re.findall(rf"struct {kind} (\w+) = \{{(.*?)\n\}};", self.text, re.DOTALL):
            fields = re.findall(rf"\n\t\.(\w+)\s*=\s*((?:{_STRING}\s*)+|\{{[^}}]*\}}|\w+)", "\n" + body)
            found[name] = {field: _joined(value) if '"' in value else value for field, value, *_ in fields}
        return found


def listed(value: str) -> str:
    """The text of ``{ 0x40, 0xc2, … 0x00 }``: UTF-8, ended by 0."""
    return bytes(int(x, 16) for x in re.findall(r"0x([0-9a-fA-F]{2})", value)).rstrip(b"\0").decode()


def ofono() -> CSource:
    return CSource(corpus("ofono") / "unit" / "test-sms.c")


def ofono_pdus() -> dict[str, str]:
    """All 22 SMS PDUs, with an SMSC each."""
    source = ofono()
    strings = {name: value for name, value in source.strings().items() if not name.startswith("cbs")}
    found = {name: value for name, value in strings.items() if re.fullmatch(r"[0-9A-F]{30,}", value)}
    found = {name: "00" + value if name.startswith("sr_pdu") else value for name, value in found.items()}
    for kind in ("sms_charset_data", "ems_udh_test", "wap_push_data"):
        found |= {name: fields["pdu"] for name, fields in source.structs(kind).items() if "pdu" in fields}
    return found


def gsmlib() -> Iterator[tuple[str, dict[str, str]]]:
    """(PDU, printed fields) of gsmlib's own test of received texts."""
    tests = corpus("gsmlib") / "tests"
    pdus = re.findall(r'decode\("([0-9A-F]+)"\)', (tests / "testsms.cc").read_text("latin-1"))
    blocks, seen = [], set()
    for block in re.split(r"-{20,}", (tests / "testsms-output.txt").read_text("latin-1")):
        fields = dict(re.findall(r"^([^:\n]+): (.*)$", block, re.MULTILINE))
        if fields and block not in seen:  # one of them is printed twice, before and after it was written
            seen.add(block)
            blocks.append(fields)
    return zip(pdus, blocks, strict=False)


# ---- telling --------------------------------------------------------------------------------------------------------


def have(*packages: str) -> None:
    """Skips with the reason where a corpus is not to be had."""
    for package in packages:
        try:
            corpus(package)
        except Absent as e:
            pytest.skip(str(e))


def told(capsys, record_property, name: str, line: str) -> None:
    """A score, on the terminal and in the report."""
    record_property(name, line)
    with capsys.disabled():
        print(f"\n  {name}: {line}")


def score(pdus: list[str], decode: Callable[[str], object]) -> int:
    """How many a decoder of somebody else reads without any exception."""
    good = 0
    for pdu in pdus:
        try:
            decode(pdu)
        except Exception:  # noqa: BLE001 - what it raises is its own affair
            continue
        good += 1
    return good


def peers(pdus: list[str]) -> str:
    """The same PDUs with the two Python packages that people use."""
    gsmmodem = pytest.importorskip("gsmmodem.pdu")
    fields = pytest.importorskip("smspdudecoder.fields")
    theirs = score(pdus, gsmmodem.decodeSmsPdu)
    others = score(pdus, lambda pdu: fields.SMSDeliver.decode(StringIO(pdu)))
    return f"python-gsmmodem-new {theirs}, smspdudecoder {others}"
