"""Command lines of ffmpeg, and what it says of how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import ffmpeg

from gatehouse_transcoder.graphs import Progress, command, source
from gatehouse_transcoder.program import Program
from gatehouse_transcoder.work import Work


class Listening:
    """What is told of a stage."""

    def __init__(self) -> None:
        self.heard: list[float] = []

    def told(self, part: float) -> None:
        self.heard.append(round(part, 3))


def test_progress_is_told_and_what_does_not_get_on_is_seen() -> None:
    """S4-9: progress."""
    work = Listening()
    heard = Progress(10.0, cast(Work, work), (0.5, 1.0))
    first = ["frame=0", "out_time_us=N/A", "total_size=0", "progress=continue"]
    on = ["frame=75", "fps=70.1", "out_time_us=2500000", "total_size=48", "progress=continue"]
    assert [heard(line) for line in first] == [False, False, False, True]
    assert [heard(line) for line in on][-1]
    assert not heard("progress=continue")  # the same again: it hangs
    assert heard("out_time_us=99000000") is False
    assert heard("progress=end")
    assert work.heard == [0.5, 0.625, 0.625, 1.0]
    assert (heard.frames, heard.seconds) == (75, 99.0)
    assert not heard("no line of its own")


def test_nothing_but_the_one_file_can_be_read() -> None:
    """S4-13: a film that is a playlist leads nowhere."""
    stream: Any = ffmpeg.output(source(Path("/data/-i x.webm"), 2), "out.mp4")
    words = command(Program("ffmpeg", "7.0"), stream)
    before = words[: words.index("-i")]
    assert words[words.index("-i") + 1] == "file:/data/-i x.webm"
    assert before[before.index("-protocol_whitelist") + 1] == "file"
    formats = before[before.index("-format_whitelist") + 1].split(",")
    assert not {"hls", "concat", "dash", "image2", "sdp", "applehttp", "lavfi", "tee", "imf"} & set(formats)
    assert "-nostdin" in words
