"""The map of what leaves the building, for a person: a sentence, a table, a page with a picture."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

from agent.egress.traffic import CLASSES, WORKFLOWS, Traffic

COLUMNS = ("workflow", "data", "to", "as", "agreement", "may", "sent", "last (UTC)", "differs")
FORMS: Mapping[str, str] = {"deidentified": "de-identified", "agreement": "as it is"}
NOTHING = "Nothing may leave the building, and nothing that left is on record."

# Of the picture, in its own units.
WIDTH, BOX, ROW, GAP, PAD = 960, 290, 22, 14, 8
# Not by colour alone: what is open is dashed until it is used, and what is not is drawn thick.
_STYLES = {
    "used": 'stroke="#1a6" stroke-width="2"',
    "open": 'stroke="#888" stroke-width="1.5" stroke-dasharray="5 4"',
    "differs": 'stroke="#b00" stroke-width="4"',
}


def in_short(ways: Sequence[Traffic]) -> str:
    """What may leave and what did, in a sentence."""
    sent, differ = sum(bool(way.sent) for way in ways), [way for way in ways if way.differs]
    if not ways:
        return NOTHING
    if differ:
        return f"MORE LEFT THAN THE CONFIGURATION ALLOWS NOW: see {len(differ)} of the ways below."
    if not sent:
        return f"{len(ways)} ways out are open, and nothing that left is on record."
    return f"{len(ways)} ways out are open, {sent} were used, and nothing left by another."


def row(one: Traffic) -> dict[str, str]:
    """A way as a row of COLUMNS."""
    way = one.way
    return {
        "workflow": way.workflow,
        "data": way.data,
        "to": way.host,
        "as": FORMS.get(way.form, way.form),
        "agreement": way.agreement or "-",
        "may": "yes" if one.may else "no",
        "sent": str(one.sent),
        "last (UTC)": one.last[:16].replace("T", " "),
        "differs": one.differs,
    }


def as_page(ways: Sequence[Traffic], *, policy: str, period: str, made: str, by: str) -> str:
    """The map as one HTML page that needs nothing else. `policy` says in words what is configured."""
    text = (files("agent") / "templates" / "phi_map.html").read_text(encoding="utf-8")
    return Template(text).substitute(
        policy=escape(policy),
        period=escape(period),
        made=escape(made),
        by=escape(by),
        short=escape(in_short(ways)),
        picture=picture(ways) if ways else "",
        table=_table([row(one) for one in ways]) if ways else "",
    )


def picture(ways: Sequence[Traffic]) -> str:
    """The map as an SVG: workflows and their classes of data on the left, who gets them on the right."""
    workflows = list(dict.fromkeys([*WORKFLOWS, *(one.way.workflow for one in ways)]))
    classes = list(dict.fromkeys([*CLASSES, *(one.way.data for one in ways)]))
    vendors = list(dict.fromkeys((one.way.host, one.way.agreement) for one in ways))
    boxes: list[str] = []
    lines: list[str] = []
    top, starts = PAD, {}
    for workflow in workflows:
        rows = []
        for number, data in enumerate(classes, 1):
            starts[workflow, data] = top + ROW * number + ROW / 2
            through = [one for one in ways if (one.way.workflow, one.way.data) == (workflow, data)]
            rows.append(f"{data}: {'; '.join(map(_fate, through)) or 'stays'}")
        boxes.append(_box(PAD, top, workflow, rows))
        top += ROW * (len(rows) + 1) + GAP
    height, ends = top, {}
    top = PAD
    for host, agreement in vendors:
        those = [one for one in ways if (one.way.host, one.way.agreement) == (host, agreement)]
        told = list(_about(agreement, those))
        boxes.append(_box(WIDTH - PAD - BOX, top, host, told))
        ends[host, agreement] = top + ROW * (len(told) + 1) / 2
        top += ROW * (len(told) + 1) + GAP
    for one in ways:
        lines.append(
            _line(starts[one.way.workflow, one.way.data], ends[one.way.host, one.way.agreement], one)
        )
    height = max(height, top)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" width="100%"'
        ' font-family="sans-serif" font-size="12">'
    )
    title = "<title>What may leave the building, and what did</title>"
    return "\n".join([head, title, *lines, *boxes, "</svg>"])


def _fate(one: Traffic) -> str:
    form = FORMS.get(one.way.form, one.way.form)
    return f"{form}, {one.sent} sent{'' if one.may else ', MAY NOT NOW'}"


def _about(agreement: str, those: Sequence[Traffic]) -> Iterator[str]:
    """What is known of a vendor."""
    freed = {one.way.form for one in those} == {"deidentified"}
    none = "without an agreement: de-identified data" if freed else "NO AGREEMENT ON RECORD"
    yield f"agreement {agreement}" if agreement else none
    for what, values in (
        ("models", (", ".join(one.models) for one in those)),
        ("kept", (one.retention for one in those)),
        ("region", (one.region for one in those)),
    ):
        if found := ", ".join(dict.fromkeys(value for value in values if value)):
            yield f"{what}: {found}"


def _box(x: float, y: float, title: str, rows: Sequence[str]) -> str:
    texts = [
        f'<text x="{x + 8}" y="{y + ROW * number + 15}" font-weight="{400 if number else 700}">'
        f"{escape(_short(text))}<title>{escape(text)}</title></text>"
        for number, text in enumerate([title, *rows])
    ]
    frame = (
        f'<rect x="{x}" y="{y}" width="{BOX}" height="{ROW * (len(rows) + 1)}" rx="4" fill="#fff"'
        ' stroke="#555"/>'
    )
    return "\n".join([frame, *texts])


def _line(start: float, end: float, one: Traffic) -> str:
    left, right = PAD + BOX, WIDTH - PAD - BOX
    middle = (left + right) / 2
    style = _STYLES["differs" if one.differs else "used" if one.sent else "open"]
    told = f"{one.way.workflow}, {one.way.data}: {_fate(one)}"
    return (
        f'<path d="M {left} {start} C {middle} {start}, {middle} {end}, {right} {end}" fill="none" {style}>'
        f"<title>{escape(told)}</title></path>"
    )


def _short(text: str) -> str:
    """As much as fits into a box."""
    return text if len(text) <= 46 else f"{text[:43]}..."


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in COLUMNS)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{escape(one[column])}</td>' for column in COLUMNS)}</tr>" for one in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
