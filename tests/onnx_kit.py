"""Small networks in ONNX files, written byte by byte: they answer the same whatever they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FLOAT, BYTES, INTEGERS = 1, 2, 7
"""Kinds of numbers, as ONNX counts them (TensorProto.DataType)."""


def write_network(
    path: Path,
    takes: Sequence[int | str],
    answers: Sequence[NDArray[np.float32]],
    *,
    kind: int = FLOAT,
    notes: dict[str, str] | None = None,
    inputs: int = 1,
) -> Path:
    """Write a network that takes pictures of a shape and always gives the same answers.

    Args:
        path: the file.
        takes: shape of what it takes; a name where any size will do.
        answers: what it gives.
        kind: of numbers it takes.
        notes: what the file notes about itself.
        inputs: how many of them it takes.
    """
    graph = _text(2, "constant")
    for number in range(inputs):
        graph += _field(11, _value(f"x{number}", takes, kind))
    for number, answer in enumerate(answers):
        graph += _field(1, _text(1, f"c{number}") + _text(2, f"y{number}") + _text(4, "Identity"))
        graph += _field(5, _tensor(f"c{number}", answer))
        graph += _field(12, _value(f"y{number}", answer.shape, FLOAT))
    model = _number(1, 8) + _field(8, _text(1, "") + _number(2, 17)) + _field(7, graph)
    for key, value in (notes or {}).items():
        model += _field(14, _text(1, key) + _text(2, value))
    path.write_bytes(model)
    return path


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(tag: int, value: int) -> bytes:
    return _varint(tag << 3) + _varint(value)


def _field(tag: int, content: bytes) -> bytes:
    return _varint(tag << 3 | 2) + _varint(len(content)) + content


def _text(tag: int, content: str) -> bytes:
    return _field(tag, content.encode())


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dims = b"".join(_number(1, side) for side in values.shape)
    return dims + _number(2, FLOAT) + _text(8, name) + _field(9, values.astype("<f4").tobytes())


def _value(name: str, shape: Sequence[int | str], kind: int) -> bytes:
    sides = b"".join(_field(1, _number(1, s) if isinstance(s, int) else _text(2, s)) for s in shape)
    return _text(1, name) + _field(2, _field(1, _number(1, kind) + _field(2, sides)))
