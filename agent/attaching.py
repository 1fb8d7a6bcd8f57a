"""Images attached to a question: read from disk, and freed of what their files say besides the picture."""

import re
from collections.abc import Sequence
from pathlib import Path

from agent.errors import UsageError
from agent.messages import Image

_RECORD = re.compile(r"(Media|DocumentReference|DiagnosticReport)/[A-Za-z0-9.-]{1,64}")
MAX_BYTES = 64 * 2**20
MOST = 8
"""Images with one question: each takes 256 tokens of the context."""


def read_images(paths: Sequence[Path]) -> list[Image | str]:
    """The pictures in files; what names a record (`Media/123`) stays a name, for the chart.

    Raises UsageError as `read_image`, and for too many.
    """
    if len(paths) > MOST:
        raise UsageError(f"{len(paths)} images are too many: attach at most {MOST} to a question.")
    return [
        path.as_posix() if _RECORD.fullmatch(path.as_posix()) and not path.exists() else read_image(path)
        for path in paths
    ]


def read_image(path: Path) -> Image:
    """The picture in a PNG, JPEG or DICOM file, as PNG without metadata.

    Raises UsageError for a file that cannot be read, is no such picture, or needs the extra `local`.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            size = f"{MAX_BYTES >> 20} MB"
            raise UsageError(f"The image {path.name} is larger than {size}; attach one slice of it.")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The image {path} cannot be read: {error.strerror}.") from None
    try:
        from agent.models.local.images import cleaned
    except ModuleNotFoundError:
        raise UsageError("Images need the extra `local`: pip install 'ehr-navigator[local]'.") from None
    return cleaned(data, path.name)
