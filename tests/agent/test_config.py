from pathlib import Path

import pytest

from agent.config import load
from agent.errors import UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('model = "openai:gemma"\nmax_hops = 7\nclinic_hosts = ["gpu.clinic.example"]\n')
    return path


def test_flags_win_over_variables_over_the_file_over_defaults(file: Path) -> None:
    settings, origin = load(
        {"model": "offline", "fhir": None},
        {"EHR_NAVIGATOR_MODEL": "openai", "EHR_NAVIGATOR_MAX_HOPS": "9"},
        file,
    )
    assert (settings.model, origin["model"]) == ("offline", "flag")
    assert (settings.max_hops, origin["max_hops"]) == (9, "$EHR_NAVIGATOR_MAX_HOPS")
    assert (settings.clinic_hosts, origin["clinic_hosts"]) == (("gpu.clinic.example",), str(file))
    assert (settings.fhir, origin["fhir"]) == ("", "default")


def test_an_unknown_key_is_refused_with_the_nearest_name(file: Path) -> None:
    file.write_text("modle = 'offline'")
    with pytest.raises(UsageError, match="did you mean 'model'"):
        load({}, {}, file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FHIR", "fhir.clinic.example"),
        ("FHIR", "https://user:secret@fhir.clinic.example/fhir"),
        ("MAX_HOPS", "many"),
        ("MAX_HOPS", "0"),
        ("NOW", "someday"),
        ("ESCALATION", "always"),
        ("FHIR_TOKEN", "s3cret\r\nX-Other: s3cret"),
        ("OPENAI_KEY", "s3cret\n"),
        ("MCP_TOKEN", " s3cret"),
        ("MCP_TOKEN", "s3crét"),
        ("USER", "  "),
        ("USER", "dr.grey\x1b[2J"),
        ("USER", "x" * 201),
        ("PURPOSE", "CURIOSITY"),
        ("PURPOSE", ""),
    ],
)
def test_a_value_that_does_not_fit_is_refused_naming_its_source(
    name: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=rf"\$EHR_NAVIGATOR_{name}") as refused:
        load({}, {f"EHR_NAVIGATOR_{name}": value, "EHR_NAVIGATOR_DATA_DIR": str(tmp_path)})
    assert "s3cr" not in str(refused.value)


def test_a_named_file_that_is_missing_or_broken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no configuration file"):
        load({}, {}, tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("model = ")
    with pytest.raises(UsageError, match="cannot be read as TOML"):
        load({}, {}, broken)


def test_secrets_are_not_shown() -> None:
    settings, _ = load({}, {"EHR_NAVIGATOR_FHIR_TOKEN": "s3cret"})
    assert "s3cret" not in str(settings) + str(settings.fhir_token)


def test_a_date_without_offset_is_taken_as_local_time() -> None:
    settings, _ = load({"now": "2024-05-01T08:30"}, {})
    assert settings.moment.tzinfo is not None
    assert settings.moment.replace(tzinfo=None).isoformat() == "2024-05-01T08:30:00"


def test_a_bare_date_is_the_end_of_that_day() -> None:
    settings, _ = load({"now": "2024-05-01"}, {})
    assert settings.moment.replace(tzinfo=None).isoformat() == "2024-05-01T23:59:59"


@pytest.mark.parametrize(
    ("given", "told"), [("research", r"HRESCH \(healthcare research\)"), ("XYZ", r"TREAT \(treatment\)")]
)
def test_a_purpose_that_is_no_code_is_refused_with_codes_that_are(given: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load({"purpose": given}, {})


def test_what_is_wrong_is_said_without_a_programs_word_for_it() -> None:
    with pytest.raises(UsageError) as raised:
        load({"purpose": "FUN"}, {})
    assert str(raised.value).startswith("purpose (from flag): it is no code of HL7's")


def test_a_purpose_may_be_given_in_small_letters() -> None:
    assert load({"purpose": "hresch"}, {})[0].purpose == "HRESCH"


def test_the_trail_is_read_for_oversight_unless_a_purpose_is_set() -> None:
    assert load({}, {})[0].for_oversight.purpose == "HCOMPL"
    assert load({"purpose": "TREAT"}, {})[0].for_oversight.purpose == "TREAT"


def test_who_asks_is_the_account_unless_it_was_set() -> None:
    account, _ = load({}, {})
    named, _ = load({}, {"EHR_NAVIGATOR_USER": "dr.grey"})
    assert (account.user_is_set, named.user_is_set, named.user) == (False, True, "dr.grey")
