"""Questions about the family history: all of it, a relative's, or whether a condition runs in the family."""

from agent.models.offline.chart import Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import counted
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, inline, name, noted, refs_of

# A relative as people say it, and the words of the record's relationship.
_RELATIVES = {
    "mother": ("mother", "mom", "mum", "mother s"),
    "father": ("father", "dad", "father s"),
    "sibling": ("sibling",),
    "sister": ("sister",),
    "brother": ("brother",),
    "parent": (
        "parent",
        "either parent",
        "her parents",
        "his parents",
        "mum or dad",
        "mom or dad",
        "mother or father",
        "father or mother",
        "dad or mum",
        "dad or mom",
        "mother or her father",
        "mother or his father",
    ),
    "grandmother": ("grandmother", "grandma"),
    "grandfather": ("grandfather", "grandpa"),
    "grandparent": ("grandparent",),
    "daughter": ("daughter",),
    "son": ("son",),
    "child": ("child", "children"),
    "aunt": ("aunt",),
    "uncle": ("uncle",),
    "cousin": ("cousin",),
}
_RELATED = {
    "sister": ("sister", "sibling"), "brother": ("brother", "sibling"),
    "parent": ("mother", "father", "parent"),
    "sibling": ("sibling", "sister", "brother"), "grandparent": ("grand",),
    "child": ("child", "son", "daughter"),
}  # fmt: skip
# Codes that stand where a record names no relationship (HL7 v3 RoleCode).
_CODES = {"fth": "father", "mth": "mother", "sis": "sister", "bro": "brother", "sib": "sibling"}
CUES = {
    **{f"relative_{relative}": phrases for relative, phrases in _RELATIVES.items()},
    "family": (
        "on the family side", "family side", "on her family side", "on his family side",
        *(f"something that runs in {whose} family" for whose in ("her", "his", "the")),
        *(f"{verb} in {whose} family history" for verb in ("feature", "figure", "appear", "show up",
        "come up")
          for whose in ("her", "his", "the")),
        *(f"with anything {big}" for big in ("significant", "relevant", "notable", "of note", "serious")),
        *(f"health of {whose} {kin}" for whose in ("her", "his", "the")
          for kin in ("parents", "parents and siblings", "siblings", "relatives", "parents or siblings")),
        "family history", "family history of", "family hx", "family hx of", "fhx", "fh", "fhx of",
        "relative", "family medical history", "run in the family", "runs in the family",
        "run in her family", "run in his family", "in the family", "in her family", "in his family",
        "family member", "anyone in the family", "anyone in her family", "anyone in his family",
        "genetic history", "hereditary history", "first degree relative", "family medical hx",
        "familial history of", "familial history", "fam hx", "fam hx of", "fam history", "fam history of",
        "fam hx positive for", "family hx positive for", "family history positive for",
        "positive family history", "positive family history of", "positive family hx of",
        "positive fam hx of", "family anamnesis", "familial anamnesis", "family antecedent",
        "familial antecedent", "antecedents in the family", "hereditary antecedent",
        "hereditary or familial disease", "hereditary or familial illness",
        "hereditary or familial condition", "family health", "family s health", "family health history",
        "health of her family", "health of his family", "health of the family", "family history section",
        "significant family history", "relevant family history", "pertinent family history",
        "notable family history", "any other relative", "any relative", "among her relatives",
        "among his relatives", "parent or sibling", "parents or siblings", "parent sibling or other relative",
        "parents siblings or other relatives", "mum or dad or anyone", "mom or dad or anyone",
        "mother or father or anyone", "on either side of the family", "on either side of her family",
        "on either side of his family", "on both sides of the family",
        "she come from a family with", "he come from a family with", "from a family with", "blood relative",
        "blood relatives", "close relative", "kin", "her folks", "his folks",
        "her people", "his people", "her side", "family record", "family records", "among the relatives",
        "in a relative", "in any relative", "in relatives", "in her relatives", "in his relatives",
        "in a relative of hers", "in a relative of his", "a relative of hers", "a relative of his",
        "anyone related to her", "anyone related to him", "anybody related to her", "anybody related to him",
        "somebody in the family", "someone in the family", "somebody in her family", "someone in her family",
        "somebody in his family", "someone in his family", "anybody in the family", "anybody in her family",
        "anybody in his family", "family tree",
        "in her family tree", "in his family tree", "in the family tree", "pedigree", "bloodline",
        "in the family line", "anyone among her relatives", "anyone among his relatives",
    ),
    "relative_any": ("family",),
    "had_by_relative": ("die of", "died of", "suffer from in the family"),
}  # fmt: skip


def _item(row: Row) -> str:
    """A relative with the conditions recorded, and whether deceased."""
    said = inline(row.get("conditions", "no conditions recorded"))
    died = row.get("deceased")
    aside = "" if died in (None, False) else " (deceased)" if died is True else f" (deceased, {died})"
    return f"{name(row)}{aside}: {said} {cite(refs_of([row]))}"


def _family(asked: Asked) -> Draft:
    wanted = [
        cue.removeprefix("relative_")
        for cue in asked.reading.cues
        if cue.startswith("relative_") and cue != "relative_any"
    ]
    every = asked.chart.fetch(records("family_history"))
    relatives = [row for row in every.rows if not wanted or _is(row, wanted)]
    mentioned = [mention.said for mention in asked.reading.mentions]
    who = f" for the {' or '.join(sorted(wanted))}" if wanted else ""
    if not every.rows or (wanted and not relatives):
        of = f" of {mentioned[0]}" if mentioned else ""
        text = f"No family history{of} is recorded in this chart{who}.{noted(every.notes)}"
        return Draft(text, (), "not_in_chart" if every.complete else "needs_review")
    if not mentioned:
        return counted(asked, every, relatives, "relative", _item)
    found = asked.chart.fetch(records("family_history", text=mentioned[0]))
    refs = {row["ref"] for row in found.rows}
    rows = [row for row in relatives if row["ref"] in refs]
    if rows:
        return Draft(f"Yes, in the family: {asked.wording.listed(rows, _item)}.", refs_of(rows[:10]))
    items = asked.wording.listed(relatives, _item)
    text = f"No family history of {mentioned[0]} is recorded{who}; recorded: {items}."
    return Draft(text, refs_of(relatives[:10]))


def _is(row: Row, wanted: list[str]) -> bool:
    said = name(row).lower()
    said = _CODES.get(said, said)
    return any(word in said for one in wanted for word in _RELATED.get(one, (one,)))


def _of_the_family(reading: Reading) -> bool:
    """ "Does her mother take aspirin?" is about another person: only conditions are of the family history."""
    relative = any(cue.startswith("relative_") for cue in reading.cues)
    asked = reading.mentions or reading.cues & cues("history family problem whether diagnosed what deceased")
    if "relative_any" in reading.cues and not reading.mentions:
        return False
    chart = relative and "list" in reading.cues  # "her mother's list"
    return ("family" in reading.cues or relative) and bool(asked) and not chart


INTENTS = (
    Intent(
        "family_history",
        _family,
        may=cues(
            "what whether is past history family problem diagnosed list who had_by_relative happened about"
            " taken done"
        )
        | {"relative_any", *(f"relative_{relative}" for relative in _RELATIVES)},
        about="problem",
        bare=True,
        also=_of_the_family,
    ),
)
