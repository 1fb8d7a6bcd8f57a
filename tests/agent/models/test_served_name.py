"""Which names are of one model: another model under a like name has other faults, and the trail names it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.served_name import same_model


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("medgemma", "medgemma:latest"),
        ("medgemma:27b-it-q4_K_M", "medgemma:27b-it"),
        ("gpt-6-luna", "gpt-6-luna-2026-09-01"),
        ("frontier-1", "frontier-1-20260901"),
        ("frontier-1-latest", "frontier-1-20260901"),
        ("google/medgemma-27b-it", "medgemma-27b-it"),
        ("medgemma-27b-it", "/models/medgemma-27b-it.gguf"),
        ("medgemma-27b-it", "/models/MedGemma-27B-it-Q4_K_M-00001-of-00002.gguf"),
        ("medgemma-27b-it", r"C:\models\medgemma-27b-it.gguf"),
        ("medgemma-27b-it", "mlx-community/medgemma-27b-it-4bit"),
        ("google/medgemma-27b-it", "google/medgemma-27b-it@4f1c"),
        ("/models/medgemma", "/models/medgemma/"),
    ],
)
def test_a_tag_a_date_a_folder_and_a_format_make_no_other_model(asked: str, served: str) -> None:
    assert same_model(asked, served)
    assert same_model(served, asked)


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("medgemma-27b-it", "llama-3.3-70b"),
        ("medgemma-27b-it", "medgemma-4b-it"),
        ("medgemma-27b-it", "medgemma-27b-text-it"),
        ("medgemma-27b-it", "medgemma-1.5-27b-it"),
        ("gpt-6", "gpt-6-mini"),
        ("gemma", "medgemma"),
        ("medgemma-27b-it", "m"),
        ("medgemma-27b-it", "-"),
        ("latest", "q4_K_M"),
        ("medgemma", "other/model"),
    ],
)
def test_a_part_of_a_name_a_size_and_a_variant_do(asked: str, served: str) -> None:
    assert not same_model(asked, served)
    assert not same_model(served, asked)


@given(st.text())
def test_a_name_is_its_own(name: str) -> None:
    assert same_model(name, name)
