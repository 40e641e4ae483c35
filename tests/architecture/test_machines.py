"""On which machines what runs can be installed without a compiler."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCKED = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
OURS = "python_full_version < '3.12'"
LOCK = {one["name"]: one for one in LOCKED if OURS in one.get("resolution-markers", [OURS])}
ELSEWHERE = ("sys_platform == 'win32'", "python_full_version >= '3.12'")


def needed() -> Iterator[Mapping[str, Any]]:
    """Every package that is installed to run Gatehouse on Linux with Python 3.11, as one process and scaled."""
    first = LOCK["gatehouse"]
    waiting = [*first["dependencies"], *first["optional-dependencies"]["scale"]]
    seen: set[str] = set()
    while waiting:
        one = waiting.pop()
        if one["name"] in seen or one.get("marker", "").startswith(ELSEWHERE):
            continue
        seen.add(one["name"])
        package = LOCK[one["name"]]
        extras = package.get("optional-dependencies", {})
        waiting += [*package.get("dependencies", []), *(e for extra in one.get("extra", []) for e in extras[extra])]
        yield package


def fits(wheel: str, machine: str) -> bool:
    """Whether a wheel is for Linux of a machine with glibc 2.36, Debian's of 2023, and Python 3.11."""
    _, python, abi, platform = wheel.removesuffix(".whl").rsplit("-", 3)
    made_for = any(part.startswith("manylinux") and part.endswith(f"_{machine}") for part in platform.split("."))
    return platform == "any" or (made_for and (abi in {"none", "cp311"} or (abi == "abi3" and int(python[3:]) <= 11)))


def test_nothing_is_compiled_on_a_raspberry_pi() -> None:
    """S3-1: 64-bit Linux on ARM has wheels of all that runs, as x86-64 has."""
    packages = list(needed())
    assert {"av", "onnxruntime", "opencv-python-headless", "flask", "pika", "boto3"} <= {p["name"] for p in packages}
    for machine in ("aarch64", "x86_64"):
        lacking = [
            package["name"]
            for package in packages
            if not any(fits(wheel["url"].rsplit("/", 1)[1], machine) for wheel in package.get("wheels", []))
        ]
        assert lacking == [], machine
