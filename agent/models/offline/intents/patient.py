"""Questions about the person: name, age, birth date, sex, whether alive, identifier."""

from agent.models.offline.chart import Row
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, day, many

_FACTS = ("name", "age", "birth", "sex", "deceased", "identifier")
CUES = {
    "sex": (
        "as a man or as a woman", "as a woman or as a man", "as male or as female", "as female or as male",
        "as a man or woman", "as a woman or man", "as male or female", "as female or male",
        "as a male or a female", "as a female or a male", "as a man or a woman",
        "he or she", "he or a she", "a he or a she", "she or he", "she or a he", "a she or a he",
        *(f"am i {looking} {which}" for looking in ("looking at", "dealing with", "seeing", "talking to")
          for which in ("a male or female", "a male or a female", "male or female", "a female or male",
                        "a female or a male", "a lady or a gentleman")),
        "man or woman", "man or a woman", "woman or man", "woman or a man", "boy or girl", "boy or a girl",
        "girl or boy", "girl or a boy", "male or a female", "female or male", "female or a male",
        "m or f", "f or m", "an m or an f", "administrative sex", "administrative gender", "recorded sex",
        "recorded gender", "am i dealing with a man or a woman", "am i dealing with a woman or a man",
        "am i seeing a man or a woman", "lady or gentleman", "lady or a gentleman",
    ),
    "birth": (
        "what is the date of birth", "what was the date of birth", "what is the date of birth of",
        "born on", "birthday full date", "birthday with year", "which date of birth", "what date of birth",
        "which birth date", "what birth date",
        "which dob",
        "day month year of birth", "birth day month and year",
        "what is the birth date", "month of birth", "day and month of birth", "day month and year of birth",
        "year as well", "year included", "including the year", "with the year", "with year",
        "date she was born", "date he was born", "day she was born", "day he was born", "birth details",
        "year she was born", "year he was born", "full date of birth", "exact date of birth", "d o b",
        "complete date of birth", "birth dates", "full birth date", "exact birth date", "date of brith",
        *(f"{on}{which} day month and year" for on in ("", "on ") for which in ("what", "which")),
        *(f"{on}{which} day and year" for on in ("", "on ") for which in ("what", "which")),
        "day of birth", "birth day", "birth year", "birth month",
        "what day month and year was she born", "what day month and year was he born",
        "which day month and year was she born", "which day month and year was he born",
    ),
}  # fmt: skip
# Below this age full years say too little: the birth date goes with them.
_INFANT = 2
# How long a birth date of a year, or of a year and a month, is.
_PARTIAL = (4, 7)


def _demographics(asked: Asked) -> Draft:
    row = asked.chart.patient()
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
