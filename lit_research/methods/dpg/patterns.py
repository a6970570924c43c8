"""Bitmaps to write into a weight matrix, and a decoder to read them back.

A bitmap is a matrix of 1 (light) and -1 (dark), ``[R, C]``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lit_research.errors import UserError

# The paper's second pattern, 6 by 7, as the official code draws it (github.com/TristanThrush/
# dataset-policy-gradients): the 7 begins in the first row, the 6 in the second.
SIXTY_SEVEN = ("....###", "###...#", "#.....#", "###...#", "#.#...#", "###....")
DARK, LIGHT = "#", "."
_QUIET = 4  # light modules around a QR code, as its standard requires
_SCALE = 8  # pixels per module, for the decoder and for TensorBoard


def from_rows(rows: Sequence[str]) -> Tensor:
    """Return the bitmap of rows of ``#`` (dark) and ``.`` (light).

    Raises:
        UserError: the rows differ in length, or hold something else.
    """
    widths = {len(row) for row in rows}
    if len(widths) != 1 or set("".join(rows)) - {DARK, LIGHT} or 0 in widths:
        raise UserError(
            f"rows is {list(rows)}, in Bitmap; give rows of one length, of '#' (dark) and '.'"
        )
    return torch.tensor([[-1.0 if x == DARK else 1.0 for x in row] for row in rows])


def from_image(path: str | Path) -> Tensor:
    """Return the bitmap of an image file: pixels above the middle grey value are light.

    Raises:
        UserError: the image cannot be read.
    """
    from matplotlib import image

    try:
        pixels = np.atleast_3d(image.imread(os.path.expanduser(path)))[..., :3].mean(-1)
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(
            f"cannot read the image ({error}), from {str(path)!r}; give a PNG"
        ) from error
    return torch.where(torch.from_numpy(pixels) > (pixels.min() + pixels.max()) / 2, 1.0, -1.0)


def from_qr(text: str) -> Tensor:
    """Return the QR code of a text, without a quiet zone.

    Raises:
        UserError: segno is not installed, or the text is too long for a code.
    """
    try:
        import segno
    except ImportError as error:
        raise UserError(
            "segno is not installed, for qr of Bitmap; pip install 'lit_research[qr]'"
        ) from error
    try:
        code = segno.make_qr(text)
    except ValueError as error:
        raise UserError(
            f"no QR code holds this text ({error}), in qr of Bitmap; give a shorter one"
        ) from error
    return torch.tensor([[-1.0 if dark else 1.0 for dark in row] for row in code.matrix])


def read_qr(bitmap: Tensor) -> str | None:
    """Return the text that a decoder reads from a bitmap, with error correction, or None.

    Raises:
        UserError: zxing-cpp is not installed.
    """
    try:
        import zxingcpp
    except ImportError as error:
        raise UserError(
            "zxing-cpp is not installed, for reading a QR code; pip install 'lit_research[qr]'"
        ) from error
    light = np.pad((bitmap > 0).numpy(), _QUIET, constant_values=True)
    pixels = np.kron(light, np.ones((_SCALE, _SCALE))).astype(np.uint8) * 255
    # First as in a photograph; then as a pure, upright image of the code.
    code = zxingcpp.BarcodeFormat.QRCode
    for pure in (False, True):
        codes = zxingcpp.read_barcodes(pixels, formats=code, is_pure=pure)  # type: ignore[arg-type]
        if codes and codes[0].text:
            return codes[0].text
    return None


def as_picture(values: Tensor) -> Tensor:
    """Return a matrix as a greyscale picture for TensorBoard, ``[1, H, W]`` in 0 to 1."""
    low, high = float(values.min()), float(values.max())
    grey = (values - low) / (high - low) if high > low else torch.full_like(values, 0.5)
    return torch.kron(grey.float().cpu().contiguous(), torch.ones(_SCALE, _SCALE))[None]
