"""Pictures from files: PNG, JPEG and DICOM to plain PNG, without what a file says besides the picture."""

import io
import logging
import warnings
from typing import Any

from agent.errors import UsageError
from agent.messages import Image

MOST_PIXELS = 50_000_000
_LONGEST_SIDE = 2_048  # pixels; the model sees 896
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_log = logging.getLogger(__name__)


def cleaned(data: bytes, name: str) -> Image:
    """The picture in a file's bytes, upright, as PNG without metadata. `name` is for messages.

    A DICOM file is shown through its window; of several frames the middle one, which is logged. What has no
    window is stretched from its darkest to its lightest. Raises UsageError for what is no picture, damaged,
    too large to open safely, or compressed in a way that is not known here.
    """
    from PIL import Image as Pillow

    try:
        # Warnings are of values that break the standard, which real files have; bounds are checked here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = _frame(data) if data[128:132] == b"DICM" else _picture(data)
    except _Unusable as why:
        raise UsageError(f"{name} {why}.") from None
    except Exception:  # decoders raise what they like at a damaged file
        raise UsageError(
            f"{name} is no picture that can be read: attach a PNG, a JPEG or a DICOM file with an image."
        ) from None
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    plain = Pillow.frombytes("RGB", picture.size, picture.tobytes())  # pixels alone: no chunk comes along
    written = io.BytesIO()
    plain.save(written, "PNG")
    return Image(media_type="image/png", data=written.getvalue())


class _Unusable(Exception):
    """Why, and what to do."""


def _bounded(pixels: float) -> None:
    if pixels > MOST_PIXELS:
        raise _Unusable(f"has more than {MOST_PIXELS} pixels: attach one slice of it, or make it smaller")


def _picture(data: bytes) -> Any:
    import numpy as np
    from PIL import Image as Pillow
    from PIL import ImageOps

    try:
        opened = Pillow.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        pixels: float = opened.width * opened.height
    except Pillow.DecompressionBombError:  # Pillow has a bound of its own
        pixels = float("inf")
    _bounded(pixels)
    opened = ImageOps.exif_transpose(opened)
    if opened.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        values = np.asarray(opened, dtype="float64")
        opened = _grey(values, (values.min(), values.max()))
    return opened.convert("RGB")


def _frame(data: bytes) -> Any:
    """The picture of a DICOM file, as a screen shows it."""
    import pydicom
    from PIL import Image as Pillow
    from pydicom.pixels import apply_color_lut, pixel_array

    if _DEFLATED in data:  # all of it is unpacked before any bound can be looked at
        raise _Unusable("is deflated as a whole, and could unpack to any size: save it in another way")
    file = pydicom.dcmread(io.BytesIO(data))
    _bounded(int(file.Rows) * int(file.Columns))
    _decodable(file.file_meta.TransferSyntaxUID)
    frames = int(file.get("NumberOfFrames") or 1)
    number = frames // 2
    if frames > 1:
        _log.warning(
            "Of the %d frames of a DICOM file the model sees the middle one, %d.", frames, number + 1
        )
    pixels = pixel_array(file, index=number)
    if file.PhotometricInterpretation == "PALETTE COLOR":
        most = 2 ** file.RedPaletteColorLookupTableDescriptor[2] - 1
        pixels = apply_color_lut(pixels, file)[..., :3]
    elif pixels.ndim == 3:
        most = 2**file.BitsStored - 1
    else:
        _lift(file, number)
        return _windowed(pixels, file).convert("RGB")
    return Pillow.fromarray((pixels / most * 255).astype("uint8")).convert("RGB")


def _decodable(syntax: Any) -> None:
    from pydicom.pixels import get_decoder

    if not syntax.is_compressed:
        return
    try:
        known = get_decoder(syntax).is_available
    except NotImplementedError:
        known = False
    if not known:
        raise _Unusable(f"is compressed as {syntax.name}, which is not known here: save it uncompressed")


def _lift(file: Any, number: int) -> None:
    """Put the rescaling and the window of a frame where files of one frame have them (PS3.3 C.7.6.16)."""
    shared, own = file.get("SharedFunctionalGroupsSequence"), file.get("PerFrameFunctionalGroupsSequence")
    for group in (*(shared or ())[:1], *(own or ())[number : number + 1]):
        for sequence in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in group.get(sequence) or ():
                file.update(item)


def _windowed(pixels: Any, file: Any) -> Any:
    """A frame's values as greys (PS3.3 C.11): the ends are the window's, whatever of it the values fill."""
    import numpy as np
    from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing

    values = apply_modality_lut(pixels, file)
    shown: Any = values
    ends: Any = (values.min(), values.max())
    if file.get("VOILUTSequence"):
        length, first, _ = file.VOILUTSequence[0].LUTDescriptor
        outer = np.array([first, first + (length or 2**16) - 1])
        shown, ends = apply_voi(values, file), sorted(apply_voi(outer, file))
    elif file.get("WindowCenter") is not None and file.get("WindowWidth"):
        shown, ends = apply_windowing(values, file), apply_windowing(np.array([-(2**31), 2**31]), file)
    return _grey(shown, ends, inverted=file.PhotometricInterpretation == "MONOCHROME1")


def _grey(values: Any, ends: Any, *, inverted: bool = False) -> Any:
    """Values as greys, from black at the first end to white at the second."""
    from PIL import Image as Pillow

    low, high = (float(end) for end in ends)
    grey = ((values.astype("float64") - low) / (high - low or 1.0)).clip(0, 1) * 255
    return Pillow.fromarray((255 - grey if inverted else grey).round().astype("uint8"))


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
