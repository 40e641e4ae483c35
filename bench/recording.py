"""P1: CPU and memory per camera of recording H.264 over RTSP, beside an ffmpeg process per camera.

Nothing is looked at for plates, as ffmpeg looks at nothing: what that costs is P9 and A4.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bench import process
from bench.films import make_film
from bench.result import Result
from bench.rtsp import serve

WARM_UP_S = 12.0
MEASURED_S = float(os.environ.get("GATEHOUSE_BENCH_SECONDS", "30"))
CPU_FROM, MEMORY_FROM = 8, 32
"""From how many cameras on a target holds; below, the figure is told."""
COUNTS = tuple(int(n) for n in os.environ.get("GATEHOUSE_BENCH_CAMERAS", "1,8,32,64").split(","))


def run(folder: Path) -> list[Result]:
    """Record N cameras with each, one after the other, from the same server."""
    film = make_film(folder / "film.mp4")
    results = []
    with serve(film) as url:
        for count in COUNTS:
            ours = measure(start_gatehouse(url, count, folder / f"ours{count}"))
            theirs = measure(start_ffmpeg(url, count, folder / f"ffmpeg{count}"))
            results += compare(count, ours, theirs)
    return results


def start_gatehouse(url: str, count: int, data: Path) -> list[subprocess.Popen[bytes]]:
    """Start the whole product, of which only the detector has nothing to do."""
    command = [str(Path(sys.executable).with_name("gatehouse")), "up", "--data", str(data), "--port", "0"]
    for k in range(count):
        command += ["--camera", f"cam{k}={url}"]
    quiet = {**os.environ, "GATEHOUSE_DETECTION__FRAMES": "off"}
    return [subprocess.Popen(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]


def start_ffmpeg(url: str, count: int, data: Path) -> list[subprocess.Popen[bytes]]:
    """Start the reference: what recorders of this field run per camera."""
    started = []
    for k in range(count):
        (data / str(k)).mkdir(parents=True)
        command = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url, "-c", "copy"]
        command += [
            "-f",
            "segment",
            "-segment_time",
            "10",
            "-segment_format",
            "mp4",
            "-reset_timestamps",
            "1",
        ]
        started.append(subprocess.Popen([*command, str(data / str(k) / "%04d.mp4")], stderr=subprocess.DEVNULL))
    return started


def measure(started: list[subprocess.Popen[bytes]]) -> process.Usage:
    """Return CPU seconds per wall second, and memory, after warming up; then stop all."""
    try:
        time.sleep(WARM_UP_S)
        pids = [p.pid for p in started]
        before, began = process.usage(pids), time.monotonic()
        time.sleep(MEASURED_S)
        after, ended = process.usage(pids), time.monotonic()
        if any(p.poll() is not None for p in started):
            raise RuntimeError("a recorder ended while it was measured")
        return process.Usage((after.cpu_s - before.cpu_s) / (ended - began), after.pss_mib)
    finally:
        process.stop(started)


def compare(count: int, ours: process.Usage, theirs: process.Usage) -> list[Result]:
    """Return the lines for CPU and memory."""
    on = f"H.264 1080p30 4 Mbit/s GOP 2 s, RTSP over TCP, {count} cameras, {MEASURED_S:g} s, no look at plates"
    cpu = ours.cpu_s / count * 60, theirs.cpu_s / count * 60
    memory = ours.pss_mib / count, theirs.pss_mib / count
    cpu_met, memory_met = count < CPU_FROM or cpu[0] <= cpu[1], count < MEMORY_FROM or memory[0] <= 0.3 * memory[1]
    cpu_target = "<= 1.0x" if count >= CPU_FROM else "told"
    memory_target = "<= 0.3x" if count >= MEMORY_FROM else "told"
    more: dict[str, float | str] = {"core_percent": ours.cpu_s / count * 100}
    of = f"{count} camera" + "s" * (count > 1)
    return [
        Result("P1", f"CPU per camera-minute, {of}", cpu[0], "s", cpu_target, cpu_met, cpu[1], on, more),
        Result("P1", f"memory (PSS) per camera, {of}", memory[0], "MiB", memory_target, memory_met, memory[1], on),
    ]
