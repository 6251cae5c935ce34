"""Texts are laid out once for all charts, and drawn as if each were new."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QImage, QPainter

from rendering.style.colour import Colour
from rendering.style.text import Labels, laid_out

WHITE = Colour(255, 255, 255)
TEXTS = ("63,412.5", "12:05", "VAH 0.12", "−1.5 M", "")


@pytest.fixture(autouse=True)
def nothing_laid_out(qapp):
    laid_out.cache_clear()


def drawn(labels: list[Labels], scale: float) -> list[QImage]:
    """An image of the texts for each of the labels, drawn by turns."""
    images = [QImage(400, 200, QImage.Format.Format_ARGB32_Premultiplied) for _ in labels]
    for image in images:
        image.fill(0)
    for line, text in enumerate(TEXTS):
        for image, each in zip(images, labels, strict=True):
            with QPainter(image) as painter:
                painter.scale(scale, scale)
                each.draw(painter, 4.5, 10 + 14 * line, text, WHITE)
    return images


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_labels_of_one_font_share_the_layout_of_their_texts(scale: float):
    first, second = drawn([Labels(), Labels()], scale)
    assert first == second
    assert laid_out.cache_info().misses == len(TEXTS)
    drawn([Labels()], scale)
    assert laid_out.cache_info().misses == len(TEXTS)


def test_each_size_weight_and_scale_has_its_own_layout():
    (regular,), (bold,), (large,) = (drawn([labels], 1.0) for labels in (Labels(), Labels(bold=True), Labels(15)))
    (twice,) = drawn([Labels()], 2.0)
    assert laid_out.cache_info().misses == 4 * len(TEXTS)
    pictures = [regular, bold, large, twice]
    assert all(one != other for place, one in enumerate(pictures) for other in pictures[:place])
    assert drawn([Labels(bold=True)], 1.0) == [bold]
    assert drawn([Labels()], 2.0) == [twice]


def test_a_text_laid_out_earlier_at_another_scale_draws_the_same():
    (before,) = drawn([Labels()], 1.5)
    laid_out.cache_clear()
    drawn([Labels()], 1.0)
    assert drawn([Labels()], 1.5) == [before]
