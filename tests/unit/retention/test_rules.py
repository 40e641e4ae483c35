"""How much is kept free, and what the settings of a camera come to (S1-17, R3)."""

from __future__ import annotations

import pytest

from gatehouse_common.clock import HOUR
from gatehouse_common.retention import reserve_bytes, rules_of
from gatehouse_common.settings import RetentionSettings, SettingsModel
from gatehouse_common.settings.cameras import camera_settings

MB, GB, TB = 10**6, 10**9, 10**12
NOW = 10**15


@pytest.mark.parametrize(
    ("total", "rate", "kept_free"),
    [
        (4 * TB, 500_000, 1_800_000_000),  # what one camera sends in an hour
        (4 * TB, 50 * 500_000, 5 * GB),  # not more than 5 GB, however many cameras
        (10 * GB, 50 * 500_000, 1 * GB),  # nor more than a tenth of the disk
        (10 * GB, 0, 256 * MB),  # something, while nothing is known of the cameras
        (200 * MB, 1 * MB, 30 * MB),  # but half a minute of them on a small disk
        (200 * MB, 5 * MB, 100 * MB),  # and not more than half of it
    ],
)
def test_what_is_kept_free(total: int, rate: float, kept_free: int) -> None:
    assert reserve_bytes(RetentionSettings(), total, rate) == kept_free


def test_it_may_be_said_outright_but_never_more_than_half() -> None:
    assert reserve_bytes(RetentionSettings(reserve_gb=20), 4 * TB, 1) == 20 * GB
    assert reserve_bytes(RetentionSettings(reserve_gb=20), 10 * GB, 1) == 5 * GB


def test_what_a_camera_does_not_say_the_site_says() -> None:
    site = SettingsModel(retention=RetentionSettings(continuous_hours=10, event_days=0, minimum_hours=2))
    general = rules_of(site, camera_settings({}))
    assert (general.continuous_us, general.event_us, general.minimum_us) == (10 * HOUR, None, 2 * HOUR)
    assert general.continuous_before(NOW) == NOW - 10 * HOUR
    assert general.archived_before(NOW) is None
    own = rules_of(site, camera_settings({"retention": {"continuous_hours": 0, "event_days": 1, "max_gb": 0.5}}))
    assert own.continuous_before(NOW) is None  # 0: until their room is needed
    assert own.archived_before(NOW) == NOW - 24 * HOUR
    assert own.max_bytes == 500 * MB


def test_nothing_is_too_old_before_it_is_old_enough() -> None:
    site = SettingsModel(retention=RetentionSettings(continuous_hours=1, event_days=1))
    own = rules_of(site, camera_settings({"retention": {"minimum_hours": 48}}))
    assert own.continuous_before(NOW) == NOW - 48 * HOUR
    assert own.archived_before(NOW) == NOW - 48 * HOUR
