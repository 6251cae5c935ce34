"""The glyphs of the cells."""

from __future__ import annotations

import numpy as np
import pytest

from rendering.paint.glyphs import BOLD, REGULAR, GlyphAtlas
from rendering.style.colour import Colour
from rendering.style.quantity_text import GLYPHS


@pytest.mark.parametrize("text_px", [6, 9, 12, 18, 26])
def test_only_the_blank_glyph_is_empty_and_all_fit_their_box(qapp, text_px: int):
    masks = GlyphAtlas(text_px).masks
    assert masks.shape[:2] == (2, len(GLYPHS))
    ink = masks.reshape(2, len(GLYPHS), -1).max(axis=2)
    assert (ink[:, 0] == 0).all()
    assert (ink[:, 1:] > 60).all()


def test_all_digits_differ_from_one_another(qapp):
    masks = GlyphAtlas(12).masks[REGULAR]
    shapes = {masks[code].tobytes() for code in range(len(GLYPHS))}
    assert len(shapes) == len(GLYPHS)


def test_bold_has_more_ink(qapp):
    masks = GlyphAtlas(14).masks.astype(int)
    assert masks[BOLD].sum() > 1.08 * masks[REGULAR].sum()


def test_digits_touch_neither_the_upper_nor_the_lower_edge_much(qapp):
    masks = GlyphAtlas(12).masks[:, 1:11]
    assert masks[:, :, 0].max() < 120 and masks[:, :, -1].max() < 120


def test_inked_glyphs_are_premultiplied(qapp):
    atlas = GlyphAtlas(12)
    pixels = atlas.inked(((Colour(200, 100, 0), REGULAR), (Colour(255, 255, 255, 128), BOLD)))
    alpha = pixels >> 24
    assert np.array_equal(alpha[0], atlas.masks[REGULAR])
    assert alpha[1].max() == 128
    for shift in (16, 8, 0):
        assert ((pixels >> shift & 255) <= alpha).all()
