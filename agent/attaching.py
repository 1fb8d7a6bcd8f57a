"""An image attached to a question: read from disk, and freed of what its file says besides the picture."""

from pathlib import Path

from agent.errors import UsageError
from agent.messages import Image

MAX_BYTES = 64 * 2**20


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
