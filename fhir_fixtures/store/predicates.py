"""From a search parameter and its values to a SQL condition on the index.

The meaning of modifiers and prefixes is HAPI's where FHIR leaves it open: numbers and quantities are compared
exactly, tokens with their case, strings without case and accents from their start, and an unknown modifier on
a token or string counts as none.
"""

# ruff: noqa: S608 (the SQL is put together from this package's own names; every value from outside is bound)

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from fhir_fixtures.store import dates
from fhir_fixtures.store.errors import BadRequest
from fhir_fixtures.store.extract import local_reference, normalise
from fhir_fixtures.store.parameters import Parameter, resource_type

# Modifiers of R4 that need a terminology server or that the stand-in does not have.
_UNSUPPORTED = {"in", "not-in", "above", "below", "of-type", "identifier"}
_NUMBER = re.compile(r"^(eq|ne|gt|lt|ge|le|sa|eb|ap)?([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$")
_OPERATORS = {"eq": "=", "ne": "!=", "gt": ">", "lt": "<", "ge": ">=", "le": "<="}
_NOTHING = "0"


class Sql(NamedTuple):
    """A piece of SQL and the values for its question marks.

    A condition that one index decides has two more forms of the same values: `rows` selects the row numbers
    for which it holds, `each` asks whether it holds for `r.rid`.
    """

    text: str
    values: list[Any]
    rows: str = ""
    each: str = ""


def any_of(conditions: list[Sql]) -> Sql:
    """The conditions joined by OR, as a balanced tree: SQLite refuses one that is a thousand deep."""
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    first, second = any_of(conditions[:half]), any_of(conditions[half:])
    return Sql(f"(({first.text}) OR ({second.text}))", [*first.values, *second.values])


def all_of(conditions: list[Sql]) -> Sql:
    """The conditions joined by AND; true when there are none."""
    joined = " AND ".join(f"({c.text})" for c in conditions) or "1"
    return Sql(joined, [value for c in conditions for value in c.values])


def split(text: str, separator: str) -> list[str]:
    """Parts of a search value; a backslash before a separator makes it plain text, and stays for later."""
    return re.findall(rf"(?:^|(?<={re.escape(separator)}))((?:\\.|[^\\{re.escape(separator)}])*)", text)


def unescape(text: str) -> str:
    """A search value without its backslashes."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


def parameter_condition(parameter: Parameter, modifier: str, value: str, base: str) -> Sql:
    """The condition on `r.rid` for one occurrence of a parameter, its comma-separated values joined by OR.

    Raises BadRequest for values and modifiers that cannot be used.
    """
    if modifier == "missing":
        return _missing(parameter, value)
    alternatives = split(value, ",")
    if parameter.type == "date" and len(alternatives) > 1:
        raise BadRequest(f'Multiple date values in one "{parameter.code}" parameter are not supported')
    if parameter.components:
        return any_of([_composite(parameter, alternative, base) for alternative in alternatives])
    negated = parameter.type == "token" and modifier == "not"
    if negated:
        modifier = ""
    table = "string" if parameter.type == "token" and modifier == "text" else parameter.type
    if table != parameter.type:
        modifier = ""
    match = _MATCHES[table]
    found = any_of([match(parameter, modifier, alternative, "i", base) for alternative in alternatives])
    rows = f"SELECT i.rid FROM {table}_index i WHERE i.param = ? AND ({found.text})"
    values = [parameter.number, *found.values]
    if negated:
        return Sql(f"r.rid NOT IN ({rows})", values)
    each = f"SELECT 1 FROM {table}_index i INDEXED BY {table}_rid WHERE i.rid = r.rid AND i.param = ?"
    return Sql(f"r.rid IN ({rows})", values, rows, f"EXISTS ({each} AND ({found.text}))")


def _missing(parameter: Parameter, value: str) -> Sql:
    if value not in ("true", "false"):
        raise BadRequest(f'Invalid value for :missing on "{parameter.code}": {value}')
    indexed = parameter.components[0] if parameter.components else parameter
    within = "NOT IN" if value == "true" else "IN"
    return Sql(
        f"r.rid {within} (SELECT rid FROM {indexed.type}_index WHERE param = ?)",
        [indexed.number],
    )


def _composite(parameter: Parameter, value: str, base: str) -> Sql:
    parts = split(value, "$")
    if len(parts) != len(parameter.components):
        raise BadRequest(
            f'Invalid composite value for "{parameter.code}": {len(parts)} of its parts are given'
        )
    tables, conditions = [], []
    for place, (component, part) in enumerate(zip(parameter.components, parts, strict=True)):
        alias = f"c{place}"
        tables.append(f"{component.type}_index {alias}")
        conditions.append(Sql(f"{alias}.param = ?", [component.number]))
        conditions.append(_MATCHES[component.type](component, "", part, alias, base))
        if place:
            conditions.append(Sql(f"{alias}.rid = c0.rid AND {alias}.nth = c0.nth", []))
    together = all_of(conditions)
    return Sql(
        f"r.rid IN (SELECT c0.rid FROM {', '.join(tables)} WHERE {together.text})",
        together.values,
    )


def _token(parameter: Parameter, modifier: str, value: str, alias: str, base: str) -> Sql:
    if modifier in _UNSUPPORTED:
        raise BadRequest(f'Modifier ":{modifier}" is not supported on "{parameter.code}"')
    system, code = _system_and_code(value)
    if system is None:
        return Sql(f"{alias}.code = ?", [code])
    if not code:
        return Sql(f"{alias}.system = ?", [system])
    return Sql(f"{alias}.code = ? AND {alias}.system = ?", [code, system])


def _system_and_code(value: str) -> tuple[str | None, str]:
    parts = [unescape(part) for part in split(value, "|")]
    if len(parts) == 1:
        return None, parts[0]
    return parts[0], "|".join(parts[1:])


def _string(parameter: Parameter, modifier: str, value: str, alias: str, base: str) -> Sql:
    text = unescape(value)
    match modifier:
        case "exact":
            return Sql(f"{alias}.value = ?", [text])
        case "contains":
            return Sql(f"instr({alias}.norm, ?) > 0", [normalise(text)])
    start = normalise(text)
    return Sql(f"{alias}.norm >= ? AND {alias}.norm < ?", [start, start + "\U0010ffff"])


def _date(parameter: Parameter, modifier: str, value: str, alias: str, base: str) -> Sql:
    if modifier:
        raise BadRequest(f'Modifier ":{modifier}" is not supported on "{parameter.code}"')
    try:
        return Sql(*dates.condition(alias, value))
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _amount(column: str, text: str, code: str) -> Sql:
    matched = _NUMBER.match(text)
    if not matched:
        raise BadRequest(f'Invalid number for "{code}": "{text}"')
    prefix, number = matched[1] or "eq", float(matched[2])
    if prefix == "ap":
        slack = abs(number) / 10
        return Sql(f"{column} BETWEEN ? AND ?", [number - slack, number + slack])
    if prefix not in _OPERATORS:
        raise BadRequest(f'Prefix "{prefix}" is not supported on "{code}"')
    return Sql(f"{column} {_OPERATORS[prefix]} ?", [number])


def _number(parameter: Parameter, modifier: str, value: str, alias: str, base: str) -> Sql:
    return _amount(f"{alias}.value", value, parameter.code)


def _quantity(parameter: Parameter, modifier: str, value: str, alias: str, base: str) -> Sql:
    """`5.4`, `5.4|system|code` or `5.4||code`."""
    parts = [unescape(part) for part in split(value, "|")]
    conditions = [_amount(f"{alias}.value", parts[0], parameter.code)]
    for column, part in zip(("system", "code"), parts[1:], strict=False):
        if part:
            conditions.append(Sql(f"{alias}.{column} = ?", [part]))
    return all_of(conditions)


def _uri(parameter: Parameter, modifier: str, value: str, alias: str, base: str) -> Sql:
    text = unescape(value)
    if modifier == "below":
        return Sql(f"{alias}.value >= ? AND {alias}.value < ?", [text, text + "\U0010ffff"])
    if modifier:
        raise BadRequest(f'Modifier ":{modifier}" is not supported on "{parameter.code}"')
    return Sql(f"{alias}.value = ?", [text])


def _reference(parameter: Parameter, modifier: str, value: str, alias: str, base: str) -> Sql:
    """`Type/id`, `id`, an absolute address on this server or elsewhere; the modifier is a type."""
    text = unescape(value).removeprefix(f"{base}/")
    if modifier:
        if resource_type(modifier) is None:
            raise BadRequest(f'Modifier ":{modifier}" is not supported on "{parameter.code}"')
        text = text if "/" in text else f"{modifier}/{text}"
        if not text.startswith(f"{modifier}/"):
            return Sql(_NOTHING, [])
    local = local_reference(text)
    if local:
        return Sql(f"{alias}.target_type = ? AND {alias}.target_id = ?", list(local))
    if "/" in text or ":" in text:
        return Sql(f"{alias}.target_type = '' AND {alias}.url = ?", [text])
    if not parameter.targets:
        return Sql(f"{alias}.target_id = ?", [text])
    marks = ", ".join("?" * len(parameter.targets))
    return Sql(f"{alias}.target_type IN ({marks}) AND {alias}.target_id = ?", [*parameter.targets, text])


_MATCHES: dict[str, Callable[[Parameter, str, str, str, str], Sql]] = {
    "token": _token,
    "string": _string,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "uri": _uri,
    "reference": _reference,
}
