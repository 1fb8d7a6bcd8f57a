"""Questions about the social history: all of it, drinking, and work."""

from agent.models.offline.chart import Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, name, noted, refs_of, value, when


def _habits(words: str) -> tuple[str, ...]:
    """The ways to ask what is on record of a habit."""
    leads = spoken(
        """about, say about, says about, documented about, have down for, got down for, down for"""
    )
    own = (f"{lead} {whose} {habit}" for lead in leads for whose in ("her", "his") for habit in spoken(words))
    return (
        *own,
        *(f"social {history} for {habit}" for history in ("history", "hx") for habit in spoken(words)),
    )


CUES = {
    "social": (
        "social history", "social hx", "shx", "sh", "lifestyle", "habits", "social background",
        "social circumstances", "psychosocial history",
    ),
    "alcohol": (
        "drink", "drinks", "drinker", "etoh", "drink alcohol", "drinks alcohol", "drinking status",
        *_habits("drinking, drinking habits, alcohol, alcohol intake, alcohol use, alcohol consumption"),
        *(f"how many {drinks} {per} {does} {verb}"
          for drinks in ("drink", "unit", "unit of alcohol", "beer", "glass")
          for per in ("", "a week", "per week", "a day", "per day", "weekly", "daily")
          for does in ("does she", "does he", "does the patient", "she", "he")
          for verb in ("have", "drink", "drinks", "consume", "consumes", "has")),
        *(f"how {much} a drinker" for much in ("heavy", "big", "much of", "regular")),
        *(f"drinker or {never}" for never in ("non drinker", "nondrinker", "not a drinker", "teetotaller")),
        "drinking at all", "non drinker", "have a drink now and then", "have a drink", "take a drink",
        "abstain",
        "teetotal", "teetotaler", "teetotaller", "abstinent", "drinker or abstinent", "drinker or teetotal",
        "alcohol history", "consume alcohol", "use alcohol", "how much alcohol does she drink",
        "how much alcohol does he drink", "how much does she drink", "how much does he drink",
    ),
    "smoking": (
        "fags", "on the fags", "light up", "a light smoker",
        "tobacco history", "use tobacco", "quit smoking",
        *(f"or is {who} {now}" for who in ("she", "he")
          for now in ("a current smoker", "still smoking", "a smoker", "a smoker now", "smoking now")),
        "or does she still smoke", "or does he still smoke", "or still smoking", "or still smokes",
        *(f"{joined} {never}" for joined in ("or", "or a", "or is she a", "or is he a", "or an")
          for never in ("non smoker", "nonsmoker", "never smoker", "ex smoker", "former smoker")),
        "non smoker", "nonsmoker", "never smoker", "never smoked", "ex smoker", "exsmoker", "former smoker",
        "on the cigarettes", "on cigarettes",
        "is on the cigarettes", "is on cigarettes",
        *_habits("smoking, smoking status, smoking history, smoking habits, tobacco, tobacco use"),
        *(f"{now}{an}{once} {joined}{never}"
          for now in ("", "smoker ", "a smoker ", "current ", "current smoker ", "a current smoker ")
          for an in ("", "an ") for once in ("ex smoker", "former smoker", "past smoker", "former", "ex")
          for joined in ("or ", "or a ", "")
          for never in ("never smoker", "never smoked", "non smoker", "nonsmoker", "never")
          if now or joined),
    ),
    "work": (
        "do for a living", "does for a living", "work", "profession", "employed",
        "what does she do for a living", "what does he do for a living", "line of work",
        "occupational history", "working as", "do for work",
    ),
}  # fmt: skip

# What the dictionary calls the records of a habit.
_HABITS = {"tobacco smoking status": "smoking", "alcohol use": "alcohol"}
# What the records of a part of the social history are called.
_WORDS = {"alcohol": ("alcohol",), "smoking": ("smok", "tobacco"), "work": ("occupation", "employ")}


def _item(row: Row) -> str:
    aside = "" if row.get("status") in (None, "final") else f" (status {row['status']})"
    return f"{name(row)}: {value(row)}{when(row)}{aside} {cite(refs_of([row]))}"


def _social(asked: Asked) -> Draft:
    """The newest record of each part that was asked for, or of all of them."""
    found = asked.chart.fetch(records("social_history", **asked.window_to_now))
    named = {_HABITS[one.name.casefold()] for one in asked.reading.concepts("measurement")}
    parts = [part for part in _WORDS if part in asked.reading.cues | named]
    newest: dict[str, Row] = {}
    for row in found.rows:
        said = name(row).lower()
        if not parts or any(word in said for part in parts for word in _WORDS[part]):
            newest.setdefault(said, row)
    rows = list(newest.values())
    if rows:
        items = "; ".join(map(_item, rows[:10]))
        return Draft(f"{items}.{noted(found.notes, later=False)}", refs_of(rows[:10]))
    what = "Nothing on that is recorded in the social history" if parts else "No social history is recorded"
    text = f"{what} of this chart{asked.said_window_to_now}.{noted(found.notes)}"
    return Draft(text, (), "not_in_chart" if found.complete else "needs_review")


_ASIDE = cues("what whether is past history latest active when taking and about how status_of often")


def _names_habits(reading: Reading) -> bool:
    return all(one.name.casefold() in _HABITS for one in reading.concepts("measurement"))


INTENTS = (
    Intent(
        "social_history",
        _social,
        may=_ASIDE | cues("social alcohol smoking work"),
        needs=(cues("social alcohol smoking work"),),
        window=True,
    ),
    Intent(
        "habits",
        _social,
        may=_ASIDE | cues("social alcohol smoking report taken"),
        needs=(cues("social alcohol smoking about how status_of report"),),
        about="measurement",
        several=True,
        window=True,
        also=_names_habits,
    ),
)
