"""Write weights as the ONNX file that the detector loads: ``python -m training.export WEIGHTS.pt MODEL.onnx``.

Weights are stored in 16 bits, each with a cast to 32 bits that onnxruntime carries out once, when it loads the file:
half the size, the same speed, and readings that differ in the third decimal.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from training.alphabet import ALPHABET
from training.degradation import HEIGHT, WIDTH
from training.network import PlateReader

logger = logging.getLogger(__name__)

OPSET = 17
_LARGE = 256
"""Weights with fewer values stay in 32 bits; they weigh nothing."""


def export(weights: Path, target: Path) -> None:
    """Write the network with these weights; batch norms are folded into convolutions."""
    network = PlateReader()
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
    torch.onnx.export(
        network,
        (torch.rand(1, 1, HEIGHT, WIDTH),),
        str(target),
        input_names=["crops"],
        output_names=["scores"],
        dynamic_axes={"crops": {0: "crops"}, "scores": {0: "crops"}},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(str(target))
    _halve(model)
    model.doc_string = "Reads the text of a licence plate's crop. Made by training/ of this repository."
    for key, value in {"alphabet": ALPHABET, "blank": "0"}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(target))
    logger.info("%s: %d bytes", target, target.stat().st_size)


def _halve(model: onnx.ModelProto) -> None:
    """Store large weights in 16 bits and cast them back where the graph begins."""
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _LARGE:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + ".half"))
        casts.append(helper.make_node("Cast", [name + ".half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    export(options.weights, options.target)


if __name__ == "__main__":
    main()
