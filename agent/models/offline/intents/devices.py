"""Questions about devices: what the patient has, and whether one is recorded, with its status."""

from agent.models.offline.chart import Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import counted
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, day, name, noted, refs_of, when

# What people call a device, and the words by which its records are found.
_DEVICES = {
    "insulin_pump": ("insulin pump", "infusion pump"),
    "glucose_sensor": ("cgm", "continuous glucose monitor", "glucose sensor"),
    "central_line": ("central venous catheter", "cvc"),
    "urinary_catheter": ("urinary catheter", "foley", "bladder catheter"),
    "ventilator_device": ("ventilator machine", "breathing machine"),
    "cane": ("cane", "walking stick"),
    "walker": ("walker", "rollator", "zimmer frame"),
    "wheelchair": ("wheelchair",),
    "hearing_aid": ("hearing aid",),
    "cpap": ("cpap machine", "cpap", "bipap"),
    "prosthesis": ("prosthesis", "prosthetic", "artificial limb"),
    "defibrillator": ("implantable defibrillator", "implanted defibrillator", "aicd"),
    "iud": ("iud", "intrauterine device", "contraceptive coil"),
    "nebulizer": ("nebulizer", "nebuliser"),
    "oxygen_device": ("oxygen concentrator", "home oxygen equipment"),
}  # fmt: skip
_TEXTS = {
    "insulin_pump": "infusion pump", "glucose_sensor": "glucose monitoring", "central_line": "central venous",
    "urinary_catheter": "urinary catheter", "ventilator_device": "ventilator", "cane": "cane",
    "walker": "walker", "wheelchair": "wheelchair", "hearing_aid": "hearing aid", "cpap": "airway pressure",
    "prosthesis": "prosthe", "defibrillator": "defibrillator", "iud": "intrauterine", "nebulizer": "nebuli",
    "oxygen_device": "oxygen",
}  # fmt: skip
# Names of procedures that are names of devices too.
IMPLANTED = frozenset({"pacemaker", "ventilator", "cardiac pacemaker", "stent", "icd", "defibrillator"})
CUES = {
    **_DEVICES,
    "device": (
        "device", "medical device", "implant", "implanted device", "equipment", "medical equipment", "dme",
        "device list", "assistive device", "implants and devices", "hardware",
    ),
    "using_device": ("wear", "wearing", "fitted with", "implanted", "carry", "depend on", "dependent on"),
}  # fmt: skip

_ENDED = ("inactive", "entered-in-error")


def _item(row: Row) -> str:
    """Name, type where that is another, status; made and not got is what its date tells."""
    said = [f"status {row.get('status', 'unknown')}"]
    if row.get("type") and row["type"] != row.get("name"):
        said.insert(0, str(row["type"]))
    if "date" in row:
        said.append(f"made {day(row['date'])}")
    if "expires" in row:
        said.append(f"expires {day(row['expires'])}")
    return f"{name(row)} ({', '.join(said)}) {cite(refs_of([row]))}"


def _list(asked: Asked) -> Draft:
    status = "all" if asked.reading.cues & {"history", "past", "list"} else "current"
    found = asked.chart.fetch(records("devices", status=status))
    if not found.rows:
        kind = "devices" if status == "all" else "active devices"
        return Draft(f"No {kind} are recorded in this chart.{noted(found.notes)}", (), "not_in_chart")
    noun = "device" if status == "all" else "active device"
    return counted(asked, found, found.rows, noun, _item)


def _has(asked: Asked) -> Draft:
    """Whether a device is recorded, and a procedure of its name: charts often have only the one."""
    mentioned = [mention.said for mention in asked.reading.mentions]
    cue = next((cue for cue in asked.reading.cues if cue in _DEVICES), "")
    told = mentioned[0] if mentioned else _DEVICES[cue][0]
    text = mentioned[0] if mentioned else _TEXTS[cue]
    devices, procedures = asked.chart.fetch_all(
        [records("devices", text=text), records("procedures", text=text)]
    )
    active = [row for row in devices.rows if row.get("status") not in _ENDED]
    done = [row for row in procedures.rows if row.get("status") == "completed" and _of(row, text)]
    notes = noted(note for note in devices.notes if not note.startswith("None of the"))
    if active:
        items = asked.wording.listed(active, _item)
        return Draft(f"Yes: {items}.{notes}", refs_of(active[:10]))
    if devices.rows:
        items = asked.wording.listed(devices.rows, _item)
        return Draft(f"Recorded, but not as active: {items}.{notes}", refs_of(devices.rows[:10]))
    if done:
        items = "; ".join(f"{name(row)}{when(row)} {cite(refs_of([row]))}" for row in done[:5])
        return Draft(
            f"No {told} is recorded among the devices, but as a procedure: {items}.{notes}", refs_of(done[:5])
        )
    return Draft(f"No {told} is recorded among the devices or procedures.{notes}", (), "not_in_chart")


def _of(row: Row, text: str) -> bool:
    return all(word in name(row).lower() for word in text.lower().split())


def is_a_device(reading: Reading) -> bool:
    """A mention that names a device as well as the procedure that puts it in."""
    return bool(reading.mentions) and all(one.said in IMPLANTED for one in reading.mentions)


def _asks_for_one(reading: Reading) -> bool:
    named = reading.cues & set(_DEVICES)
    asked = reading.cues & cues("when why by_whom first latest count done procedure")
    return len(named) + len(reading.mentions) == 1 and not asked and (bool(named) or is_a_device(reading))


INTENTS = (
    Intent(
        "devices",
        _list,
        may=cues("what whether is active list past history count using_device taking"),
        needs=(cues("device"),),
    ),
    Intent(
        "has_device",
        _has,
        may=cues("what whether is active past history device using_device taking") | set(_DEVICES),
        about="procedure",
        bare=True,
        also=_asks_for_one,
    ),
)
