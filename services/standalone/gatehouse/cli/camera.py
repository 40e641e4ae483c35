"""``gatehouse camera``: which cameras are recorded."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from gatehouse.roster import parse_camera
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Camera, CameraRepository, Facts
from gatehouse_common.errors import Conflict, InvalidInput
from gatehouse_common.observability.camera_secrets import register_camera_url, show_camera_url
from gatehouse_common.observability.secrets import mask
from gatehouse_common.settings.cameras import changed_settings

from .opened_index import open_index
from .options import data_options, json_option
from .progress import progress

_ADDED_ONCE = "camera.added_once."
"""What is kept, with the id, of a camera that was added with --once: removed, it does not come back by itself."""


@click.group()
def camera() -> None:
    """Add, list, probe, switch and remove cameras. A running Gatehouse follows within a second."""


@camera.command()
@click.argument("camera_id", metavar="ID")
@click.argument("url")
@click.option("--name", help="Name for people; the id if there is none.")
@click.option("--if-missing", is_flag=True, help="Leave a camera of that id as it is; for scripts that run again.")
@click.option("--once", is_flag=True, help="Only if there is no camera, and it was not so added before; for demos.")
@data_options
def add(
    camera_id: str, url: str, name: str | None, if_missing: bool, once: bool, data: Path | None, config: Path | None
) -> None:
    """Record the camera at URL under ID.

    URL: rtsp://user:password@host/path, v4l2:///dev/video0, http://host/video.mjpg, file:///film.mp4, synthetic:
    """
    checked = parse_camera(camera_id, url)
    with open_index(data, config, make=True) as index:
        cameras, facts, now = CameraRepository(index.db), Facts(index.db), SystemClock().now_us()
        if once and (cameras.list() or facts.get(f"{_ADDED_ONCE}{checked.id}")):
            facts.first(f"{_ADDED_ONCE}{checked.id}", str(now), now)
            click.echo(f"Camera {checked.id} is not added: there are cameras, or it was there before.")
            return
        try:
            cameras.add(Camera(id=checked.id, url=checked.url, name=name or checked.id, created_us=now))
        except Conflict:
            if not if_missing:
                raise
            click.echo(f"Camera {checked.id} is there already.")
            return
        if once:
            facts.first(f"{_ADDED_ONCE}{checked.id}", str(now), now)
    click.echo(f"Camera {checked.id} is added; it is recorded while Gatehouse runs.")


@camera.command("list")
@json_option
@data_options
def show(as_json: bool, data: Path | None, config: Path | None) -> None:
    """List all cameras, and what each last reported."""
    with _cameras(data, config) as cameras:
        found = cameras.list()
    if as_json:
        click.echo(json.dumps([_public(one) for one in found], indent=1))
        return
    if not found:
        click.echo("No camera yet: gatehouse camera add ID URL", err=True)
    width = max((len(one.id) for one in found), default=0)
    for one in found:
        state = one.state if one.enabled else "disabled"
        picture = f"{one.width}x{one.height} {one.fps:.3g} fps {one.codec}" if one.width else ""
        click.echo(
            f"{one.id:{width}}  {state:12}  {show_camera_url(one.url)}  {picture}  {mask(one.state_detail)}".rstrip()
        )


@camera.command()
@click.argument("camera_or_url", metavar="ID|URL")
@click.option("--seconds", type=click.FloatRange(0.5, 60), default=4.0, show_default=True, help="How long to look.")
@json_option
@data_options
def probe(camera_or_url: str, seconds: float, as_json: bool, data: Path | None, config: Path | None) -> None:
    """Look at a camera without recording it, and tell what it sends."""
    from gatehouse_capture.probe import probe as look  # noqa: PLC0415 - the other commands need no decoder

    if ":" in camera_or_url:
        url = parse_camera("probe", camera_or_url).url
    else:
        with _cameras(data, config) as cameras:
            url = cameras.get(camera_or_url).url
            register_camera_url(url)
    with progress("looking", 1):
        found = look(url, SystemClock(), seconds)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), indent=1))
        return
    sound = f", sound {found.audio_codec}" if found.audio_codec else ", no sound"
    keys = f", a keyframe every {found.keyframe_interval_s:.2g} s" if found.keyframe_interval_s else ""
    click.echo(
        f"{found.backend}: {found.video_codec} {found.width}x{found.height}, "
        f"{found.measured_fps:.3g} fps measured{keys}{sound}"
    )
    if found.fallback:
        click.echo(f"The device named was not there; this is {found.fallback}.")


@camera.command()
@click.argument("camera_id", metavar="ID")
@data_options
def enable(camera_id: str, data: Path | None, config: Path | None) -> None:
    """Record a camera again that was disabled."""
    with _cameras(data, config) as cameras:
        cameras.change(camera_id, enabled=True)
    click.echo(f"Camera {camera_id} is enabled; it is recorded while Gatehouse runs.")


@camera.command()
@click.argument("camera_id", metavar="ID")
@data_options
def disable(camera_id: str, data: Path | None, config: Path | None) -> None:
    """Stop recording a camera for now. It stays in the list, and its footage stays."""
    with _cameras(data, config) as cameras:
        cameras.change(camera_id, enabled=False)
    click.echo(f"Camera {camera_id} is disabled; `gatehouse camera enable {camera_id}` records it again.")


@camera.command("set")
@click.argument("camera_id", metavar="ID")
@click.argument("values", metavar="NAME=VALUE...", nargs=-1, required=True)
@data_options
def set_values(camera_id: str, values: tuple[str, ...], data: Path | None, config: Path | None) -> None:
    """Change settings of a camera alone; its recording goes on.

    plates.enabled (whether it is watched), plates.threshold (what reads have to be surer than), plates.region (us, eu,
    br), plates.masks and plates.zones (what is not looked at, and what alone is: polygons of corners as fractions of
    the picture, e.g. [[[0,0],[1,0],[1,0.3],[0,0.3]]]), keep (all, or events: the clips of plate events alone), and
    priority (where a disk fills up, lower numbers stop first).
    A value of null is that of the site's settings again.
    """
    change = _change(values)
    with _cameras(data, config) as cameras:
        cameras.change(camera_id, settings=changed_settings(cameras.get(camera_id).settings, change))
    click.echo(f"Camera {camera_id} is changed.")


@camera.command()
@click.argument("camera_id", metavar="ID")
@data_options
def remove(camera_id: str, data: Path | None, config: Path | None) -> None:
    """Stop recording a camera. Its footage stays."""
    with _cameras(data, config) as cameras:
        cameras.remove(camera_id)
    click.echo(f"Camera {camera_id} is removed; what it recorded stays.")


@contextmanager
def _cameras(data: Path | None, config: Path | None) -> Iterator[CameraRepository]:
    """Yield the cameras of the index; where there is none yet it is made."""
    with open_index(data, config, make=True) as index:
        yield CameraRepository(index.db)


def _change(values: tuple[str, ...]) -> dict[str, Any]:
    """Return what ``a.b=VALUE`` words say as a tree; what is no JSON is a text."""
    change: dict[str, Any] = {}
    for word in values:
        name, given, text = word.partition("=")
        if not given or not name:
            raise InvalidInput(f"{word!r} is not NAME=VALUE, as in plates.threshold=0.6")
        *groups, last = name.split(".")
        group = change
        for one in groups:
            group = group.setdefault(one, {})
            if not isinstance(group, dict):
                raise InvalidInput(f"{name!r} is given twice, once as a group")
        try:
            group[last] = json.loads(text)
        except json.JSONDecodeError:
            group[last] = text
    return change


def _public(one: Camera) -> dict[str, object]:
    fields = dataclasses.asdict(one)
    return {**fields, "url": show_camera_url(one.url), "state_detail": mask(one.state_detail)}
