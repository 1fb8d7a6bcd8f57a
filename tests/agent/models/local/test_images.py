"""Pictures from files. The DICOM files are made here, by pydicom."""

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

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


def test_of_several_frames_the_middle_one_is_taken() -> None:
    frames = np.stack([np.zeros((8, 8)), np.full((8, 8), 900), np.zeros((8, 8))])
    frames[1, 0, 0] = 0
    shown = np.asarray(opened(cleaned(dicom(frames), "a.dcm")).convert("L"))
    assert (shown[0, 0], shown[4, 4]) == (0, 255)


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


def test_a_large_picture_is_made_smaller_in_its_proportions() -> None:
    assert opened(cleaned(written(Pillow.new("L", (4096, 1024)), "PNG"), "a")).size == (2048, 512)


@pytest.mark.parametrize("edge", ["left", "right"])
def test_the_discs_of_the_check_lie_where_it_says(edge: str) -> None:
    white = np.asarray(Pillow.open(io.BytesIO(discs(224, 3, edge))).convert("L")) > 128
    left, right = white[:, :112].sum(), white[:, 112:].sum()
    assert (left > 0, right > 0) == (edge == "left", edge == "right")
