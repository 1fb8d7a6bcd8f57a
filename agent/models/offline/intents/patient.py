"""Questions about the person: name, age, birth date, sex, whether alive, identifier."""

from agent.messages import Action
from agent.models.offline.chart import Row
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, day, many

_FACTS = ("name", "age", "birth", "sex", "deceased", "identifier")
CUES = {
    "sex": (
        "man or woman", "man or a woman", "woman or man", "woman or a man", "boy or girl", "boy or a girl",
        "girl or boy", "girl or a boy", "male or a female", "female or male", "female or a male",
    ),
}  # fmt: skip
# Below this age full years say too little: the birth date goes with them.
_INFANT = 2
# How long a birth date of a year, or of a year and a month, is.
_PARTIAL = (4, 7)


def _demographics(asked: Asked) -> Draft:
    found = asked.chart.fetch(Action(tool="chart_overview"))
    row = next(row for row in found.rows if row.get("section") == "patient")
    wanted = [fact for fact in _FACTS if fact in asked.reading.cues]
    if not wanted:
        wanted = [fact for fact in _FACTS if fact != "identifier"]
    if "age" in wanted and _missing("age", row):
        # A partial birth date, or a death without a date: what there is lets the reader judge.
        wanted = [fact for fact in _FACTS if fact in {*wanted, "birth", "deceased"}]
        wanted = [fact for fact in wanted if fact not in ("birth", "deceased") or not _missing(fact, row)]
        if len(row.get("birth_date", "")) in _PARTIAL and wanted[-1] != "age":
            wanted = [*(fact for fact in wanted if fact != "age"), "age"]
    elif "age" in wanted and row["age"] < _INFANT and "birth" not in wanted:
        wanted.append("birth")
    facts = ", ".join(_fact(asked, fact, row) for fact in wanted)
    text = asked.wording.say("patient", "sentence", facts=facts, cite=cite([row["ref"]]))
    missing = all(_missing(fact, row) for fact in wanted)
    return Draft(text, (row["ref"],), "not_in_chart" if missing else "answered")


def _missing(fact: str, row: Row) -> bool:
    return {"birth": "birth_date"}.get(fact, fact) not in row


def _fact(asked: Asked, fact: str, row: Row) -> str:
    if fact == "deceased":
        died = row.get("deceased", False)
        if died is True:
            return asked.wording.phrase("patient", "deceased_undated")
        if not died:
            return asked.wording.phrase("patient", "alive")
        return asked.wording.phrase("patient", "deceased", deceased=day(died))
    if fact == "age" and fact not in row and len(row.get("birth_date", "")) in _PARTIAL:
        return asked.wording.phrase("patient", "age_open")
    if fact == "age" and row.get("age") == 0:
        return asked.wording.phrase("patient", "infant")
    if _missing(fact, row):
        return asked.wording.phrase("patient", "missing", what=fact)
    if fact == "age":
        said = "age_at_death" if isinstance(row.get("deceased"), str) else "age"
        return asked.wording.phrase("patient", said, years=many(row["age"], "year"))
    return asked.wording.phrase("patient", fact, **row)


def _asks_for_the_person(reading: Reading) -> bool:
    facts = reading.cues & {*_FACTS, "who"}
    return bool(facts) and ("when" not in reading.cues or bool(facts & {"birth", "deceased"}))


INTENTS = (
    Intent(
        "demographics",
        _demographics,
        may=cues("who what is whether past when active and") | set(_FACTS),
        also=_asks_for_the_person,
    ),
)
