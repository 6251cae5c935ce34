"""Temporary folders: the clean-up deletes those of dead processes and no other."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from app.storage.scratch import remove_abandoned, scratch_folder

_CHILD = """
import sys, time
from pathlib import Path
from app.storage.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), "import-") as folder:
    print(folder.name, flush=True)
    time.sleep(60)
"""


def test_folder_is_deleted_at_the_end(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "market", "import-") as folder:
        (folder / "a").write_text("a")
    assert list((tmp_path / "market").iterdir()) == []


def test_folder_of_a_living_process_is_left_and_of_a_killed_one_deleted(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        folder = tmp_path / child.stdout.readline().decode().strip()
        remove_abandoned(tmp_path, "import-")
        assert folder.is_dir()
        child.send_signal(signal.SIGKILL)
        child.wait()
    with scratch_folder(tmp_path, "import-"):
        assert not folder.exists()


def test_what_no_process_of_ours_has_made_is_left(tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "19000.0.parquet").write_bytes(b"")
    (tmp_path / "import-link").symlink_to(other)
    (tmp_path / "import-notes").mkdir()
    (tmp_path / "import-notes" / "a.txt").write_text("mine")
    (tmp_path / "import-empty").mkdir()
    (tmp_path / "import-file").write_text("mine")
    remove_abandoned(tmp_path, "import-")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "import-empty", "import-file", "import-link", "import-notes"]
    assert (other / "19000.0.parquet").exists()
