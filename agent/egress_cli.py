"""The commands `ehr-navigator egress` and `cost`: what left the building, what may leave, what it costs."""

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import phi_map, rendering
from agent.audit_access import journal_path
from agent.audit_reading import Draft, reading, sought
from agent.config import Settings
from agent.egress.ledger import Sent, sent
from agent.egress.payload import told
from agent.egress.policy import EgressPolicy
from agent.egress.prices import PriceTable, price_table
from agent.egress.spending import Estimate, Question, estimates, questions, spending
from agent.egress.traffic import traffic
from agent.errors import UsageError
from agent.replay import UNREADABLE, purpose

if TYPE_CHECKING:
    from agent.audit_reading import Reading

OK = 0
ESCALATION = "escalation"
COLUMNS = (
    "when (UTC)", "who", "workflow", "host", "as", "agreement", "data", "replaced", "tokens in", "tokens out",
    "cost", "consent", "outcome", "id",
)  # fmt: skip
SPENDING = ("period", "model", "questions", "tokens in", "of them cached", "tokens out", "paid", "a question")
ESTIMATES = ("period", "on", "questions", "without cache", "with cache", "a question", "price seen")


def add_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    reads: Sequence[argparse.ArgumentParser],
    times: argparse.ArgumentParser,
) -> None:
    """The parsers of `egress` and `cost`; `reads` and `times` bring flags of whatever reads the trail."""
    egress = commands.add_parser("egress", help="what left the building, and what may")
    ledger = egress.add_subparsers(title="commands", required=True, metavar="COMMAND")

    listed = ledger.add_parser(
        "list", parents=[*reads, times], help="what went to hosted models, a line each"
    )
    listed.add_argument("--session", metavar="ID", help="of this session")
    listed.add_argument("--json", action="store_true", help="a JSON object a line")
    listed.set_defaults(run=_list)

    show = ledger.add_parser(
        "show", parents=[*reads], help="one of them, with the very payload that was sent"
    )
    show.add_argument("id", help="its id, as `egress list` prints it")
    show.add_argument(
        "--mapping",
        action="store_true",
        help="also: whom and what its stand-ins mean (recorded as a re-identification)",
    )
    show.add_argument("--json", action="store_true", help="as one JSON object, whole")
    show.set_defaults(run=_show)

    drawn = ledger.add_parser(
        "map", parents=[*reads, times], help="which workflow sends what to whom, under which agreement"
    )
    drawn.add_argument("file", nargs="?", type=Path, help="also as a page with a picture: a new .html file")
    drawn.add_argument("--json", action="store_true", help="a JSON object a line")
    drawn.set_defaults(run=_map)

    cost = commands.add_parser(
        "cost", parents=[*reads, times], help="what questions cost, and would have cost on hosted models"
    )
    cost.add_argument(
        "--by", choices=("month", "question"), default="month", help="a line for each (default month)"
    )
    cost.add_argument("--json", action="store_true", help="a JSON object a line")
    cost.set_defaults(run=_cost)


def _filters(arguments: argparse.Namespace, **more: str) -> dict[str, Any]:
    given = {name: getattr(arguments, name, None) for name in ("since", "until", "session")}
    return {name: value for name, value in given.items() if value} | more


@contextmanager
def _ledger(
    settings: Settings, arguments: argparse.Namespace, command: str
) -> "Iterator[tuple[Reading, Iterator[Sent]]]":
    """The lines of the ledger that are asked for. What was refused did not leave, and is none."""
    wanted = sought(_filters(arguments, act=ESCALATION))
    with reading(settings, command, wanted, sealed=arguments.sealed) as found:
        yield found, (sent(act) for act in found.acts(said=False) if act["left_the_building"])


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    with _ledger(settings, arguments, "egress list") as (_, lines):
        found = list(lines)
    if arguments.json:
        for one in found:
            print(_as_json(asdict(one)))
    elif found:
        print(rendering.table(map(_row, found), COLUMNS))
    else:
        print("Nothing that left the building is on record.")
    return OK


def _row(one: Sent) -> dict[str, str]:
    return {
        "when (UTC)": one.at[:16].replace("T", " "),
        "who": one.user,
        "workflow": one.workflow,
        "host": one.host,
        "as": phi_map.FORMS.get(one.policy, one.policy),
        "agreement": one.agreement or "-",
        "data": ", ".join(one.data_classes) or "not known",
        "replaced": str(sum(one.fields.values())),
        "tokens in": _count(one.tokens_in),
        "tokens out": _count(one.tokens_out),
        "cost": _money(one.cost),
        "consent": one.consent or "-",
        "outcome": one.outcome,
        "id": one.id,
    }


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    wanted = sought({"act": ESCALATION})
    with reading(settings, "egress show", wanted, sealed=arguments.sealed) as found:
        act = found.act(arguments.id)
        if act is None or not act["left_the_building"]:
            raise UsageError(
                f"Nothing that left the building is on record as {arguments.id!r}; `ehr-navigator egress"
                " list` names what is."
            )
        said = {**(act["asked"] or {}), **(act["said"] or {})}
        mapping = said.get("mapping") or {}
        if arguments.mapping and mapping and found.recorder:
            facts = {"escalation": act["id"], "restored": len(mapping), "tool": "egress show --mapping"}
            found.recorder.act("re_identification", patient=act["patient"], facts=facts).complete("ok")
    unreadable = UNREADABLE.get(act["content"], "")
    if arguments.json:
        whole = {**asdict(sent(act)), "payload": said.get("payload"), "content": act["content"]}
        print(_as_json({**whole, "mapping": mapping} if arguments.mapping else whole))
        return OK
    for line in _line(act, said.get("payload"), unreadable):
        print(rendering.plain(line))
    if arguments.mapping:
        rows = [{"stands in": name, "for": _as_text(value)} for name, value in mapping.items()]
        none = unreadable or "Nothing was replaced in it."
        print(f"\n{rendering.table(rows, ('stands in', 'for')) if rows else none}")
    return OK


def _line(act: Mapping[str, Any], payload: object, unreadable: str) -> Iterator[str]:
    """The line of the ledger for a person, then what was sent."""
    one = sent(act)
    replaced = ", ".join(f"{count} {name}" for name, count in one.fields.items())
    answered = {True: "", False: ", no usable reply", None: ", whether a reply came is not known"}[
        one.replied
    ]
    digest = one.payload_sha256 or "not known"
    if isinstance(payload, str) and hashlib.sha256(payload.encode()).hexdigest() != digest:
        digest += ", WHICH IS NOT THAT OF THE PAYLOAD BELOW"
    yield f"{one.id} of session {one.session}"
    for name, value in (
        ("when", f"{one.at[:19].replace('T', ' ')} UTC, {one.outcome}{answered}"),
        ("who", f"{one.user}, for {purpose(act['purpose_of_use'])}"),
        ("patient", act["patient"] or "none"),
        ("to", f"{one.recipient} ({one.model or 'no model named'})"),
        ("policy", " ".join(filter(None, (phi_map.FORMS.get(one.policy, one.policy), one.policy_version)))),
        ("agreement", one.agreement or "none"),
        ("kept there", one.retention or "not known"),
        ("region", one.region or "not known"),
        ("workflow", one.workflow),
        ("data", ", ".join(one.data_classes) or "not known"),
        ("replaced", replaced or "nothing"),
        ("tokens", f"{_count(one.tokens_in)} in, {_count(one.tokens_out)} out"),
        ("cost", _money(one.cost)),
        ("consent", one.consent or "none"),
        ("payload", f"{_count(one.payload_bytes)} bytes, SHA-256 {digest}"),
    ):
        yield f"  {name:<11}{value}"
    yield ""
    if unreadable or payload is None:
        yield unreadable or "(no payload is on record)"
    else:
        yield from told(payload)


def _map(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent.hosting import vendor_of

    if arguments.file and arguments.file.suffix.lower() != ".html":
        raise UsageError(f"Let the file's name end with .html: {arguments.file}")
    ledger: list[Sent] = []
    # Before the first question there is no trail, and the configuration can be looked at all the same.
    if journal_path(settings).exists():
        with _ledger(settings, arguments, "egress map") as (_, lines):
            ledger = list(lines)
    vendor = vendor_of(settings) if settings.hosted_model else None
    policy = EgressPolicy(settings.escalation, settings.escalation_workflows, settings.escalation_classes)
    ways = traffic(policy, vendor, ledger, consent=settings.escalation_consent)
    if arguments.file:
        wanted = sought(_filters(arguments))
        page = phi_map.as_page(
            ways,
            policy=_configured(settings),
            period=f"{wanted.since or 'the beginning'} to {wanted.until or 'now'}",
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            by=settings.user,
        )
        with Draft(arguments.file) as draft:
            draft.write(page.encode())
            draft.publish()
    if arguments.json:
        for way in ways:
            print(_as_json({**asdict(way), "differs": way.differs}))
        return OK
    print(phi_map.in_short(ways))
    if ways:
        print(rendering.table(map(phi_map.row, ways), phi_map.COLUMNS))
    return OK


def _configured(settings: Settings) -> str:
    """The policy in words."""
    parts = [
        f"escalation {settings.escalation}",
        *(f"{name} {form}" for name, form in settings.escalation_workflows.items()),
        *(f"{name} {form}" for name, form in settings.escalation_classes.items()),
        f"to {settings.hosted_model}" if settings.hosted_model else "no hosted model",
        "a person is asked first" if settings.escalation_consent else "nobody is asked first",
    ]
    return ", ".join(parts)


def _cost(settings: Settings, arguments: argparse.Namespace) -> int:
    prices = price_table(settings.prices_file)
    with reading(settings, "cost", sought(_filters(arguments)), sealed=arguments.sealed) as found:
        asked = [one for one in questions(found.acts(said=False)) if one.steps]

    def period(question: Question) -> str:
        return question.at[:7] if arguments.by == "month" else f"{question.at[:19]}Z {question.id}".strip()

    spent, elsewhere = spending(asked, period), estimates(asked, prices, period)
    if arguments.json:
        for kind, rows in (("spent", spent), ("elsewhere", elsewhere)):
            for one in rows:
                print(_as_json({"kind": kind, **asdict(one)}))
        return OK
    if not asked:
        print("No question is on record for this time.")
        return OK
    print(
        rendering.table(
            (
                {
                    "period": one.period,
                    "model": one.model,
                    "questions": str(one.questions),
                    "tokens in": _count(one.tokens_in),
                    "of them cached": _count(one.cached),
                    "tokens out": _count(one.tokens_out),
                    "paid": _paid(one.paid, one.unpriced),
                    "a question": _money(one.paid / one.questions) if not one.unpriced else "not known",
                }
                for one in spent
            ),
            SPENDING,
        )
    )
    uncounted = sum(not one.counted for one in asked)
    if elsewhere:
        print("\nThe same questions, had a hosted model taken every step:")
        print(rendering.table((_estimate(one, prices) for one in elsewhere), ESTIMATES))
    print(f"\n{_caveats(uncounted)}")
    return OK


def _estimate(one: Estimate, prices: PriceTable) -> dict[str, str]:
    price = prices.of(
        one.model, date.fromisoformat(one.period[:10] if len(one.period) > 7 else f"{one.period}-01")
    )
    return {
        "period": one.period,
        "on": one.model,
        "questions": str(one.questions),
        "without cache": _money(one.uncached),
        "with cache": _money(one.cached),
        "a question": _money(one.uncached / one.questions if one.uncached is not None else None),
        "price seen": str(price.seen) if price else "not known",
    }


def _caveats(uncounted: int) -> str:
    """What the figures do not tell."""
    rules = f"Left out are {uncounted} questions of which no tokens were counted: rules count none. "
    return (
        f"{rules if uncounted else ''}Tokens are as the model that answered counts them; another may count a"
        " third more of the same text. What a workstation costs, its power and its care are in no figure."
        " US dollars, at the standard rates of the price table."
    )


def _paid(paid: Decimal, unpriced: int) -> str:
    if unpriced and not paid:
        return "not known"
    return _money(paid) + (f" and {unpriced} steps at an unknown price" if unpriced else "")


def _money(amount: Decimal | None) -> str:
    return "not known" if amount is None else f"${amount:,.4f}"


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _as_json(one: Mapping[str, Any]) -> str:
    """A JSON object; sums of money as text, for their digits' sake."""
    return json.dumps(one, ensure_ascii=False, default=str)
