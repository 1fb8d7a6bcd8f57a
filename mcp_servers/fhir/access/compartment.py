"""The patient lock: which records belong to the bound patient, and what a search may ask within it.

A record belongs to the patient when the patients it is about (`patient` or `subject`; for types with neither,
all its compartment paths) are exactly that patient. The paths come from HL7's R4 CompartmentDefinition,
distilled into `patient_compartment.json`.
"""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from mcp_servers.fhir.access.references import Reference, parse
from mcp_servers.fhir.errors import PatientLocked

Resource = dict[str, Any]
Path = tuple[str, ...]
Verdict = Literal["inside", "shared", "outside"]

# Types outside the R4 compartment can still be about a patient: Device.patient, Binary.securityContext.
_BEYOND: tuple[Path, ...] = (("patient",), ("subject",), ("for",), ("beneficiary",), ("securityContext",))
# These carry whole records of anybody, about whom nothing at their top tells.
_CARRIERS = frozenset({"Bundle", "Parameters"})
_PATIENT_NAMED = re.compile(r"(?:^|/)Patient(?:[/?]|$)")
_REFUSED = frozenset({"_has", "_revinclude", "_filter", "_query", "_list", "_contained", "_containedType",
                      "_content", "_text", "_type"})  # fmt: skip
# A node without any of these is no reference, and neither is nor holds a record.
_TELLING = frozenset({"reference", "type", "url", "contained", "resourceType"})
_NODES = (dict, list)
_OWNER_PARAMETERS = ("patient", "subject")


class PatientLock:
    """What one call about one patient may see, on a server at `base`.

    `referrers` outlives the call: which record of the patient was last seen to refer to a record that is in
    no compartment. It opens nothing by itself.
    """

    def __init__(self, patient: str, base: str, referrers: dict[str, str] | None = None) -> None:
        self.patient = patient
        self.id = patient.removeprefix("Patient/")
        self._base = base
        self._referrers = {} if referrers is None else referrers
        self._seen: set[str] = set()
        self._own: set[str] = set()

    def verdict(self, resource: Resource) -> Verdict:
        """Whether a record is about this patient alone ("inside"), others too ("shared"), or not at all."""
        if resource.get("resourceType") == "Patient":
            return "inside" if resource.get("id") == self.id else "outside"
        if resource.get("resourceType") in _CARRIERS:
            return "outside"
        paths = _paths().get(str(resource.get("resourceType")), {"owner": _BEYOND, "all": _BEYOND})
        owners = self._patients(resource, paths["owner"] or paths["all"])
        if owners == {self.patient}:
            return "inside"
        return "shared" if self.patient in owners | self._patients(resource, paths["all"]) else "outside"

    def may_see(self, resource: Resource) -> bool:
        """Whether a record may be shown: the patient's own, or about nobody and referred to by one."""
        if self.verdict(resource) == "inside":
            return True
        seen = self.is_nobodys(resource) and _ref(resource) in self._seen
        return seen and not self.unproven(resource)

    def is_nobodys(self, resource: Resource) -> bool:
        """Whether a record names nobody whom it is about, and is of a type that need not."""
        kind = str(resource.get("resourceType"))
        return not (in_compartment(kind) or kind in _CARRIERS or self._patients(resource, _BEYOND))

    def unproven(self, resource: Resource) -> list[Reference | None]:
        """Which records rule who may see a file (its securityContext), and were not seen to be the patient's.

        None stands for one that cannot be told.
        """
        contexts = [
            self._local(value.get("reference") if isinstance(value, dict) else None)
            for value in _at(resource, ("securityContext",))
        ]
        return [one for one in contexts if one is None or one.base or one.local not in self._own]

    def was_referred_to(self, ref: str) -> bool:
        """Whether a record of the patient that this call was brought refers to `ref`."""
        return ref in self._seen

    def referrer(self, ref: str) -> str | None:
        """The record of the patient that referred to `ref` when it was last seen."""
        return self._referrers.get(ref)

    def admit(self, resource: Resource) -> int:
        """Make a record fit to show, in place; how many mentions of other patients were withheld.

        References to this server become relative; references to other patients, or to patients that cannot
        be told, are replaced, and resources within it about other patients are taken out. What the record
        refers to may be read from now on, if it is the patient's own record.
        """
        mentioned: set[str] = set()
        taken_out: set[str] = set()
        withheld = 0
        held: dict[str, Resource] = {}
        waiting: list[Any] = [resource]
        while waiting:
            node = waiting.pop()
            if isinstance(node, list):
                waiting += [item for item in node if isinstance(item, _NODES)]
                continue
            if _TELLING.isdisjoint(node):
                _push_within(node, waiting)
                continue
            if node is not resource and "resourceType" in node and self._is_about_another(node, held):
                node.clear()
                withheld += 1
            if isinstance(contained := node.get("contained"), list):
                others: list[Any] = []
                within, node["contained"] = _contained(node), []
                for item in contained:
                    of_another = self._is_about_another(item, within)
                    (others if of_another else node["contained"]).append(item)
                taken_out |= {f"#{item.get('id')}" for item in others if isinstance(item, dict)}
                withheld += len(others)
                if node is resource:
                    held = _contained(resource)
            if self._mentions_another(node, taken_out):
                node.clear()
                node["display"] = "another patient (withheld)"
                withheld += 1
            for link in ("reference", "url"):
                if link in node and (reference := self._local(node[link])) and not reference.base:
                    node[link] = reference.local
                    if not in_compartment(reference.type):
                        mentioned.add(reference.local)
            _push_within(node, waiting)
        if self.verdict(resource) == "inside":
            self._seen |= mentioned
            self._own.add(_ref(resource))
            self._referrers.update(dict.fromkeys(mentioned, _ref(resource)))
        return withheld

    def check_parameter(self, resource_type: str, name: str, value: str) -> None:
        """Refuse a search parameter that reaches beyond the patient. Raises PatientLocked."""
        plain, _, modifier = name.partition(":")
        if plain in _REFUSED or "." in name:
            raise PatientLocked(
                f"`{plain[:40]}` reaches beyond the records of {self.patient}; chains, _has, _revinclude and"
                " full-text parameters are not offered. Search the type itself instead."
            )
        names_patient = plain in _OWNER_PARAMETERS or (plain == "_id" and resource_type == "Patient")
        if (names_patient and modifier) or modifier == "Patient":
            raise PatientLocked(
                f"`{name[:40]}` is not offered: every search is about {self.patient} already. Leave it out."
            )
        for part in value.replace("$", ",").replace("|", ",").split(","):
            reference = self._local(part.strip())
            if reference is not None and reference.type == "Patient":
                if reference.base or reference.local != self.patient:
                    raise self._another_patient()
            elif (names_patient and part.strip() != self.id) or "Patient/" in part:
                raise self._another_patient()

    def refusal(self, ref: str) -> PatientLocked:
        """The answer to a read of another patient's record and of one that is not there: the same text."""
        return PatientLocked(
            f"{ref[:140]} is not in the chart of {self.patient}."
            " Read records by the `ref` that a tool returned."
        )

    def _another_patient(self) -> PatientLocked:
        return PatientLocked(
            f"This session is about {self.patient} only; leave other patients out of the parameters."
        )

    def _patients(
        self, resource: Resource, paths: tuple[Path, ...], contained: dict[str, Resource] | None = None
    ) -> set[str]:
        """The patients at `paths`; what may be a patient but cannot be told is there under its own name.

        `contained`: what `#` references mean there, where that is not within the record itself.
        """
        contained = _contained(resource) if contained is None else contained
        found: set[str] = set()
        for path in paths:
            for value in _at(resource, path):
                text = value.get("reference") if isinstance(value, dict) else None
                literal = self._local(text)
                if literal is None and _maybe_patient(value, contained):
                    found.add(f"unknown {text}")
                elif literal is not None and literal.type == "Patient":
                    found.add(literal.local if not literal.base else f"{literal.base}/{literal.local}")
        return found

    def _local(self, text: object) -> Reference | None:
        """The literal reference in `text`, without a base when it is one to this server."""
        reference = parse(text) if isinstance(text, str) else None
        if reference is not None and reference.base == self._base:
            return reference._replace(base="")
        return reference

    def _mentions_another(self, node: Resource, taken_out: set[str]) -> bool:
        """Whether a node is a reference to another patient, or to one who cannot be told."""
        text = node.get("reference")
        if (reference := self._local(text)) is not None:
            return reference.type == "Patient" and (bool(reference.base) or reference.local != self.patient)
        if isinstance(text, str) and (text in taken_out or _PATIENT_NAMED.search(text)):
            return True
        return node.get("type") == "Patient" and not node.keys().isdisjoint(
            ("reference", "identifier", "display")
        )

    def _is_about_another(self, nested: Any, contained: dict[str, Resource]) -> bool:
        """Whether a record beside those `contained` is about another patient, or one who cannot be told."""
        if not isinstance(nested, dict) or nested.get("resourceType") == "Patient":
            return True
        paths = _paths().get(str(nested.get("resourceType")), {"owner": _BEYOND, "all": _BEYOND})
        owners = self._patients(nested, paths["owner"] or paths["all"], contained)
        return not owners <= {self.patient, "unknown #"}


def in_compartment(resource_type: str) -> bool:
    """Whether records of this type are about patients, by the R4 patient compartment."""
    return resource_type == "Patient" or resource_type in _paths()


def _push_within(node: Resource, waiting: list[Any]) -> None:
    """Put the nodes within a node on the stack, those of a list in its place; every node of a chart is."""
    for value in node.values():
        if type(value) is str:  # most are, and this is asked of all that is read
            continue
        if isinstance(value, dict):
            waiting.append(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, _NODES):
                    waiting.append(item)


def _contained(resource: Resource) -> dict[str, Resource]:
    """The records within a record, by the references to them (`#id`); of several with one id, the first."""
    contained = resource.get("contained")
    found: dict[str, Resource] = {}
    for item in contained if isinstance(contained, list) else []:
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            found.setdefault(f"#{item['id']}", item)
    return found


def _maybe_patient(value: Any, contained: dict[str, Resource]) -> bool:
    """Whether a reference that names no type and id may still mean a patient."""
    if not isinstance(value, dict):
        return True
    reference = value.get("reference")
    if isinstance(reference, str) and reference.startswith("#"):
        item = contained.get(reference)
        return item is None or item.get("resourceType", "Patient") == "Patient"
    stated = str(reference).partition("?")[0] if reference is not None else value.get("type")
    if isinstance(stated, str) and stated.isalpha():
        return stated == "Patient"
    return reference is not None or "identifier" in value


def _ref(resource: Resource) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _at(value: Any, path: Path) -> list[Any]:
    """The values at `path`, through every list on the way."""
    found = [value]
    for step in path:
        found = [item for node in found for item in _children(node, step)]
    return found


def _children(node: Any, step: str) -> list[Any]:
    child = node.get(step) if isinstance(node, dict) else None
    return child if isinstance(child, list) else [] if child is None else [child]


@cache
def _paths() -> dict[str, dict[str, tuple[Path, ...]]]:
    text = files(__package__).joinpath("patient_compartment.json").read_text(encoding="utf-8")
    return {
        kind: {group: tuple(tuple(path) for path in paths) for group, paths in groups.items()}
        for kind, groups in json.loads(text).items()
    }
