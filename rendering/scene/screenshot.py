"""Images of a chart with an exact size and a caption, saved as files that contain the chart's state.

The raster painter draws every image, so images do not depend on the painter of the window.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QBuffer, QIODevice, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from app.errors import BadInputError, SettingsError
from app.journal import STATE_KEY, PictureFacts
from app.settings.fields import to_plain
from app.storage.atomic import replacing
from rendering.items.as_of import as_of_text, moment_ns
from rendering.scene.scene import ChartScene
from rendering.style.text import Labels, qcolor
from rendering.style.theme import Theme
from rendering.view.frame import Mode
from rendering.view.layout import AXIS_TEXT_PX, CHAR_ASPECT
from rendering.view.viewport import Viewport

if TYPE_CHECKING:
    from app.chart.chart import Chart

CAPTION_PX = 24
STATE_VERSION = 2
_DOTS_PER_METRE = 96 / 0.0254  # at scale 1


def render(
    chart: Chart,
    *,
    size: tuple[int, int] = (1600, 900),
    scale: float = 1,
    theme: Theme,
    mode: Mode = "live",
    viewport: Viewport | None = None,
    caption: str | None = None,
    notice: str = "",
) -> QImage:
    """An image of a chart, with a caption; needs a QGuiApplication, but no window and no display.

    Parameters
    ----------
    chart : Chart
    size : (int, int)
        Logical pixels of the whole image, including the caption.
    scale : float
        Device pixels per logical pixel: 2 gives twice the size, drawn sharp.
    theme, mode, notice :
        As in the window.
    viewport : Viewport or None
        The visible bars and prices; None for the newest bars.
    caption : str or None
        The line under the chart; None for the standard caption, "" for an image without one.

    Returns
    -------
    QImage
        An image of exactly `size * scale` pixels, with its dots per metre set.
    """
    width, height = size
    strip = 0 if caption == "" else CAPTION_PX
    scene = ChartScene(chart, theme, width, height - strip, float(scale))
    scene.set_mode(mode, notice=notice)
    if viewport is not None:
        scene.set_viewport(viewport)
    return captioned_image(scene, scale=scale, caption=caption)


def captioned_image(scene: ChartScene, *, scale: float = 1, caption: str | None = None) -> QImage:
    """An image of a scene with a caption under it; for `scale` and `caption` see `render`."""
    if scene.frame is None:
        scene.refresh()
    chart_image = scene.render_image(float(scale))
    if caption is None:
        caption = facts_of(scene).caption
    strip = CAPTION_PX if caption else 0
    width, height = round(scene.width()), round(scene.height())
    image = QImage(round(width * scale), round((height + strip) * scale), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(QColor(*scene.theme.background))
    with QPainter(image) as painter:
        painter.drawImage(0, 0, chart_image)
        if caption:
            _draw_caption(painter, scene.theme, QRectF(0, height, width, strip), caption)
    image.setDotsPerMeterX(round(_DOTS_PER_METRE * scale))
    image.setDotsPerMeterY(round(_DOTS_PER_METRE * scale))
    return image


def facts_of(scene: ChartScene, taken_ns: int | None = None) -> PictureFacts:
    """The facts about a scene for an image's caption, its file name and the journal's index; `taken_ns` is now by default."""
    series, (first, last) = scene.chart.series, scene.viewport.visible_bars()
    rule = series.rule
    start, end = series.index_of(first), series.index_of(last + 1)
    if end > start:
        first_ns, end_ns = series.start_ns(start), series.times.start_ns(int(series.number[end - 1]) + 1)
    else:
        first_ns = end_ns = max(0, series.times.start_ns(first))
    return PictureFacts(
        instrument=scene.chart.spec.instrument,
        bar=rule.text,
        grid=series.grid,
        first_ns=first_ns,
        end_ns=end_ns,
        mode=scene.frame.mode if scene.frame else "live",
        taken_ns=time.time_ns() if taken_ns is None else taken_ns,
        as_of=as_of_text(scene.frame) if scene.frame else "",
    )


def state_of(scene: ChartScene) -> dict[str, Any]:
    """The state of a scene as plain values for JSON: instrument, bars, settings, overlays, theme, view and as-of moment."""
    spec = scene.chart.spec
    return {
        "version": STATE_VERSION,
        "instrument": spec.instrument.id,
        "tick_size": str(spec.instrument.tick_size),
        "lot_size": str(spec.instrument.lot_size),
        "bar": scene.chart.series.rule.text,
        "ticks_per_row": scene.chart.series.grid.ticks_per_row,
        "rules": to_plain(scene.chart.rules),
        "shown": sorted(scene.shown),
        "theme": scene.theme.name,
        "palette": scene.theme.palette,
        "viewport": asdict(scene.viewport),
        "as_of_ns": None if scene.frame is None else moment_ns(scene.frame),
    }


def save_png(image: QImage, path: Path | str, metadata: Mapping[str, str] | None = None) -> Path:
    """Write an image as PNG, completely or not at all, and return its path.

    A crash or a full disk leaves no partial image and does not damage an older one. Metadata are stored as PNG texts; missing folders
    are created.

    Raises
    ------
    BadInputError
        If the file cannot be written, or Qt cannot encode the image.
    """
    path = Path(path)
    content = _png(image, metadata or {})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise BadInputError(f"cannot write picture {path}: {error.strerror}") from error
    return path


def read_state(path: Path | str) -> dict[str, Any]:
    """Read the state of a chart from an image file that this program saved.

    Raises
    ------
    SettingsError
        If the file cannot be read, or contains no such state, or a state of another version.
    """
    text = QImage(str(path)).text(STATE_KEY)  # a QImageReader cuts keys at spaces and colons
    try:
        state: dict[str, Any] | list[Any] | str | float | None = json.loads(text) if text else None
    except json.JSONDecodeError:
        state = None
    if not isinstance(state, dict) or state.get("version") != STATE_VERSION:
        raise SettingsError(f"picture {path}: no chart data found, expected a PNG saved by Tapeprint")
    return state


def _draw_caption(painter: QPainter, theme: Theme, strip: QRectF, caption: str) -> None:
    labels = Labels()
    painter.fillRect(strip, qcolor(theme.background))
    painter.fillRect(QRectF(strip.left(), strip.top(), strip.width(), 1), qcolor(theme.edge))
    program = "tapeprint"
    x = strip.right() - 8
    if (len(caption) + len(program) + 4) * CHAR_ASPECT * AXIS_TEXT_PX < strip.width():
        labels.draw(painter, x, strip.center().y(), program, theme.text_muted, 1.0)
    room = int((strip.width() - 16) / (CHAR_ASPECT * AXIS_TEXT_PX))
    shown = caption if len(caption) <= room else caption[: max(0, room - 1)] + "…"
    labels.draw(painter, 8, strip.center().y(), shown, theme.text)


def _png(image: QImage, metadata: Mapping[str, str]) -> bytes:
    picture = QImage(image)  # a shallow copy: the texts stay out of the caller's image
    for key, text in metadata.items():
        picture.setText(key, text)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not picture.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise BadInputError("picture: Qt could not write the PNG")
    return bytes(buffer.data().data())
