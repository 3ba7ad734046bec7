"""One account at an SMSC as a :class:`smsgwd.link.Link`: its sessions, the way a text takes, and what may be asked.

``run`` holds the sessions of the configuration: one, several of a kind (``binds``), or a receiver and a transmitter
(``pair``). While none is bound only one tries, so that a wrong password knocks once and not five times; of a pair the
receiver tries first. A session that ends while another one is bound comes back by itself after its pause. When the last
one has ended, ``run`` raises LinkError, which says how long to wait.

``submit`` takes the session with most room in its window and waits for its turn of the pace; the parts of one message go
over one session. Until the PDU is written, a link that is not bound is a LinkError: nothing was sent. After that, no
answer is Uncertain.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from smsgwd.clock import Clock, came
from smsgwd.config import SmppConfig
from smsgwd.errors import LinkError, PduError, Uncertain
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.model import Accepted, DeliveryReport, LinkState, Refusal, RefusalClass, Segment, SubmitResult
from smsgwd.smpp.asking import Questions, replaced, report_of, withdrawn
from smsgwd.smpp.backoff import Cause, cause_of, where
from smsgwd.smpp.bodies import Bind, Body, ShortMessage
from smsgwd.smpp.connection import Account, Connection, SessionEnded
from smsgwd.smpp.consts import CommandId, CommandStatus, Tag
from smsgwd.smpp.events import Answer
from smsgwd.smpp.incoming import Reader
from smsgwd.smpp.outgoing import Writer
from smsgwd.smpp.pace import Pace
from smsgwd.smpp.post import Post
from smsgwd.smpp.refusal import Statuses, Verdict
from smsgwd.smpp.repeats import Repeats
from smsgwd.smpp.session import Timers
from smsgwd.smpp.tls import EXPIRES_SOON, expiry

log = get_logger("smpp")

_THROTTLED = int(CommandStatus.ESME_RTHROTTLED)
#: messages of several parts whose session is remembered
_MOST_LINES = 10_000
#: attempts without an answer for which no report was asked, that are remembered
_MOST_UNASKED = 1_000
#: seconds that a person waits for the answer to a question
_PATIENCE = 15.0
#: octets of a password by the standard; carriers hand out longer ones, which are sent all the same
_PASSWORD = 8


class SmppLink:
    """See :class:`smsgwd.link.Link`. ``timers`` and ``chance`` (numbers from 0 to 1) are for tests."""

    def __init__(
        self, config: SmppConfig, clock: Clock, timers: Timers | None = None, chance: Callable[[], float] = random.random
    ) -> None:
        self._config, self._clock = config, clock
        self._where = where(config.host, config.port)
        self._write, self._questions = Writer(config), Questions(config)
        self._statuses = Statuses(config.status)
        account = Account(
            config.name, credentials(config), timers or timers_of(config), clock, Reader(config).read, self._settled
        )
        self._repeats = repeats = Repeats(clock.now())
        kinds = ["receiver", "transmitter"] if config.bind == "pair" else [config.bind]
        self._posts = [Post(config, kind, account, repeats, chance) for _ in range(config.binds) for kind in kinds]
        self._pace, self._turns = Pace(config.throughput), asyncio.Lock()
        self._sending: list[Connection] = []
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._lines: OrderedDict[str, Connection] = OrderedDict()
        self._unasked: OrderedDict[str, bool] = OrderedDict()
        self._sink: LinkSink | None = None
        self._told: tuple[LinkState, str] | None = None
        self._why, self._warned, self._asked = "", False, 0

    @property
    def name(self) -> str:
        return self._config.name

    def remember(self, stored: Sequence[bytes]) -> None:
        """See :class:`smsgwd.link.Remembers`."""
        self._repeats.remember(stored, self._clock.monotonic())

    @property
    def window(self) -> int:
        """Of all sessions that can send now; 0 for a receiver, which can send nothing."""
        return self._config.window * len(self._sending)

    # -- out ---------------------------------------------------------------------------------------------------------

    async def submit(self, segment: Segment) -> SubmitResult:
        """See :meth:`smsgwd.link.Link.submit`."""
        try:
            body = self._write.submit_sm(segment, self._clock.now())
        except PduError as e:
            return _unwritable(e)
        while True:
            connection = self._with_room(segment) or await self._room(segment)
            now = self._clock.monotonic()
            if not self._turns.locked() and self._pace.take(now):
                break
            if await self._turn(connection, now):
                now = self._clock.monotonic()
                break
        try:
            sent = connection.submit(body, segment.submission, now)
        except PduError as e:
            if connection.sends:
                return _unwritable(e)
            raise LinkError(f"{self._where}: the session has just ended") from None
        try:
            answer = await sent
        except Uncertain:
            self._unanswered(segment, body)
            raise
        if answer.congestion is not None:
            self._pace.congested(answer.congestion, self._clock.monotonic())
        if answer.status:
            return self._refused(answer, connection)
        return Accepted(answer.message_id, body.registered_delivery != 0)

    def _refused(self, answer: Answer, connection: Connection) -> Refusal:
        if answer.status == _THROTTLED:
            self._pace.throttled(self._clock.monotonic())
        verdict = self._verdict(answer)
        if verdict.rebind:
            connection.leave(f"bound anew, since {verdict.refusal.reason}")
        return verdict.refusal

    def _verdict(self, answer: Answer) -> Verdict:
        said = answer.body.tlv(Tag.ADDITIONAL_STATUS_INFO_TEXT) if answer.body is not None else None
        return self._statuses.verdict(answer.status, said or b"", nack=answer.body is None)

    def _settled(self, answer: Answer) -> SubmitResult:
        """What a late answer means."""
        unasked = self._unasked.pop(answer.key, False)
        return self._verdict(answer).refusal if answer.status else Accepted(answer.message_id, not unasked)

    def _unanswered(self, segment: Segment, body: ShortMessage) -> None:
        """Remembers that no report was asked for, for the case that the answer comes late."""
        if body.registered_delivery == 0:
            self._unasked[segment.submission] = True
            if len(self._unasked) > _MOST_UNASKED:
                self._unasked.popitem(last=False)

    async def _turn(self, connection: Connection, asked: float) -> bool:
        """Waits for the turn of the pace, one after the other; False when the session left meanwhile."""
        connection.promised += 1
        try:
            async with self._turns:
                while connection.sends and not self._pace.take(self._clock.monotonic(), asked):
                    await self._clock.sleep(self._pace.next - self._clock.monotonic())
            return connection.sends
        finally:
            connection.promised -= 1

    def _with_room(self, segment: Segment | None = None) -> Connection | None:
        """The session that the segment goes over; None when its window is full."""
        if not self._sending:
            raise LinkError(f"{self._where}: not bound for sending")
        if segment is not None and segment.parts > 1:
            return self._line(segment)
        if len(self._sending) == 1:
            best = self._sending[0]
        else:
            best = min(self._sending, key=lambda c: len(c.open) + c.promised)
        return best if len(best.open) + best.promised < self._config.window else None

    def _line(self, segment: Segment) -> Connection | None:
        """The session of the first part, as long as it lasts."""
        line = self._lines.get(segment.message)
        if line is None or not line.sends:
            line = self._with_room()
            if line is None:
                return None
            self._lines[segment.message] = line
            if len(self._lines) > _MOST_LINES:
                self._lines.popitem(last=False)
        if len(line.open) + line.promised >= self._config.window:
            return None
        if segment.part == segment.parts:
            del self._lines[segment.message]
        return line

    async def _room(self, segment: Segment | None) -> Connection:
        while (connection := self._with_room(segment)) is None:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                self.freed()  # it may have been this one's turn
                raise
        return connection

    def freed(self) -> None:
        """See :class:`smsgwd.smpp.connection.Holder`: whoever waits looks again."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    # -- questions ---------------------------------------------------------------------------------------------------

    async def query(self, reference: str, to: str, sender: str) -> DeliveryReport | None:
        """See :class:`smsgwd.link.Carrier`."""
        if not self._config.query:
            raise LinkError(f"{self.name}: the carrier answers no query_sm; set `query = true` where it does")
        answer = await self._ask(CommandId.QUERY_SM, lambda: self._questions.query_sm(reference, sender))
        return report_of(answer, reference, to)

    async def withdraw(self, reference: str, to: str, sender: str) -> SubmitResult:
        """See :class:`smsgwd.link.Carrier`."""
        if not self._config.cancel:
            raise LinkError(f"{self.name}: the carrier answers no cancel_sm; set `cancel = true` where it does")
        answer = await self._ask(CommandId.CANCEL_SM, lambda: self._questions.cancel_sm(reference, to, sender))
        return withdrawn(answer) or self._verdict(answer).refusal

    async def replace(self, reference: str, old: Segment, new: Segment) -> SubmitResult:
        """See :class:`smsgwd.link.Carrier`."""
        if not self._config.replace:
            raise LinkError(f"{self.name}: the carrier answers no replace_sm; set `replace = true` where it does")
        write, ask, now = self._write.submit_sm, self._questions.replace_sm, self._clock.now()
        answer = await self._ask(CommandId.REPLACE_SM, lambda: ask(reference, write(old, now), write(new, now)))
        return replaced(answer) or self._verdict(answer).refusal

    async def _ask(self, command: CommandId, body: Callable[[], Body]) -> Answer:
        """It has a place in the window, but no turn of the pace: it is no text. Uncertain when no answer comes in time."""
        self._asked += 1
        try:
            async with asyncio.timeout(_PATIENCE):
                connection = await self._room(None)
                return await connection.ask(command, body(), f"question {self._asked}", self._clock.monotonic())
        except PduError as e:
            raise LinkError(f"{self.name}: it cannot be asked: {e}") from None
        except TimeoutError:
            raise Uncertain(f"{self.name}: no answer in {_PATIENCE:g} s") from None

    # -- life --------------------------------------------------------------------------------------------------------

    async def run(self, sink: LinkSink, stop: asyncio.Event) -> None:
        """See :meth:`smsgwd.link.Link.run`."""
        self._sink, self._told, self._why = sink, None, f"connecting to {self._where}"
        await self._tell()
        await self._warn(sink)
        now = self._clock.monotonic()
        posts = sorted(self._posts, key=lambda post: post.not_before > now)
        for post in posts:
            post.tried.clear()
        try:
            async with asyncio.TaskGroup() as group:
                for number, post in enumerate(posts, 1):
                    group.create_task(self._hold(post, posts, stop), name=f"session {number} of {self.name}")
                    await post.tried.wait()
        except BaseExceptionGroup as e:
            raise _reason(e) from None

    async def _hold(self, post: Post, posts: list[Post], stop: asyncio.Event) -> None:
        """Keeps one session, until the stop or the end of the last one."""
        assert self._sink is not None
        first = post is posts[0]
        try:
            while not stop.is_set():
                rest = post.not_before - self._clock.monotonic()
                if rest > 0 and not first:
                    post.tried.set()
                    await came(stop, rest)
                    continue
                first = False
                try:
                    return await post.work(self, self._sink, stop)
                except SessionEnded as e:
                    self._gone()
                    await self._ended(post, posts, e)
                    post.tried.set()
        finally:
            self._gone()
            post.tried.set()

    async def _ended(self, post: Post, posts: list[Post], ended: SessionEnded) -> None:
        """LinkError when that was the last session, and none is to be tried yet."""
        assert self._sink is not None
        pause = post.rest(ended)
        account = cause_of(ended.status) is Cause.ACCOUNT
        if account:  # it is the same one for all
            for other in posts:
                other.not_before = max(other.not_before, post.not_before)
            await self._notice(f"{ended}; nothing is tried for {_minutes(pause)}", alarm=True)
        pair = self._config.bind == "pair" and not account
        if not any(other.busy or (pair and not other.tried.is_set() and other is not post) for other in posts):
            now = self._clock.monotonic()
            raise LinkError(str(ended), min((o.not_before for o in posts if o.not_before > now), default=now) - now)
        self._why = str(ended)
        if not account:
            missing = f"the {post.kind} is missing" if self._config.bind == "pair" else "a session is missing"
            await self._notice(f"{missing}: {ended}; it is tried again in {_minutes(pause)}", alarm=True)
        await self._tell()

    def _gone(self) -> None:
        """The sessions that may send now."""
        self._sending = [post.connection for post in self._posts if post.connection and post.connection.sends]
        self.freed()

    async def changed(self, connection: Connection) -> None:
        """See :class:`smsgwd.smpp.connection.Holder`."""
        self._gone()
        for post in self._posts:
            if post.connection is connection and connection.bound:
                post.tried.set()
        await self._tell()
        ends = expiry(connection.certificate)
        if ends is not None and ends - self._clock.now() / 1000 < EXPIRES_SOON:
            days = max(0, int((ends - self._clock.now() / 1000) // 86_400))
            await self._notice(f"the certificate of {connection.where} ends in {days} days")

    # -- what operators see ------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        state = self._state()
        if state != self._told and self._sink is not None:
            self._told = state
            await self._sink.changed(self.name, *state)

    def _state(self) -> tuple[LinkState, str]:
        there = [post.connection for post in self._posts if post.connection and post.connection.bound]
        useful = there if self._config.bind == "receiver" else [c for c in there if c.kind != "receiver"]
        if there and all(c.draining for c in there):
            return LinkState.DRAINING, "the session ends"
        if any(c.stalled for c in there):
            return LinkState.DRAINING, "the store is away; the SMSC waits with its texts"
        if not useful:
            return LinkState.STARTING, self._why
        places = ", ".join(dict.fromkeys(c.where for c in there))
        if len(self._posts) == 1:
            return LinkState.UP, f"bound to {places}"
        return LinkState.UP, f"{len(there)} of {len(self._posts)} sessions bound to {places}"

    async def _notice(self, what: str, *, alarm: bool = False) -> None:
        assert self._sink is not None
        log.warning(what, link=self.name)
        await self._sink.noticed(self.name, "link.alarm" if alarm else "link.notice", what=what)

    async def _warn(self, sink: LinkSink) -> None:
        """Once, of what in the configuration is odd."""
        if self._warned:
            return
        self._warned = True
        password = self._config.password.reveal() if self._config.password else ""
        if len(password.encode()) > _PASSWORD:
            await self._notice(f"the password has more than {_PASSWORD} characters, the most that SMPP 3.4 knows")
        if not isinstance(self._config.tls, bool) and not self._config.tls.verify:
            await self._notice("the certificate of the SMSC is not checked (`verify = false`)")


# ---- from the configuration ----------------------------------------------------------------------------------------


def timers_of(config: SmppConfig) -> Timers:
    return Timers(
        bind=config.bind_timeout, enquire_link=config.enquire_link, enquire_timeout=config.enquire_timeout,
        inactivity=config.inactivity, response=config.response_timeout, pdu=config.pdu_timeout,
    )  # fmt: skip


def credentials(config: SmppConfig) -> Bind:
    """The body of the bind. Its repr shows no password."""
    return Bind(
        system_id=config.system_id.encode(),
        password=(config.password.reveal() if config.password else "").encode(),
        system_type=config.system_type.encode(),
        interface_version=config.interface_version,
        addr_ton=config.bind_ton,
        addr_npi=config.bind_npi,
        address_range=config.address_range.encode(),
    )


def _unwritable(error: PduError) -> Refusal:
    return Refusal("PDU", RefusalClass.PERMANENT, f"it cannot be written as submit_sm: {error}")


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _reason(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The LinkError of a TaskGroup, or the whole group when there is anything else in it."""
    links, rest = group.split(LinkError)
    first: BaseException | None = links
    while rest is None and isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return group if rest is not None or first is None else first
