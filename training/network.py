"""The plate reader's network: a small residual stem, the height folded away, and a look along the line."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from training.alphabet import CLASSES

WIDTHS = (32, 64, 96, 128)
"""Channels at 16, 8, 4 and 2 rows."""
LINE = 160
"""Channels of a column once its rows are folded together."""


def _convolve(before: int, after: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> nn.Sequential:
    pad = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, pad, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two convolutions whose result is added to what came in."""

    def __init__(self, channels: int, kernel: tuple[int, int] = (3, 3)) -> None:
        super().__init__()
        self.first = _convolve(channels, channels, kernel)
        self.second = _convolve(channels, channels, kernel)[:2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give a tensor of the same shape."""
        return functional.relu(x + self.second(self.first(x)))


class Attention(nn.Module):
    """Lets each column look at all others: the plate's face, light and groups help to read each sign."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.mix = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give (N, T, C) for (N, T, C)."""
        n, t, c = x.shape
        query, key, value = self.mix(self.norm(x)).view(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        weight = torch.softmax(query @ key.transpose(-2, -1) * (c // self.heads) ** -0.5, -1)
        return x + self.out((weight @ value).transpose(1, 2).reshape(n, t, c))


class PlateReader(nn.Module):
    """Reads the text of a crop.

    Takes grey values (N, 1, 32, 128) of any range (each crop is brought to mean 0 and deviation 1) and gives the
    logarithms of the classes' probabilities (N, 32, 37), class 0 being CTC's blank.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.stem = nn.Sequential(
            _convolve(1, a, (3, 3), (2, 2)),
            _convolve(a, b, (3, 3), (2, 2)),
            Residual(b),
            _convolve(b, c, (3, 3), (2, 1)),
            Residual(c),
            _convolve(c, d, (3, 3), (2, 1)),
            Residual(d),
            Residual(d),
        )
        self.fold = nn.Sequential(nn.Conv2d(d, LINE, (2, 1), bias=False), nn.BatchNorm2d(LINE), nn.ReLU(inplace=True))
        self.line = Residual(LINE, (1, 5))
        self.attention = Attention(LINE)
        self.head = nn.Linear(LINE, CLASSES)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Give log probabilities (N, 32, 37)."""
        mean = crops.mean((2, 3), keepdim=True)
        spread = (crops - mean).square().mean((2, 3), keepdim=True).sqrt()
        x = self.stem((crops - mean) / (spread + 1e-3))
        x = self.line(self.fold(x)).squeeze(2).transpose(1, 2)
        x = self.head(self.attention(x))
        return functional.log_softmax(x.float(), -1)
