"""Train the plate reader on rendered plates: ``python -m training.train --fonts FOLDER --out FOLDER``."""

from __future__ import annotations

import argparse
import copy
import logging
import time
from pathlib import Path

import torch
from torch.nn import functional
from torch.utils.data import DataLoader

from training.alphabet import BLANK, decode
from training.network import PlateReader
from training.samples import Batch, Samples

logger = logging.getLogger(__name__)

KEPT_OUT_SEED = 1
"""Seed of the samples that figures are taken on; no run may train with it."""


def loss_of(network: PlateReader, batch: Batch) -> torch.Tensor:
    """Give CTC's loss of a batch, a mean over its samples."""
    crops = batch.crops.to(torch.float32).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        scores = network(crops)
    steps = torch.full((len(crops),), scores.shape[1], dtype=torch.long)
    args = (scores.float().transpose(0, 1), batch.classes, steps, batch.lengths)
    return functional.ctc_loss(*args, blank=BLANK, reduction="none", zero_infinity=True).mean() / 7


def exact_share(network: PlateReader, batches: list[Batch]) -> float:
    """Give the share of samples that the network reads without a mistake."""
    right = total = 0
    network.eval()
    with torch.inference_mode():
        for batch in batches:
            paths = network(batch.crops.to(torch.float32)).argmax(-1)
            start = 0
            for path, length in zip(paths.tolist(), batch.lengths.tolist(), strict=True):
                truth = decode_plain(batch.classes[start : start + length].tolist())
                start += length
                right += decode(path) == truth
                total += 1
    return right / total


def decode_plain(classes: list[int]) -> str:
    """Give the text of classes that stand for one sign each."""
    return decode(place for one in classes for place in (one, BLANK))


def rate(step: int, steps: int, peak: float) -> float:
    """Give the learning rate: a short rise, a plateau, and a fall over the last third."""
    return peak * min(1.0, (step + 1) / 300, max(0.002, (steps - step) / (steps / 3)))


class Average:
    """A running mean of the network's weights; it reads better than the weights of any one step."""

    def __init__(self, network: PlateReader, keep: float = 0.998) -> None:
        self.network = copy.deepcopy(network)
        self._keep = keep

    @torch.no_grad()
    def update(self, network: PlateReader, step: int) -> None:
        """Take the weights of a step in."""
        keep = min(self._keep, (step + 1) / (step + 20))
        means, values = self.network.state_dict().values(), network.state_dict().values()
        for mean, now in zip(means, values, strict=True):
            if not mean.dtype.is_floating_point:
                mean.copy_(now)
        floats = [[value for value in side if value.dtype.is_floating_point] for side in (means, values)]
        torch._foreach_lerp_(floats[0], floats[1], 1 - keep)


def train(options: argparse.Namespace) -> None:
    """Train for so many steps, from a checkpoint on where one is given, and save as it goes."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    network: PlateReader = PlateReader().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), options.rate, betas=(0.9, 0.98), weight_decay=0.02, fused=True)
    average = Average(network)
    first = 0
    if options.resume:
        state = torch.load(options.resume, weights_only=True)
        network.load_state_dict(state["network"])
        average.network.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["step"]
    fonts = tuple(options.fonts)
    kept_out = [batch for batch, _ in zip(Samples(fonts, KEPT_OUT_SEED, 10**6, 64, 1), range(10), strict=False)]
    samples = Samples(fonts, options.seed, first, options.batch, options.warm)
    loader = DataLoader(samples, batch_size=None, num_workers=options.workers, prefetch_factor=16)
    total, began = 0.0, time.monotonic()
    for step, batch in zip(range(first, options.steps), loader, strict=False):
        for group in optimiser.param_groups:
            group["lr"] = rate(step, options.steps, options.rate)
        network.train()
        loss = loss_of(network, batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        average.update(network, step)
        total += loss.item()
        done = step + 1
        if done % 100 == 0:
            pace = options.batch * (done - first) / (time.monotonic() - began)
            logger.info("step %d loss %.4f, %.0f samples a second", done, total / 100, pace)
            total = 0.0
        if done % options.every == 0 or done == options.steps:
            average.network.eval()
            logger.info("step %d rendered plates kept out: %.3f exact", done, exact_share(average.network, kept_out))
            state = {"network": network.state_dict(), "average": average.network.state_dict(), "step": done}
            torch.save({**state, "optimiser": optimiser.state_dict()}, options.out / "last.pt")
            torch.save(average.network.state_dict(), options.out / f"weights-{done:06}.pt")


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fonts", type=Path, action="append", required=True, help="folder with type faces; repeatable")
    parser.add_argument("--out", type=Path, required=True, help="folder that checkpoints go to")
    parser.add_argument("--resume", type=Path, help="checkpoint to go on from (last.pt)")
    parser.add_argument("--steps", type=int, default=14500)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--warm", type=int, default=2000, help="steps until samples are as hard as they get")
    parser.add_argument("--every", type=int, default=500, help="steps between checkpoints")
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    train(options)


if __name__ == "__main__":
    main()
