"""Networks in ONNX files: where the bundled ones are, and sessions that use one core and no more."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from gatehouse_common.errors import InvalidInput, Unavailable

Tensor = NDArray[np.float32]

BUNDLED = Path(__file__).parent.parent / "models"
_TEXT_PACKAGE = "rapidocr"


class Network:
    """One network: floats in, floats out.

    Args:
        path: the ONNX file.
        threads: cores that it may use at once.

    Raises:
        InvalidInput: there is no such file, or it is none, or takes something other than one picture of floats.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised; nobody reads its standard error
        if not path.is_file():
            raise InvalidInput(f"there is no network {path}.")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own classes have no common base but this
            reason = " ".join(str(error).split())[:200]
            raise InvalidInput(f"{path} is no network in ONNX format: {reason}") from error
        self.path = path
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            shapes = ", ".join(f"{each.name} {each.shape}" for each in inputs)
            raise InvalidInput(f"{path} takes {shapes}; needed is one input of pictures in four dimensions.")
        self._input = inputs[0].name
        self.input_type: str = inputs[0].type
        self.input_shape: list[int | None] = [each if isinstance(each, int) else None for each in inputs[0].shape]
        self.outputs: list[list[int | None]] = [
            [each if isinstance(each, int) else None for each in output.shape] for output in self._session.get_outputs()
        ]

    def run(self, pictures: NDArray[np.generic]) -> list[Tensor]:
        """Return what the network says about a batch.

        Raises:
            InvalidInput: it cannot take pictures of this shape.
        """
        try:
            answers = self._session.run(None, {self._input: pictures})
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise InvalidInput(f"{self.path} does not take {pictures.dtype}{list(pictures.shape)}: {reason}") from error
        return [np.asarray(answer, np.float32) for answer in answers]

    def note(self, name: str) -> str:
        """Return what the file itself notes under a name, or an empty text."""
        noted: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return noted.get(name, "")


def text_network(name: str) -> Path:
    """Return where one of the networks for text is, which come with a package that is never imported.

    Raises:
        Unavailable: the package is not installed, or has no such file.
    """
    found = importlib.util.find_spec(_TEXT_PACKAGE)
    folders = [] if found is None else list(found.submodule_search_locations or [])
    for folder in folders:
        path = Path(folder) / "models" / name
        if path.is_file():
            return path
    raise Unavailable(f"the network {name} is missing: install the package {_TEXT_PACKAGE} again.")
