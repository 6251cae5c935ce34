"""The drawing of a snapshot's image, in a module of its own because it loads Qt."""

from __future__ import annotations

from typing import cast

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.chart.chart import Chart
from app.entry.commands.snapshot_request import SnapshotRequest
from app.journal import picture_texts
from app.settings.settings import Settings
from rendering.items.overlays import parse_shown
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.scene.screenshot import CAPTION_PX, captioned_image, facts_of, save_png, state_of
from rendering.style.theme import load_theme
from rendering.view.frame import Mode


def overlays_of(request: SnapshotRequest, settings: Settings) -> frozenset[str]:
    """The overlays to draw: those of the settings and of `show`, without those of `hide`.

    Raises
    ------
    BadInputError
        If an overlay is unknown.
    """
    shown = parse_shown(settings.display.overlays, LAYERS)
    shown = parse_shown(request.show, LAYERS, shown)
    return parse_shown(",".join(f"-{name.strip()}" for name in request.hide.split(",") if name.strip()), LAYERS, shown)


def write_picture(chart: Chart, mode: str, request: SnapshotRequest, settings: Settings, software: str) -> None:
    """Draw a chart and save it as PNG, as the request's output file; with `why`, the Why? panel is drawn too."""
    theme = load_theme(settings.display.theme, settings.display.palette)
    application = QGuiApplication.instance() or QApplication(["tapeprint"])
    width, height = request.size
    scene = ChartScene(chart, theme, width, height - CAPTION_PX, request.scale)
    scene.set_mode(cast(Mode, mode))
    scene.show_only(overlays_of(request, settings))
    if request.bars is not None:
        scene.show_last(request.bars)
    scene.as_of.kept_ns = request.as_of_ns
    scene.refresh()
    image = captioned_image(scene, scale=request.scale)
    if request.why:
        from app.entry.commands.why_panel_image import draw_panel

        draw_panel(scene, image, request.why)
    save_png(image, request.out, picture_texts(facts_of(scene), state_of(scene), software))
    del application
