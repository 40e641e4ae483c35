"""Networks that users bring: the forms in which they answer, and what a wrong file is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gatehouse_common.errors import InvalidInput, Unavailable
from gatehouse_detector.reading.alphabet import CHARACTERS
from gatehouse_detector.reading.engines import open_engine
from gatehouse_detector.reading.supplied import SuppliedDetector, SuppliedRecogniser
from gatehouse_detector.reading.yolo import boxes_of
from onnx_kit import INTEGERS, write_network

PLATE = (120.0, 200.0, 280.0, 240.0)
"""Left, top, right, bottom in the 640 pixels of the network."""


def empty(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def chosen_already() -> np.ndarray:
    answer = empty(1, 300, 6)
    answer[0, 0] = [*PLATE, 0.9, 0]
    answer[0, 1] = [121, 201, 281, 241, 0.6, 0]
    return answer


def centres_in_columns() -> np.ndarray:
    answer = empty(1, 5, 8400)
    answer[0, :, 77] = [200, 220, 160, 40, 0.9]
    answer[0, :, 78] = [201, 220, 160, 40, 0.7]
    return answer


def centres_in_rows() -> np.ndarray:
    answer = empty(1, 25200, 6)
    answer[0, 4] = [200, 220, 160, 40, 0.95, 0.95]
    return answer


def numbered() -> np.ndarray:
    return np.asarray([[0, *PLATE, 0, 0.9]], np.float32)


@pytest.mark.parametrize("form", [chosen_already, centres_in_columns, centres_in_rows, numbered])
def test_the_plate_is_found_in_each_common_form(tmp_path: Path, form: object) -> None:
    assert callable(form)
    path = write_network(tmp_path / "d.onnx", (1, 3, 640, 640), [form()])
    (box,) = SuppliedDetector(path).find(np.zeros((360, 640, 3), np.uint8))
    assert box.score == pytest.approx(0.9, abs=0.01)
    # The picture lies in the middle of the square: 140 pixels above it are grey.
    assert box.sides.tolist() == pytest.approx([120, 60, 280, 100], abs=1)


def test_fractions_of_the_picture_are_understood() -> None:
    answer = empty(1, 300, 6)
    answer[0, 0] = [0.25, 0.5, 0.5, 0.75, 0.8, 0]
    boxes = boxes_of([answer], 640, 320)
    assert boxes is not None
    assert boxes[0].sides.tolist() == pytest.approx([160, 160, 320, 240])


def spelled(text: str, columns: int, first: int) -> np.ndarray:
    """Return scores of places that say a text, a blank after each character."""
    answer = np.full((1, 2 * len(text), columns), -9.0, np.float32)
    blank = 0 if first else columns - 1
    for at, char in enumerate(text):
        answer[0, 2 * at, CHARACTERS.index(char) + first] = 9.0
        answer[0, 2 * at + 1, blank] = 9.0
    return answer


def slots(text: str) -> np.ndarray:
    alphabet = CHARACTERS + "_"
    answer = empty(1, 9, len(alphabet))
    for at, char in enumerate(text.ljust(9, "_")):
        answer[0, at, alphabet.index(char)] = 1.0
    return answer


def engine_of(folder: Path, recogniser: Path) -> object:
    detector = write_network(folder / "d.onnx", (1, 3, 640, 640), [chosen_already()])
    return open_engine("onnx", detector_model=detector, recogniser_model=recogniser)


def test_a_plate_is_read_by_two_networks_of_a_user(tmp_path: Path) -> None:
    networks = {
        "blank first": write_network(tmp_path / "a.onnx", ("n", 1, 48, "w"), [spelled("AAB1234", 37, 1)]),
        "blank last": write_network(tmp_path / "b.onnx", (1, 3, 32, 128), [spelled("AAB1234", 37, 0)]),
        "slots": write_network(
            tmp_path / "c.onnx", (1, 64, 128, 1), [slots("AAB1234")], notes={"alphabet": CHARACTERS + "_"}
        ),
    }
    for form, network in networks.items():
        engine = engine_of(tmp_path, network)
        (reading,) = engine.read(np.zeros((640, 640, 3), np.uint8), "us")  # type: ignore[attr-defined]
        assert (form, reading.text) == (form, "AAB1234")
        assert reading.confidence == pytest.approx(0.9, abs=0.05)
        assert reading.pattern == "AAA-9999"
        assert len(reading.characters) == 7


def test_a_file_that_is_no_network_says_so(tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"this is no network" * 40)
    (tmp_path / "none.onnx").write_bytes(b"")
    for name in ("no.onnx", "none.onnx"):
        with pytest.raises(InvalidInput, match=f"{name} is no network in ONNX format"):
            SuppliedDetector(tmp_path / name)
    with pytest.raises(InvalidInput, match="there is no network"):
        SuppliedDetector(tmp_path / "missing.onnx")


def test_networks_with_other_inputs_say_what_they_take(tmp_path: Path) -> None:
    grey = write_network(tmp_path / "grey.onnx", (1, 1, 640, 640), [chosen_already()])
    with pytest.raises(InvalidInput, match="1 colours"):
        SuppliedDetector(grey)
    two = write_network(tmp_path / "two.onnx", (1, 3, 640, 640), [chosen_already()], inputs=2)
    with pytest.raises(InvalidInput, match="one input of pictures"):
        SuppliedDetector(two)
    whole = write_network(tmp_path / "whole.onnx", (1, 3, 640, 640), [chosen_already()], kind=INTEGERS)
    with pytest.raises(InvalidInput, match="int64"):
        SuppliedDetector(whole)


def test_networks_with_other_answers_say_what_they_answer(tmp_path: Path) -> None:
    classes = write_network(tmp_path / "classes.onnx", (1, 3, 224, 224), [empty(1, 1000)])
    with pytest.raises(InvalidInput, match=r"\[1, 1000\]"):
        SuppliedDetector(classes)
    with pytest.raises(InvalidInput, match=r"\[1, 1000\]"):
        SuppliedRecogniser(classes)


def test_an_engine_that_lacks_something_says_what(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="finds plates"):
        open_engine("onnx")
    with pytest.raises(InvalidInput, match="builtin, onnx, fast-alpr"):
        open_engine("magic")


def test_fast_alpr_says_how_it_is_installed() -> None:
    try:
        import fast_alpr  # noqa: F401
    except ImportError:
        with pytest.raises(Unavailable, match="pip install"):
            open_engine("fast-alpr")
