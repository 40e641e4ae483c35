"""How costs grow with the cameras of a site: ``cost ~ cameras ** exponent``, fitted over all that were measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.result import Result

LIMITS = {"flat": 0.15, "linear": 1.15}
_TARGETS = {"flat": "about flat: <= 0.15", "linear": "about linear: <= 1.15"}


def exponent(cameras: Sequence[int], costs: Sequence[float]) -> float:
    """Return the exponent of the line through the logarithms; 0 where there is but one site.

    Args:
        cameras: of each site.
        costs: of each site, in any unit.
    """
    xs, ys = [math.log(n) for n in cameras], [math.log(max(cost, 1e-9)) for cost in costs]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle_x) ** 2 for x in xs)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread if spread else 0.0


def last_step(cameras: Sequence[int], costs: Sequence[float]) -> float:
    """Return the exponent between the two largest sites: what is small in small ones may be most in large ones."""
    return exponent(cameras[-2:], costs[-2:])


def result(
    id_: str, what: str, unit: str, grows: str, cameras: Sequence[int], costs: Sequence[float], on: str
) -> Result:
    """Return the line of a cost: its exponent, and what it was at each site."""
    found = exponent(cameras, costs)
    more: dict[str, float | str] = {f"{n} cameras, {unit}": cost for n, cost in zip(cameras, costs, strict=True)}
    more["exponent of the last step"] = last_step(cameras, costs)
    return Result(id_, f"growth of {what}", found, "exponent", _TARGETS[grows], found <= LIMITS[grows], None, on, more)
