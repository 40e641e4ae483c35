"""Who takes part in a camera's one decode."""

from __future__ import annotations

from typing import Protocol

import av

from .backlog import Run


class PictureListener(Protocol):
    """Looks at decoded pictures: previews, detection, thumbnails. Called in the thread that decodes, one at a time.

    A frame is the listener's for as long as the call lasts, or as long as it keeps a reference to it; it must not be
    written to, as others look at it too.
    """

    def begin_run(self, run: Run) -> None:
        """A run begins: times of pictures begin anew."""
        ...

    def picture(self, frame: av.VideoFrame, pts: int) -> None:
        """Take the next picture that is followed, in order of presentation; ``pts`` in ticks of the run."""
        ...

    def rest(self) -> None:
        """No picture follows for now: the decoder is let go."""
        ...
