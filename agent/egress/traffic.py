"""The ways out of the building, one for each class of data: those that policy opens, those that were used."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from agent.config import DataClass, Workflow
from agent.egress.ledger import NOT_KNOWN, Sent, host_of
from agent.egress.policy import EgressPolicy, Vendor, permission

WORKFLOWS: tuple[Workflow, ...] = get_args(Workflow)
CLASSES: tuple[DataClass, ...] = get_args(DataClass)


@dataclass(frozen=True)
class Way:
    """A class of data that goes from a workflow to a host, in a form, under an agreement if there is one."""

    workflow: str
    data: str
    host: str
    form: str
    agreement: str


@dataclass(frozen=True)
class Traffic:
    """A way out: whether it is open (`may`), and what went through it.

    `last` is when something last did (UTC, ISO 8601); `models` got it. `unasked` counts what went without a
    person's consent on record; 0 where none is wanted.
    """

    way: Way
    may: bool
    sent: int
    last: str
    models: tuple[str, ...]
    retention: str
    region: str
    unasked: int

    @property
    def differs(self) -> str:
        """What was done that the configuration would not allow now; empty where nothing was."""
        closed = ["SENT, AND MAY NOT NOW"] if self.sent and not self.may else []
        unasked = [f"{self.unasked} WITHOUT CONSENT"] if self.unasked else []
        return "; ".join(closed + unasked)


def open_ways(policy: EgressPolicy, vendor: Vendor | None) -> list[Way]:
    """The ways that the configuration opens: as the loop decides about a session that holds such data."""
    if vendor is None:
        return []
    forms = {
        (workflow, data): permission(policy, workflow, dict.fromkeys(("question", data))).form
        for workflow in WORKFLOWS
        for data in CLASSES
    }
    return [
        Way(workflow, data, host_of(vendor.url), form, vendor.agreement)
        for (workflow, data), form in forms.items()
        if form != "never"
    ]


def traffic(
    policy: EgressPolicy, vendor: Vendor | None, ledger: Iterable[Sent], *, consent: bool = False
) -> list[Traffic]:
    """Each way that is open or was used, by workflow. `consent`: a person is to be asked each time."""
    opened = set(open_ways(policy, vendor))
    used: dict[Way, list[Sent]] = {}
    for line in ledger:
        for data in line.data_classes or (NOT_KNOWN,):
            way = Way(line.workflow, data, line.host, line.policy, line.agreement)
            used.setdefault(way, []).append(line)
    found = []
    for way in sorted(opened | used.keys(), key=_place):
        lines = used.get(way, [])
        agreed: Vendor | Sent = vendor if vendor and way in opened else lines[-1]
        found.append(
            Traffic(
                way=way,
                may=way in opened,
                sent=len(lines),
                last=max((line.at for line in lines), default=""),
                models=tuple(dict.fromkeys(line.model for line in lines if line.model)),
                retention=agreed.retention,
                region=agreed.region,
                unasked=sum(not line.consent for line in lines) if consent else 0,
            )
        )
    return found


def _place(way: Way) -> tuple[int, str, int, str, str, str]:
    """Workflows and classes in their own order, then those that have none here."""
    return (
        WORKFLOWS.index(way.workflow) if way.workflow in WORKFLOWS else len(WORKFLOWS),
        way.workflow,
        CLASSES.index(way.data) if way.data in CLASSES else len(CLASSES),
        way.host,
        way.form,
        way.agreement,
    )
