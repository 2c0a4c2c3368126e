"""Masks of shapes whose measures are known: the pixels whose centres lie inside."""

from __future__ import annotations

import math

import cv2
import numpy as np


def turned(inside, size, degrees=0.0, shift=(0.0, 0.0)):
    """A mask of what `inside(u, v)` says, where u and v are pixels from the middle, clockwise by an angle."""
    side = math.ceil(size) + 8
    x = np.arange(side, dtype=np.float32)[None] - side / 2 - shift[0]
    y = np.arange(side, dtype=np.float32)[:, None] - side / 2 - shift[1]
    cosine, sine = np.float32(math.cos(math.radians(degrees))), np.float32(math.sin(math.radians(degrees)))
    return np.where(inside(x * cosine + y * sine, y * cosine - x * sine), np.uint8(255), np.uint8(0))


def ellipse(long, short, degrees=0.0, shift=(0.0, 0.0)):
    return turned(lambda u, v: (2 * u / long) ** 2 + (2 * v / short) ** 2 <= 1, long, degrees, shift)


def rectangle(width, height, degrees=0.0, shift=(0.0, 0.0)):
    return turned(
        lambda u, v: (2 * abs(u) <= width) & (2 * abs(v) <= height),
        math.hypot(width, height),
        degrees,
        shift,
    )


def letter_l(side, degrees=0.0):
    """A square without its lower right quarter."""
    half = side / 2
    return turned(
        lambda u, v: (abs(u) <= half) & (abs(v) <= half) & ((u <= 0) | (v <= 0)),
        side * math.sqrt(2),
        degrees,
        (0.3, 0.1),
    )


def half_disc(diameter, degrees=0.0):
    return turned(lambda u, v: (u * u + v * v <= diameter**2 / 4) & (v >= 0), diameter, degrees)


def ellipse_perimeter(long, short):
    """By the sum of many short chords."""
    angle = np.linspace(0, 2 * np.pi, 200_001)
    return np.hypot(np.diff(long / 2 * np.cos(angle)), np.diff(short / 2 * np.sin(angle))).sum()


def blob(seed, side=200, regions=1):
    """An irregular lesion without holes, from noise made smooth."""
    random = np.random.default_rng(seed)
    mask = np.zeros((side, side), np.uint8)
    noise = cv2.GaussianBlur(random.standard_normal((side, side)), (0, 0), side / 20)
    middle = np.hypot(*np.meshgrid(*2 * (np.linspace(-1, 1, side),)))
    field = noise / noise.std() * 0.25 + 0.55 - middle
    labels, statistics = cv2.connectedComponentsWithStats((field > 0).astype(np.uint8))[1:3]
    for label in 1 + np.argsort(-statistics[1:, cv2.CC_STAT_AREA])[:regions]:
        mask[labels == label] = 255
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(mask, outlines, -1, 255, cv2.FILLED)


def picture_of(mask, seed=0):
    """A picture with a lesion of several colours on skin, smooth enough to survive a halving."""
    random = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(random.standard_normal((*mask.shape, 3)), (0, 0), 8)
    noise *= 18 / noise.std()
    soft = cv2.GaussianBlur(mask.astype(np.float64) / 255, (0, 0), 3)[..., None]
    colours = np.array([150, 165, 215]) * (1 - soft) + np.array([50, 70, 110]) * soft
    return np.clip(colours + noise, 0, 255).astype(np.uint8)
