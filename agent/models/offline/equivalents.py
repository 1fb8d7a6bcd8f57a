"""What is said in a roundabout way, said plainly: "once 2019-05-03 had passed" is "after 2019-05-03"."""

import re
from functools import cache

from agent.models.offline.concepts import read_table
from agent.models.offline.dates import MONTHS, NUMBERS

_UNIT = r"(?:days?|weeks?|months?|years?|yrs?|mos?)"
_MONTH = rf"(?:{'|'.join(MONTHS)})\b\.?"
_NTH = r"\d{1,2}(?:st|nd|rd|th)?\b"
_DATE = (
    rf"(?:(?:19|20)\d\d(?:-\d\d){{0,2}}\b(?!-)|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}"
    rf"|(?:{_NTH} (?:of )?)?{_MONTH},?(?: {_NTH},?)? \d{{4}}\b)"
)


def said_plainly(text: str) -> str:
    """The text with each such expression replaced, in the order of the table."""
    for pattern, plain in _table():
        text = pattern.sub(plain, text)
    return text


@cache
def _table() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The patterns of the table, with what the capitals in them stand for (see its head)."""
    names = {
        "DATE": _DATE,
        "UNIT": _UNIT,
        "N": rf"(?:\d{{1,3}}|{'|'.join(NUMBERS)})",
        "ONE": r"(?:one|results?|values?|readings?|measurements?|numbers?|levels?|checks?|tests?)",
        "IN_UNIT": r"(?:pounds|lbs?|kilos?|kilograms?|kg|stones?|fahrenheit|celsius|centigrade|inches|feet"
        r"|cm|centimet(?:er|re)s|met(?:er|re)s|[munp]mol/l|mg/dl|g/l|g/dl)",
        "WHO": r"(?:she|he|we|they|you|i|the patient)",
    }
    table = read_table("equivalents")["said"]
    return tuple((re.compile(_named(pattern, names), re.IGNORECASE), plain) for pattern, plain in table)


def _named(pattern: str, names: dict[str, str]) -> str:
    return re.sub(r"\b(?:DATE|IN_UNIT|UNIT|N|ONE|WHO)\b", lambda found: names[found[0]], pattern)
