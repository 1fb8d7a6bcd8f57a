"""The settings in force, and where each came from: flags over variables over a TOML file over defaults."""

import getpass
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from platformdirs import user_config_path, user_data_path
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from agent.errors import UsageError
from agent.purposes import PURPOSES

Form = Literal["never", "deidentified", "agreement"]
"""How data may leave the building: not at all, without what identifies, as they are under an agreement."""
Workflow = Literal["ask", "chat", "batch", "evaluation"]
DataClass = Literal["question", "records", "notes", "images"]

APP = "ehr-navigator"
PREFIX = "EHR_NAVIGATOR_"
MAX_NAME = 200
OVERSIGHT = "HCOMPL"  # health compliance
COMMON_PURPOSES = ("TREAT", "ETREAT", "BTG", "COC", "HPAYMT", "HOPERAT", "HQUALIMP", "HRESCH", "PATRQT")


class Settings(BaseModel):
    """Everything that can be set. Each field is also a variable `EHR_NAVIGATOR_<NAME>` and a TOML key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fhir: str = Field("", description="base URL of the FHIR R4 server; empty: the embedded sample charts")
    fhir_token: SecretStr = Field(SecretStr(""), description="bearer token for the FHIR server")
    fhir_header: str = Field(
        "Authorization",
        pattern=r"^[A-Za-z0-9-]+$",
        description="the header for it; another one takes it bare",
    )
    fhir_user: str = Field("", description="user name for the FHIR server, with fhir_password")
    fhir_password: SecretStr = Field(SecretStr(""), description="that user's password")
    fhir_client_id: str = Field("", description="client of SMART backend services, with fhir_key_file")
    fhir_key_file: Path | None = Field(None, description="its private key, PEM or JWK: RSA or P-384")
    fhir_key_id: str = Field("", description="the key's id at the server; a JWK may name it itself")
    fhir_scopes: str = Field(
        "system/*.rs system/AuditEvent.crus", description="SMART scopes to ask for; the trail needs the last"
    )
    model: str = Field(
        "offline",
        description="who plans: offline | local[:NAME] | openai[:NAME][@URL] | scripted:FILE; of several, by"
        " commas, the first that can be had",
    )
    text_model: str = Field("", description="likewise, for questions about no chart; empty: model")
    image_model: str = Field("", description="likewise, for what an image shows; empty: model")
    local_bits: Literal[4, 8, 16] = Field(4, description="bits of a local model's weights")
    local_context: int = Field(32_768, ge=2_048, le=131_072, description="tokens that a local model reads")
    local_offload: bool = Field(
        False, description="may a part of a local model lie in main memory, which is slow?"
    )
    thinking_tokens: int = Field(
        256, ge=0, le=8_192, description="tokens of thinking before a local model's step; 0: none"
    )
    models_dir: Path | None = Field(None, description="local models' weights; default models in data_dir")
    offline_first: bool = Field(
        False, description="try the offline planner before the model, which takes what that refuses?"
    )
    second_opinion: bool = Field(
        False, description="compare each answer of a model with the offline planner's, and show what differs?"
    )
    openai_url: str = Field("http://127.0.0.1:11434/v1", description="OpenAI-compatible endpoint")
    openai_key: SecretStr = Field(SecretStr(""), description="its API key, if it wants one")
    clinic_hosts: tuple[str, ...] = Field((), description="hosts besides loopback where a model may live")
    escalation: Form = Field("never", description="may a session go to a hosted model, and in which form?")
    escalation_workflows: dict[Workflow, Form] = Field(
        {}, description="where one of ask, chat, batch, evaluation differs, as chat=deidentified,batch=never"
    )
    escalation_classes: dict[DataClass, Form] = Field(
        {}, description="where a class of data is stricter: records, notes, images (never, if not named)"
    )
    escalation_consent: bool = Field(False, description="ask the person before anything leaves?")
    escalate_after: int = Field(5, ge=1, le=50, description="tool hops before the hosted model takes over")
    escalate_over: int = Field(
        32_768, ge=1_024, description="tokens of context before the hosted model takes over"
    )
    hosted_model: str = Field("", description="anthropic:NAME | openai:NAME, outside the building")
    hosted_url: str = Field("", description="its endpoint; default Anthropic's")
    hosted_key: SecretStr = Field(
        SecretStr(""), description="its API key; else from the system's keyring (ehr-navigator, hosted)"
    )
    hosted_agreement: str = Field("", description="the business associate agreement's id that covers it")
    hosted_retention: str = Field("", description="how long the vendor keeps what it gets, by that agreement")
    hosted_region: str = Field("", description="where the vendor processes it")
    prices_file: Path | None = Field(
        None,
        description="TOML table of what hosted models cost; default: the one that comes with this program",
    )
    max_hops: int = Field(12, ge=1, le=50, description="tool hops before a run is given up")
    max_tokens: int = Field(200_000, ge=1_000, description="tokens in and out before a run is given up")
    max_seconds: float = Field(300, gt=0, description="seconds before a run is given up")
    tools: Literal["core", "full"] = Field("full", description="chart tools on offer; core: the simplest few")
    cohorts: bool = Field(False, description="may sessions about no one patient count patients?")
    smallest_count: int = Field(
        0, ge=0, le=1000, description="patients: counts from 1 to below this are shown as <N; 0 shows all"
    )
    mcp_token: SecretStr = Field(
        SecretStr(""), description="bearer token that clients of `mcp fhir --http` must give"
    )
    audit_mcp_token: SecretStr = Field(
        SecretStr(""), description="bearer token that clients of `mcp audit --http` must give"
    )
    mcp_hosts: tuple[str, ...] = Field((), description="names besides loopback at which they reach it")
    now: datetime | None = Field(None, description="the date on which the question is asked; default today")
    audit_key: SecretStr = Field(
        SecretStr(""), description="the audit journal's key; several, newest last, after a rotation"
    )
    audit_key_store: Literal["file", "keyring"] = Field(
        "file", description="where that key is kept otherwise: a file, or the system's keyring"
    )
    audit_key_file: Path | None = Field(None, description="that file; default audit.key in data_dir")
    audit_events: Literal["fhir", "files"] = Field(
        "fhir", description="where AuditEvents go: to the FHIR server, or to files where it takes none"
    )
    audit_events_dir: Path | None = Field(None, description="those files' folder; default in data_dir")
    audit_max_pending: int = Field(
        100_000,
        ge=1,
        description="AuditEvents that may wait, or were refused, before no call happens any more",
    )
    audit_retention_days: int = Field(
        2192,
        ge=183,
        description="days for which questions, arguments and answers can be read; default 6 years",
    )
    user: str = Field(default_factory=getpass.getuser, description="who asks, for the audit trail")
    purpose: str = Field("TREAT", description="purpose of use, HL7 v3-PurposeOfUse code")
    data_dir: Path = Field(
        default_factory=lambda: user_data_path(APP, appauthor=False),
        description="the audit journal, its key and the embedded store",
    )

    @field_validator("escalation_workflows", "escalation_classes", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.replace(",", " ").split()]
        if not all(sign for _, sign, _ in pairs):
            raise ValueError("write pairs, such as chat=deidentified,batch=never")
        return {name: form for name, _, form in pairs}

    @field_validator("clinic_hosts", "mcp_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("fhir")
    @classmethod
    def _base(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("give an http or https URL, such as https://fhir.clinic.example/fhir")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("give the bare base URL; a token goes into EHR_NAVIGATOR_FHIR_TOKEN")
        return value

    @field_validator("fhir_token", "openai_key", "hosted_key", "mcp_token", "audit_mcp_token")
    @classmethod
    def _sendable(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if not (secret.isascii() and secret.isprintable() and secret == secret.strip()):
            raise ValueError(
                "it holds what no HTTP header can: a line break, a space at an end, an odd character"
            )
        return value

    @field_validator("user")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip() or not value.isprintable() or len(value) > MAX_NAME:
            raise ValueError(f"give a name or an id of 1 to {MAX_NAME} printable characters")
        return value.strip()

    @field_validator("purpose")
    @classmethod
    def _known_purpose(cls, value: str) -> str:
        code = value.strip().upper()
        if code not in PURPOSES:
            # A person may have its words instead: "research" is HRESCH and its kin.
            near = [f"{one} ({words})" for one, words in PURPOSES.items() if value.strip().lower() in words]
            near = (
                near[:6]
                if value.strip() and near
                else [f"{one} ({PURPOSES[one]})" for one in COMMON_PURPOSES]
            )
            raise ValueError(f"it is no code of HL7's v3-PurposeOfUse, such as {', '.join(near)}")
        return code

    @field_validator("data_dir")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser()

    @field_validator("now", mode="before")
    @classmethod
    def _end_of_day(cls, value: object) -> object:
        # On a day that is over, what was recorded that day is known.
        is_day = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value)
        return f"{value}T23:59:59" if is_day else value

    @field_validator("now")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        return value.astimezone() if value and value.tzinfo is None else value

    @model_validator(mode="after")
    def _covered(self) -> "Settings":
        forms = {self.escalation, *self.escalation_workflows.values()}
        if forms != {"never"} and not self.hosted_model:
            raise ValueError("escalation goes to a hosted model: set hosted_model, or leave it at never")
        if "agreement" in forms and not self.hosted_agreement:
            raise ValueError("under agreement, data leave as they are: name it with hosted_agreement")
        return self

    @property
    def user_is_set(self) -> bool:
        """Whether somebody set who asks; else it is the account that runs this program."""
        return "user" in self.model_fields_set

    @property
    def for_oversight(self) -> "Settings":
        """The settings for reading the trail, which is for OVERSIGHT where no purpose was set."""
        if "purpose" in self.model_fields_set:
            return self
        return self.model_copy(update={"purpose": OVERSIGHT})

    @property
    def moment(self) -> datetime:
        """The date and time that counts as now, with an offset."""
        return self.now or datetime.now().astimezone()

    @property
    def folder(self) -> Path:
        """`data_dir`, made for its user alone. Raises UsageError when it cannot be made."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise UsageError(
                f"The data folder {self.data_dir} cannot be made ({error.strerror}); set"
                " EHR_NAVIGATOR_DATA_DIR to a folder that you may write."
            ) from None
        return self.data_dir


def load(
    flags: Mapping[str, Any], env: Mapping[str, str] = os.environ, file: Path | None = None
) -> tuple[Settings, dict[str, str]]:
    """The settings, and for each field where its value came from.

    Raises UsageError for a file that cannot be read, an unknown key or a value that does not fit.
    """
    path = file or Path(env.get(PREFIX + "CONFIG") or user_config_path(APP, appauthor=False) / "config.toml")
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (str(path), _read(path, required=file is not None or PREFIX + "CONFIG" in env)),
        *[
            (f"${PREFIX}{name.upper()}", {name: env[PREFIX + name.upper()]})
            for name in Settings.model_fields
            if PREFIX + name.upper() in env
        ],
        ("flag", {name: value for name, value in flags.items() if value is not None}),
    ]
    values: dict[str, Any] = {}
    origin = dict.fromkeys(Settings.model_fields, "default")
    for source, layer in layers:
        for name, value in layer.items():
            if name not in origin:
                near = get_close_matches(name, origin, n=1)
                raise UsageError(
                    f"{source}: there is no setting {name!r}"
                    + (f"; did you mean {near[0]!r}?" if near else "; `ehr-navigator config` lists them all")
                )
            values[name], origin[name] = value, source
    try:
        return Settings(**values), origin
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "escalation"  # what holds between several settings
        why = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{name} (from {origin[name]}): {why}") from None


def _read(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise UsageError(f"There is no configuration file {path}") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read as TOML: {error}") from None
