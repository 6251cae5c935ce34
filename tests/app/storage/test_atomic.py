"""Files that are replaced completely or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.errors import StoreError
from app.storage import atomic
from app.storage.atomic import atomic_file, remove_leftovers, replacing, write_atomically

ONLY_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions and pipes")


def test_a_file_is_replaced_when_all_of_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), ValueError("a bug"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), replacing(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_did_not_reach_the_disk_is_not_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"^cannot write .*file\.json: No space left on device$"):
        write_atomically(tmp_path / "file.json", b"new")
    assert list(tmp_path.iterdir()) == []


@ONLY_POSIX
def test_the_content_reaches_the_disk_before_it_replaces_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, flushed = tmp_path / "file.json", []
    path.write_bytes(b"old")

    def fsync(handle: int) -> None:
        flushed.append(("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file", path.read_bytes()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(path, b"new")
    assert flushed == [("file", b"old"), ("folder", b"new")]


def test_windows_flushes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(atomic, "os", SimpleNamespace(**(vars(os) | {"name": "nt", "fsync": flushed.append})))
    write_atomically(tmp_path / "file.json", b"new")
    assert ((tmp_path / "file.json").read_bytes(), len(flushed)) == (b"new", 1)


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    with replacing(path) as first, replacing(path) as second:
        first.write(b"first")
        second.write(b"second")
    assert path.read_bytes() == b"first"  # the last to end
    assert list(tmp_path.iterdir()) == [path]


def test_the_folder_of_a_store_file_is_made(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a" / "b.parquet") as file:
        file.write(b"rows")
    assert (tmp_path / "a" / "b.parquet").read_bytes() == b"rows"


def test_a_file_in_place_of_the_folder_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(StoreError, match=r"^cannot write .*file\.json: "):
        write_atomically(tmp_path / "folder" / "file.json", b"new")


def test_an_error_without_a_system_text_is_shown_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"^cannot write .*file\.json: the line broke$"), atomic_file(tmp_path / "file.json"):
        raise OSError("the line broke")


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "missing" / "file"):
        pass


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(OSError), replacing(tmp_path):  # IsADirectoryError, or PermissionError on Windows
        pass
    assert tmp_path.is_dir()


def test_a_long_name_has_room_for_the_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_symbolic_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    try:
        link.symlink_to(real)
    except OSError:
        pytest.skip("this account may not make links")
    write_atomically(link, b"new")
    assert link.is_symlink() and real.read_bytes() == b"new"


@ONLY_POSIX
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with replacing(path, private=True) as file:
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@ONLY_POSIX
def test_a_new_file_is_private_if_asked_for(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        for private in (False, True):
            with replacing(tmp_path / str(private), private=private) as file:
                file.write(b"new")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("False", "True")] == [0o644, 0o600]


@ONLY_POSIX
def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with replacing(pipe) as file:
        file.write(b"rows")
    reader.join()
    assert read == [b"rows"] and pipe.is_fifo()


# -- what killed processes leave -----------------------------------------------------------------

_CHILD = """
import sys, time
from pathlib import Path
from app.storage.atomic import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


def parts(folder: Path) -> list[str]:
    return [path.name for path in folder.glob(".*.part")]


def test_the_unfinished_file_of_a_dead_process_is_deleted_and_that_of_a_living_one_left(tmp_path: Path) -> None:
    """D11: killed exports and settings saves leave temporary files."""
    path = tmp_path / "out.csv"
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == b"writing\n"
        (left,) = parts(tmp_path)
        write_atomically(path, b"by another")
        assert parts(tmp_path) == [left]
        child.kill()
        child.wait()
    write_atomically(path, b"again")
    assert (parts(tmp_path), path.read_bytes()) == ([], b"again")


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        (".out.csv.0a1b2c3d.part", False),
        (".out.csv.0A1B2C3D.part", True),
        (".out.csv.0a1b2c3.part", True),
        (".out.csv.part", True),
        ("out.csv.0a1b2c3d.part", True),
        (".outXcsv.0a1b2c3d.part", True),
        (".other.csv.0a1b2c3d.part", True),
        (".out.csv.0a1b2c3d.part~", True),
    ],
)
def test_only_own_names_are_deleted(tmp_path: Path, name: str, stays: bool) -> None:
    (tmp_path / name).write_bytes(b"")
    write_atomically(tmp_path / "out.csv", b"new")
    assert (tmp_path / name).exists() is stays


def test_a_folder_or_a_link_with_such_a_name_stays(tmp_path: Path) -> None:
    (tmp_path / ".out.csv.00000000.part").mkdir()
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / ".out.csv.00000001.part").symlink_to(tmp_path / "mine")
    write_atomically(tmp_path / "out.csv", b"new")
    assert len(parts(tmp_path)) == 2
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_all_unfinished_files_of_a_folder_can_be_deleted(tmp_path: Path) -> None:
    for name in (".2026-07-10.parquet.0a1b2c3d.part", ".2026-07-11.1.parquet.0a1b2c3d.part", "2026-07-10.parquet"):
        (tmp_path / name).write_bytes(b"")
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "none")
    assert [path.name for path in tmp_path.iterdir()] == ["2026-07-10.parquet"]


@ONLY_POSIX
def test_a_file_found_before_it_is_locked_is_created_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, taken = atomic.fcntl.flock, []

    def late(handle: int, how: int) -> None:
        if not taken:
            taken.extend(parts(tmp_path))
            (tmp_path / taken[0]).unlink()
        flock(handle, how)

    monkeypatch.setattr(atomic.fcntl, "flock", late)
    write_atomically(tmp_path / "out.csv", b"new")
    assert (tmp_path / "out.csv").read_bytes() == b"new"
    assert len(taken) == 1
