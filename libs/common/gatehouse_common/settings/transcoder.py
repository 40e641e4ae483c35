"""Settings of what is made of uploads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .group import Group
from .values import OptionalFilePath


class TranscoderSettings(Group):
    """What is made of uploads, by child processes that run behind everything else."""

    workers: int = Field(1, ge=1, le=32, description="jobs that a process does at once")
    threads: int = Field(2, ge=1, le=64, description="threads of a child process")
    compress: Literal["none", "if-not-playable", "always"] = Field(
        "always",
        description="`always` makes a smaller film of each upload, and keeps it if it is smaller by a tenth at least; "
        "`if-not-playable` makes one only of what browsers do not play; `none` never. The original stays",
    )
    hardware: bool = Field(
        True, description="encode with the machine's hardware, where a try at the start shows it works"
    )
    ffmpeg: OptionalFilePath = Field(
        None, description="the ffmpeg program; empty: the one on PATH, else the one that comes with imageio-ffmpeg"
    )
    timeout_seconds: float = Field(14400.0, ge=1, description="a child process that takes longer is killed")
    stall_seconds: float = Field(120.0, ge=1, description="and one that gets no further for so long")
    probe_seconds: float = Field(
        30.0,
        ge=1,
        le=3600,
        description="and one that only looks at a file, after so long of the "
        "processor, or ten times as long by the clock",
    )
    memory_mb: int = Field(3072, ge=256, description="memory that a child process may have, in MiB of addresses")
    max_output_gb: float = Field(40.0, gt=0, description="a file that gets larger is given up")
