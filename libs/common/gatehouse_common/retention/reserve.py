"""How much of a disk is kept free, so that there is room for what is recorded while room is made."""

from __future__ import annotations

from gatehouse_common.settings import RetentionSettings
from gatehouse_common.storage.thresholds import resume_above

_HOUR_S = 3600
_LEAST_S = 30
_SMALL = 256_000_000
_MOST = 5_000_000_000
_FASTER, _MORE = 2.0, 1.1
_REAL_DISK = 1 << 24
"""On what is smaller nothing can be recorded anyway."""


def reserve_bytes(settings: RetentionSettings, total: int, rate: float) -> int:
    """Return how many bytes are kept free.

    What is recorded in an hour, but at most 5 GB and a tenth of the disk; however small the disk is, what is recorded
    in half a minute, but at most half of it. Never less than what cameras that were stopped come back at, whatever is
    said: else they would wait for room that nobody makes.

    Args:
        settings: ``reserve_gb`` may say it outright.
        total: size of the disk, bytes.
        rate: what all cameras together send, bytes a second.
    """
    least = round(resume_above(_FASTER * rate, total) * _MORE) if total >= _REAL_DISK else 0
    if settings.reserve_gb:
        return min(max(round(settings.reserve_gb * 1e9), least), total // 2)
    usual = min(max(rate * _HOUR_S, _SMALL), _MOST, total / 10)
    return min(total // 2, round(max(usual, rate * _LEAST_S, least)))
