"""Films for the benches, made by the ffmpeg program, with the frame number burned in as a barcode."""

from __future__ import annotations

import subprocess
from pathlib import Path

BITS = 20
BOX = 32


def barcode() -> str:
    """Return the filter that burns the frame number in: bit k is a white or black box at x = 32 k."""
    blank = f"drawbox=x=0:y=0:w={BITS * BOX}:h={BOX}:color=black:t=fill"
    bits = [
        f"drawbox=x={BOX * k}:y=0:w={BOX}:h={BOX}:color=white:t=fill:enable='mod(floor(n/{1 << k}),2)'"
        for k in range(BITS)
    ]
    return ",".join([blank, *bits])


def make_film(
    path: Path, *, size: str = "1920x1080", fps: int = 30, seconds: int = 20, audio: bool = False, kbit: int = 4000
) -> Path:
    """Make an H.264 film of about so many kbit/s with a keyframe every two seconds; return ``path``.

    Raises:
        RuntimeError: the ffmpeg program is missing or failed.
    """
    picture = f"testsrc2=s={size}:r={fps},noise=alls=5:allf=t,{barcode()},format=yuv420p"
    gop = str(fps * 2)
    sound = ["-f", "lavfi", "-i", "sine=f=440:r=48000", "-c:a", "aac", "-b:a", "64k"] if audio else []
    rate = [
        "-b:v",
        f"{kbit}k",
        "-maxrate",
        f"{kbit}k",
        "-bufsize",
        f"{kbit}k",
        "-g",
        gop,
        "-keyint_min",
        gop,
        "-sc_threshold",
        "0",
    ]
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture, *sound, "-t", str(seconds)]
    command += ["-c:v", "libx264", "-preset", "superfast", "-bf", "0", *rate, str(path)]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"a film for the bench could not be made: {error}") from error
    return path
