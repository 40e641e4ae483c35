"""A signed export is what its manifest says, anybody can verify it, and nothing in it can be changed unnoticed."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import random
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatehouse.cli.verify import verify
from gatehouse_common.db import FootageReader, FootageWriter, Gap
from gatehouse_common.footage import Library
from gatehouse_common.integrity import DamageKind, Report
from gatehouse_common.integrity.container import Entry, directory, local_header, read_entries
from gatehouse_common.integrity.export import Exported, write_export
from gatehouse_common.integrity.files import verify_files
from gatehouse_common.integrity.manifest import NAMES
from gatehouse_common.integrity.signing import SigningKey, signing_key, signing_key_path
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.messages import ChunkOpened
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.testing.recording import scan_file
from pipeline_kit import START_US, add_camera, core_at, open_core, record, work_off

SECOND = 1_000_000
RANGE = Interval(START_US + 5_500_000, START_US + 14_000_000)


def stored(core: Core, tmp_path: Path, start_us: int = START_US, seconds: int = 16) -> None:
    taken = record(core.data_dir, tmp_path, frames=30 * seconds, chunk_us=4 * SECOND, start_us=start_us)
    for closed in taken.closed:
        core.bus.publish(closed)
    work_off(core)


def exported(core: Core, path: Path, wanted: Interval = RANGE, key: SigningKey | None = None) -> Exported:
    library = Library(core)
    cut = slice_footage(library.find("cam", wanted.start, wanted.end).media, wanted.start, wanted.end)
    library.close()
    read: list[int] = []
    with path.open("w+b") as file:
        made = write_export(core, "cam", wanted, cut, key or signing_key(core.settings), file, read.append)
    assert sum(read) == cut.file.size
    assert made.size == path.stat().st_size
    return made


def verified(path: Path, key: Path | None = None) -> Report:
    return verify_files([path], key, lambda _bytes: None)


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as z:
        assert z.testzip() is None
        return {name: z.read(name) for name in z.namelist()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with sixteen seconds of a camera, in four chunks of one run, and an export of it beside it."""
    home = tmp_path_factory.mktemp("site")
    with core_at(home / "data") as core:
        add_camera(core)
        stored(core, home)
        exported(core, home / "clip.zip")
        (home / "key.pem").write_bytes(signing_key(core.settings).public.pem)
    return home


def test_an_export_is_what_its_manifest_says(site: Path, tmp_path: Path) -> None:
    files = unpacked(site / "clip.zip")
    assert tuple(files) == NAMES
    manifest = json.loads(files["manifest.json"])
    assert manifest["clip"]["sha256"] == hashlib.sha256(files["clip.mp4"]).hexdigest()
    assert manifest["clip"]["bytes"] == len(files["clip.mp4"])
    assert manifest["asked"]["from"] == "2024-05-17T10:23:05.500000Z"
    assert manifest["got"]["to"] == "2024-05-17T10:23:14.000000Z"
    assert (manifest["camera"]["id"], manifest["time_zone"], manifest["gaps"]) == ("cam", "UTC", [])
    assert len(manifest["chunks"]) == 3
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(files["clip.mp4"])
    assert [n for n, _ in frame_numbers(clip)] == list(range(165, 420))
    for chunk in manifest["chunks"]:
        for one in chunk["in_clip"]:
            piece = files["clip.mp4"][one["offset"] : one["offset"] + one["bytes"]]
            assert hashlib.sha256(base64.b64decode(one["front"]) + piece).hexdigest() == chunk["gops"][one["gop"]]
            assert len(one["front"]) < 2000
    whole = [(chunk["key"][-7:-4], one["gop"]) for chunk in manifest["chunks"] for one in chunk["in_clip"]]
    expected = [("304", g) for g in (1, 2, 3)] + [("308", g) for g in range(4)] + [("312", g) for g in (0, 1)]
    assert whole == expected, "the digest of every GOP of the clip can be reckoned from the export alone"
    assert manifest["chunks"][1]["previous"] == manifest["chunks"][0]["last"]


def said(path: Path, *args: str) -> tuple[int, str, dict[str, Any]]:
    """What somebody reads at a terminal, and what a script gets."""
    shown = CliRunner().invoke(verify, [str(path), *args])
    told = CliRunner().invoke(verify, [str(path), *args, "--json"])
    assert shown.exit_code == told.exit_code
    return shown.exit_code, shown.output, json.loads(told.output)


def test_an_export_verifies_with_the_key_inside_and_with_the_key_that_is_known(site: Path) -> None:
    """Whoever reads the verdict is told who signed, what, and of when; and that it may be anybody."""
    fingerprint = json.loads(unpacked(site / "clip.zip")["manifest.json"])["key"]["sha256"]
    code, text, told = said(site / "clip.zip")
    assert (code, told["damages"], told["exports"], told["verdict"]) == (0, [], 1, "signer-unknown")
    assert "as recorded" not in text
    assert "who signed it is not known" in text.splitlines()[-1]
    for word in (
        fingerprint,
        "camera cam",
        "2024-05-17T10:23:05.500000Z",
        "2024-05-17T10:23:14.000000Z",
        "8.500 of 8.500",
    ):
        assert word in text
    (signed,) = told["signed"]
    made = signed.pop("made")
    assert made in text
    assert signed == {
        "file": str(site / "clip.zip"),
        "key": fingerprint,
        "key_given": False,
        "camera": "cam",
        "camera_name": "",
        "from": "2024-05-17T10:23:05.500000Z",
        "to": "2024-05-17T10:23:14.000000Z",
        "time_zone": "UTC",
        "from_local": "2024-05-17T10:23:05.500000+00:00",
        "to_local": "2024-05-17T10:23:14.000000+00:00",
        "seconds": 8.5,
        "seconds_held": 8.5,
    }
    code, text, told = said(site / "clip.zip", "--key", str(site / "key.pem"))
    assert (code, told["verdict"], told["signed"][0]["key_given"]) == (0, "as-recorded", True)
    assert text.splitlines()[-1].endswith(": as recorded.")


def shell(command: str, folder: Path) -> str:
    run = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    return f"{run.returncode} {run.stdout} {run.stderr}"


def test_openssl_alone_verifies_it_as_the_readme_says(site: Path, tmp_path: Path) -> None:
    """The commands are those of README.txt in the export, run as they stand there."""
    with zipfile.ZipFile(site / "clip.zip") as z:
        z.extractall(tmp_path)
    text = (tmp_path / "README.txt").read_text()
    commands = [line.strip() for line in text.splitlines() if line.startswith(("  openssl", "  echo"))]
    signature, clip, key = commands
    assert "Signature Verified Successfully" in shell(signature, tmp_path)
    assert "clip.mp4: OK" in shell(clip, tmp_path)
    fingerprint = shell(key, tmp_path).split()[1]
    assert fingerprint in text
    assert fingerprint == json.loads((tmp_path / "manifest.json").read_text())["key"]["sha256"]
    manifest = bytearray((tmp_path / "manifest.json").read_bytes())
    manifest[100] ^= 1
    (tmp_path / "manifest.json").write_bytes(manifest)
    assert "Signature Verification Failure" in shell(signature, tmp_path)
    with (tmp_path / "clip.mp4").open("r+b") as file:
        file.seek(5000)
        file.write(b"?")
    assert "FAILED" in shell(clip, tmp_path)


def test_a_flipped_byte_anywhere_in_an_export_is_found(site: Path, tmp_path: Path) -> None:
    """R5: in the clip, the manifest, the texts, and in the zip file around them."""
    whole = (site / "clip.zip").read_bytes()
    rng, path = random.Random(6), tmp_path / "flipped.zip"
    last = whole.rindex(b"README.txt\x50\x4b") if b"README.txt\x50\x4b" in whole else len(whole) - 400
    wanted = {*range(60), *rng.sample(range(len(whole)), 250), *range(max(last - 300, 0), len(whole), 3)}
    at = 0
    for name in NAMES:  # the headers between the entries, byte by byte
        _, offset, size = read_entries(whole[at : at + 4096])
        wanted |= {*range(at, at + offset), at + offset, at + offset + size - 1}
        assert name.encode() in whole[at : at + offset]
        at += offset + size
    wanted |= {*range(at, len(whole))}
    for k in sorted(wanted):
        damaged = bytearray(whole)
        damaged[k] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        assert verified(path).damages, f"byte {k} of {len(whole)}"
    path.write_bytes(whole)
    assert verified(path).damages == []


def test_damage_to_the_clip_is_told_by_its_time(site: Path, tmp_path: Path) -> None:
    """R5."""
    whole = bytearray((site / "clip.zip").read_bytes())
    chunk = json.loads(unpacked(site / "clip.zip")["manifest.json"])["chunks"][1]
    piece = chunk["in_clip"][1]
    _, offset, _ = read_entries(bytes(whole[:4096]))
    at = offset + piece["offset"] + 500
    whole[at] ^= 1
    path = tmp_path / "flipped.zip"
    path.write_bytes(whole)
    footage = [d for d in verified(path).damages if d.from_us is not None]
    assert len(footage) == 1
    assert (footage[0].start, footage[0].end) == (offset + piece["offset"], offset + piece["offset"] + piece["bytes"])
    assert piece["from"] == "2024-05-17T10:23:09.000000Z"
    assert footage[0].from_us == START_US + 9 * SECOND


def test_cut_off_or_longer_exports_are_found(site: Path, tmp_path: Path) -> None:
    whole = (site / "clip.zip").read_bytes()
    path = tmp_path / "other.zip"
    for data in (whole[:-1], whole[: len(whole) // 2], whole + b"\0", b"", b"PK", whole[1:]):
        path.write_bytes(data)
        assert verified(path).damages


def resigned(site: Path, path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write an export that somebody else has changed and signed with a key of his own, consistent in itself."""
    files = unpacked(site / "clip.zip")
    change(files)
    own = SigningKey(Ed25519PrivateKey.generate())
    manifest = json.loads(files["manifest.json"])
    files["public_key.pem"] = own.public.pem
    manifest["key"]["sha256"] = own.public.fingerprint
    manifest["clip"] |= {"sha256": hashlib.sha256(files["clip.mp4"]).hexdigest(), "bytes": len(files["clip.mp4"])}
    manifest["files"] = {n: hashlib.sha256(files[n]).hexdigest() for n in ("public_key.pem", "README.txt")}
    files["manifest.json"] = json.dumps(manifest).encode()
    files["manifest.sig"] = own.sign(files["manifest.json"])
    with zipfile.ZipFile(site / "clip.zip") as z:
        made = z.infolist()[0].date_time

    moment = dt.datetime(*made, tzinfo=dt.UTC)
    made_us = int(moment.timestamp()) * SECOND
    entries = [Entry(n, len(files[n]), zlib.crc32(files[n])) for n in NAMES]
    parts = [local_header(e, made_us) + files[e.name] for e in entries]
    path.write_bytes(b"".join(parts) + directory(entries, made_us))


def test_who_signs_with_another_key_is_found_by_the_key_that_is_known(site: Path, tmp_path: Path) -> None:
    """What a key inside the export does not prove: who signed."""
    path = tmp_path / "other.zip"
    resigned(site, path, lambda files: None)
    assert verified(path).damages == [], "consistent in itself"
    code, text, told = said(path)
    assert (code, told["verdict"]) == (0, "signer-unknown")
    assert "as recorded" not in text
    found = verified(path, site / "key.pem").damages
    assert [d.kind for d in found] == [DamageKind.SIGNATURE]
    code, text, told = said(path, "--key", str(site / "key.pem"))
    assert (code, told["verdict"], told["signed"][0]["key_given"]) == (1, "damaged", False)


def test_an_export_without_the_recorders_digests_says_so(site: Path, tmp_path: Path) -> None:
    """Footage that whoever has the key may have put in is signed, and is held to nothing that a recorder has made."""

    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        manifest["chunks"][0] |= {"gops": None, "in_clip": []}
        manifest["chunks"][1]["in_clip"] = []
        files["manifest.json"] = json.dumps(manifest).encode()

    path, key = tmp_path / "other.zip", tmp_path / "key.pem"
    resigned(site, path, change)
    key.write_bytes(unpacked(path)["public_key.pem"])
    code, text, told = said(path, "--key", str(key))
    assert (code, told["damages"], told["verdict"]) == (0, [], "without-digests")
    assert told["signed"][0]["seconds_held"] == 2.0
    assert "2.000 of 8.500 s" in text
    assert "as recorded" not in text


def test_what_a_manifest_says_cannot_rule_a_terminal(site: Path, tmp_path: Path) -> None:
    """Whoever signs may call his camera what he likes."""

    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        manifest["camera"] = {"id": "cam\x1b[2J", "name": "gate\r\n1 signed export: as recorded.\u202e"}
        manifest["time_zone"] = "../../etc/passwd"
        files["manifest.json"] = json.dumps(manifest).encode()

    path = tmp_path / "other.zip"
    resigned(site, path, change)
    code, text, told = said(path)
    assert (code, told["signed"][0]["from_local"]) == (0, None)
    assert not {"\x1b", "\u202e", "\r"} & set(text)
    assert not any(line.startswith("1 signed export: as recorded") for line in text.splitlines())
    assert "\\x1b[2J" in text


def test_changed_footage_contradicts_the_recorders_digests_even_if_signed_anew(site: Path, tmp_path: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        clip = bytearray(files["clip.mp4"])
        clip[len(clip) // 2] ^= 1
        files["clip.mp4"] = bytes(clip)

    path = tmp_path / "other.zip"
    resigned(site, path, change)
    assert [d.kind for d in verified(path).damages] == [DamageKind.CHANGED]


def test_a_digest_taken_out_of_the_manifest_breaks_its_chain(site: Path, tmp_path: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        chunk = manifest["chunks"][1]
        chunk["gops"].pop(0)
        chunk["in_clip"] = []
        files["manifest.json"] = json.dumps(manifest).encode()

    path = tmp_path / "other.zip"
    resigned(site, path, change)
    assert DamageKind.BROKEN in [d.kind for d in verified(path).damages]


def test_damaged_footage_is_exported_and_said_to_be(site: Path, tmp_path: Path) -> None:
    """R5: whoever gets the export is told, though the signature is right."""
    shutil.copytree(site / "data", tmp_path / "data")
    with core_at(tmp_path / "data") as core:
        row = FootageReader(core.db).find_chunks("cam", START_US + 9 * SECOND, START_US + 10 * SECOND)[0]
        path = core.data_dir / row.key
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
        made = exported(core, tmp_path / "clip.zip")
        assert len(made.wrong) == 1
    found = verified(tmp_path / "clip.zip").damages
    assert [d.kind for d in found] == [DamageKind.CHANGED]
    assert "manifest says so" in found[0].detail


def test_gaps_are_told_with_their_causes(tmp_path: Path) -> None:
    """R9: an export says what is missing in it, and why."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        stored(core, tmp_path, seconds=4)
        stored(core, tmp_path, start_us=START_US + 10 * SECOND, seconds=4)
        gap = Gap("cam", START_US + 4 * SECOND, START_US + 9 * SECOND, "camera_offline", "no route to it")
        FootageWriter(core.db).put_gaps(None, [gap])
        exported(core, tmp_path / "clip.zip", Interval(START_US + SECOND, START_US + 13 * SECOND))
    manifest = json.loads(unpacked(tmp_path / "clip.zip")["manifest.json"])
    told = [(g["from"][17:19], g["to"][17:19], g["cause"]) for g in manifest["gaps"]]
    assert told == [("04", "09", "camera_offline"), ("09", "10", None)]
    assert verified(tmp_path / "clip.zip").damages == []


def test_footage_that_is_still_being_recorded_has_the_digests_of_what_is_whole(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        taken = record(core.data_dir, tmp_path, frames=300, leave_open=True)

        media = scan_file(core.data_dir, taken.keys[0])
        FootageWriter(core.db).open_chunk(
            ChunkOpened(
                camera="cam",
                time_us=START_US,
                run=taken.run,
                chunk=media.chunk_id,
                key=taken.keys[0],
                start_us=START_US,
                origin_us=START_US,
            )
        )
        exported(core, tmp_path / "clip.zip", Interval(START_US, START_US + 8 * SECOND))
    chunk = json.loads(unpacked(tmp_path / "clip.zip")["manifest.json"])["chunks"][0]
    assert chunk["state"] == "open"
    assert len(chunk["in_clip"]) >= 6
    assert verified(tmp_path / "clip.zip").damages == []


def test_the_key_is_made_once_readable_by_its_owner_alone(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        path = signing_key_path(core.settings)
        first = signing_key(core.settings).public.fingerprint
        assert path == core.data_dir / "signing_key.pem"
        assert path.stat().st_mode & 0o777 == 0o600
        assert signing_key(core.settings).public.fingerprint == first
        assert [p.name for p in core.data_dir.glob(".key-*")] == []


def test_processes_share_the_key_that_the_settings_name(tmp_path: Path) -> None:
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, check=True).stdout
    (tmp_path / "shared.pem").write_bytes(made)
    found = set()
    for name in ("a", "b"):
        core = open_core(tmp_path / name, **{"integrity.signing_key_file": str(tmp_path / "shared.pem")})
        found.add(signing_key(core.settings).public.fingerprint)
        core.close()
    assert len(found) == 1


def test_entries_of_more_than_four_gigabytes_are_written_as_zip64(tmp_path: Path) -> None:
    entries = [Entry("clip.mp4", (5 << 30) + 3, 7), Entry("README.txt", 4, zlib.crc32(b"text"))]
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.write(local_header(entries[0], START_US))
        file.seek(entries[0].size, 1)
        file.write(local_header(entries[1], START_US) + b"text")
        file.write(directory(entries, START_US))
    with zipfile.ZipFile(path) as z:
        assert [(i.filename, i.file_size, i.CRC) for i in z.infolist()] == [(e.name, e.size, e.crc) for e in entries]
        assert z.read("README.txt") == b"text"
        assert z.infolist()[0].date_time == (2024, 5, 17, 10, 23, 0)
    with path.open("rb") as file:
        assert read_entries(file.read(4096))[2] == entries[0].size
