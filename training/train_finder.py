"""Trains the plate finder and writes it as ONNX: ``python -m training.train_finder --help``."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from training.finder import PlateFinder, loss
from training.scenes import SceneBatches, Scenes

logger = logging.getLogger(__name__)


def main() -> None:
    """Train for so many batches; go on from a checkpoint if there is one."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--fonts", type=Path, nargs="+", required=True)
    ask.add_argument("--backgrounds", type=Path, required=True, help="folder of photographs without plates")
    ask.add_argument("--folder", type=Path, required=True, help="where checkpoints and the ONNX file go")
    ask.add_argument("--batches", type=int, default=1500)
    ask.add_argument("--size", type=int, default=16, help="scenes in a batch")
    ask.add_argument("--rate", type=float, default=3e-3)
    ask.add_argument("--seed", type=int, default=7)
    ask.add_argument("--start", type=Path, help="checkpoint whose weights to begin with, for another round")
    ask.add_argument("--workers", type=int, default=1)
    options = ask.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    train(options)


def train(options: argparse.Namespace) -> None:
    """Train as the options say."""
    network = PlateFinder().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), options.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.batches, pct_start=0.08)
    first, kept = 0, options.folder / "finder.pt"
    if kept.exists():
        state = torch.load(kept)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        first = state["batch"]
    elif options.start:
        network.load_state_dict(torch.load(options.start)["network"])
    data = SceneBatches(tuple(options.fonts), options.backgrounds, options.seed, first, options.size)
    began, mean = time.monotonic(), 0.0
    for number, batch in enumerate(DataLoader(data, batch_size=None, num_workers=options.workers), first + 1):
        value = step(network, optimiser, batch)
        schedule.step()
        mean = value if mean == 0.0 else 0.97 * mean + 0.03 * value
        if number % 50 == 0:
            pace = (number - first) * options.size / (time.monotonic() - began)
            logger.info("batch %d loss %.4f, %.1f scenes/s", number, mean, pace)
        if number % 200 == 0 or number >= options.batches:
            state = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save(state | {"schedule": schedule.state_dict(), "batch": number}, kept)
            export(network, options.folder / "plate_finder.onnx")
        if number >= options.batches:
            return


def step(network: PlateFinder, optimiser: torch.optim.Optimizer, batch: Scenes) -> float:
    """Learn from one batch; return its loss."""
    pictures = batch.pictures.float().contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        answer = network(pictures)
    value = loss(answer, batch.lines, batch.corners, batch.counts, batch.heights)
    optimiser.zero_grad()
    value.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(value)


def export(network: PlateFinder, path: Path) -> None:
    """Write the network for pictures of any size."""
    network.eval()
    names = {"pictures": {0: "n", 2: "h", 3: "w"}, "answer": {0: "n", 2: "h4", 3: "w4"}}
    torch.onnx.export(
        network, (torch.zeros(1, 1, 384, 384),), str(path), dynamo=False, opset_version=17,
        input_names=["pictures"], output_names=["answer"], dynamic_axes=names,
    )  # fmt: skip
    network.train()


if __name__ == "__main__":
    main()
