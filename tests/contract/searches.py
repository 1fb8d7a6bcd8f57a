"""Search cases drawn from the charts: every search parameter of every type that has values there."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import quote

from tests.contract.charted import by_type, drawn, index, parameters, tokens
from tests.contract.exchange import PAGE, Case

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# Characters that separate values in a search; a value that holds one would need escaping.
_PLAIN = re.compile(r"[^,$|\\]+")
_PREFIXES = ("ge", "lt", "gt", "le", "sa", "eb", "ne")
_PARTS_OF_NAMES = ("family", "given", "prefix", "suffix", "text")
_PARTS_OF_ADDRESSES = ("line", "city", "district", "state", "country", "postalCode")

_Parameter = dict[str, Any]
_Holds = Callable[[str], bool]


def search(url: str, expected: set[str] | None = None, **more: Any) -> Case:
    """A search whose total is asked for, and whose matches fit on one page where there are not too many."""
    return Case(
        f"{url}&_total=accurate&_count={PAGE}",
        expected=None if expected is None else frozenset(expected),
        **more,
    )


def drawn_searches() -> Iterator[Case]:
    """One to five cases for each parameter of each type that the charts have values for, each once."""
    yield from {case.name: case for case in _drawn()}.values()


def _drawn() -> Iterator[Case]:
    turn = count()
    for resource_type in by_type():
        for code, parameter in parameters(resource_type).items():
            if parameter.get("truth") or code == "phonetic":
                continue
            name = f"{resource_type}?{code}"
            match parameter["type"]:
                case "token":
                    yield from _token(resource_type, name, parameter, next(turn))
                case "reference":
                    yield from _reference(resource_type, name, parameter, next(turn))
                case "string":
                    yield from _string(resource_type, name, parameter)
                case "date":
                    yield from _date(resource_type, name, parameter, next(turn))
                case "quantity":
                    yield from _quantity(resource_type, name, parameter)
                case "number" | "uri":
                    yield from _verbatim(resource_type, name, parameter)


def _token(resource_type: str, name: str, parameter: _Parameter, turn: int) -> Iterator[Case]:
    found = index(resource_type, parameter, tokens)
    found = {pair: ids for pair, ids in found.items() if _PLAIN.fullmatch(pair[1])}
    if not found:
        return
    system, value = drawn(found)
    with_value = _union(found, lambda pair: pair[1] == value)
    yield search(f"{name}={quote(value)}", with_value)
    if system:
        yield search(f"{name}={quote(system, safe='')}%7C{quote(value)}", found[system, value])
    if turn % 3 == 0:
        everything = {f"{resource_type}/{resource['id']}" for resource in by_type()[resource_type]}
        yield search(f"{name}:not={quote(value)}", everything - with_value)
    if system and turn % 3 == 1:
        yield search(f"{name}={quote(system, safe='')}%7C", _union(found, lambda pair: pair[0] == system))


def _reference(resource_type: str, name: str, parameter: _Parameter, turn: int) -> Iterator[Case]:
    found = index(resource_type, parameter, lambda element: filter(None, [element.get("reference")]))
    found = {target: ids for target, ids in found.items() if re.fullmatch(r"[A-Z]\w+/[\w.-]+", target)}
    if not found:
        return
    target = drawn(found)
    kind, _, identity = target.partition("/")
    yield search(f"{name}={target}", found[target])
    if turn % 2 == 0:
        yield search(f"{name}={identity}", _union(found, lambda other: other.endswith(f"/{identity}")))
    else:
        yield search(f"{name}:{kind}={identity}", found[target])


def _string(resource_type: str, name: str, parameter: _Parameter) -> Iterator[Case]:
    found = index(resource_type, parameter, _strings)
    text = drawn({text: ids for text, ids in found.items() if _PLAIN.fullmatch(text)} or {"": set()})
    start, middle = text[:3].upper(), text[1:4]
    if len(text) < 4 or start.strip() != start or middle.strip() != middle:
        return
    yield search(
        f"{name}={quote(start)}", _union(found, lambda other: _folded(other).startswith(_folded(start)))
    )
    yield search(
        f"{name}:contains={quote(middle)}", _union(found, lambda other: _folded(middle) in _folded(other))
    )
    yield search(f"{name}:exact={quote(text)}", found[text])
    yield search(f"{name}:exact={quote(text.lower())}", found.get(text.lower(), set()))


def _strings(element: Any) -> Iterator[str]:
    """The texts of a string's element: itself, or the parts of a name or an address."""
    if isinstance(element, str):
        yield element
        return
    for part in _PARTS_OF_NAMES + _PARTS_OF_ADDRESSES:
        value = element.get(part, [])
        yield from value if isinstance(value, list) else [value]


def _folded(text: str) -> str:
    """Without case and accents, as string searches compare."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


def _date(resource_type: str, name: str, parameter: _Parameter, turn: int) -> Iterator[Case]:
    found = index(resource_type, parameter, _points)
    days: dict[str, set[str]] = {}
    for point, ids in found.items():
        if _DAY.match(point):
            days.setdefault(point[:10], set()).update(ids)
    if not days:
        return
    day, prefix = drawn(days), _PREFIXES[turn % len(_PREFIXES)]
    # With plain days only, comparing their texts is comparing them; the rest is left to the recording.
    plain = all(_DAY.fullmatch(point) for point in found)
    yield search(f"{name}={day}", days[day] if plain else None)
    yield search(f"{name}=ge{day}", _union(days, lambda other: other >= day) if plain else None)
    yield search(f"{name}={day[:7]}")
    yield search(f"{name}={prefix}{day if turn % 2 else day[:4]}")
    exact = {point: ids for point, ids in found.items() if "T" in point}
    if exact:
        yield search(f"{name}={prefix}{quote(drawn(exact))}")


def _points(element: Any) -> list[str]:
    """The text of a date or dateTime, or of a period's start and end."""
    if isinstance(element, str):
        return [element]
    return [element[key] for key in ("start", "end") if key in element]


def _quantity(resource_type: str, name: str, parameter: _Parameter) -> Iterator[Case]:
    found = index(resource_type, parameter, _quantities)
    if not found:
        return
    value, system, unit = drawn(found)
    yield search(f"{name}={value}")
    yield search(f"{name}={value}%7C%7C{quote(unit, safe='')}")
    for prefix in ("", "gt", "le", "ne", "ap"):
        yield search(f"{name}={prefix}{value}%7C{quote(system, safe='')}%7C{quote(unit, safe='')}")


def _quantities(element: Any) -> list[tuple[float, str, str]]:
    if not {"value", "system", "code"} <= {*element}:
        return []
    return [(element["value"], element["system"], element["code"])]


def _verbatim(resource_type: str, name: str, parameter: _Parameter) -> Iterator[Case]:
    found = index(resource_type, parameter, lambda element: [str(element)])
    if found:
        value = drawn(found)
        yield search(f"{name}={quote(value, safe='')}", found[value])


def _union(found: dict[Any, set[str]], holds: Callable[[Any], bool]) -> set[str]:
    return set().union(*(ids for value, ids in found.items() if holds(value)))
