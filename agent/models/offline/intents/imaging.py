"""Questions about pictures: the last, the list, whether one was made, by modality and site, its report."""

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import stems_of_record
from agent.models.offline.intents.durations import ago
from agent.models.offline.intents.intent import Asked, Intent, cues, looks_ahead
from agent.models.offline.intents.listing import counted
from agent.models.offline.intents.performed import by_name
from agent.models.offline.reading import Mention, Reading
from agent.models.offline.wording import Draft, cite, inline, is_later, name, reason, refs_of, when

# What is looked at, and the words for it; the kidneys are a panel's name too.
_SITES = {
    "head": ("head", "skull", "cranium", "cranial"),
    "brain": ("brain",),
    "chest": ("chest", "thorax", "thoracic", "thoracic region", "lung", "rib cage", "of the lung"),
    "abdomen": ("abdomen", "abdominal", "belly", "tummy", "abdominal region"),
    "spine": ("spine", "spinal", "lumbar", "lumbar spine", "cervical spine", "c spine", "l spine"),
    "neck": ("neck",),
    "pelvis": ("pelvis", "pelvic", "pelvic region"),
    "hip": ("hip", "hip joint", "hip region"),
    "knee": ("knee", "knee joint"),
    "ankle": ("ankle", "ankle joint", "ankle region"),
    "wrist": ("wrist", "wrist joint", "wrist region"),
    "hand": ("hand",),
    "foot": ("foot", "feet"),
    "shoulder": ("shoulder", "shoulder joint"),
    "elbow": ("elbow", "elbow joint"),
    "kidney": (
        "of the kidney", "of her kidney", "of his kidney", "of their kidney", "of kidney", "renal region",
        "of the renal area", "kidney region",
    ),
    "sinus": ("sinus", "sinuses"),
    "clavicle": ("clavicle", "collarbone", "collar bone"),
    "rib": ("rib",),
    "leg": ("leg", "lower leg"),
    "arm": ("arm", "forearm", "upper arm"),
}  # fmt: skip
CUES = {
    "imaging": (
        "imaging", "imaging study", "scan", "imaging test", "imaging done", "imaging exam",
        "radiology study", "radiological study", "image", "picture taken", "imaged", "imaged by",
        "imaged with", "imaged on", "imaged using", "scanned by", "scanned with", "looked at by",
        "looked at with", "examined with", "scanned", "radiologic study", "imaging history",
        "imaging list",
    ),
    "pictures": ("study", "exam", "examination", "film", "picture"),
    "earlier": (
        "prior", "a prior", "any prior", "old", "an old", "any old", "an earlier", "any earlier",
        "past imaging", "for comparison", "on file for comparison", "for comparison purposes", "to compare",
        "to compare to", "to compare with", "to compare against", "to compare it to", "to compare it with",
    ),
    **{f"site_{site}": said for site, said in _SITES.items()},
}  # fmt: skip


_KINDS = ("imaging", "reports", "procedures")
_LISTED = cues("list count often history recent times_had total")
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
    "kidney": ("kidney", "renal"),
    "foot": ("foot", "feet"),
    "leg": ("leg", "tibia", "fibula", "femur"),
    "arm": ("arm", "humerus", "radius", "ulna"),
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
    pictures = [mention.said for mention in asked.reading.mentions if "imaging" in mention.concepts]
    site = _site(asked)
    told = " ".join([site, *pictures]).strip() if pictures or not site else f"imaging of the {site}"
    if not studies:
        return _elsewhere(asked, told, others)
    asks = asked.reading.cues
    of_one = cues("elapsed latest when first why reason result opened") | (
        cues("whether is past") if told else set()
    )
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
    long = ago(row.get("date"), asked.now) if "elapsed" in asks else ""
    return Draft(f"{lead}: {long}{_item(row)}.{tail}", refs_of([row, *([report] if report else [])]))


def _named(asked: Asked) -> tuple[Found, list[Row], list[Row]]:
    """The studies that the question names, by modality and site, and the reports and procedures it names.

    Found by the tools' dictionary, and by the site with the modality's usual short names ("XR Ankle").
    """
    window = asked.window_to_now
    said = [mention.said for mention in asked.reading.mentions if "imaging" in mention.concepts]
    concept = next(iter(asked.reading.concepts("imaging")), None)
    if concept and concept.modality and not concept.site:  # a sonogram, which records call an ultrasound
        said = list(dict.fromkeys([*said, concept.name.lower()]))
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
    return sites[0] if sites else "kidney" if any(map(_is_kidney, asked.reading.mentions)) else ""


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
        are = "are" if told.endswith("scans") or told.endswith("rays") else "is"
        among = f"among imaging studies, reports and procedures{asked.said_window_to_now}"
        return Draft(f"No {told} {are} recorded {among}.", (), "not_in_chart")
    items = asked.wording.listed(rows, _item)
    return Draft(f"Not among the imaging studies, but otherwise: {items}.", refs_of(rows[:10]))


def _is_kidney(mention: Mention) -> bool:
    """Whether it names what is looked at, by the word that is a panel's name too."""
    return mention.said in ("kidney", "kidneys", "renal")


def _of_pictures(reading: Reading) -> bool:
    pictures = reading.concepts("imaging")
    sites = [cue for cue in reading.cues if cue.startswith("site_")] + [
        mention.said for mention in reading.mentions if _is_kidney(mention)
    ]
    named = bool(pictures) or "imaging" in reading.cues
    alone = len(pictures) < 2 and len(reading.mentions) <= len(pictures) + len(sites)
    return named and alone and len(sites) < 2 and not looks_ahead(reading)


INTENTS = (
    Intent(
        "imaging",
        _imaging,
        may=cues(
            "what whether is past latest when first list count often history recent done imaging result",
        )
        | cues("elapsed opened why reason pictures times_had total taking and earlier where procedure onset")
        | {f"site_{site}" for site in _SITES},
        about=("imaging", "panel"),
        bare=True,
        several=True,
        window=True,
        also=_of_pictures,
    ),
)
