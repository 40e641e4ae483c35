"""Camera URLs, devices and the synthetic camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gatehouse_capture.drawing import Street
from gatehouse_capture.plate_drawing import draw_plate
from gatehouse_capture.sources import open_source
from gatehouse_capture.sources.device_list import list_devices
from gatehouse_common.camera_url import parse_url
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import InvalidInput, SourceUnavailable
from gatehouse_common.testing import barcode


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://user:pass@10.0.0.1:554/stream?channel=1",
        "rtsps://camera.local/1",
        "http://host/video.mjpg",
        "v4l2:///dev/video0?size=640x480&fps=15",
        "file:///films/a%20b.mp4?loop=1",
        "synthetic:?fps=30&size=1920x1080",
        "synthetic:",
    ],
)
def test_camera_urls_are_accepted(text: str) -> None:
    url = parse_url(text)
    assert url.text == text
    assert "%20" not in url.path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not known"),
        ("ftp://host/x", "'ftp' are not known"),
        ("rtsp://", "names no host"),
        ("rtsp://host:notaport/", "cannot be read"),
        ("file://relative/path", "absolute path"),
        ("v4l2:video0", "absolute path"),
        ("synthetic:?fps=0", "fps='0' must be a number from 1 to 240"),
        ("synthetic:?fps=fast", "fps='fast'"),
        ("synthetic:?size=big", "must be like 1280x720"),
        ("synthetic:?size=63x48", "even numbers"),
        ("rtsp://host/a b", "blanks"),
        ("rtsp://host/\n", "blanks"),
        ("rtsp://" + "x" * 3000, "too long"),
    ],
)
def test_what_is_no_camera_url_is_refused_with_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says.replace("(", r"\(")):
        parse_url(text)


def test_a_wrong_url_with_a_password_is_refused_without_it() -> None:
    """S0-40."""
    with pytest.raises(InvalidInput) as caught:
        parse_url("gopher://admin:topsecret@host/1")
    assert "topsecret" not in caught.value.message


@pytest.mark.parametrize(
    "text", ["rtsp://user:s3cr/et@host/1", "rtsp://user:s3cr#et@host", "rtsp://u:s3cr\u2100et@host"]
)
def test_a_password_that_breaks_the_url_is_not_quoted(text: str) -> None:
    """S0-40: what a parser takes for a port may be half of a password."""
    with pytest.raises(InvalidInput) as caught:
        parse_url(text)
    assert "s3cr" not in caught.value.message


def test_only_capture_nodes_are_listed_and_none_is_opened(tmp_path: Path) -> None:
    """S1-8: the list of devices comes from the kernel's own, not from opening them."""
    for name, index in (
        ("video0", "0"),
        ("video1", "1"),
        ("video10", "0"),
        ("video2", "0"),
        ("vbi0", "0"),
        ("video", "0"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index").write_text(index + "\n")
    assert list_devices(tmp_path) == ["/dev/video0", "/dev/video2", "/dev/video10"]
    assert list_devices(tmp_path / "nowhere") == []


def test_a_missing_device_says_which(tmp_path: Path) -> None:
    """S1-4: with no other camera there, the reason names the configured one."""
    source = open_source(parse_url(f"v4l2://{tmp_path}/video7"), SystemClock(), 5)
    with pytest.raises(SourceUnavailable, match="video7"):
        source.open()
    source.close()


def test_the_street_tells_its_frame_number_and_time() -> None:
    street = Street(640, 360, "GATE123")
    for number in (0, 1, 12_345, (1 << 20) - 1):
        luma, cb, cr = street.draw(number, 1_715_941_380_123_000, number / 30)
        assert luma.shape == (360, 640)
        assert cb.shape == cr.shape == (180, 320)
        assert barcode.read(luma) == number


def test_the_car_passes_with_its_plate() -> None:
    """Somewhere on its way the plate is on the picture, dark on light, whole."""
    street = Street(1280, 720, "AB12")
    wanted = draw_plate("AB12", 216 * 17 // 60)
    luma, _, _ = street.draw(0, 0, 4.0)
    rows, columns = wanted.shape
    found = any(
        np.array_equal(luma[y : y + rows, x : x + columns], wanted)
        for y in range(396, 700 - rows)
        for x in range(1280 - columns)
        if luma[y, x] == wanted[0, 0] and luma[y + rows - 1, x + columns - 1] == wanted[-1, -1]
    )
    assert found
    assert np.abs(street.draw(0, 0, 0.0)[0].astype(int) - luma).max() > 50


def test_cars_pass_in_turn_with_an_empty_street_between_them() -> None:
    street, alone = Street(640, 360, "AB12", "CD34", pause_s=4.0), Street(640, 360, "CD34")
    first, pause, second, again = (street.draw(0, 0, s)[0] for s in (4.0, 10.0, 16.0, 28.0))
    assert np.array_equal(pause, street.draw(0, 0, 23.0)[0])
    assert not np.array_equal(first, pause)
    assert not np.array_equal(first, second)
    assert np.array_equal(second, alone.draw(0, 0, 4.0)[0])
    assert np.array_equal(first, again)


@pytest.mark.parametrize("sign", "ABCDEFGHIJKLMNPQRSTUVWXYZ123456789")
def test_no_two_signs_of_a_plate_are_alike(sign: str) -> None:
    """All but O and 0, which are one sign on many plates."""
    drawn = draw_plate(sign, 60)
    assert (drawn < 60).mean() > (draw_plate(" ", 60) < 60).mean()
    others = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") - {sign}
    assert all((draw_plate(other, 60) != drawn).sum() > 20 for other in others)


@pytest.mark.parametrize(("size", "fits"), [("64x64", False), ("128x96", False), ("160x88", False), ("160x90", True)])
def test_a_street_too_small_for_its_car_is_refused_before_it_is_drawn(size: str, fits: bool) -> None:
    url = parse_url(f"synthetic:?size={size}")
    if not fits:
        with pytest.raises(InvalidInput, match="at least 160x90"):
            open_source(url, SystemClock(), 5)
        return
    source = open_source(url, SystemClock(), 5)
    source.open()
    assert next(source.packets()).sync
    source.close()


def test_the_synthetic_camera_is_punctual() -> None:
    source = open_source(parse_url("synthetic:?size=320x180&fps=60"), SystemClock(), 5)
    info = source.open()
    packets = source.packets()
    seen = [next(packets) for _ in range(30)]
    source.interrupt()
    source.close()
    assert info.formats[0].width == 320
    assert [p.pts for p in seen] == [round(n * 1500) for n in range(30)]
    assert seen[0].sync
    gaps = np.diff([p.arrival_us for p in seen])
    assert set(np.abs(gaps - 16_667)) <= {0, 1}
