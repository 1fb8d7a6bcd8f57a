"""Pictures from files: PNG, JPEG and DICOM to plain PNG, without what a file says besides the picture."""

import io
import warnings
from typing import Any

from agent.errors import UsageError
from agent.messages import Image

MOST_PIXELS = 50_000_000
MOST_IMAGES = 8
"""Images with one question: 256 tokens each."""
_LONGEST_SIDE = 2_048  # pixels; the model sees 896


def cleaned(data: bytes, name: str) -> Image:
    """The picture in a file's bytes, upright, as PNG without metadata. `name` is for messages.

    Of a DICOM file with several frames the middle one, through its window. Raises UsageError for what is no
    picture, damaged, or too large to open safely.
    """
    from PIL import Image as Pillow

    try:
        # Warnings are of values that break the standard, which real files have; bounds are checked here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = _frame(data) if data[128:132] == b"DICM" else _picture(data)
    except _TooLarge as size:
        raise UsageError(f"{name} has {size} pixels: attach one slice of it, or make it smaller.") from None
    except Exception:  # decoders raise what they like at a damaged file
        raise UsageError(
            f"{name} is no picture that can be read: attach a PNG, a JPEG or a DICOM file with an image."
        ) from None
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    plain = Pillow.frombytes("RGB", picture.size, picture.tobytes())  # pixels alone: no chunk comes along
    written = io.BytesIO()
    plain.save(written, "PNG")
    return Image(media_type="image/png", data=written.getvalue())


class _TooLarge(Exception):
    pass


def _bounded(pixels: int) -> None:
    if pixels > MOST_PIXELS:
        raise _TooLarge(pixels)


def _picture(data: bytes) -> Any:
    from PIL import Image as Pillow
    from PIL import ImageOps

    opened = Pillow.open(io.BytesIO(data), formats=("PNG", "JPEG"))
    _bounded(opened.width * opened.height)
    return ImageOps.exif_transpose(opened).convert("RGB")


def _frame(data: bytes) -> Any:
    """The picture of a DICOM file, as its window shows it (PS3.3 C.11.2); black is black."""
    import numpy as np
    import pydicom
    from PIL import Image as Pillow
    from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array

    file = pydicom.dcmread(io.BytesIO(data))
    _bounded(int(file.Rows) * int(file.Columns))
    pixels = pixel_array(file, index=int(file.get("NumberOfFrames") or 1) // 2)
    if pixels.ndim == 3:
        return Pillow.fromarray(pixels.astype("uint8")).convert("RGB")
    shown = np.asarray(apply_voi_lut(apply_modality_lut(pixels, file), file), dtype="float64")
    low, high = float(shown.min()), float(shown.max())
    grey = (shown - low) / (high - low or 1.0) * 255
    if file.get("PhotometricInterpretation") == "MONOCHROME1":
        grey = 255 - grey
    return Pillow.fromarray(grey.astype("uint8")).convert("RGB")


def discs(side: int, count: int, edge: str) -> bytes:
    """A PNG of `side` pixels: so many white discs in its left or right half (agent.model_check)."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    picture = Pillow.new("RGB", (side, side), "black")
    pen = ImageDraw.Draw(picture)
    radius, x = side // 14, side // 4 if edge == "left" else side - side // 4
    for number in range(count):
        y = (number + 1) * side // (count + 1)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill="white")
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()
