"""Results of the chart tools on their way out: listed fields alone, each treated as what it is."""

import re
from collections.abc import Mapping
from typing import Any

from agent.egress.deidentification.fields import (
    ADDRESS,
    ELEMENTS,
    NESTED,
    PEOPLE,
    PLACES,
    ROWS,
    ROWS_WITHIN,
    WHO,
    Treatment,
)
from agent.egress.deidentification.identifiers import Identifiers
from agent.egress.deidentification.spans import Class
from agent.egress.deidentification.texts import REFERENCE, Texts
from agent.errors import NotPermitted
from agent.messages import ToolResult

_PUBLIC = re.compile(
    r"https?://(?:loinc\.org|snomed\.info/sct|unitsofmeasure\.org|(?:[\w-]+\.)?hl7\.org/[\w./-]+"
    r"|www\.nlm\.nih\.gov/[\w./-]+)/?"
)
_ENVELOPE = ("finding", "total", "returned", "truncated")


class Results:
    """Data of results, by way of a session's `texts`."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def learn(self, result: ToolResult) -> None:
        """Take what the records and rows of a result tell of people into the dictionary."""
        rows = _rows(result)
        whole = [row["resource"] for row in rows if isinstance(row.get("resource"), dict)]
        people = [
            part
            for row in rows
            for field, text in row.items()
            if isinstance(text, str)
            and (ROWS.get(field) == "person" or (field == "name" and _is_of(row, PEOPLE)))
            for part in re.split(r"[,;]\s+", text)
            if not REFERENCE.fullmatch(part)
        ]
        self._texts.chart = self._texts.chart.with_(Identifiers.of(whole)).with_(Identifiers.named(people))

    def envelope(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """A result's data without what identifies, in its own shape. Raises NotPermitted for other shapes."""
        rows, texts = data.get("rows"), self._texts
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise NotPermitted(
                "A result cannot be read as rows, so it cannot be de-identified: it does not leave."
            )
        out: dict[str, Any] = {key: data[key] for key in _ENVELOPE if key in data}
        out["rows"] = [self._row(row) for row in rows]
        out["notes"] = [texts.without(str(note)) for note in data.get("notes") or []]
        out["as_of"] = texts.day(str(data.get("as_of", "")))
        if data.get("cursor"):
            out["cursor"] = texts.vault.token("CURSOR", str(data["cursor"]))
        return out

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for field, value in row.items():
            if field == "resource" and isinstance(value, dict):
                kind = str(value.get("resourceType", ""))
                out[field] = self._elements(value, kind)
            elif field in ROWS_WITHIN:
                out[field] = self._within(value)
            else:
                treatment = ROWS.get(field) or _of_element(field)
                if field == "name" and _is_of(row, PEOPLE):
                    treatment = "person"
                elif field == "name" and _is_of(row, PLACES):
                    treatment = "organisation"
                out[field] = self.treated(field, value, treatment)
        return {field: value for field, value in out.items() if value is not None}

    def _within(self, value: Any) -> Any:
        """Rows within a row, or one."""
        if isinstance(value, list):
            return [self._within(item) for item in value if isinstance(item, dict)]
        return self._listed(value, NESTED) if isinstance(value, dict) else None

    def _listed(self, node: Mapping[str, Any], treatments: Mapping[str, Treatment]) -> dict[str, Any]:
        told = {key: self.treated(key, item, treatments.get(key, "drop")) for key, item in node.items()}
        return {key: item for key, item in told.items() if item is not None}

    def treated(self, field: str, value: Any, treatment: Treatment) -> Any:
        """A value, as its field is treated; None where it does not leave."""
        if treatment == "drop" or value is None:
            self._texts.counts["FIELD"] += value is not None
            return None
        if isinstance(value, list):
            found = (self.treated(field, item, treatment) for item in value)
            return [item for item in found if item is not None]
        if isinstance(value, dict):  # codes by the name of their system
            return {
                self._texts.without(str(key), prose=False): self.treated(field, item, treatment)
                for key, item in value.items()
            }
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._texts.age(value) if field == "age" else self.number(value)
        return self._string(str(value), field, treatment)

    def number(self, value: float) -> float | str:
        """A number, unless it is somebody's."""
        told = self._texts.clean(str(value))
        return value if told == str(value) else told

    def _string(self, text: str, field: str, treatment: Treatment) -> str:
        texts = self._texts
        match treatment:
            case "person" | "organisation" | "ref" if REFERENCE.fullmatch(text):
                return texts.vault.alias(text)
            case "person" | "organisation":
                kind: Class = "PERSON" if treatment == "person" else "ORGANISATION"
                texts.counts[kind] += 1
                known = next((one.entity for one in texts.chart.in_text(text) if one.kind == kind), "")
                return texts.vault.token(kind, text, known)
            case "date":
                return texts.day(text)
            case "zip":
                return texts.zip(text)
            case "number" if re.fullmatch(r"[<>]?\d{1,5}", text):
                return text
            case "code" | "said" if field == "age" and text.isdigit():
                return str(texts.age(int(text)))
            case "code" | "said":
                return texts.without(text, prose=False, dates=treatment == "said")
            case _:
                return texts.without(text)

    def _elements(self, node: Mapping[str, Any], kind: str = "") -> dict[str, Any]:
        """An object of a FHIR resource (`kind`, if it is one itself): its listed elements, and no others."""
        if "reference" in node or ("display" in node and node.keys() <= {"display", "type", "identifier"}):
            return self._reference(node)
        out: dict[str, Any] = {}
        for name, value in node.items():
            if name == "address" and kind == "Patient":
                out[name] = [self._listed(one, ADDRESS) for one in value if isinstance(one, dict)]
            elif name == "system" and isinstance(value, str) and _PUBLIC.fullmatch(value):
                out[name] = value
            elif name not in ELEMENTS or name not in WHO.get(kind, ELEMENTS):
                self._texts.counts["FIELD"] += 1
            else:
                out[name] = self._element(name, value, of=node)
        return {name: value for name, value in out.items() if value is not None}

    def _element(self, name: str, value: Any, of: Mapping[str, Any]) -> Any:
        if isinstance(value, list):
            found = (self._element(name, item, of) for item in value)
            return [item for item in found if item is not None]
        if isinstance(value, dict):
            if "div" in value or "contentType" in value:  # narrative; attachments
                self._texts.counts["FIELD"] += 1
                return None
            age = value.get("value")
            if name.lower().endswith("age") and isinstance(age, int | float):
                return {**self._elements(value), "value": self._texts.age(age)}
            return self._elements(value)
        # The text of a concept is coded, that of an annotation is not.
        return self.treated(name, value, "said" if name == "text" and "coding" in of else ELEMENTS[name])

    def _reference(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """A Reference: a record's alias, and its display, which of people and places is a token."""
        ref, shown = str(node.get("reference", "")), node.get("display")
        local = REFERENCE.fullmatch(ref) is not None
        kind = ref.partition("/")[0] if local else str(node.get("type", ""))
        out: dict[str, Any] = {"reference": self._texts.vault.alias(ref)} if local else {}
        if isinstance(shown, str):
            named: Treatment = "organisation" if kind in PLACES else "said"
            out["display"] = self._string(shown, "display", "person" if kind in ("", *PEOPLE) else named)
        return out


def _rows(result: ToolResult) -> list[dict[str, Any]]:
    rows = (result.data or {}).get("rows")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _is_of(row: Mapping[str, Any], kinds: tuple[str, ...]) -> bool:
    kind = "Patient" if row.get("section") == "patient" else str(row.get("ref", "")).partition("/")[0]
    return kind in kinds


def _of_element(field: str) -> Treatment:
    """How an element is treated that fhir_search shows as text: as free text, where it is listed at all."""
    treatment = ELEMENTS.get(field, "drop")
    return "prose" if treatment in ("said", "code") else treatment
