"""One key: the chart as a picture, in the journal's folder and on the clipboard."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path

from PySide6.QtGui import QClipboard, QImage

from app.journal import PictureFacts, add_to_index, picture_path, picture_texts
from rendering.scene import ChartScene
from rendering.screenshot import facts_of, picture_of, save_png, state_of


async def save_picture(scene: ChartScene, scale: int, journal: Path, clipboard: QClipboard) -> Path:
    """Draw the chart as it is, `scale` pixels to the logical one, copy it and save it; returns where it is.

    Drawing needs Qt's thread; compressing and writing the file does not.

    Raises
    ------
    TapeprintError
        If the folder cannot be written.
    """
    image, facts = picture_of(scene, scale=scale), facts_of(scene)
    texts = picture_texts(facts, state_of(scene), f"Tapeprint {version('tapeprint')}")
    clipboard.setImage(image)
    return await asyncio.to_thread(_save, image, journal, facts, texts)


def _save(image: QImage, journal: Path, facts: PictureFacts, texts: dict[str, str]) -> Path:
    path = save_png(image, picture_path(journal, facts), texts)
    add_to_index(journal, path, facts)
    return path
