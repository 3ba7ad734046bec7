"""Several sessions of one account: alternate hosts, binds, and a pair; what each session's end means for the others."""

import asyncio
import socket

import pytest
from msgspec import structs

from smsgwd.clock import SystemClock
from smsgwd.errors import LinkError, Uncertain
from smsgwd.model import Accepted, LinkState
from smsgwd.smpp.bodies import BindResp, MessageResp, ShortMessage
from smsgwd.smpp.consts import CommandId
from smsgwd.smpp.link import SmppLink
from tests.smpp.wire import HASTY, QUICK, Ear, Raw, broken, config, linked, raw_smsc, segment, smsc, until

_C = CommandId
_BINDS = {_C.BIND_TRANSCEIVER, _C.BIND_TRANSMITTER, _C.BIND_RECEIVER}


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def eager(port: int, **more) -> SmppLink:
    """Without pauses after a break of the network."""
    return SmppLink(config(port, **more), SystemClock(), HASTY, chance=lambda: 0.0)


class Smsc:
    """An SMSC by hand that counts connections; ``refuse``: bind command -> status, once each time it is listed."""

    def __init__(self) -> None:
        self.binds: list[int] = []
        self.refuse: dict[int, list[int]] = {}
        self.raws, self.texts = [], []
        self.answering = True

    async def play(self, raw) -> None:
        request = await raw.next()
        assert request.command_id in _BINDS
        number = len(self.binds)
        self.binds.append(request.command_id)
        statuses = self.refuse.get(request.command_id)
        status = statuses.pop(0) if statuses else 0
        raw.say(request.command_id | 0x80000000, request.sequence, BindResp(b"raw"), status)
        if status:
            return
        self.raws.append(raw)
        while True:
            try:
                got = await raw.next()
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
                return
            if got.command_id == _C.SUBMIT_SM:
                self.texts.append((number, got.body.short_message))
                if self.answering:
                    raw.say(_C.SUBMIT_SM_RESP, got.sequence, MessageResp(b"%d" % len(self.texts)))
            elif got.command_id == _C.UNBIND:
                raw.say(_C.UNBIND_RESP, got.sequence)


# ---- hosts -----------------------------------------------------------------------------------------------------------


async def test_the_next_host(tmp_path):
    """The first host is dead: the second one is bound in the same try."""
    async with smsc(tmp_path) as place, linked(closed_port(), hosts=(place.address,)) as (link, ear, *_):
        assert ear.states[-1] == (LinkState.UP, f"bound to {place.address}")
        assert isinstance(await link.submit(segment()), Accepted)


async def test_after_a_break_the_first_host_again(tmp_path):
    """The session with the second host ends; the first one has come back meanwhile and is tried first."""
    (tmp_path / "b").mkdir()
    async with smsc(tmp_path / "b") as second:
        port = closed_port()
        link = eager(port, hosts=(second.address,))
        async with linked(port, link=link) as (_, _ear, task, _stop):
            second.fault("cut")
            with pytest.raises(LinkError, match=second.address):
                await task
        smsc_ = Smsc()
        server = await asyncio.start_server(lambda r, w: _served(smsc_, r, w), "127.0.0.1", port)
        async with server, linked(port, link=link) as (_, ear, *_more):
            assert ear.states[-1][1] == f"bound to 127.0.0.1:{port}"


async def _served(smsc_, reader, writer):
    raw = Raw(reader, writer)
    await smsc_.play(raw)
    raw.close()


async def test_no_host_at_all():
    """Each is tried once; LinkError tells of the last one, and its pause is that of the network."""
    ports = [closed_port(), closed_port()]
    link = SmppLink(config(ports[0], hosts=(f"127.0.0.1:{ports[1]}",)), SystemClock(), QUICK, chance=lambda: 1.0)
    with pytest.raises(LinkError, match=f"127.0.0.1:{ports[1]}: ") as caught:
        await broken(link)
    assert caught.value.retry_after == pytest.approx(1.0, abs=0.1)
    with pytest.raises(LinkError) as caught:
        await broken(link)
    assert caught.value.retry_after == pytest.approx(2.0, abs=0.1)


async def test_a_refused_bind_ends_the_try():
    """The second host is not asked in the same try, but in the next one."""
    first, second = Smsc(), Smsc()
    first.refuse[_C.BIND_TRANSCEIVER] = [0x0D]
    async with raw_smsc(first.play) as port, raw_smsc(second.play) as other:
        link = eager(port, hosts=(f"127.0.0.1:{other}",))
        with pytest.raises(LinkError, match="RBINDFAIL") as caught:
            await broken(link)
        assert (caught.value.retry_after, second.binds) == (pytest.approx(10, abs=0.5), [])
        async with linked(port, link=link):
            assert (len(first.binds), len(second.binds)) == (1, 1)


# ---- several binds ---------------------------------------------------------------------------------------------------


async def test_three_sessions():
    """All are bound, the window is the sum, and texts use all of them; they end with unbind."""
    smsc_ = Smsc()
    async with raw_smsc(smsc_.play) as port, linked(port, binds=3, window=2) as (link, ear, *_):
        await ear.until(lambda: link.window == 6)
        assert ear.states[-1] == (LinkState.UP, f"3 of 3 sessions bound to 127.0.0.1:{port}")
        await asyncio.gather(*(link.submit(segment(f"{n}", f"sub_{n}")) for n in range(30)))
    assert {number for number, _ in smsc_.texts} == {0, 1, 2}
    assert sorted(int(text) for _, text in smsc_.texts) == list(range(30))
    assert [state for state, _ in ear.states][-1] is LinkState.DRAINING


async def test_the_parts_of_a_message_go_over_one_session():
    """Ten messages of three parts, mixed: each message has one session."""
    smsc_ = Smsc()
    async with raw_smsc(smsc_.play) as port, linked(port, binds=3) as (link, ear, *_):
        await ear.until(lambda: link.window == 30)

        async def carry(n):
            for part in (1, 2, 3):
                one = segment(f"{n}", f"sub_{n}_{part}", ref=n, part=part, parts=3)
                await link.submit(structs.replace(one, message=f"msg_{n}"))

        await asyncio.gather(*(carry(n) for n in range(10)))
    ways: dict[bytes, set[int]] = {}
    for number, octets in smsc_.texts:
        ways.setdefault(octets[-1:], set()).add(number)
    assert len(ways) == 10
    assert all(len(numbers) == 1 for numbers in ways.values())
    assert len({number for number, _ in smsc_.texts}) == 3


async def test_a_session_that_breaks_leaves_the_others():
    """Only its own text is uncertain, the link stays up, an operator is told, and the session comes back."""
    smsc_ = Smsc()
    async with raw_smsc(smsc_.play) as port, linked(port, link=eager(port, binds=2, window=5)) as (link, ear, *_):
        await ear.until(lambda: link.window == 10)
        smsc_.answering = False
        texts = [asyncio.create_task(link.submit(segment(f"{n}", f"sub_{n}"))) for n in range(2)]
        await until(lambda: len(smsc_.texts) == 2)
        smsc_.raws[smsc_.texts[0][0]].close()
        smsc_.raws[smsc_.texts[1][0]].say(_C.SUBMIT_SM_RESP, 2, MessageResp(b"1f"))
        done = await asyncio.gather(*texts, return_exceptions=True)
        assert [type(d) for d in done] == [Uncertain, Accepted]
        await until(lambda: len(smsc_.binds) == 3)
        await ear.until(lambda: link.window == 10)
        assert LinkState.STARTING not in [state for state, _ in ear.states[1:]]
        assert any("a session is missing" in data["what"] and kind == "link.alarm" for kind, data in ear.notices)


async def test_the_last_session_ends_the_link():
    """Both break: LinkError, once."""
    smsc_ = Smsc()
    async with raw_smsc(smsc_.play) as port:
        link = SmppLink(config(port, binds=2), SystemClock(), HASTY, chance=lambda: 1.0)
        async with linked(port, link=link) as (_, ear, task, _stop):
            await ear.until(lambda: link.window == 20)
            for raw in smsc_.raws:
                raw.close()
            with pytest.raises(LinkError, match="closed the connection") as caught:
                await task
        assert 0.8 < caught.value.retry_after <= 1.0
        assert link.window == 0


async def test_a_wrong_password_knocks_once():
    """Three sessions, one bind: while none is bound only one tries."""
    smsc_ = Smsc()
    smsc_.refuse[_C.BIND_TRANSCEIVER] = [0x0E] * 9
    async with raw_smsc(smsc_.play) as port:
        link = SmppLink(config(port, binds=3), SystemClock(), QUICK, chance=lambda: 0.0)
        with pytest.raises(LinkError, match="wrong password") as caught:
            await broken(link)
    assert (len(smsc_.binds), caught.value.retry_after) == (1, pytest.approx(300, abs=1))


async def test_fewer_sessions_than_wanted():
    """The account has two binds: the third is refused, told, and waits half a minute; the link works with two."""
    smsc_ = Smsc()
    smsc_.refuse[_C.BIND_TRANSCEIVER] = [0, 0, 0x05]
    async with raw_smsc(smsc_.play) as port, linked(port, link=eager(port, binds=3)) as (link, ear, *_):
        await ear.until(lambda: ear.notices)
        assert "tried again in 30 s" in ear.notices[0][1]["what"]
        assert ear.states[-1] == (LinkState.UP, f"2 of 3 sessions bound to 127.0.0.1:{port}")
        assert isinstance(await link.submit(segment()), Accepted)
    assert len(smsc_.binds) == 3


# ---- a pair ----------------------------------------------------------------------------------------------------------


async def test_a_pair():
    """The receiver binds first; up when both are; texts go out over one and come in over the other."""
    smsc_ = Smsc()
    async with raw_smsc(smsc_.play) as port, linked(port, bind="pair") as (link, ear, *_):
        assert smsc_.binds == [_C.BIND_RECEIVER, _C.BIND_TRANSMITTER]
        assert (link.window, ear.states[-1][1]) == (10, f"2 of 2 sessions bound to 127.0.0.1:{port}")
        assert isinstance(await link.submit(segment()), Accepted)
        smsc_.raws[0].say(_C.DELIVER_SM, 1, ShortMessage(short_message=b"in"))
        await ear.until(lambda: ear.texts)
    assert smsc_.texts == [(1, b"hello")]


async def test_a_pair_without_its_receiver():
    """The transmitter is bound all the same, and the missing receiver is an alarm."""
    smsc_ = Smsc()
    smsc_.refuse[_C.BIND_RECEIVER] = [0x0D]
    async with raw_smsc(smsc_.play) as port, linked(port, bind="pair") as (link, ear, *_):
        assert ear.states[-1][1] == f"1 of 2 sessions bound to 127.0.0.1:{port}"
        ((kind, data),) = ear.notices
        assert (kind, "the receiver is missing" in data["what"]) == ("link.alarm", True)
        assert isinstance(await link.submit(segment()), Accepted)


async def test_a_pair_whose_transmitter_breaks():
    """The link is not up any more, but texts still come in; the transmitter comes back by itself."""
    smsc_ = Smsc()
    async with raw_smsc(smsc_.play) as port, linked(port, link=eager(port, bind="pair")) as (_link, ear, *_):
        smsc_.refuse[_C.BIND_TRANSMITTER] = [0x08]
        smsc_.raws[1].close()
        await ear.until(lambda: len(smsc_.binds) == 4 and ear.state is LinkState.UP)
        assert LinkState.STARTING in [state for state, _ in ear.states[2:]]
        smsc_.raws[0].say(_C.DELIVER_SM, 1, ShortMessage(short_message=b"in"))
        await ear.until(lambda: ear.texts)
        assert smsc_.binds.count(_C.BIND_RECEIVER) == 1


async def test_a_pair_with_a_wrong_password():
    """One bind, not two."""
    smsc_ = Smsc()
    smsc_.refuse[_C.BIND_RECEIVER] = [0x0E]
    async with raw_smsc(smsc_.play) as port:
        with pytest.raises(LinkError, match="wrong password"):
            await broken(eager(port, bind="pair"), Ear())
    assert smsc_.binds == [_C.BIND_RECEIVER]
