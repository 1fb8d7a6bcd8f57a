"""Pictures from files. The DICOM files are made here, by pydicom."""

import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGLosslessSV1,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from agent.errors import UsageError
from agent.messages import Image
from agent.models.local import images
from agent.models.local.images import cleaned, discs

pytestmark = pytest.mark.local


def written(picture: Any, kind: str, **more: Any) -> bytes:
    held = io.BytesIO()
    picture.save(held, kind, **more)
    return held.getvalue()


def opened(image: Image) -> Any:
    return Pillow.open(io.BytesIO(image.data))


def dicom(pixels: "np.ndarray[Any, Any]", **elements: Any) -> bytes:
    """A DICOM file of 16 bits a pixel, with a name in it that must not come out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    frames = pixels if pixels.ndim == 3 else pixels[None]
    told = {
        "PatientName": "Okafor^Amara", "PatientID": "MRN-1",
        "Rows": frames.shape[1], "Columns": frames.shape[2],
        "NumberOfFrames": len(frames), "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 0,
        "PixelData": frames.astype("<u2").tobytes(), **elements,
    }  # fmt: skip
    for name, value in told.items():
        if name == "syntax":
            meta.TransferSyntaxUID = value
        else:
            setattr(file, name, value)
    held = io.BytesIO()
    pydicom.dcmwrite(held, file, enforce_file_format=True)
    return held.getvalue()


RAMP: "np.ndarray[Any, Any]" = np.arange(256, dtype="uint16").reshape(16, 16) * 16


def test_a_photograph_comes_out_upright_as_png_and_without_its_metadata() -> None:
    exif = Pillow.Exif()
    exif[0x010E], exif[0x0112] = "Amara Okafor", 6
    image = cleaned(written(Pillow.new("RGB", (40, 20), "red"), "JPEG", exif=exif), "photo.jpg")
    assert image.media_type == "image/png"
    assert b"Okafor" not in image.data
    assert (opened(image).size, opened(image).getexif(), opened(image).info) == ((20, 40), {}, {})


def test_a_png_loses_its_comments() -> None:
    from PIL.PngImagePlugin import PngInfo

    comment = PngInfo()
    comment.add_text("Patient", "Amara Okafor")
    data = written(Pillow.new("RGB", (4, 4)), "PNG", pnginfo=comment)
    assert b"Okafor" in data
    assert b"Okafor" not in cleaned(data, "a.png").data


def test_a_dicom_file_is_shown_through_its_window_and_tells_no_name() -> None:
    image = cleaned(dicom(RAMP, WindowCenter=2048, WindowWidth=1024), "a.dcm")
    shown = np.asarray(opened(image).convert("L")).ravel()
    assert (shown[0], shown[-1]) == (0, 255)
    assert (shown[:96] == 0).all()
    assert (shown[161:] == 255).all()
    assert b"Okafor" not in image.data


def test_in_monochrome1_black_and_white_change_places() -> None:
    shown = np.asarray(
        opened(cleaned(dicom(RAMP, PhotometricInterpretation="MONOCHROME1"), "a.dcm")).convert("L")
    )
    assert (shown[0, 0], shown[-1, -1]) == (255, 0)


def test_a_slope_and_an_intercept_come_before_the_window() -> None:
    told = dicom(RAMP, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=3072, WindowWidth=4096)
    shown = np.asarray(opened(cleaned(told, "a.dcm")).convert("L")).ravel()
    assert shown[0] == 0
    assert 0 < shown[128] < 255


def grey(data: bytes) -> Any:
    return np.asarray(opened(cleaned(data, "a.dcm")).convert("L"))


def test_the_window_is_kept_where_the_values_fill_little_of_it() -> None:
    flat: Any = np.full((8, 8), 2000, dtype="uint16")
    flat[0, 0] = 2010
    shown = grey(dicom(flat, WindowCenter=2000, WindowWidth=1000))
    assert (shown[4, 4], shown[0, 0]) == (128, 130)


def test_signed_values_have_their_window_too() -> None:
    hounsfield = np.array([[-1000, -160, 40, 240, 1000]], dtype="int16").view("uint16")
    window = {"RescaleSlope": 1, "RescaleIntercept": 0, "WindowCenter": 40, "WindowWidth": 400}
    assert grey(dicom(hounsfield, PixelRepresentation=1, **window)).tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize("kind", ["SIGMOID", "LINEAR_EXACT"])
def test_other_kinds_of_windows_go_from_black_to_white(kind: str) -> None:
    shown = grey(dicom(RAMP, WindowCenter=2048, WindowWidth=500, VOILUTFunction=kind)).ravel()
    assert (shown[0], shown[-1]) == (0, 255)
    assert abs(int(shown[128]) - 128) < 2


def test_of_two_windows_the_first_is_taken_and_one_without_width_is_none() -> None:
    first = {"WindowCenter": 2048, "WindowWidth": 1024}
    assert (
        grey(dicom(RAMP, **first)) == grey(dicom(RAMP, WindowCenter=[2048, 9], WindowWidth=[1024, 5]))
    ).all()
    assert (grey(dicom(RAMP, WindowCenter=2048, WindowWidth=0)) == grey(dicom(RAMP))).all()


def test_a_table_of_values_comes_before_a_window_and_may_turn_them_over() -> None:
    table = pydicom.Dataset()
    table.LUTDescriptor = [4, 0, 8]
    table.LUTData = np.array([255, 170, 85, 0], "<u2").tobytes()
    values = np.tile(np.arange(4, dtype="uint16"), (4, 1))
    shown = grey(dicom(values, VOILUTSequence=[table], WindowCenter=2, WindowWidth=1))
    assert shown[0].tolist() == [255, 170, 85, 0]


def test_a_file_of_many_slices_has_the_window_of_the_slice_that_is_shown() -> None:
    def group(centre: int) -> pydicom.Dataset:
        window, made = pydicom.Dataset(), pydicom.Dataset()
        window.WindowCenter, window.WindowWidth = centre, 1000
        made.FrameVOILUTSequence = [window]
        return made

    rescaling, shared = pydicom.Dataset(), pydicom.Dataset()
    rescaling.RescaleSlope, rescaling.RescaleIntercept = 1, -1000
    shared.PixelValueTransformationSequence = [rescaling]
    groups = {
        "SharedFunctionalGroupsSequence": [shared],
        "PerFrameFunctionalGroupsSequence": [group(0), group(1000), group(5000)],
    }
    assert grey(dicom(np.full((3, 8, 8), 2000), **groups))[4, 4] == 128


def test_colours_of_a_palette_are_shown_as_colours() -> None:
    tables: dict[str, Any] = {}
    for place, colour in enumerate(("Red", "Green", "Blue"), 1):
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [4, 0, 16]
        lit = [65535 if at == place else 0 for at in range(4)]
        tables[f"{colour}PaletteColorLookupTableData"] = np.array(lit, "<u2").tobytes()
    data = dicom(
        np.tile(np.arange(4, dtype="uint16"), (4, 1)), PhotometricInterpretation="PALETTE COLOR", **tables
    )
    shown = np.asarray(opened(cleaned(data, "a.dcm")))[0].tolist()
    assert shown == [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_a_photograph_in_a_dicom_file_keeps_its_colours() -> None:
    pixels: Any = np.zeros((4, 4, 3), dtype="uint8")
    pixels[..., 1] = 200
    told = {
        "Rows": 4, "Columns": 4, "NumberOfFrames": 1, "SamplesPerPixel": 3, "PlanarConfiguration": 0,
        "PhotometricInterpretation": "RGB", "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7,
        "PixelData": pixels.tobytes(),
    }  # fmt: skip
    assert np.asarray(opened(cleaned(dicom(pixels[..., 0], **told), "a.dcm")))[0, 0].tolist() == [0, 200, 0]


def test_a_picture_of_16_bits_is_not_cut_off_at_8() -> None:
    ramp: Any = np.arange(4096, dtype="uint16").reshape(64, 64)
    shown = grey(written(Pillow.fromarray(ramp), "PNG"))
    assert (shown[0, 0], shown[-1, -1]) == (0, 255)
    assert abs(int(shown[32, 0]) - 128) < 2


def test_a_compression_that_is_not_known_is_named() -> None:
    data = dicom(RAMP, syntax=JPEGLosslessSV1, PixelData=encapsulate([b"\xff\xd8\xff\xd9"]))
    with pytest.raises(UsageError, match=r"is compressed as JPEG Lossless.*: save it uncompressed"):
        cleaned(data, "a.dcm")


def test_a_file_that_could_unpack_to_any_size_is_not_unpacked() -> None:
    with pytest.raises(UsageError, match="deflated as a whole"):
        cleaned(dicom(RAMP, syntax=DeflatedExplicitVRLittleEndian), "a.dcm")


def test_of_several_frames_the_middle_one_is_taken_and_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    frames = np.stack([np.zeros((8, 8)), np.full((8, 8), 900), np.zeros((8, 8))])
    frames[1, 0, 0] = 0
    shown = grey(dicom(frames))
    assert (shown[0, 0], shown[4, 4]) == (0, 255)
    assert caplog.messages == ["Of the 3 frames of a DICOM file the model sees the middle one, 2."]


def test_a_picture_of_one_grey_is_no_division_by_nothing() -> None:
    assert opened(cleaned(dicom(np.full((8, 8), 7, dtype="uint16")), "a.dcm")).size == (8, 8)


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n half", b"\0" * 128 + b"DICM" + b"\xff" * 40, b"<svg/>"],
)
def test_what_is_no_picture_is_told_by_its_file(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"scan\.dcm is no picture"):
        cleaned(data, "scan.dcm")


def test_too_many_pixels_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_PIXELS", 100)
    for data in (written(Pillow.new("L", (11, 11)), "PNG"), dicom(RAMP)):
        with pytest.raises(UsageError, match="pixels: attach one slice"):
            cleaned(data, "large")


def test_a_picture_that_pillow_itself_finds_too_large_is_told_as_such() -> None:
    def chunk(kind: bytes, told: bytes) -> bytes:
        return struct.pack(">I", len(told)) + kind + told + struct.pack(">I", zlib.crc32(kind + told))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    with pytest.raises(UsageError, match="pixels: attach one slice"):
        cleaned(bomb, "bomb.png")


def test_a_large_picture_is_made_smaller_in_its_proportions() -> None:
    assert opened(cleaned(written(Pillow.new("L", (4096, 1024)), "PNG"), "a")).size == (2048, 512)


@given(seed=st.sampled_from(["dicom", "PNG", "JPEG"]), cut=st.integers(0, 1500), put=st.binary(max_size=6))
def test_damage_anywhere_gives_a_picture_or_the_word_that_it_is_none(seed: str, cut: int, put: bytes) -> None:
    whole = dicom(RAMP) if seed == "dicom" else written(Pillow.new("RGB", (40, 30), "red"), seed)
    with suppress(UsageError):
        assert cleaned(whole[:cut] + put + whole[cut + len(put) :], "a").media_type == "image/png"


@pytest.mark.parametrize("edge", ["left", "right"])
def test_the_discs_of_the_check_lie_where_it_says(edge: str) -> None:
    white = np.asarray(Pillow.open(io.BytesIO(discs(224, 3, edge))).convert("L")) > 128
    left, right = white[:, :112].sum(), white[:, 112:].sum()
    assert (left > 0, right > 0) == (edge == "left", edge == "right")
