"""Engines by name, as settings name them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gatehouse_common.errors import InvalidInput

from .port import Engine


def open_engine(
    name: str = "builtin",
    *,
    detector_model: Path | None = None,
    recogniser_model: Path | None = None,
    threads: int = 1,
) -> Engine:
    """Return an engine, ready to read.

    Args:
        name: ``builtin``, ``onnx`` or ``fast-alpr``.
        detector_model: for ``onnx``: the network that finds plates.
        recogniser_model: for ``onnx``: the network that reads them.
        threads: cores that one picture may use at once.

    Raises:
        InvalidInput: there is no such engine, or a file that it needs is missing or is no network of the right kind.
        Unavailable: what the engine needs is not installed, or cannot be fetched.
    """
    makers: dict[str, Callable[[], Engine]] = {
        "builtin": lambda: _builtin(threads),
        "onnx": lambda: _onnx(detector_model, recogniser_model, threads),
        "fast-alpr": _fast_alpr,
    }
    if name not in makers:
        raise InvalidInput(f"there is no reader {name!r}: it is one of {', '.join(makers)}.", "detection.reader")
    return makers[name]()


def _builtin(threads: int) -> Engine:
    from .builtin import build  # noqa: PLC0415 - a second of imports and networks, only where this engine is used

    return build(threads)


def _onnx(detector: Path | None, recogniser: Path | None, threads: int) -> Engine:
    from .supplied import SuppliedEngine  # noqa: PLC0415

    if detector is None:
        raise InvalidInput("the reader onnx needs a network that finds plates.", "detection.detector_model")
    if recogniser is None:
        raise InvalidInput("the reader onnx needs a network that reads plates.", "detection.recogniser_model")
    return SuppliedEngine(detector, recogniser, threads)


def _fast_alpr() -> Engine:
    from .fast_alpr import FastAlprEngine  # noqa: PLC0415

    return FastAlprEngine()
