"""What happens between a plate and the reader: perspective, light, optics, sensor, compression and a careless crop."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.rendering import SIGN, Box, Grey, Plate

Rng = np.random.Generator
Quad = NDArray[np.float32]
Picture = NDArray[np.uint8]

WIDTH, HEIGHT = 128, 32
"""Size of the reader's input, pixels."""


def photograph(rng: Rng, plate: Plate, hardness: float) -> tuple[Picture, NDArray[np.float64]]:
    """Take a photograph of a plate.

    Args:
        rng: The source of chance.
        plate: What is photographed.
        hardness: 0 for clear and large pictures, 1 for all there are.

    Returns:
        The picture around the plate, and the homography from the plate's pixels to the picture's.
    """
    smallest = np.exp(np.log(16) + (np.log(7.5) - np.log(16)) * hardness)
    sign = float(np.exp(rng.uniform(np.log(smallest), np.log(36))))
    picture, places = _view(rng, plate.image, sign / SIGN, hardness)
    picture = _light(rng, picture, hardness)
    picture = _focus(rng, picture, sign, hardness)
    picture = _expose(rng, picture, hardness)
    return _store(rng, picture, hardness), places


def _view(rng: Rng, image: Grey, scale: float, hardness: float) -> tuple[Grey, NDArray[np.float64]]:
    """Look at the plate from somewhere, at so many of the picture's pixels for one of the plate's."""
    high, wide = image.shape
    coarse = min(1.0, 1.5 * scale)
    if coarse < 1:
        image = cv2.resize(image, (round(wide * coarse), round(high * coarse)), interpolation=cv2.INTER_AREA)
    turn = np.deg2rad(np.clip(rng.normal(0, 3.5), -10, 10)) * (0.3 + 0.7 * hardness)
    squeeze, shear = rng.uniform(0.82, 1.12), rng.normal(0, 0.05)
    cos, sin = np.cos(turn), np.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.array([[squeeze, shear], [0, 1]]) * scale
    out_wide, out_high = int(wide * scale * squeeze * 1.08) + 4, int(high * scale * 1.08) + 4
    places = np.eye(3)
    places[:2, :2] = linear
    places[2, :2] = rng.normal(0, 0.00035, 2) * (0.3 + 0.7 * hardness)
    centre = places @ (wide / 2, high / 2, 1)
    move = np.eye(3)
    move[0, 2] = out_wide / 2 - centre[0] / centre[2] + rng.uniform(-0.5, 0.5)
    move[1, 2] = out_high / 2 - centre[1] / centre[2] + rng.uniform(-0.5, 0.5)
    places = move @ places
    shrink = np.diag([wide / image.shape[1], high / image.shape[0], 1.0])
    out = cv2.warpPerspective(image, places @ shrink, (out_wide, out_high), borderMode=cv2.BORDER_REPLICATE)
    return out, places


def _light(rng: Rng, picture: Grey, hardness: float) -> Grey:
    """Let shadows fall, lamps glare and dirt stick."""
    high, wide = picture.shape
    if rng.random() < 0.3 * hardness:
        angle, soft = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.15 * wide + 1)
        slope = np.add.outer(np.arange(high) * np.sin(angle), np.arange(wide) * np.cos(angle)).astype(np.float32)
        slope -= float(slope[rng.integers(high), rng.integers(wide)])
        picture = picture * (1 - rng.uniform(0.2, 0.6) * np.clip(slope / soft + 0.5, 0, 1))
    if rng.random() < 0.12 * hardness:
        x, y = rng.uniform(0, wide), rng.uniform(0, high)
        spread = rng.uniform(0.1, 0.6) * high
        glow_x = np.exp(-(((np.arange(wide) - x) / spread) ** 2))
        glow_y = np.exp(-(((np.arange(high) - y) / spread) ** 2))
        picture = picture + (rng.uniform(40, 200) * np.outer(glow_y, glow_x)).astype(np.float32)
    if rng.random() < 0.12 * hardness:
        for _ in range(int(rng.integers(1, 8))):
            place = (int(rng.integers(wide)), int(rng.integers(high)))
            cv2.circle(picture, place, int(rng.integers(1, 2 + high // 24)), rng.uniform(0, 255), -1)
    return picture.astype(np.float32)


def _focus(rng: Rng, picture: Grey, sign: float, hardness: float) -> Grey:
    """Blur by optics and by motion, each up to what leaves signs of that height just readable."""
    soft = (0.09 * rng.random() ** 1.5 * sign + rng.uniform(0.1, 0.45)) * hardness
    if soft > 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), float(soft))
    if rng.random() < 0.3 * hardness:
        length = rng.uniform(0.1, 0.34) * sign
        angle = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)], p=[0.5, 0.15, 0.35])
        side = int(length) // 2 * 2 + 3
        kernel = np.zeros((side, side), np.float32)
        dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
        middle = side / 2 - 0.5
        ends = [(round((middle + k * dx) * 16), round((middle + k * dy) * 16)) for k in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
        picture = cv2.filter2D(picture, -1, kernel / max(1e-6, float(kernel.sum())))
    if rng.random() < 0.15 * hardness:
        small = rng.uniform(0.55, 0.9)
        size = picture.shape[1], picture.shape[0]
        way = [cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_NEAREST, cv2.INTER_CUBIC]
        less = max(4, round(size[0] * small)), max(4, round(size[1] * small))
        picture = cv2.resize(picture, less, interpolation=way[rng.integers(4)])
        picture = cv2.resize(picture, size, interpolation=way[rng.integers(4)])
    return picture


def _expose(rng: Rng, picture: Grey, hardness: float) -> Grey:
    """Choose gain and curve, sometimes badly; add the sensor's noise."""
    if rng.random() < 0.6:
        power = np.exp(rng.normal(0, 0.3))
        picture = 255 * (np.clip(picture, 0, 255) / 255) ** power
    contrast = float(np.exp(-1.9 * rng.random() ** 1.6 * hardness))
    level = rng.uniform(0, 255 * (1 - contrast))
    if rng.random() < 0.15 * hardness:
        contrast, level = contrast * rng.uniform(1, 2), level - rng.uniform(0, 40)
    picture = picture * contrast + level
    # The plate in the middle keeps a part of its range from being cut off.
    high, wide = picture.shape
    dark, light = np.quantile(picture[high // 3 : -high // 3, wide // 4 : -wide // 4], (0.05, 0.8))
    reach = 0.6 * (light - dark)
    picture += max(0.0, reach - light) - max(0.0, dark - (255 - reach))
    if rng.random() < 0.3:
        picture += rng.uniform(0.3, 2.2) * (picture - cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.7, 1.8)))
    if rng.random() < 0.6:
        strength = 0.5 + 0.2 * rng.uniform(0, 1) ** 2 * hardness * (light - dark)
        noise = np.empty(picture.shape, np.float32)
        cv2.randn(noise, 0.0, float(min(strength, 30)))
        if rng.random() < 0.3:
            noise = 1.8 * cv2.GaussianBlur(noise, (0, 0), 0.8)
        picture = picture + noise
    return picture


def _store(rng: Rng, picture: Grey, hardness: float) -> Picture:
    """Interlace and compress as recorders do; the picture lies anywhere on the codec's grid of blocks."""
    stored = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.02 * hardness:
        stored[1::2] = np.roll(stored[1::2], int(rng.integers(1, 3)), 1)
    if rng.random() < 0.75:
        x, y = (int(k) for k in rng.integers(0, 8, 2))
        padded = cv2.copyMakeBorder(stored, y, 0, x, 0, cv2.BORDER_REPLICATE)
        quality = int(rng.uniform(90 - (70 if rng.random() < 0.2 else 45) * hardness, 96))
        packed = cv2.imencode(".jpg", padded, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
        stored = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)[y:, x:]
    return np.asarray(stored, np.uint8)


def crop(rng: Rng, picture: Picture, places: NDArray[np.float64], plate: Plate, hardness: float) -> Picture:
    """Cut the plate out of its photograph as a finder of lines or of plates would, more or less well."""
    around, upright = _outline(rng, plate)
    corners = np.array(
        [[[around[0], around[1]], [around[2], around[1]], [around[2], around[3]], [around[0], around[3]]]]
    )
    quad = cv2.perspectiveTransform(corners.astype(np.float32), places)[0]
    if upright:
        (x0, y0), (x1, y1) = quad.min(0), quad.max(0)
        quad = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    slack = 0.05 * hardness * float(np.linalg.norm(quad[3] - quad[0]))
    quad = quad + rng.normal(0, slack, (4, 2)) * (1.0, 0.7)
    way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.random() < 0.7)]
    return rectify(picture, quad.astype(np.float32), way)


def rectify(picture: Picture, quad: Quad, way: int = cv2.INTER_CUBIC) -> Picture:
    """Bring four corners (from top left, clockwise; pixels) to the reader's size, whatever their proportion."""
    target = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    change = cv2.getPerspectiveTransform(quad, target)
    # Shrinking without this would drop pixels; growing needs none.
    reach = float(np.linalg.norm(quad[3] - quad[0]) / HEIGHT)
    if reach > 1.3:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 * reach), np.uint8)
    size = (WIDTH, HEIGHT)
    return np.asarray(cv2.warpPerspective(picture, change, size, flags=way, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _outline(rng: Rng, plate: Plate) -> tuple[Box, bool]:
    """Choose what a finder would have found: the line, the plate, something between; upright or along the plate."""
    line, edge = np.array(plate.line), np.array(plate.edge)
    high = line[3] - line[1]
    margins = rng.uniform((-0.7, -0.5, -0.7, -0.5), (0.1, 0.08, 0.1, 0.08)) * (high, high, -high, -high)
    near = line + margins
    far = edge + rng.uniform(-0.12, 0.04, 4) * (1, 1, -1, -1) * high * 1.6
    share = float(rng.choice([0.0, 1.0, rng.random()], p=[0.5, 0.3, 0.2]))
    box = near + share * (far - near)
    inside = high * np.array([0.1, 0.08])
    box[:2] = np.minimum(box[:2], line[:2] + inside)
    box[2:] = np.maximum(box[2:], line[2:] - inside)
    return (box[0], box[1], box[2], box[3]), bool(rng.random() < 0.3)
