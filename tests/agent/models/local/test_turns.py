"""One computes at a time, in the order in which they came; what nobody waits for ends."""

import asyncio
import threading

import pytest

from agent.models.local.turns import Turns


def test_sessions_go_on_side_by_side_a_step_each() -> None:
    turns, taken, gate = Turns(), list[str](), threading.Event()

    async def session(name: str) -> None:
        for _ in range(3):
            await turns.take(lambda _: taken.append(name))

    async def all_at_once() -> None:
        first = asyncio.create_task(turns.take(lambda _: gate.wait(10)))
        await asyncio.sleep(0)
        others = [asyncio.create_task(session(name)) for name in "abc"]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(first, *others)

    asyncio.run(all_at_once())
    assert taken[:3] == ["a", "b", "c"]
    for name in "abc":  # nobody takes a third turn before all had their first, and so on
        assert [taken[:n].count(name) for n in (3, 9)] == [1, 3]


def test_one_computes_at_a_time() -> None:
    turns, busy, most = Turns(), threading.Lock(), list[bool]()

    def work(_: threading.Event) -> None:
        most.append(busy.acquire(blocking=False))
        busy.release()

    async def many() -> None:
        await asyncio.gather(*(turns.take(work) for _ in range(20)))

    asyncio.run(many())
    assert most == [True] * 20


def test_cancelled_work_is_told_to_stop_and_the_next_begins_after_it() -> None:
    turns, began, order = Turns(), threading.Event(), list[str]()

    def endless(stop: threading.Event) -> None:
        began.set()
        assert stop.wait(10)
        order.append("stopped")

    async def cancel() -> None:
        task = asyncio.create_task(turns.take(endless))
        await asyncio.to_thread(began.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await turns.take(lambda _: order.append("next"))

    asyncio.run(cancel())
    assert order == ["stopped", "next"]


def test_work_that_is_cancelled_in_the_queue_is_never_begun() -> None:
    turns, gate, begun = Turns(), threading.Event(), list[str]()

    async def cancel() -> None:
        first = asyncio.create_task(turns.take(lambda _: gate.wait(10)))
        await asyncio.sleep(0)
        second = asyncio.create_task(turns.take(lambda _: begun.append("second")))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        gate.set()
        await first
        await turns.take(lambda _: begun.append("third"))

    asyncio.run(cancel())
    assert begun == ["third"]


def test_what_the_work_raises_reaches_who_waits_for_it() -> None:
    def fail(_: threading.Event) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(Turns().take(fail))


def test_it_serves_one_event_loop_after_another() -> None:
    turns = Turns()
    assert [asyncio.run(turns.take(lambda _, n=n: n)) for n in range(3)] == [0, 1, 2]  # type: ignore[misc]
