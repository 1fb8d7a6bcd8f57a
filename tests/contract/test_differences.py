"""What the suite says of an answer that is not HAPI's."""

from tests.contract.differences import DIFFERENCES, complaint

LISTED = "GET Procedure?date=le1974&_total=accurate&_count=50"
REFUSED = "GET Patient?_nonsense=1&_count=50"
HAPI = {"status": 200, "type": "searchset", "total": 113}


def test_an_answer_like_hapis_is_no_complaint() -> None:
    assert complaint("GET Patient", {**HAPI}, HAPI) == {}


def test_a_difference_that_is_not_listed_is_one() -> None:
    assert complaint("GET Patient", {**HAPI, "total": 7}, HAPI) == {"total": 7}


def test_a_field_that_is_missing_is_one() -> None:
    assert complaint("GET Patient", {"status": 200, "type": "searchset"}, HAPI) == {"total": None}


def test_a_listed_difference_is_accepted_exactly_as_it_is_listed() -> None:
    listed = DIFFERENCES[LISTED].embedded
    assert complaint(LISTED, {**HAPI, **listed}, HAPI) == {}
    assert complaint(LISTED, {**HAPI, **listed, "next": True}, HAPI) != {}


def test_a_listed_difference_that_no_longer_occurs_is_a_complaint() -> None:
    assert complaint(LISTED, HAPI, HAPI) != {}
    assert complaint(REFUSED, HAPI, HAPI) != {}


def test_a_listed_refusal_is_known_by_its_status_and_its_issues_alone() -> None:
    assert complaint(REFUSED, {"status": 400, "issues": ["processing"]}, HAPI) == {}
    assert complaint(REFUSED, {"status": 400, "issues": ["invalid"]}, HAPI) != {}
