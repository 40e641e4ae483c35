"""The plate finder's network: for each cell of a picture, whether a plate's line is there and where its corners are."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from training.scenes import UNIT

WIDTHS = (8, 16, 32, 64, 96)
"""Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture's size."""
JOINED = 16
"""Channels of the way back up."""


def _convolve(before: int, after: int, stride: int = 1) -> nn.Sequential:
    # Whole convolutions, not separable ones: as fast in ONNX Runtime, and learned in a third of the time.
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two convolutions whose result is added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolve(channels, channels)
        self.second = _convolve(channels, channels)[:2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give a tensor of the same shape."""
        return functional.relu(x + self.second(self.first(x)))


class PlateFinder(nn.Module):
    """Finds the lines of plates.

    Takes grey values 0 to 255 (N, 1, H, W), H and W multiples of 32, and gives (N, 9, H/4, W/4): the logit of a line,
    and the distances from the cell's middle to the line's corners, x and y from the upper left clockwise, in 32 pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = WIDTHS
        self.levels = nn.ModuleList(
            [
                nn.Sequential(_convolve(1, a, 2), _convolve(a, b, 2)),
                nn.Sequential(_convolve(b, c, 2), Residual(c)),
                nn.Sequential(_convolve(c, d, 2), Residual(d)),
                nn.Sequential(_convolve(d, e, 2), Residual(e), Residual(e)),
            ]
        )
        self.sides = nn.ModuleList(nn.Conv2d(width, JOINED, 1) for width in (b, c, d, e))
        self.smooth = nn.ModuleList(_convolve(JOINED, JOINED) for _ in range(3))
        self.answer = nn.Conv2d(JOINED, 9, 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Give lines and corners (N, 9, H/4, W/4)."""
        x = pictures / 64.0 - 2.0
        seen = []
        for level in self.levels:
            x = level(x)
            seen.append(x)
        y = self.sides[3](seen[3])
        for level in (2, 1, 0):
            y = functional.interpolate(y, scale_factor=2.0, mode="nearest") + self.sides[level](seen[level])
            y = self.smooth[level](y)
        return self.answer(y)


def loss(
    answer: torch.Tensor, lines: torch.Tensor, corners: torch.Tensor, counts: torch.Tensor, heights: torch.Tensor
) -> torch.Tensor:
    """Weigh what is wrong: lines by hard cells and by overlap, corners by how far off they are for their height."""
    logit = answer[:, :1].float()
    plain = functional.binary_cross_entropy_with_logits(logit, lines, reduction="none")
    chance = torch.sigmoid(logit)
    hard = torch.where(lines > 0, 1 - chance, chance) ** 1.5
    positives = (lines * counts).sum().clamp(min=1.0)
    seen = (plain * hard * counts * torch.where(lines > 0, 2.0, 1.0)).sum() / positives
    shared = (chance * lines * counts).sum((1, 2, 3))
    whole = (chance * counts).sum((1, 2, 3)) + (lines * counts).sum((1, 2, 3))
    overlap = (1 - (2 * shared + 1) / (whole + 1)).mean()
    # An error of one line's height costs the same for small plates as for large ones.
    scale = UNIT / heights
    off = functional.smooth_l1_loss(answer[:, 1:].float() * scale, corners * scale, reduction="none", beta=0.1)
    # Each plate counts alike, however many cells it has.
    share = lines / heights.square()
    placed = (off * share).sum() / (8 * share.sum().clamp(min=1e-6))
    return seen + overlap + 2 * placed
