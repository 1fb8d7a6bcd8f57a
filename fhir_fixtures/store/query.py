"""A search request read into a `Search`: which resources, in which order, and how they are to be shown."""

# ruff: noqa: S608 (the SQL is put together from this package's own names; every value from outside is bound)

import re
from collections.abc import Callable
from dataclasses import dataclass

from fhir_fixtures.store.dates import condition as date_condition
from fhir_fixtures.store.errors import BadRequest
from fhir_fixtures.store.parameters import Parameter, ResourceType, resource_type
from fhir_fixtures.store.predicates import Sql, any_of, parameter_condition, split

# What HAPI's starter gives when `_count` is absent, and the most it gives.
DEFAULT_COUNT, MOST = 20, 200

OF_TYPE = "r.type = ? AND r.body IS NOT NULL"

_NAME = re.compile(r"^([\w-]+)(?::([\w-]+))?(?:\.(.+))?$")
_SHOWING = ("_count", "_sort", "_total", "_summary", "_elements", "_format", "_pretty")
_INCLUDING = ("_include", "_revinclude")

# By which column each type of parameter is sorted.
_SORT_COLUMNS = {
    "token": "system || char(0) || code",
    "string": "norm",
    "date": "low",
    "number": "value",
    "quantity": "value",
    "uri": "value",
    "reference": "target_type || '/' || target_id",
}


@dataclass(frozen=True)
class Include:
    """`_include` or, when `reverse`, `_revinclude`: parameter `code` (`*`: all) of `source`, to `target`."""

    source: str
    code: str
    target: str | None
    reverse: bool
    iterate: bool


@dataclass(frozen=True)
class Search:
    """A search as asked.

    `kept` are the parameters that were understood, for the self link. `conditions`, of which all must hold,
    and `order`, an ORDER BY, are over the resource table's alias `r`. `by_date` is the number of the date
    parameter that alone decides the order, and whether the newest come first.
    """

    type_name: str
    kept: tuple[tuple[str, str], ...]
    conditions: tuple[Sql, ...]
    order: Sql
    by_date: tuple[int, bool] | None
    count: int
    accurate: bool
    summary: str | None
    elements: tuple[str, ...]
    includes: tuple[Include, ...]


def read_search(
    type_name: str,
    pairs: list[tuple[str, str]],
    base: str,
    *,
    lenient: bool = False,
) -> Search:
    """Read the parameters of a search for `type_name`.

    Unknown parameters are refused, or with `lenient` dropped; those without a value are dropped, as in HAPI.
    Raises BadRequest.
    """
    kind = _known(type_name)
    kept: list[tuple[str, str]] = []
    conditions = [Sql(OF_TYPE, [type_name])]
    showing: dict[str, str] = {}
    includes: list[Include] = []
    for name, value in pairs:
        if not value:
            continue
        plain, _, modifier = name.partition(":")
        if plain in _SHOWING:
            showing[plain] = value
        elif plain in _INCLUDING:
            includes.append(_include(value, plain == "_revinclude", modifier in ("iterate", "recurse")))
        else:
            condition = criterion(kind, name, value, base)
            if condition is None:
                if lenient:
                    continue
                raise BadRequest(_unknown(kind, name))
            conditions.append(condition)
        kept.append((name, value))
    return Search(
        type_name=type_name,
        kept=tuple(kept),
        conditions=tuple(conditions),
        order=_sorting(kind, showing.get("_sort", "")),
        by_date=_sole_date(kind, showing.get("_sort", "")),
        count=0 if showing.get("_summary") == "count" else count(showing.get("_count")),
        accurate=showing.get("_total") == "accurate",
        summary=_choice("_summary", showing, ("true", "false", "text", "data", "count")),
        elements=tuple(e.rpartition(".")[2] for e in showing.get("_elements", "").split(",") if e),
        includes=tuple(includes),
    )


def count(text: str | None) -> int:
    """The page size that is asked for, within bounds. Raises BadRequest."""
    if text is None:
        return DEFAULT_COUNT
    if not text.isdecimal():
        raise BadRequest(f'Invalid value for "_count": {text}')
    return min(int(text), MOST)


def criterion(kind: ResourceType, name: str, value: str, base: str) -> Sql | None:
    """The condition of one criterion such as `code`, `subject:Patient.name` or `_has:...`; None if unknown.

    Raises BadRequest.
    """
    if name.startswith("_has:"):
        return _has(kind, name, value, base)
    matched = _NAME.match(name)
    if not matched:
        return None
    code, modifier, chained = matched.groups()
    if chained is None and code in _ON_RESOURCE:
        return _ON_RESOURCE[code](modifier or "", value)
    parameter = kind.parameters.get(code)
    if parameter is None:
        return None
    if chained is not None:
        return _chain(kind, parameter, modifier, chained=chained, value=value, base=base)
    return parameter_condition(parameter, modifier or "", value, base)


def _by_id(modifier: str, value: str) -> Sql:
    ids = [text.rpartition("/")[2] for text in split(value, ",")]
    marks = ", ".join("?" * len(ids))
    if modifier == "not":
        return Sql(f"r.id NOT IN ({marks})", ids)
    return Sql(f"r.id IN ({marks})", ids, f"SELECT r.rid FROM resource r WHERE r.id IN ({marks})")


def _by_last_updated(modifier: str, value: str) -> Sql:
    """`_lastUpdated` stands in the resource table; its day is the day in UTC."""
    day = "CAST(strftime('%Y%m%d', r.updated / 1000, 'unixepoch') AS INTEGER)"
    try:
        text, values = date_condition("u", value)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    for column, expression in (
        ("low_day", day),
        ("high_day", day),
        ("low", "r.updated"),
        ("high", "r.updated"),
    ):
        text = re.sub(rf"\bu\.{column}\b", expression, text)
    return Sql(text, values, f"SELECT r.rid FROM resource r WHERE {text}", text)


_ON_RESOURCE: dict[str, Callable[[str, str], Sql]] = {"_id": _by_id, "_lastUpdated": _by_last_updated}


def _chain(
    kind: ResourceType, parameter: Parameter, target: str | None, *, chained: str, value: str, base: str
) -> Sql:
    """`subject.name` and `subject:Patient.name`: the resources whose reference meets a criterion."""
    if parameter.type != "reference":
        raise BadRequest(f'"{parameter.code}" of {kind.name} is no reference and cannot be chained')
    alternatives = []
    for name in [target] if target else parameter.targets:
        condition = criterion(_known(name), chained, value, base)
        if condition is not None:
            alternatives.append(
                Sql(
                    "r.rid IN (SELECT f.rid FROM reference_index f JOIN resource t"
                    " ON t.type = f.target_type AND t.id = f.target_id WHERE f.param = ? AND t.rid IN (SELECT"
                    f" r.rid FROM resource r WHERE r.type = ? AND r.body IS NOT NULL AND {condition.text}))",
                    [parameter.number, name, *condition.values],
                )
            )
    if not alternatives:
        raise BadRequest(f'Invalid parameter chain: "{parameter.code}.{chained}"')
    return any_of(alternatives)


def _has(kind: ResourceType, name: str, value: str, base: str) -> Sql:
    """`_has:Observation:patient:code`: the resources that a resource which meets a criterion refers to."""
    parts = name.split(":", 3)
    if len(parts) != 4:
        raise BadRequest(f'Invalid _has parameter: "{name}"')
    source = _known(parts[1])
    link = source.parameters.get(parts[2])
    condition = criterion(source, parts[3], value, base)
    if link is None or link.type != "reference" or condition is None:
        raise BadRequest(f'Invalid _has parameter: "{name}"')
    return Sql(
        "(r.type, r.id) IN (SELECT f.target_type, f.target_id FROM reference_index f WHERE f.param = ? AND"
        f" f.rid IN (SELECT r.rid FROM resource r WHERE r.body IS NOT NULL AND {condition.text}))",
        [link.number, *condition.values],
    )


def _sole_date(kind: ResourceType, text: str) -> tuple[int, bool] | None:
    parameter = kind.parameters.get(text.removeprefix("-"))
    if parameter is None or parameter.type != "date":
        return None
    return parameter.number, text.startswith("-")


def _sorting(kind: ResourceType, text: str) -> Sql:
    """The ORDER BY of `_sort`. What has no value comes last, either way, as in HAPI."""
    order: list[str] = []
    values: list[int] = []
    for part in (p for p in text.split(",") if p):
        code, down = part.removeprefix("-"), part.startswith("-")
        direction = "DESC" if down else "ASC"
        parameter = kind.parameters.get(code)
        if code in ("_id", "_lastUpdated"):
            # Looked up by itself: `r` may be rows of an index, which have neither.
            column = "id" if code == "_id" else "updated"
            order.append(f"(SELECT {column} FROM resource WHERE rid = r.rid) {direction}")
        elif parameter is None or parameter.type not in _SORT_COLUMNS:
            raise BadRequest(_unknown(kind, code, "sort parameter"))
        else:
            best = f"{'max' if down else 'min'}({_SORT_COLUMNS[parameter.type]})"
            order.append(
                f"(SELECT {best} FROM {parameter.type}_index INDEXED BY {parameter.type}_rid"
                f" WHERE rid = r.rid AND param = ?) {direction} NULLS LAST"
            )
            values.append(parameter.number)
    return Sql(", ".join([*order, "r.rid"]), list(values))


def _include(value: str, reverse: bool, iterate: bool) -> Include:
    parts = value.split(":")
    if value == "*":
        return Include("*", "*", None, reverse, iterate)
    if not 2 <= len(parts) <= 3:
        raise BadRequest(f'Invalid _include parameter value: "{value}"')
    source = _known(parts[0])
    parameter = source.parameters.get(parts[1])
    if parts[1] != "*" and (parameter is None or parameter.type != "reference"):
        raise BadRequest(f'Invalid _include parameter value: "{value}"')
    return Include(source.name, parts[1], parts[2] if len(parts) == 3 else None, reverse, iterate)


def _choice(name: str, given: dict[str, str], allowed: tuple[str, ...]) -> str | None:
    value = given.get(name)
    if value is not None and value not in allowed:
        raise BadRequest(f'Invalid value for "{name}": {value}; one of {", ".join(allowed)}')
    return value


def _known(name: str) -> ResourceType:
    kind = resource_type(name)
    if kind is None:
        raise BadRequest(f'Unknown resource type "{name}"')
    return kind


def _unknown(kind: ResourceType, name: str, what: str = "search parameter") -> str:
    """HAPI's words, which clients read the valid names from."""
    valid = ", ".join(sorted(kind.parameters))
    return (
        f'Unknown {what} "{name}" for resource type "{kind.name}".'
        f" Valid search parameters for this search are: [{valid}]"
    )
