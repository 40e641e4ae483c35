"""The app on a core, which each file makes as it needs it; and a site with plates and clips, also on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gatehouse_api.app import close_app, create_app
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.clock import SECOND
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.testing.film import FilmSpec
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import START_US, add_camera, core_at, record
from plates_kit import PlateSite, indexing, make_clips, server_settings, settle, tell, visit

FPS = 30
LENGTH_S = 60


@pytest.fixture
def app(core: Core) -> Iterator[Flask]:
    """The app on the ``core`` of the test's file."""
    made = create_app(core)
    yield made
    close_app(made)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Who asks it, and keeps its cookies."""
    return app.test_client()


def _store(core: Core) -> None:
    """Have what was recorded stored and indexed; real servers may take their time on a busy machine."""
    supervisor = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core)], core.clock)
    supervisor.start()
    try:
        assert core.bus.join(120)
    finally:
        assert supervisor.stop(60)


@pytest.fixture(scope="module", params=["embedded", "servers"])
def plate_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlateSite]:
    home = tmp_path_factory.mktemp("plates")
    with ExitStack() as held:
        more = held.enter_context(server_settings(home)) if request.param == "servers" else {}
        core = held.enter_context(core_at(home / "data", **{"timezone": "Europe/Berlin", "api.port": 0, **more}))
        for camera in ("gate", "yard"):
            add_camera(core, camera)
        spec = FilmSpec(frames=LENGTH_S * FPS, gop=FPS, width=160, height=96)
        record(home / "data", home, spec=spec, camera="gate", chunk_us=20 * SECOND)
        _store(core)
        first = visit("gate", "BAB1234", START_US + 10 * SECOND, r0="8AB1234")
        again = visit("gate", "BAB1234", START_US + 40 * SECOND, (0.7, 0.95))
        other = visit("gate", "MXY987", START_US + 12 * SECOND, (0.99, 0.4))
        yard = visit("yard", "BAB1239", START_US + 20 * SECOND)
        with indexing(core):
            for one in (first, again, other):
                tell(core, one)
            tell(core, yard, close=False, pictures=False, region="")
            tell(core, visit("gate", "DOUBT1", START_US + 30 * SECOND, (0.5, 0.3)))
            settle(core)
        told = [(one.event, at) for one in (first, other, again) for at, _, sure in one.reads if sure > 0.5]
        clips = make_clips(core, "gate", told)
        app = create_app(core)
        yield PlateSite(core, app.test_client(), first, again, other, yard, clips)
        close_app(app)
