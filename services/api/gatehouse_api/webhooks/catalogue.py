"""The events that webhooks can be told of: one table, from which the pages and the documentation are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gatehouse_common.db.webhook_records import fits
from gatehouse_common.errors import InvalidInput

EVENTS: Final[dict[str, str]] = {
    "plate.detected": "A visit has begun: a plate was read surely enough.",
    "plate.updated": "More is known of a visit that goes on; told about once a second at most.",
    "plate.closed": "A visit is over: its text is final.",
    "plate.listed": "An entry of a watch list matches a plate: which, of which list, and whether to the letter.",
    "plate.corrected": "A person has corrected the text of a plate, or said that it is none.",
    "clip.ready": "A clip can be played.",
    "clip.failed": "A clip could not be made; its `detail` says why.",
    "camera.online": "A camera is recorded.",
    "camera.starting": "A camera is connected to for the first time.",
    "camera.offline": "A camera should be recorded and is not; its `state` says why.",
    "camera.disabled": "A camera was told not to record.",
    "recording.started": "Somebody has begun to record a camera by name.",
    "recording.stopped": "Such a recording has ended.",
    "recording.failed": "A file of such a recording could not be made.",
    "recording.gap": "A camera was not recorded for a while: told when the gap has ended, with its cause.",
    "job.done": "A longer work has ended well: an upload is ready, an export can be fetched.",
    "job.failed": "A longer work has failed; its `detail` says why.",
    "job.cancelled": "A longer work was called off.",
}
"""What each event says."""
SAMPLE: Final = "webhook.test"
"""The event that is sent to try a webhook."""
_MOST_WANTED = 40


def check_wanted(wanted: Sequence[str]) -> list[str]:
    """Return which events a webhook wants, each once.

    Raises:
        InvalidInput: one of them is none that there is, or there are none.
    """
    found = list(dict.fromkeys(one.strip() for one in wanted if one.strip()))
    if not found or len(found) > _MOST_WANTED:
        raise InvalidInput("name at least one event; `*` stands for all, `plate.*` for those of plates.", "events")
    for one in found:
        if "*" in one[:-1] or not any(fits(one, name) for name in EVENTS):
            raise InvalidInput(f"there is no event {one[:40]!r}: there are {', '.join(EVENTS)}.", "events")
    return found
