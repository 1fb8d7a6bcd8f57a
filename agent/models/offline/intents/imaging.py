"""Questions about pictures: the last, the list, whether one was made, by modality and site, its report."""

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import stems_of_record
from agent.models.offline.intents.intent import Asked, Intent, cues, looks_ahead
from agent.models.offline.intents.listing import counted
from agent.models.offline.intents.performed import by_name
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, inline, is_later, name, reason, refs_of, when

_SITES = (
    "head", "brain", "chest", "abdomen", "spine", "neck", "pelvis", "hip", "knee", "ankle", "wrist", "hand",
    "foot", "shoulder", "elbow",
)  # fmt: skip
CUES = {
    "imaging": (
        "imaging", "imaging study", "scan", "imaging test", "imaging done", "imaging exam", "radiology study",
        "radiological study", "image", "picture taken", "radiologic study", "imaging history", "imaging list",
    ),
    "pictures": ("study", "exam", "examination", "film"),
    **{f"site_{site}": (site,) for site in _SITES},
}  # fmt: skip


_KINDS = ("imaging", "reports", "procedures")
_LISTED = cues("list count history recent times_had")
# How names of records write a modality (DICOM's code) in short.
_SHORT = {
    "CT": ("ct",),
    "MR": ("mr", "mri"),
    "US": ("us", "ultrasound"),
    "CR": ("xr", "xray", "x", "radiograph", "radiography"),
    "DX": ("xr", "xray", "x", "radiograph", "radiography"),
}
# Other words by which a record says the site.
_WORDS = {
    "head": ("head", "brain", "skull", "cran"),
    "brain": ("brain", "head", "cran"),
    "chest": ("chest", "thora", "lung"),
    "abdomen": ("abdom",),
    "spine": ("spine", "spinal", "vertebra", "lumbar", "cervical"),
    "neck": ("neck", "carotid", "cervical"),
    "pelvis": ("pelvi",),
}


def _item(row: Row) -> str:
    """The study with modality and site where its name says neither, and a status that is not the usual."""
    said = [str(row[key]) for key in ("modality", "body_site") if key in row and str(row[key]) != name(row)]
    if row.get("status") not in ("available", "completed", "final", None):
        said.append(f"status {row['status']}")
    concluded = f": “{inline(row['conclusion'])}”" if "conclusion" in row else ""
    aside = f" ({', '.join(said)})" if said else ""
    return f"{name(row)}{when(row)}{aside}{concluded} {cite(refs_of([row]))}"


def _imaging(asked: Asked) -> Draft:
    """Studies, and the reports and procedures of that name, as charts record pictures as any of these."""
    if not asked.reading.mentions and not _site(asked):
        found = asked.chart.fetch(records("imaging", **asked.window_to_now))
        studies = [row for row in found.rows if not is_later(row, asked.now)]
        others: list[Row] = []
        total = found
    else:
        total, studies, others = _named(asked)
    told = " ".join([_site(asked), *(mention.said for mention in asked.reading.mentions)]).strip()
    if not studies:
        return _elsewhere(asked, told, others)
    asks = asked.reading.cues
    of_one = cues("latest when first why reason result opened") | (cues("whether is past") if told else set())
    if not asks & of_one or asks & _LISTED:
        noun = "imaging study" if not told else "matching imaging study"
        return counted(asked, total, studies, noun, _item)
    row = studies[-1] if "first" in asks else studies[0]
    whether = asks & cues("whether is past") and not asks & cues("latest when what first")
    lead = "First" if "first" in asks else "Yes, the last" if whether else "Last"
    report = _report(row, others) if told else None
    tail = f" Its report: {_item(report)}." if report else ""
    if asks & {"why", "reason"}:
        tail = f" {name(row)}: {reason(row)} {cite(refs_of([row]))}."
    return Draft(f"{lead}: {_item(row)}.{tail}", refs_of([row, *([report] if report else [])]))


def _named(asked: Asked) -> tuple[Found, list[Row], list[Row]]:
    """The studies that the question names, by modality and site, and the reports and procedures it names.

    Found by the tools' dictionary, and by the site with the modality's usual short names ("XR Ankle").
    """
    window = asked.window_to_now
    said = [mention.said for mention in asked.reading.mentions]
    concept = next(iter(asked.reading.concepts("imaging")), None)
    site = _site(asked) or (concept.site if concept else "")
    calls = [
        records(kind, text=text, **window) for text in dict.fromkeys([*said, site]) if text for kind in _KINDS
    ]
    every = [by_name(found) for found in asked.chart.fetch_all(calls)]
    wanted = {word for modality in (concept.modality if concept else ()) for word in _SHORT.get(modality, ())}
    rows: dict[str, Row] = {}
    for number, found in enumerate(every):
        by_site = number >= len(_KINDS) * len(said)
        for row in found.rows:
            words = set(stems_of_record(f"{row.get('name')} {row.get('modality', '')}"))
            if (not by_site or not wanted or wanted & words) and (not _site(asked) or _shows(row, site)):
                rows.setdefault(row["ref"], row)
    dated = [row for row in rows.values() if not is_later(row, asked.now)]
    dated.sort(key=lambda row: str(row.get("date", "")), reverse=True)
    studies = [row for row in dated if row["ref"].startswith("ImagingStudy/")]
    return every[0], studies, [row for row in dated if row not in studies]


def _shows(row: Row, site: str) -> bool:
    said = f"{row.get('name')} {row.get('body_site', '')}".lower()
    return any(word in said for word in _WORDS.get(site, (site,)))


def _site(asked: Asked) -> str:
    sites = [cue.removeprefix("site_") for cue in asked.reading.cues if cue.startswith("site_")]
    return sites[0] if sites else ""


def _report(study: Row, reports: list[Row]) -> Row | None:
    """The report of the same name and day."""
    day_of = str(study.get("date"))[:10]
    same = (row for row in reports if name(row) == name(study) and str(row.get("date"))[:10] == day_of)
    return next(same, None)


def _elsewhere(asked: Asked, told: str, rows: list[Row]) -> Draft:
    if not rows and not told:
        text = f"No imaging studies are recorded in this chart{asked.said_window_to_now}."
        return Draft(text, (), "not_in_chart")
    if not rows:
        text = (
            f"No {told} is recorded among imaging studies, reports and procedures{asked.said_window_to_now}."
        )
        return Draft(text, (), "not_in_chart")
    items = asked.wording.listed(rows, _item)
    return Draft(f"No {told} is recorded as an imaging study, but otherwise: {items}.", refs_of(rows[:10]))


def _of_pictures(reading: Reading) -> bool:
    sites = [cue for cue in reading.cues if cue.startswith("site_")]
    named = bool(reading.mentions) or "imaging" in reading.cues
    return named and len(sites) < 2 and not looks_ahead(reading)


INTENTS = (
    Intent(
        "imaging",
        _imaging,
        may=cues(
            "what whether is past latest when first list count history recent done imaging result opened"
        )
        | cues("why reason pictures times_had")
        | {f"site_{site}" for site in _SITES},
        about="imaging",
        bare=True,
        window=True,
        also=_of_pictures,
    ),
)
