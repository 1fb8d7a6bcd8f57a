"""Fixtures that every test may use."""

import os
from typing import NoReturn

import pytest

TEST_ALL = "EHR_NAVIGATOR_TEST_ALL"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def absent(what: str) -> NoReturn:
    """Skip for want of `what`; where everything was promised (`make test-all`), fail instead."""
    if os.environ.get(TEST_ALL):
        pytest.fail(f"{what}, though {TEST_ALL} is set: nothing may be skipped")
    pytest.skip(f"{what} (`make test-all` provides it)")


@pytest.fixture(scope="session")
def hapi_base() -> str:
    """The base URL of a real HAPI server that holds the sample charts."""
    return os.environ.get("EHR_NAVIGATOR_TEST_FHIR") or absent("no real HAPI at $EHR_NAVIGATOR_TEST_FHIR")


@pytest.fixture(scope="session")
def openai_base() -> str:
    """The base URL of a real OpenAI-compatible server with a small model."""
    return os.environ.get("EHR_NAVIGATOR_TEST_OPENAI") or absent("no server at $EHR_NAVIGATOR_TEST_OPENAI")
