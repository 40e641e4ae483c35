"""Which ffmpeg is used, and whether the machine's hardware encodes."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import imageio_ffmpeg
import pytest

from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import Unavailable
from gatehouse_common.settings.transcoder import TranscoderSettings
from gatehouse_transcoder import program
from gatehouse_transcoder.program import Program, find_program


def script(path: Path, text: str) -> Path:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def found(**settings: object) -> Program:
    return find_program(TranscoderSettings.model_validate(settings), SystemClock(), lambda: None)


def test_the_one_that_comes_with_it_does_where_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-19: nothing has to be installed; one on PATH that is too old is passed over."""
    script(tmp_path / "ffmpeg", "echo 'ffmpeg version 4.3.6-0+deb11u1 Copyright'\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found().path == imageio_ffmpeg.get_ffmpeg_exe()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'ffmpeg version 4.3.6'\n", "older than 5.1"),
        ("echo 'ffmpeg version n7.1 Copyright'\n", "it has no libx264, libmp3lame"),
        ("exit 3\n", "failed with code 3"),
    ],
    ids=["old", "poor", "broken"],
)
def test_one_that_cannot_do_it_is_told_with_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    """S1-19: a clear message."""
    with pytest.raises(Unavailable, match=words) as told:
        found(ffmpeg=str(script(tmp_path / "ffmpeg", text)))
    assert "transcoder.ffmpeg" in told.value.message


@pytest.mark.parametrize("works", [True, False])
def test_hardware_is_used_where_it_has_been_seen_to_encode(
    works: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S0-19: many encoders are listed whose hardware is not there, or does not work."""
    device = tmp_path / "device"
    device.touch()
    monkeypatch.setattr(program, "_HARDWARE", (("h264_nvenc", (str(device),), ()),))
    real = shutil.which("ffmpeg")
    text = f'case "$*" in *-encoders*) {real} "$@"; echo " V....D h264_nvenc NVENC";;'
    text += f' *-version*) {real} "$@";; *h264_nvenc*) exit {0 if works else 1};; esac\n'
    path = str(script(tmp_path / "ffmpeg", text))
    assert found(ffmpeg=path).encoder == ("h264_nvenc" if works else "libx264")
    assert found(ffmpeg=path, hardware=False).encoder == "libx264"
