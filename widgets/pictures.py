"""One key: the chart as a picture, in the journal's folder and on the clipboard."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtGui import QClipboard

from rendering.scene import ChartScene
from rendering.screenshot import picture_of, save_in_journal


async def save_picture(scene: ChartScene, scale: int, journal: Path, clipboard: QClipboard) -> Path:
    """Draw the chart as it is, `scale` pixels to the logical one, copy it and save it; returns where it is.

    Drawing needs Qt's thread; compressing and writing the file does not.

    Raises
    ------
    TapeprintError
        If the folder cannot be written.
    """
    picture = picture_of(scene, scale)
    clipboard.setImage(picture.image)
    return await asyncio.to_thread(save_in_journal, picture, journal)
