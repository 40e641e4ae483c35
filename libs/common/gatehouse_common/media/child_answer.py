"""How a child process that looks at a file of anybody answers: JSON, or one sentence of what is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from gatehouse_common.errors import GatehouseError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def answer(make: Callable[[], DataclassInstance]) -> int:
    """Write what was made as a line of JSON on standard output, or why it was not on standard error.

    Args:
        make: does the work; returns what is told, a dataclass.

    Returns:
        The exit code.
    """
    try:
        made = make()
    except GatehouseError as error:
        sys.stderr.write(error.message + "\n")
        return 1
    sys.stdout.write(json.dumps(asdict(made)) + "\n")
    return 0
