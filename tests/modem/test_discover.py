"""Finding the port: by name, by IMEI, by SIM; a stick that comes back under another name."""

import fcntl
import os

import pytest

from smsgwd.config import ModemConfig
from smsgwd.errors import LinkError
from smsgwd.modem import discover
from smsgwd.modem.discover import Candidate, Finder
from tests.modem.wire import OK, QUICK, Ear, wire

A, B = "861121778331597", "861121778331605"


def modem(**config) -> ModemConfig:
    return ModemConfig(name="m1", type="modem", **config)


def finder(config: ModemConfig, *wires) -> Finder:
    return Finder(config, candidates=lambda _: [Candidate(w.path, QUICK) for w in wires])


def imei(w, number: str) -> None:
    w.answers["AT+CGSN"] = f"\r\n{number}\r\n{OK}"


async def test_a_port_that_stays_is_asked_nothing():
    """A name under by-id is taken as it is."""
    with wire() as one, wire() as other:
        assert await finder(modem(port=one.path), other).find(Ear()) == one.path
        assert (one.sent, other.sent) == ([], [])


@pytest.mark.parametrize("wanted", [A, B])
async def test_by_imei(wanted):
    """Each port is asked until the right one answers."""
    with wire() as one, wire() as other:
        imei(one, A)
        imei(other, B)
        assert await finder(modem(imei=wanted), one, other).find(Ear()) == (one if wanted == A else other).path


async def test_by_sim():
    """The same by ICCID."""
    with wire() as one, wire() as other:
        other.answers["AT+CCID"] = f"\r\n+CCID: 89430100000000000002\r\n{OK}"
        assert await finder(modem(iccid="89430100000000000002"), one, other).find(Ear()) == other.path


async def test_back_under_another_name(monkeypatch):
    """The name of the configuration is gone: the modem of last time is found by its IMEI."""
    ear = Ear()
    with wire() as other, wire() as ours:
        imei(other, B)
        imei(ours, A)
        found = finder(modem(port="/nowhere/ttyUSB0"), other, ours)
        await found.remember(ear, A)
        assert ear.kept == {"imei m1": A}
        assert await found.find(ear) == ours.path


async def test_names_changed_hands(monkeypatch):
    """A running number that another modem has now is not taken for ours."""
    monkeypatch.setattr(discover, "_MOVING", lambda path: True)
    ear = Ear()
    ear.kept["imei m1"] = A
    with wire() as other, wire() as ours:
        imei(other, B)
        imei(ours, A)
        assert await finder(modem(port=other.path), other, ours).find(ear) == ours.path
        assert await finder(modem(port=ours.path), other, ours).find(ear) == ours.path


async def test_a_new_modem_in_the_old_place(monkeypatch):
    """The modem of last time is nowhere: the port of the configuration is taken, its SIM is checked then."""
    monkeypatch.setattr(discover, "_MOVING", lambda path: True)
    ear = Ear()
    ear.kept["imei m1"] = A
    with wire() as new:
        imei(new, B)
        assert await finder(modem(port=new.path), new).find(ear) == new.path


async def test_ports_in_use_are_passed_over():
    """A port that another link has open is not opened."""
    with wire() as taken, wire() as free:
        imei(taken, A)
        imei(free, B)
        lock = os.open(taken.path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with pytest.raises(LinkError, match=f"no modem with IMEI {A} was found: asked"):
                await finder(modem(imei=A), taken, free).find(Ear())
            assert taken.sent == []
        finally:
            os.close(lock)


async def test_nothing_is_there():
    """Said in words."""
    with pytest.raises(LinkError, match="no modem with SIM …0002 was found: no AT port of a modem is there"):
        await finder(modem(iccid="89430100000000000002")).find(Ear())


async def test_a_device_that_does_not_answer():
    """It costs its time-out, and the next one is asked."""
    with wire() as dead, wire() as ours:
        dead.answers["AT"] = None
        imei(ours, A)
        assert await finder(modem(imei=A), dead, ours).find(Ear()) == ours.path


async def test_while_the_store_is_away():
    """What cannot be remembered is no reason to be down."""
    ear = Ear()
    ear.away = True
    with wire() as one:
        found = finder(modem(port=one.path))
        await found.remember(ear, A)
        assert await found.find(ear) == one.path
