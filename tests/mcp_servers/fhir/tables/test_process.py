"""The process with a patient's tables: bounded in time and memory, interrupted, and never left behind."""

import gc
import threading
import time
from collections.abc import Callable

import anyio
import duckdb
import pytest

from mcp_servers.fhir.tables.process import GRACE_S, Ended, Message, TablesProcess
from mcp_servers.fhir.tables.worker import Worker

ENDLESS = "SELECT sum(x) FROM range(1000000000000) r(x)"


def query(sql: str, limit: int = 10) -> Message:
    return {"do": "query", "sql": sql, "limit": limit}


@pytest.mark.parametrize(
    "sql",
    [
        ENDLESS,
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n",
        "SELECT sum(a.x * b.x) FROM range(10000000) a(x), range(10000000) b(x)",
    ],
)
@pytest.mark.anyio
async def test_a_query_without_an_end_is_interrupted_and_the_next_one_answered(
    tables: TablesProcess, sql: str
) -> None:
    assert await tables.ask(query(sql), seconds=0.2) == {"interrupted": True}
    assert (await tables.ask(query("SELECT 1 AS one")))["rows"] == [[1]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT length(repeat('x', 4000000000))",
        "SELECT repeat('x', 10000000) FROM range(100000)",
        "SELECT len(range(1000000000))",
        "SELECT unnest(range(1000000000))",
        "SELECT length(format('{:2000000000}', 1))",
        "SELECT max(length(s || x)) FROM (SELECT repeat('x', 50000000) AS s), range(10000) r(x)",
    ],
)
@pytest.mark.anyio
async def test_what_needs_too_much_memory_fails_alone(sql: str) -> None:
    process = TablesProcess()
    try:
        reply = await process.ask(query(sql), seconds=2.0)
        assert reply.keys() & {"out_of_memory", "interrupted"}, reply
    except Ended:
        return  # the process may end of it: it is of no other patient
    finally:
        process.end()


@pytest.mark.anyio
async def test_a_cancelled_query_is_interrupted_at_once(tables: TablesProcess) -> None:
    started = time.monotonic()
    with anyio.move_on_after(0.2):
        await tables.ask(query(ENDLESS))
    assert time.monotonic() - started < GRACE_S
    assert (await tables.ask(query("SELECT 1 AS one")))["rows"] == [[1]]


def test_a_query_leaves_no_transaction_open_whenever_it_is_interrupted() -> None:
    worker, done = Worker(), threading.Event()

    def interrupt() -> None:
        while not done.is_set():
            worker.interrupt()

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    try:
        for _ in range(50):
            with pytest.raises(duckdb.InterruptException):
                worker.answer(query(ENDLESS), "")
    finally:
        done.set()
        interrupting.join()
    assert worker.answer(query("SELECT 1 AS one"), "")["rows"] == [[1]]


@pytest.mark.anyio
async def test_a_process_that_heeds_no_interruption_is_ended() -> None:
    process = TablesProcess(grace_s=0.5)
    with pytest.raises(Ended):
        await process.ask(query("SELECT length(lpad('x', 400000000, 'y'))"), seconds=0.1)
    assert not process.alive
    process.end()


@pytest.mark.anyio
async def test_the_event_loop_goes_on_while_a_query_runs(tables: TablesProcess) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await anyio.sleep(0.01)
            turns += 1

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        await tables.ask(query(ENDLESS), seconds=0.3)
        group.cancel_scope.cancel()
    assert turns > 3


@pytest.mark.anyio
async def test_questions_asked_at_once_get_their_own_answers(tables: TablesProcess) -> None:
    answers: dict[int, Message] = {}

    async def ask(number: int) -> None:
        answers[number] = await tables.ask(query(f"SELECT {number} AS n"))

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(ask, number)
    assert {number: answer["rows"] for number, answer in answers.items()} == {n: [[n]] for n in range(8)}


def ended(process: TablesProcess) -> Callable[[], bool]:
    """Whether its operating-system process ended, without holding on to it."""
    popen = process._process
    return lambda: popen.poll() is not None


def test_the_process_ends_when_nobody_holds_on_to_it() -> None:
    process = TablesProcess()
    is_ended = ended(process)
    assert not is_ended()
    del process
    gc.collect()
    assert is_ended()


@pytest.mark.anyio
async def test_values_come_as_json_has_them_and_long_ones_are_cut(tables: TablesProcess) -> None:
    sql = (
        "SELECT 1 AS a, 1.5::DECIMAL(3,1) AS b, DATE '2020-01-02' AS c, TIMESTAMP '2020-01-02 03:04:05' AS d,"
        " INTERVAL 3 DAYS AS e, 'NaN'::DOUBLE AS f, repeat('x', 5000) AS g, range(1000) AS h,"
        " {'k': NULL} AS i, 'ab'::BLOB AS j, NULL AS k, true AS l, 2 AS a"
    )
    reply = await tables.ask(query(sql))
    row = dict(zip(reply["columns"], reply["rows"][0], strict=True))
    assert (row["a"], row["b"], row["c"], row["d"]) == (1, 1.5, "2020-01-02", "2020-01-02T03:04:05")
    assert (row["e"], row["f"], len(row["g"]), row["h"][-1]) == ("3 days", "nan", 1507, "(and 800 more)")
    assert (row["i"], row["j"], row["k"], row["l"], row["a_2"]) == ({"k": None}, "(2 bytes)", None, True, 2)


@pytest.mark.anyio
async def test_an_interval_is_said_in_months_and_days_of_the_calendar(tables: TablesProcess) -> None:
    sql = (
        "SELECT x, age(DATE '2026-11-22', DATE '1968-03-14') AS age, [INTERVAL 14 MONTH] AS months,"
        " 'it''s' AS age, TIMESTAMP '2020-01-03 04:00:00' - TIMESTAMP '2020-01-01' AS stay"
        " FROM range(3) r(x) ORDER BY x DESC; -- end"
    )
    reply = await tables.ask(query(sql))
    assert reply["columns"] == ["x", "age", "months", "age_2", "stay"]
    said = ["58 years 8 months 8 days", "[1 year 2 months]", "it's", "2 days 04:00:00"]
    assert reply["rows"] == [[x, *said] for x in (2, 1, 0)]


@pytest.mark.parametrize(
    ("rows", "limit", "expected"), [(7, 5, (5, 7)), (10_000, 5, (5, 10_000)), (10_001, 5, (5, None))]
)
@pytest.mark.anyio
async def test_rows_are_counted_as_far_as_that_is_cheap(
    tables: TablesProcess, rows: int, limit: int, expected: tuple[int, int | None]
) -> None:
    reply = await tables.ask(query(f"SELECT x FROM range({rows}) r(x)", limit))
    assert (len(reply["rows"]), reply["total"]) == expected


@pytest.mark.anyio
async def test_an_answer_is_bounded_whatever_its_rows_hold(tables: TablesProcess) -> None:
    reply = await tables.ask(query("SELECT repeat('x', 1400) AS s FROM range(2000)", 2000))
    assert (0 < len(reply["rows"]) < 400, reply["total"]) == (True, 2000)


@pytest.mark.anyio
async def test_now_is_the_present_of_the_chart(tables: TablesProcess) -> None:
    sql = (
        "SELECT now()::VARCHAR AS a, current_date::VARCHAR AS b, age(DATE '2026-10-30')::VARCHAR AS c,"
        " current_timestamp::VARCHAR AS d, localtimestamp::VARCHAR AS e, today()::VARCHAR AS f,"
        " current_time::VARCHAR AS g, localtime::VARCHAR AS h"
    )
    for day in ("2026-11-30", "2026-11-01"):
        (row,) = (await tables.ask(query(sql) | {"now": f"{day}T10:00:00+00:00"}))["rows"]
        assert row[:2] == [f"{day} 10:00:00", day]
    now = "2026-11-01 10:00:00"
    assert row == [now, "2026-11-01", "2 days", now, now, "2026-11-01", "10:00:00", "10:00:00"]
