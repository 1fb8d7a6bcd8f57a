"""Images from files, as they are attached to a question."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from agent import attaching
from agent.attaching import MOST, read_image, read_images
from agent.errors import UsageError
from agent.messages import Image
from tests.conftest import absent


def test_more_images_than_the_context_has_room_for_are_refused_before_any_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="9 images are too many: attach at most 8"):
        read_images([tmp_path / "absent.png"] * (MOST + 1))


def test_a_file_that_is_not_there_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.png cannot be read: No such file"):
        read_image(tmp_path / "absent.png")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    sparse = tmp_path / "large.dcm"
    with sparse.open("wb") as file:
        file.truncate(attaching.MAX_BYTES + 1)
    with pytest.raises(UsageError, match=r"large\.dcm is larger than 64 MB; attach one slice"):
        read_image(sparse)


@pytest.mark.local
def test_pictures_come_in_their_order_as_png(tmp_path: Path) -> None:
    if find_spec("PIL") is None:
        absent("the `local` extra is not installed")
    from PIL import Image as Pillow

    for name, side in (("a.png", 3), ("b.jpg", 5)):
        Pillow.new("RGB", (side, side)).save(tmp_path / name)
    read = read_images([tmp_path / "b.jpg", tmp_path / "a.png"])
    images = [image for image in read if isinstance(image, Image)]
    assert [image.media_type for image in images] == ["image/png"] * 2
    assert [image.data[16:20] for image in images] == [b"\0\0\0\5", b"\0\0\0\3"]  # a PNG's width


def test_a_record_of_the_chart_stays_a_name_unless_a_file_is_called_so(tmp_path: Path) -> None:
    assert read_images([Path("Media/scan-1"), Path("DocumentReference/d1")]) == [
        "Media/scan-1", "DocumentReference/d1",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="cannot be read"):
        read_images([Path("Observation/1")])
