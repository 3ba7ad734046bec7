"""The loop of the simulation: time jumps, order is fixed, and a program that hangs or spins is told so."""

import asyncio
import threading
import time
from contextlib import contextmanager

import pytest

from smsgwd.clock import any_came, came
from tests.simulation.loop import Spinning, Stuck, VirtualLoop


@contextmanager
def virtual(began: float = 0.0):
    loop = VirtualLoop(began)
    try:
        yield loop
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_a_year_of_sleep_takes_no_time_and_ends_at_its_very_moment():
    """Waiting is a jump to the timer: the time after it is that of the timer, to the last bit."""
    with virtual(100.0) as loop:
        before = time.perf_counter()
        loop.run_until_complete(asyncio.sleep(365 * 86_400))
        assert loop.time() == 100.0 + 365 * 86_400
        assert time.perf_counter() - before < 1.0


def test_timers_of_one_moment_run_in_the_order_in_which_they_were_set():
    """Whatever the heap does with equal times."""
    with virtual() as loop:
        ran = []
        for n in range(200):
            loop.call_at(5.0, ran.append, n)
        loop.run_until_complete(asyncio.sleep(6))
        assert ran == list(range(200))


def test_a_set_of_tasks_has_one_order():
    """A task group that is cancelled ends its tasks in the order of their numbers, wherever they lie in memory."""

    async def ended(rubbish: int) -> list[int]:
        keep = [bytearray(rubbish) for _ in range(rubbish)]
        order: list[int] = []

        async def one(n: int) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                order.append(n)

        tasks = {asyncio.create_task(one(n)) for n in range(50)}
        await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert keep is not None
        return order

    orders = []
    for rubbish in (0, 7, 300):
        with virtual() as loop:
            orders.append(loop.run_until_complete(ended(rubbish)))
    assert orders[0] == orders[1] == orders[2]
    assert sorted(orders[0]) == list(range(50))


def test_time_outs_and_waits_of_the_program_work_on_it():
    """``came`` and ``any_came`` wait on the loop's clock."""

    async def waits() -> tuple[bool, float, float]:
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        first = await came(event, 30.0)
        between = loop.time()
        loop.call_later(5.0, event.set)
        await any_came((event, asyncio.Event()), 60.0)
        return first, between, loop.time()

    with virtual() as loop:
        assert loop.run_until_complete(waits()) == (False, 30.0, 35.0)


def test_a_program_that_spins_is_ended():
    """Turn after turn without time passing is a bug, and says so."""

    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    with virtual() as loop, pytest.raises(Spinning):
        loop.run_until_complete(spin())


def test_a_program_that_waits_for_ever_is_ended():
    """No timer, nothing ready: nothing can ever happen."""
    with virtual() as loop, pytest.raises(Stuck):
        loop.run_until_complete(asyncio.Event().wait())


def test_what_a_thread_would_do_is_done_at_once():
    """Its result, or its error, comes in the next turn, at the same moment."""
    with virtual(7.0) as loop:
        names = loop.run_until_complete(asyncio.to_thread(lambda: threading.current_thread().name))
        assert (names, loop.time()) == (threading.current_thread().name, 7.0)
        with pytest.raises(ZeroDivisionError):
            loop.run_until_complete(asyncio.to_thread(lambda: 1 / 0))


def test_signals_are_delivered_by_hand():
    """The handler runs in the next turn; a signal that nobody handles is told so."""
    with virtual() as loop:
        assert not loop.deliver(15)
        signals: list[int] = []
        loop.add_signal_handler(15, signals.append, 1)
        assert loop.deliver(15)
        loop.run_until_complete(asyncio.sleep(0))
        assert signals == [1]
        assert loop.remove_signal_handler(15)
