"""Hostile documents: each is ended or refused within its bounds, and the next one is read all the same."""

import sys
from pathlib import Path

import anyio
import pytest

from fhir_fixtures.generate.handmade.documents import pdf, rtf
from mcp_servers.fhir.notes.extraction import MAX_BYTES, Unreadable
from mcp_servers.fhir.notes.reading import Reader
from tests.mcp_servers.fhir.notes.documents import swelling_pdf

LOOPING_RTF = b"{\\rtf1 {\\fonttbl " + b"\\f1" * 200_000 + b"}}"


@pytest.mark.anyio
async def test_documents_of_every_kind_are_read_one_after_another() -> None:
    async with Reader() as reader:
        texts = [
            (await reader.read(data, media_type)).text
            for data, media_type in [
                (rtf("one"), "application/rtf"),
                (b"two", "text/plain"),
                (pdf("three"), "application/pdf"),
                (b"<h1>four</h1>", "text/html"),
            ]
        ]
    assert texts == ["one", "two", "three", "four"]


@pytest.mark.anyio
async def test_a_document_that_takes_too_long_is_ended_and_the_next_one_is_read() -> None:
    async with Reader(seconds=2.0) as reader:
        with pytest.raises(Unreadable, match=r"takes over 2 s or too much memory"):
            await reader.read(LOOPING_RTF, "application/rtf")
        assert (await reader.read(rtf("next"), "application/rtf")).text == "next"


@pytest.mark.anyio
async def test_a_pdf_that_swells_beyond_bounds_is_refused() -> None:
    async with Reader() as reader:
        with pytest.raises(Unreadable, match="broken PDF"):
            await reader.read(swelling_pdf(200_000_000), "application/pdf")


@pytest.mark.anyio
async def test_a_document_that_takes_too_much_memory_is_refused() -> None:
    async with Reader() as reader:
        with pytest.raises(Unreadable, match="memory"):
            await reader.read(b"<a " + b"a=1 " * 2_000_000 + b">x", "text/html")


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
@pytest.mark.anyio
async def test_the_process_that_reads_documents_holds_no_secret_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EHR_NAVIGATOR_FHIR_TOKEN", "s3cret")
    async with Reader() as reader:
        await reader.read(rtf("one"), "application/rtf")
        children = [
            (Path("/proc") / child / "environ").read_bytes()
            for listed in Path("/proc/self/task").glob("*/children")
            for child in listed.read_text().split()
        ]
    assert children
    assert not any(b"s3cret" in environment for environment in children)


@pytest.mark.anyio
async def test_a_document_that_is_too_large_is_not_read_at_all() -> None:
    async with Reader() as reader:
        with pytest.raises(Unreadable, match="larger than 8 MB"):
            await reader.read(b"x" * (MAX_BYTES + 1), "text/plain")


@pytest.mark.anyio
async def test_what_is_not_waited_for_any_more_does_not_answer_for_the_next_document() -> None:
    async with Reader(seconds=2.0) as reader:
        with pytest.raises(TimeoutError), anyio.fail_after(0.3):
            await reader.read(LOOPING_RTF, "application/rtf")
        assert (await reader.read(rtf("next"), "application/rtf")).text == "next"
