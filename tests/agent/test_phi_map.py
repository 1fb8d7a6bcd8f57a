"""The map of what leaves, as a person reads it."""

from xml.etree import ElementTree as ET

from agent.egress.ledger import sent
from agent.egress.policy import EgressPolicy, Vendor
from agent.egress.traffic import Traffic, traffic
from agent.phi_map import COLUMNS, NOTHING, as_page, in_short, picture, row

from .egress.ledger_acts import escalation
from .test_accounting import HOSTILE, Tags

VENDOR = Vendor("claude-opus-5-5", "https://models.example", "BAA-2026-7", "30 days", "us")
OPEN = EgressPolicy("deidentified")
SVG = "{http://www.w3.org/2000/svg}"


def page(ways: list[Traffic]) -> str:
    return as_page(ways, policy="escalation deidentified", period="$made", made="today", by="privacy")


def test_nothing_open_and_nothing_sent_is_one_sentence() -> None:
    assert in_short([]) == NOTHING
    assert "<svg" not in page([])
    assert NOTHING in page([])


def test_the_sentence_tells_what_is_open_what_was_used_and_what_should_not_have_been() -> None:
    unused = traffic(OPEN, VENDOR, [])
    assert in_short(unused) == "12 ways out are open, and nothing that left is on record."
    used = traffic(OPEN, VENDOR, [sent(escalation(1))])
    assert in_short(used) == "12 ways out are open, 2 were used, and nothing left by another."
    wrong = traffic(EgressPolicy(), VENDOR, [sent(escalation(1))])
    assert in_short(wrong).startswith("MORE LEFT THAN THE CONFIGURATION ALLOWS NOW: see 2")


def test_a_way_is_a_row_of_every_column() -> None:
    (first, *_) = traffic(OPEN, VENDOR, [sent(escalation(1))])
    assert tuple(row(first)) == COLUMNS
    assert list(row(first).values()) == [
        "ask", "question", "models.example", "de-identified", "BAA-2026-7", "yes", "1", "2026-11-23 08:00",
        "",
    ]  # fmt: skip


def test_the_picture_has_a_line_for_each_way_drawn_by_what_became_of_it() -> None:
    ledger = [sent(escalation(1)), sent(escalation(3, policy="agreement", data_classes=["notes"]))]
    ways = traffic(OPEN, VENDOR, ledger)
    drawn = ET.fromstring(picture(ways))
    lines = list(drawn.iter(f"{SVG}path"))
    assert len(lines) == len(ways) == 13
    assert sum("stroke-dasharray" in line.attrib for line in lines) == 10
    assert sum(line.attrib["stroke-width"] == "4" for line in lines) == 1
    texts = ["".join(text.itertext()) for text in drawn.iter(f"{SVG}text")]
    assert any("images: stays" in text for text in texts)
    assert any("agreement BAA-2026-7" in text for text in texts)


def test_data_that_left_as_they_are_without_an_agreement_are_drawn_as_such() -> None:
    def about(**more: str) -> str:
        return picture(traffic(EgressPolicy(), VENDOR, [sent(escalation(1, agreement="", **more))]))

    assert "NO AGREEMENT ON RECORD" in about(policy="agreement")
    assert "without an agreement: de-identified data" in about()


def test_every_text_of_the_picture_stands_within_it() -> None:
    drawn = ET.fromstring(picture(traffic(OPEN, VENDOR, [sent(escalation(1, host="x" * 300))])))
    _, _, width, height = map(float, drawn.attrib["viewBox"].split())
    for text in drawn.iter(f"{SVG}text"):
        assert 0 < float(text.attrib["x"]) < width
        assert 0 < float(text.attrib["y"]) < height


def test_the_page_stands_alone_and_nothing_of_the_trail_becomes_markup() -> None:
    names = ("host", "workflow", "policy", "agreement", "retention", "region", "model")
    hostile = escalation(1, **dict.fromkeys(names, HOSTILE), data_classes=[HOSTILE])
    text = page(traffic(EgressPolicy(), VENDOR, [sent(hostile)]))
    tags = Tags()
    tags.feed(text)
    assert not {"script", "img", "link", "iframe", "a", "image", "foreignobject"} & set(tags.seen)
    assert "<script" not in text
    assert "src=" not in text
    assert "href" not in text
    assert "$made" in tags.text
    assert HOSTILE in tags.text
