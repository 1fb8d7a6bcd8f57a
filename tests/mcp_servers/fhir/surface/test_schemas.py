"""Schemas said in fewer words: what binds stays, what repeats goes."""

from typing import Annotated, Literal

from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from mcp_servers.fhir.surface.schemas import brief


class Part(BaseModel):
    """A part."""

    title: Annotated[str, Field(max_length=5)]


class Whole(BaseModel):
    """A whole, with an optional, a nested and a listed value."""

    kind: Literal["a", "b"]
    text: Annotated[str | None, Field(max_length=9, description="Words")] = None
    parts: Annotated[list[Part], Field(max_length=2)] = []
    total: int | None


def test_arguments_lose_titles_references_and_null() -> None:
    said = brief(Whole.model_json_schema(), taken=True)
    assert "$" not in str(said)
    assert said["properties"]["text"] == {"type": "string", "maxLength": 9, "description": "Words"}
    assert said["properties"]["parts"]["items"]["properties"] == {"title": {"type": "string", "maxLength": 5}}
    assert said["required"] == ["kind", "total"]


def test_what_bound_before_binds_still() -> None:
    check = Draft202012Validator(brief(Whole.model_json_schema(), taken=True)).is_valid
    assert check({"kind": "a", "text": "x", "parts": [{"title": "y"}], "total": 1})
    assert not check({"kind": "c", "total": 1})
    assert not check({"kind": "a", "text": "x" * 10, "total": 1})
    assert not check({"kind": "a", "parts": [{"title": "too long"}], "total": 1})


def test_results_may_still_be_null() -> None:
    check = Draft202012Validator(brief(Whole.model_json_schema(), taken=False)).is_valid
    assert check({"kind": "a", "text": None, "total": None})
