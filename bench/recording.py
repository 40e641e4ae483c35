"""P1: CPU and memory per camera of recording H.264 over RTSP, beside an ffmpeg process per camera."""

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
COUNTS = tuple(int(n) for n in os.environ.get("GATEHOUSE_BENCH_CAMERAS", "8,32").split(","))


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
    """Start the whole product, not capture alone: segmenter, indexer and api are in the figure."""
    command = [str(Path(sys.executable).with_name("gatehouse")), "up", "--data", str(data), "--port", "0"]
    for k in range(count):
        command += ["--camera", f"cam{k}={url}"]
    return [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]


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
    on = f"H.264 1080p30 4 Mbit/s GOP 2 s, RTSP over TCP, {count} cameras, {MEASURED_S:g} s"
    cpu = ours.cpu_s / count * 60, theirs.cpu_s / count * 60
    memory = ours.pss_mib / count, theirs.pss_mib / count
    return [
        Result(
            "P1",
            f"CPU per camera-minute, {count} cameras",
            cpu[0],
            "s",
            "<= 1.0x",
            cpu[0] <= cpu[1],
            cpu[1],
            on,
            {"core_percent": ours.cpu_s / count * 100},
        ),
        Result(
            "P1",
            f"memory (PSS) per camera, {count} cameras",
            memory[0],
            "MiB",
            "<= 0.3x at 32",
            memory[0] <= (0.3 if count >= 32 else 1.0) * memory[1],
            memory[1],
            on,
        ),
    ]
