"""Our trail against the EMR's own, joined by X-Request-ID, both ways."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.events.auditevent import devices
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.reconciliation.compare import Difference
from mcp_servers.audit.reconciliation.emr import instant
from mcp_servers.audit.reconciliation.reconcile import LATE, Period, Reconciliation, reconcile
from mcp_servers.audit.recorder import Call, Context, Recorder

from ..scripted_emr import CLIENT, ScriptedEmr
from ..trails import BASE, RING, recorder

pytestmark = pytest.mark.anyio

WEIGHTS = "Observation?patient=p1&code=29463-7&_count=50"
DAY = timedelta(days=1)


@pytest.fixture
def emr() -> ScriptedEmr:
    return ScriptedEmr()


Request = tuple[str, int | None, int | None]
"""URL below the base, status, entries."""


def called(
    journal: Journal,
    *requests: Request,
    tool: str = "observations",
    patient: str | None = "Patient/p1",
    outcome: Any = "ok",
    **done: Any,
) -> Call:
    """A completed call that sent these requests."""
    call = recorder(journal).begin(tool, {}, patient)
    for url, status, entries in requests:
        call.request("GET", f"{BASE}/{url}", status, 1.0, entries)
    call.complete(outcome, **done)
    return call


async def reconciled(
    journal: Journal, emr: ScriptedEmr, period: Period | None = None
) -> tuple[Reconciliation, list[Difference]]:
    """The last day, or `period`, reconciled: the counts, and the differences."""
    told: list[Difference] = []
    now = datetime.now(UTC)

    async def settled(seconds: float) -> None:
        assert seconds > 0

    async with emr.client() as http:
        found = await reconcile(
            journal.path,
            RING,
            http,
            period or Period(now - DAY, now + timedelta(seconds=1)),
            told.append,
            sleep=settled,
        )
    return found, told


async def test_a_call_and_the_emrs_events_of_it_account_for_each_other(
    journal: Journal, emr: ScriptedEmr
) -> None:
    call = called(journal, ("Patient/p1", 200, None), (WEIGHTS, 200, 3))
    emr.saw("Patient/p1", call.id, "Patient/p1")
    emr.saw(WEIGHTS, call.id, "Patient/p1")
    found, told = await reconciled(journal, emr)
    assert told == []
    assert found.complete
    assert (found.calls, found.requests, found.events, found.others) == (1, 2, 2, 0)


async def test_what_others_ask_the_emr_is_counted_and_not_compared(
    journal: Journal, emr: ScriptedEmr
) -> None:
    emr.saw("Patient/p1", "someone-elses", "Patient/p1", client="portal/2.1")
    emr.saw("Patient/p1", None, "Patient/p1", client="not-the-ehr-navigator/1")
    found, told = await reconciled(journal, emr)
    assert (found.complete, found.events, found.others, told) == (True, 0, 2, [])


@pytest.mark.parametrize(
    ("request_id", "why"),
    [
        ("made-up", "no call of ours has its X-Request-ID"),
        (None, "it has no X-Request-ID"),
    ],
)
async def test_a_request_by_our_clients_name_without_a_call_of_ours_is_found(
    journal: Journal, emr: ScriptedEmr, request_id: str | None, why: str
) -> None:
    event = emr.saw("Patient/p2", request_id, "Patient/p2")
    found, (told,) = await reconciled(journal, emr)
    assert not found.complete
    assert (told.kind, told.accounted, told.why, told.event) == ("unrecorded", False, why, event)
    assert (told.request_id, told.asked, told.patients) == (request_id, "read Patient/p2", ("Patient/p2",))


@pytest.mark.parametrize(
    "url",
    [
        "Patient/p2",
        "Condition?patient=p1",
        "Observation?patient=p1&code=29463-7",  # the call's, less a parameter
        WEIGHTS.replace("p1", "p2"),
    ],
)
@pytest.mark.parametrize("client", [CLIENT, "curl/8.0"])
async def test_a_request_that_reuses_a_calls_id_is_found(
    journal: Journal, emr: ScriptedEmr, url: str, client: str
) -> None:
    call = called(journal, (WEIGHTS, 200, 3))
    emr.saw(WEIGHTS, call.id, "Patient/p1")
    event = emr.saw(url, call.id, "Patient/p1", client=client)
    found, (told,) = await reconciled(journal, emr)
    assert not found.complete
    assert (told.kind, told.event, told.session) == ("unrecorded", event, "s1")
    assert told.why == "the call with its X-Request-ID noted no such request"


async def test_a_calls_request_sent_once_more_is_found(journal: Journal, emr: ScriptedEmr) -> None:
    call = called(journal, (WEIGHTS, 503, None), (WEIGHTS, 200, 3))
    for _ in range(3):
        event = emr.saw(WEIGHTS, call.id, "Patient/p1")
    _, (told,) = await reconciled(journal, emr)
    assert (told.why, told.event) == ("the call with its X-Request-ID sent this less often", event)


async def test_an_id_used_again_long_after_its_call_is_found(journal: Journal, emr: ScriptedEmr) -> None:
    call = called(journal, (WEIGHTS, 200, 3))
    emr.saw(WEIGHTS, call.id, "Patient/p1")
    emr.saw(WEIGHTS, call.id, "Patient/p1", late=2 * LATE)
    now = datetime.now(UTC)
    found, (told,) = await reconciled(journal, emr, Period(now - DAY, now + DAY))
    assert found.events == 2
    begun = next(record.at for record in trail.records(journal.path) if record.id == call.id)
    assert told.why == f"its X-Request-ID is of a call begun at {begun}"


async def test_an_id_of_a_call_to_another_server_is_none_of_this_one(
    journal: Journal, emr: ScriptedEmr
) -> None:
    elsewhere = Recorder(
        journal, Context(session="s2", identity=Identity("dr.grey"), fhir_base="http://other.example/fhir")
    )
    call = elsewhere.begin("observations", {}, "Patient/p1")
    call.request("GET", "http://other.example/fhir/Patient/p1", 200, 1.0)
    call.complete("ok")
    emr.saw("Patient/p1", call.id, "Patient/p1")
    found, (told,) = await reconciled(journal, emr)
    assert (found.calls, found.elsewhere) == (0, 1)
    assert told.why == "no call of ours has its X-Request-ID"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ((WEIGHTS, 200, 0), "empty search"),
        ((f"{WEIGHTS}&_summary=count", 200, 0), "count"),
        (("Observation?patient=p1&_count=0", 200, 0), "count"),
        (("Patient/p9", 404, None), "error"),
        ((WEIGHTS, 500, None), "error"),
        ((WEIGHTS, 302, None), "error"),
        ((WEIGHTS, None, None), "no answer"),
        (("metadata", 200, None), "metadata"),
        (("Patient/p1/$everything?_count=50", 200, 50), "$everything"),
        (("ValueSet/$expand?url=http://x", 200, None), "operation"),
        (("Patient/p1/_history", 200, 2), "history"),
        (("Patient/_history?_since=2026", 200, 2), "history"),
    ],
)
async def test_a_request_that_the_emr_is_known_not_to_record_is_accounted_for(
    journal: Journal, emr: ScriptedEmr, request_: Request, reason: str
) -> None:
    call = called(journal, request_)
    found, (told,) = await reconciled(journal, emr)
    assert found.complete
    assert (told.kind, told.accounted, told.request_id, told.reasons) == (
        "unseen",
        True,
        call.id,
        {reason: 1},
    )
    assert found.reasons == {reason: 1}


async def test_the_entries_of_a_batch_are_known_to_lose_their_id(journal: Journal, emr: ScriptedEmr) -> None:
    call = recorder(journal).begin("observations", {}, "Patient/p1")
    call.request("POST", BASE, 200, 1.0, 2)
    call.complete("ok")
    _, (told,) = await reconciled(journal, emr)
    assert (told.accounted, told.reasons) == (True, {"batch": 1})


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("ok", "answered from memory"),
        ("refused", "refused before any request"),
        ("failed", "failed before any request"),
    ],
)
async def test_a_call_without_a_request_is_accounted_for(
    journal: Journal, emr: ScriptedEmr, outcome: str, reason: str
) -> None:
    called(journal, outcome=outcome)
    found, (told,) = await reconciled(journal, emr)
    assert (found.complete, told.kind, told.reasons) == (True, "unseen", {reason: 1})


@pytest.mark.parametrize(
    "request_",
    [
        ("Patient/p1", 200, None),
        (WEIGHTS, 200, 3),
        (WEIGHTS, 200, None),
        ("Patient/p1/_history/2", 200, None),
    ],
)
async def test_a_request_that_the_emr_never_saw_for_no_known_reason_is_found(
    journal: Journal, emr: ScriptedEmr, request_: Request
) -> None:
    called(journal, (WEIGHTS, 200, 0), request_)
    found, (told,) = await reconciled(journal, emr)
    assert not found.complete
    assert (told.kind, told.accounted) == ("unseen", False)
    assert told.reasons == {"empty search": 1, "no known reason": 1}
    assert found.unaccounted == {"unseen": 1}


@pytest.mark.parametrize("order", [1, -1])
async def test_of_a_request_sent_twice_the_one_that_failed_is_taken_for_the_unseen(
    journal: Journal, emr: ScriptedEmr, order: int
) -> None:
    call = called(journal, *[(WEIGHTS, 200, 3), (WEIGHTS, 503, None)][::order])
    emr.saw(WEIGHTS, call.id, "Patient/p1")
    found, (told,) = await reconciled(journal, emr)
    assert (found.complete, told.reasons) == (True, {"error": 1})


async def test_a_search_for_patients_has_an_event_for_each(journal: Journal, emr: ScriptedEmr) -> None:
    both = ["Patient/p1", "Patient/p2"]
    call = called(journal, ("Patient?name=roe&_count=10", 200, 2), patient=None, patients=both)
    emr.saw("Patient?name=roe&_count=10", call.id, *both)
    found, told = await reconciled(journal, emr)
    assert (found.complete, found.events, told) == (True, 2, [])


async def test_a_patient_whom_the_emr_names_and_our_record_does_not_is_found(
    journal: Journal, emr: ScriptedEmr
) -> None:
    chained = "Observation?patient.name=roe"
    call = called(journal, (chained, 200, 2), patients=["Patient/p1"])
    emr.saw(chained, call.id, "Patient/p1", "Patient/p2")
    found, (told,) = await reconciled(journal, emr)
    assert not found.complete
    assert (told.kind, told.accounted, told.patients) == ("disagreement", False, ("Patient/p2",))


async def test_what_a_refused_call_was_shown_of_another_patient_was_withheld(
    journal: Journal, emr: ScriptedEmr
) -> None:
    call = called(journal, ("Observation/o2", 200, None), outcome="refused")
    emr.saw("Observation/o2", call.id, "Patient/p2")
    found, (told,) = await reconciled(journal, emr)
    assert (found.complete, told.kind, told.patients) == (True, "disagreement", ("Patient/p2",))
    assert "withheld" in told.why


@pytest.mark.parametrize("withheld", [0, 2])
async def test_records_of_two_patients_are_accounted_for_where_our_record_says_that_they_were_withheld(
    journal: Journal, emr: ScriptedEmr, withheld: int
) -> None:
    call = recorder(journal).begin("observations", {}, "Patient/p1")
    call.request("GET", f"{BASE}/{WEIGHTS}", 200, 1.0, 3)
    call.withheld(withheld)
    call.complete("ok", patients=["Patient/p1"])
    emr.saw(WEIGHTS, call.id, "Patient/p1", "Patient/p2")
    found, (told,) = await reconciled(journal, emr)
    assert found.complete is bool(withheld)
    assert (told.kind, told.accounted, told.patients) == ("disagreement", bool(withheld), ("Patient/p2",))


@pytest.mark.parametrize(
    ("tool", "accounted", "why"),
    [
        ("count_patients", True, "the call counted patients, and names none"),
        ("observations", False, "the EMR names patients whom our record does not"),
    ],
)
async def test_a_call_that_counts_patients_names_none_and_no_other_may(
    journal: Journal, emr: ScriptedEmr, tool: str, accounted: bool, why: str
) -> None:
    call = called(journal, ("Condition?code=44054006", 200, 2), tool=tool, patient=None)
    emr.saw("Condition?code=44054006", call.id, "Patient/p1", "Patient/p2")
    found, (told,) = await reconciled(journal, emr)
    assert (found.complete, told.why) == (accounted, why)


async def test_an_author_whom_hapi_takes_for_the_owner_of_a_note_is_no_patient(
    journal: Journal, emr: ScriptedEmr
) -> None:
    call = called(journal, ("DocumentReference?patient=p1", 200, 9))
    emr.saw("DocumentReference?patient=p1", call.id, "Patient/p1", "Practitioner/d1", "Practitioner/d2")
    found, told = await reconciled(journal, emr)
    assert (found.complete, told) == (True, [])


@pytest.mark.parametrize(
    ("status", "outcome", "why"),
    [
        (None, "0", "the EMR has it as answered, our record as no success"),
        (500, "0", "the EMR has it as answered, our record as no success"),
        (200, "8", "the EMR has it as failed, our record as answered"),
    ],
)
async def test_outcomes_that_disagree_are_found(
    journal: Journal, emr: ScriptedEmr, status: int | None, outcome: str, why: str
) -> None:
    call = called(journal, ("Patient/p1", status, None))
    event = emr.saw("Patient/p1", call.id, "Patient/p1", outcome=outcome)
    found, (told,) = await reconciled(journal, emr)
    assert not found.complete
    assert (told.kind, told.why, told.event) == ("disagreement", why, event)


async def test_a_failure_that_both_record_is_no_disagreement(journal: Journal, emr: ScriptedEmr) -> None:
    call = called(journal, ("Patient/p9", 404, None), outcome="failed")
    emr.saw("Patient/p9", call.id, outcome="4")
    found, told = await reconciled(journal, emr)
    assert (found.complete, told) == (True, [])


async def test_a_call_that_is_not_completed_is_not_accounted_for(journal: Journal, emr: ScriptedEmr) -> None:
    call = recorder(journal).begin("observations", {}, "Patient/p1")
    emr.saw("Patient/p1", call.id, "Patient/p1")
    found, (told,) = await reconciled(journal, emr)
    assert not found.complete
    assert (told.kind, told.reasons) == ("unseen", {"not completed": 1})


async def test_a_call_of_unknown_outcome_is_accounted_for_unless_the_emr_answered_it(
    journal: Journal, emr: ScriptedEmr
) -> None:
    lost = called(journal, outcome="unknown")
    found, (told,) = await reconciled(journal, emr)
    assert (found.complete, told.reasons) == (True, {"unknown outcome": 1})
    event = emr.saw("Patient/p1", lost.id, "Patient/p1")
    found, (told,) = await reconciled(journal, emr)
    assert not found.complete
    assert (told.kind, told.event) == ("disagreement", event)


async def test_a_call_whose_requests_were_erased_is_compared_by_id_and_patient(
    journal: Journal, emr: ScriptedEmr
) -> None:
    call = called(journal, (WEIGHTS, 200, 3))
    emr.saw(WEIGHTS, call.id, "Patient/p1")
    journal.write(lambda write: write.connection.execute("UPDATE outbox SET state = 'delivered'"))
    assert journal.erase("9999-12")
    found, (told,) = await reconciled(journal, emr)
    assert (found.complete, told.reasons) == (True, {"erased": 1})
    emr.saw(WEIGHTS, call.id, "Patient/p2")
    found, (_, told) = await reconciled(journal, emr)
    assert not found.complete
    assert told.patients == ("Patient/p2",)


async def test_our_own_auditevents_in_the_same_store_are_not_the_emrs(
    journal: Journal, emr: ScriptedEmr
) -> None:
    call = called(journal, (WEIGHTS, 200, 3))
    emr.saw(WEIGHTS, call.id, "Patient/p1")
    with trail.reading(journal.path) as db:
        queued = [event_id for (event_id,) in db.execute("SELECT id FROM outbox")]
    assert queued
    for event_id in queued:
        emr.add(journal.event(event_id))
        emr.add({**journal.event(event_id), "id": "of-another-installation"})
    found, told = await reconciled(journal, emr)
    assert (found.complete, found.events, told) == (True, 1, [])


@pytest.mark.parametrize("interaction", ["create", "update", "transaction"])
async def test_an_emr_that_records_our_delivery_too_is_understood(
    journal: Journal, emr: ScriptedEmr, interaction: str
) -> None:
    call = called(journal)
    for event_id in (call.id, "of-another-journal"):
        emr.saw(f"AuditEvent/{event_id}", event_id)
    emr.saw("AuditEvent?date=ge2026", None)
    model = {"name": "medgemma-27b", "revision": "r1", "quantisation": "nf4", "digest": "d"}
    call = recorder(journal).begin("observations", {}, "Patient/p1", {"step": 1, "model": model})
    call.complete("ok")
    assert call.intent is not None
    (device,) = devices(call.intent)
    emr.saw(f"Device/{device['id']}", None)
    emr.events[-1]["subtype"] = [{"code": interaction}]
    found, told = await reconciled(journal, emr)
    assert found.complete
    assert {difference.kind for difference in told} == {"unseen"}
    read = emr.saw(f"Device/{device['id']}", None)
    _, told = await reconciled(journal, emr)
    assert [one.event for one in told if one.kind == "unrecorded"] == [read]


async def test_only_what_lies_in_the_period_is_told(journal: Journal, emr: ScriptedEmr) -> None:
    called(journal, ("Patient/p1", 200, None))
    emr.saw("Patient/p2", "made-up", "Patient/p2")
    now = datetime.now(UTC) + timedelta(seconds=1)
    for period in (Period(now - DAY, now - LATE / 2), Period(now, now + DAY)):
        found, told = await reconciled(journal, emr, period)
        assert (found.complete, found.calls, found.events, told) == (True, 0, 0, [])


@pytest.mark.parametrize("late", [LATE / 2, -LATE / 2])
async def test_a_clock_that_differs_takes_no_event_from_its_call(
    journal: Journal, emr: ScriptedEmr, late: timedelta
) -> None:
    call = called(journal, ("Patient/p1", 200, None))
    emr.saw("Patient/p1", call.id, "Patient/p1", late=late)
    now = datetime.now(UTC) + timedelta(seconds=1)
    for period in (Period(now - LATE / 4, now), Period(now - DAY, now)):
        found, told = await reconciled(journal, emr, period)
        assert (found.complete, found.calls, told) == (True, 1, [])
    around = Period(now + late - LATE / 4, now + late + LATE / 4)  # of the event, and not of the call
    found, told = await reconciled(journal, emr, around)
    assert (found.complete, found.calls, told) == (True, 0, [])


async def test_many_events_are_read_page_by_page_in_windows_of_time(journal: Journal) -> None:
    emr = ScriptedEmr(page=7)
    calls = [called(journal, ("Patient/p1", 200, None)) for _ in range(40)]
    for order, call in enumerate(calls):
        emr.saw("Patient/p1", call.id, "Patient/p1", late=order * timedelta(seconds=1))
    now = datetime.now(UTC) + timedelta(minutes=1)
    found, told = await reconciled(journal, emr, Period(now - 30 * DAY, now))
    assert (found.complete, found.calls, found.events, told) == (True, 40, 40, [])
    assert len(emr.asked) < 60


async def test_a_call_at_the_end_of_a_window_has_its_events_in_the_next(
    journal: Journal, emr: ScriptedEmr
) -> None:
    call = called(journal, ("Patient/p1", 200, None))
    emr.saw("Patient/p1", call.id, "Patient/p1", late=timedelta(minutes=1))
    now = datetime.now(UTC)
    # The windows: a LATE before the period, twice that from its beginning, and so on.
    since = now - 2 * LATE + timedelta(seconds=30)
    found, told = await reconciled(journal, emr, Period(since, since + DAY))
    ends = {query["date"][1] for query in emr.asked}
    assert f"lt{instant(now + timedelta(seconds=30))}" in ends
    assert (found.complete, found.calls, told) == (True, 1, [])


async def test_the_emr_gets_a_moment_to_write_its_last_events(journal: Journal, emr: ScriptedEmr) -> None:
    call = called(journal, ("Patient/p1", 200, None))

    async def written(_: float) -> None:
        emr.saw("Patient/p1", call.id, "Patient/p1")

    now = datetime.now(UTC)
    async with emr.client() as http:
        found = await reconcile(
            journal.path,
            RING,
            http,
            Period(now - DAY, now + timedelta(seconds=1)),
            lambda _: None,
            sleep=written,
        )
    assert (found.complete, found.calls) == (True, 1)


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (503, {}, "answered 503 Service Unavailable when asked for its AuditEvents"),
        (200, "<html>sign in</html>", "answered something that is no Bundle"),
        (200, "[" * 100_000, "answered something that is no Bundle"),
        (200, {"resourceType": "Patient"}, "answered something that is no Bundle"),
        (200, {"resourceType": "Bundle", "entry": ["?"]}, "entries cannot be read"),
        (
            200,
            {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "AuditEvent"}}]},
            "whose time cannot be read",
        ),
    ],
)
async def test_a_store_that_cannot_be_asked_is_a_failure_in_its_own_words(
    journal: Journal, emr: ScriptedEmr, status: int, body: Any, problem: str
) -> None:
    called(journal, ("Patient/p1", 200, None))
    emr.instead = lambda _: (status, body)
    found, told = await reconciled(journal, emr)
    assert not found.complete
    assert found.problem is not None
    assert problem in found.problem
    assert found.problem.startswith(BASE)
    assert told == []


async def test_more_events_of_one_time_than_a_page_holds_are_asked_for_at_once(
    journal: Journal, emr: ScriptedEmr
) -> None:
    for _ in range(450):
        emr.saw("Patient/p1", None, client="portal/2.1")
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    emr.events = [{**event, "recorded": at} for event in emr.events]
    found, _ = await reconciled(journal, emr)
    assert (found.problem, found.others) == (None, 450)


async def test_a_store_that_does_not_show_all_events_of_one_time_is_given_up(journal: Journal) -> None:
    emr = ScriptedEmr(page=3)
    for _ in range(4):
        emr.saw("Patient/p1", None)
    emr.events = [{**event, "recorded": "2026-11-23T10:00:00+00:00"} for event in emr.events]
    on = datetime(2026, 11, 23, tzinfo=UTC)
    found, _ = await reconciled(journal, emr, Period(on, on + DAY))
    assert found.problem == (
        f"{BASE} holds more AuditEvents of one time (2026-11-23T10:00:00.000Z) than it shows at once"
    )


async def test_a_store_that_does_not_sort_is_given_up(journal: Journal, emr: ScriptedEmr) -> None:
    emr.saw("Patient/p1", None)
    emr.saw("Patient/p1", None, late=timedelta(seconds=1))

    def backwards(query: dict[str, list[str]]) -> tuple[int, Any]:
        sorted_so = emr.searchset(query)
        return 200, {**sorted_so, "entry": sorted_so.get("entry", [])[::-1]}

    emr.instead = backwards
    now = datetime.now(UTC) + timedelta(minutes=1)
    found, _ = await reconciled(journal, emr, Period(now - DAY, now))
    assert found.problem == f"{BASE} does not sort its AuditEvents by time, as it was asked to"


async def test_a_store_that_ignores_the_time_is_given_up(journal: Journal, emr: ScriptedEmr) -> None:
    emr.saw("Patient/p1", "other", late=-3 * DAY)
    everything = {"resourceType": "Bundle", "entry": [{"resource": event} for event in emr.events]}
    emr.instead = lambda _: (200, everything)
    found, _ = await reconciled(journal, emr)
    assert found.problem == f"{BASE} answers with AuditEvents of another time than it was asked for"


async def test_events_that_say_little_do_not_stop_the_comparison(journal: Journal, emr: ScriptedEmr) -> None:
    bare = {"resourceType": "AuditEvent", "recorded": datetime.now(UTC).isoformat()}
    odd = {"subtype": [7], "agent": [{}], "entity": ["?", {"type": {"code": "XrequestId"}}], "source": []}
    emr.add({**bare, "id": "bare"})
    emr.add({**bare, **odd, "id": "odd"})
    emr.saw("Patient?name=roe", "made-up")
    emr.events[-1]["entity"][1]["query"] = "no base64!"
    found, (told,) = await reconciled(journal, emr)
    assert found.others == 2
    assert (told.event, told.asked) == ("2", None)
