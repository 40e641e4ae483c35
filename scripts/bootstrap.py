"""Make .venv with exactly what uv.lock says, on a machine that has nothing but Python.

uv does the work. It is taken from PATH, else from a pip inside the new environment, else (Debian without
python3-venv has no pip to put there) its wheel is fetched from the package index and checked by its hash.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path
from urllib.parse import urljoin

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
UV_VERSION = "0.13.8"
INDEX = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"


def main() -> None:
    """Make or bring up to date the environment; say what is being done, since it takes a while."""
    print(f"Setting up {ENVIRONMENT} with Python {platform.python_version()} ...", flush=True)
    uv = find_uv()
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT), "UV_PYTHON_DOWNLOADS": "never"}
    env.pop("VIRTUAL_ENV", None)
    # Compiled here and now: where PYTHONDONTWRITEBYTECODE is set, or for a user who may not write here, every
    # start would compile 4,500 modules again, which takes longer than starting.
    command = [uv, "sync", "--frozen", "--quiet", "--compile-bytecode", "--python", sys.executable]
    subprocess.run(command, cwd=ROOT, env=env, check=True)
    python = str(ENVIRONMENT / "bin" / "python")
    subprocess.run([python, "-m", "compileall", "-q", "libs", "services"], cwd=ROOT, check=True)
    print("Ready.", flush=True)


def find_uv() -> str:
    """Return a path of uv, installing it into a private environment beside .venv's if there is none."""
    found = shutil.which("uv")
    if found:
        return found
    private = ROOT / "build" / "bootstrap"
    binary = private / "bin" / "uv"
    if binary.exists():
        return str(binary)
    try:
        venv.create(private, with_pip=True, clear=True)
    except (subprocess.CalledProcessError, ModuleNotFoundError, SystemExit):
        fetch_uv(binary)
        return str(binary)
    pip = [str(private / "bin" / "python"), "-m", "pip", "install", "--quiet", f"uv=={UV_VERSION}"]
    subprocess.run(pip, check=True)
    return str(binary)


def fetch_uv(binary: Path) -> None:
    """Unpack uv's binary from its wheel, after comparing its SHA-256 with the one in the index (PEP 503)."""
    index = f"{INDEX.rstrip('/')}/uv/"
    with urllib.request.urlopen(index, timeout=60) as answer:
        links = re.findall(r'href="([^"#]+)#sha256=([0-9a-f]{64})"', answer.read().decode())
    wanted = wheel_tag()
    link, sha256 = next(
        (link, sha256)
        for link, sha256 in links
        if (name := link.rsplit("/", 1)[-1]).startswith(f"uv-{UV_VERSION}-") and wanted(name)
    )
    with urllib.request.urlopen(urljoin(index, link), timeout=300) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        sys.exit("The downloaded uv is damaged: its hash is not the one in the package index.")
    binary.parent.mkdir(parents=True, exist_ok=True)
    archive = binary.with_suffix(".whl")
    archive.write_bytes(data)
    with zipfile.ZipFile(archive) as z:
        member = next(n for n in z.namelist() if n.endswith("/scripts/uv"))
        binary.write_bytes(z.read(member))
    binary.chmod(0o755)
    archive.unlink()


def wheel_tag():
    """Return a predicate: whether a wheel's file name fits this machine."""
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if sys.platform == "darwin":
        machine = "arm64" if machine == "aarch64" else machine
        return lambda name: "macosx" in name and machine in name
    musl = "musl" in (platform.libc_ver()[0] or "musl")
    return lambda name: machine in name and ("musllinux" in name if musl else "manylinux" in name)


if __name__ == "__main__":
    main()
