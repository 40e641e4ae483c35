"""``python -m gatehouse_common.media.conversion TARGET SIZE FD``: to standard output, behind all else.

It asks for bytes of a slice of SIZE bytes on the file descriptor FD, and gets them on standard input. A process of its
own can be ended at once, and takes neither the GIL nor the processor from what records.
"""

from __future__ import annotations

import os
import sys

import av

from gatehouse_common.errors import Cancelled, GatehouseError

from .making import convert
from .reading import remote_file
from .targets import TARGETS

_NICE = 10


def main() -> int:
    """Convert; return 0, or 1 with the reason on standard error."""
    os.nice(_NICE)
    av.logging.set_level(None)
    try:
        name, size, ask = sys.argv[1:]
        convert(remote_file(int(size), int(ask), sys.stdin.buffer), "pipe:1", TARGETS[name])
    except Cancelled:
        return 0
    except GatehouseError as error:
        sys.stderr.write(error.message + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
