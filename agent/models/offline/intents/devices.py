"""Questions about devices: what the patient has, and whether one is recorded, with its status."""

from agent.models.offline.chart import Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import counted, joined
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
    "defibrillator": ("implantable defibrillator", "implanted defibrillator", "aicd", "icd"),
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
IMPLANTED = frozenset(
    {"pacemaker", "pacer", "ventilator", "cardiac pacemaker", "stent", "icd", "defibrillator"}
)
CUES = {
    **_DEVICES,
    "device": (
        "device", "medical device", "implant", "implanted device", "equipment", "medical equipment", "dme",
        "device list", "assistive device",

        "implants and devices", "hardware", "implanted hardware",
        "medical hardware", "prosthetic device", "implantable device", "implanted", "appliance",
        "device inventory", "device record", "durable medical equipment", "medical device list", "udi",
        "medical aid", "aids and appliances", "aids or devices", "devices or aids", "devices or implants",
        "implants or devices",
        "implants or hardware", "devices and equipment", "device or equipment", "technical aid",
        "apparatus", "assistive equipment",
    ),
    # Beside a named device it asks for the others too.
    "other_device": (
        *(f"{joint} {other} {device}" for joint in ("or", "and")
          for other in ("other", "another", "any other", "any", "any kind of", "some other", "similar")
          for device in ("device", "implant", "implanted device", "medical device", "implantable device",
                         "hardware", "equipment", "appliance", "medical equipment", "prosthetic")),
        "or such", "or something", "or something like that",
        "or the like", "or anything like that", "or similar", "or anything similar", "such as", "like",
        "or anything implanted", "or anything else implanted",
    ),
    "using_device": (
        "wear", "wearing", "fitted with", "implanted in", "carry", "depend on", "dependent on", "carries",
        "wears", "hooked up to", "in situ", "in or on her", "in or on him", "in or on the patient",
        "fitted", "connected to", "rely on", "relies on", "given or implanted in", "implanted in or given to",
        "carrying", "in body", "in the body",
    ),
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
    status = "all" if asked.reading.cues & {"history", "past"} else "current"
    found = asked.chart.fetch(records("devices", status=status))
    if not found.rows:
        kind = "devices" if status == "all" else "active devices"
        return Draft(f"No {kind} are recorded in this chart.{noted(found.notes)}", (), "not_in_chart")
    noun = "device" if status == "all" else "active device"
    return counted(asked, found, found.rows, noun, _item)


def _list_beside(asked: Asked) -> Draft:
    """Whether each is recorded that is named, and all there are."""
    return joined([_has(asked), _list(asked)] if _named(asked) else [_list(asked)])


def _named(asked: Asked) -> list[tuple[str, str]]:
    """The devices that are named: in words, and the words by which their records are found."""
    mentioned = [
        (mention.said, mention.said) for mention in asked.reading.mentions if mention.said in IMPLANTED
    ]
    return mentioned + [(_DEVICES[cue][0], _TEXTS[cue]) for cue in sorted(asked.reading.cues & set(_DEVICES))]


def _has(asked: Asked) -> Draft:
    return joined([_has_one(asked, told, text) for told, text in _named(asked)])


def _has_one(asked: Asked, told: str, text: str) -> Draft:
    """Whether a device is recorded, and a procedure of its name: charts often have only the one."""
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


def _asks_for_all(reading: Reading) -> bool:
    """Devices named only beside a word for any other ("a pacemaker or any other device")."""
    if reading.mentions and all("imaging" in one.concepts for one in reading.mentions):
        return "device" in reading.cues and "latest" not in reading.cues  # what somebody goes for
    if reading.cues & cues("before trend"):
        return False
    named = is_a_device(reading) or reading.cues & set(_DEVICES)
    return "other_device" in reading.cues if named else not reading.mentions and "device" in reading.cues


def _asks_for_one(reading: Reading) -> bool:
    named = reading.cues & set(_DEVICES)
    asked = reading.cues & cues("when why by_whom first latest count done procedure")
    return len(named) + len(reading.mentions) == 1 and not asked and (bool(named) or is_a_device(reading))


INTENTS = (
    Intent(
        "devices",
        _list_beside,
        may=cues("what whether is active list past history count using_device taking about and other_device")
        | cues("before trend includes")
        | set(_DEVICES),
        needs=(cues("device other_device"),),
        about=("procedure", "imaging"),
        bare=True,
        several=True,
        also=_asks_for_all,
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
