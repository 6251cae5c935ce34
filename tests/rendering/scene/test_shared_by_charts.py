"""What charts of one theme, font and scale have in common is made once."""

from __future__ import annotations

import pytest

from rendering.items.bars.footprint_item import FootprintItem
from rendering.paint import glyphs
from rendering.paint.raster_block import BarStyle
from rendering.scene.scene import ChartScene
from rendering.style import text
from rendering.style.theme import load_theme
from tests.rendering.charts import StillChart, random_trades


def style_of(scene: ChartScene) -> BarStyle:
    item = next(item for item in scene.items_by_layer if isinstance(item, FootprintItem))
    assert item.raster.layer is not None
    return item.raster.layer.look


def test_a_second_chart_draws_no_glyph_and_lays_out_no_text_again(qapp, monkeypatch: pytest.MonkeyPatch):
    glyphs.inked_glyphs.cache_clear()
    glyphs.glyph_atlas.cache_clear()
    text.laid_out.cache_clear()
    drawn: list[int] = []
    draw = glyphs._draw
    monkeypatch.setattr(glyphs, "_draw", lambda text_px, *rest: drawn.append(text_px) or draw(text_px, *rest))
    market = StillChart(random_trades(60, 150), 10)
    scenes, counts, pictures = [], [], []
    for _ in range(3):
        scenes.append(ChartScene(market, load_theme(), 1100, 700))  # a theme of its own, with the same colours
        pictures.append(scenes[-1].render_image())
        counts.append((len(drawn), text.laid_out.cache_info().misses))
    assert counts[0][0] == 2 and counts[0][1] > 10  # a regular and a bold atlas
    assert counts[0] == counts[1] == counts[2]
    assert pictures[0] == pictures[1] == pictures[2]
    first, second, _ = map(style_of, scenes)
    assert first.glyphs is not None and first.glyphs is second.glyphs and first.ramp is second.ramp
    assert not first.glyphs.flags.writeable and not first.ramp.flags.writeable


def test_another_theme_has_glyphs_and_colours_of_its_own(qapp):
    market = StillChart(random_trades(60, 150), 10)
    dark, light = (ChartScene(market, load_theme(name), 1100, 700) for name in ("dark", "light"))
    assert dark.render_image() != light.render_image()
    assert style_of(dark).glyphs is not style_of(light).glyphs
    assert style_of(dark).ramp.tolist() != style_of(light).ramp.tolist()
