"""The dictionary's lines: enough of them, each told from the others, and with members that exist."""

import re
from collections import defaultdict

import pytest

from dictionary import KINDS, Kind, entries, other_names

# Brands of combinations, which are names of each ingredient.
COMBINED = {
    "advair", "anoro", "augmentin", "biktarvy", "breo", "caduet", "combigan", "combivent", "cosopt",
    "descovy", "dulera", "duoneb", "dyazide", "entresto", "excedrin", "exforge", "genvoya", "glyxambi",
    "hyzaar", "janumet", "lomotil", "lortab", "lotrel", "maxzide", "norco", "paxlovid", "percocet",
    "pip tazo", "sinemet", "suboxone", "symbicort", "synjardy", "trelegy", "triumeq", "truvada", "ultracet",
    "unasyn", "vicodin", "vytorin", "xigduo", "zestoretic", "zosyn",
}  # fmt: skip
# Measurements that go by one name: which one is meant, a chart tells, or the person who asks.
AMBIGUOUS = {
    "apgar", "apgar score", "bicarbonate", "carbon dioxide", "co2", "depression screen",
    "depression screening", "eye pressure", "flu", "flu test", "hco3", "high sensitivity troponin",
    "hs troponin", "influenza", "intraocular pressure", "iop", "lymphocytes", "microalbumin",
    "microalbuminuria", "neutrophils", "trop", "troponin", "trops", "urea", "urine microalbumin",
}  # fmt: skip
OF_MEMBERS: dict[Kind, Kind] = {"class": "drug", "panel": "measurement"}


def test_there_are_several_hundred_everyday_names_and_every_kind_has_some() -> None:
    counts = {kind: len(entries(kind)) for kind in KINDS}
    assert sum(counts.values()) >= 1_400
    assert min(counts["drug"], 2 * counts["measurement"], 2 * counts["condition"]) >= 400
    assert min(counts["class"], counts["procedure"], counts["imaging"], counts["vaccine"]) >= 60
    assert min(counts["panel"], counts["substance"]) >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_means_two_of_one_kind_unless_it_is_known_to(kind: Kind) -> None:
    bearers = defaultdict(set)
    for one in entries(kind):
        for name in (one.name, *one.names, *one.said):
            bearers[name.casefold()].add(one.name)
    shared = {name for name, of in bearers.items() if len(of) > 1}
    assert shared == {"drug": COMBINED, "measurement": AMBIGUOUS}.get(kind, set())


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_is_in_the_dictionary_once(kind: Kind) -> None:
    known = {one.name for one in entries(OF_MEMBERS.get(kind, kind))}
    for one in entries(kind):
        assert known.issuperset(one.members), one.name
        assert len(one.members) == len(set(one.members)), one.name
        assert one.members or kind not in OF_MEMBERS, one.name


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_stands_once_on_its_line_without_spaces_around(kind: Kind) -> None:
    for one in entries(kind):
        names = (*one.names, *one.said)
        assert len(names) == len(set(names)), one.name
        assert all(name == " ".join(name.split()) != "" for name in (one.name, *names)), one.name


def test_a_picture_has_the_code_of_how_it_is_made() -> None:
    for one in entries("imaging"):
        assert all(re.fullmatch("[A-Z]{2,3}", code) for code in one.modality), one.name
        assert one.modality, one.name


def test_a_word_that_is_no_name_is_no_name() -> None:
    names = {name for kind in KINDS for one in entries(kind) for name in (one.name, *one.names, *one.said)}
    assert {name.casefold() for name in names}.isdisjoint(other_names())
