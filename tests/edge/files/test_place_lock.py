"""One command writes a place at a time, and no lock outlives who holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deeprnn_edge.errors import BusyError, InputError
from deeprnn_edge.files import place_lock
from deeprnn_edge.files.place_lock import hold_place, lock_path

HOLD = """
import sys
from pathlib import Path
from deeprnn_edge.files.place_lock import hold_place
with hold_place(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold_elsewhere(place: Path) -> subprocess.Popen[str]:
    """Hold a place in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_refused_by_name_and_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    place = tmp_path / "out.zip"
    with hold_elsewhere(place) as holder:
        with (
            pytest.raises(BusyError, match=rf"another command is writing .*out\.zip \(process {holder.pid}\)"),
            hold_place(place),
        ):
            pass
        with hold_place(tmp_path / "other.zip"):
            pass
        holder.kill()
        holder.communicate()
    with hold_place(place):
        assert lock_path(place).read_text() == str(os.getpid())
    assert list(tmp_path.iterdir()) == []


def test_two_threads_of_a_process_and_two_ways_to_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    with hold_place(tmp_path / "out"):
        for way in (Path("out"), Path("link/out")):
            with pytest.raises(BusyError), hold_place(way):
                pass


def test_the_place_is_checked_again_once_it_is_held(tmp_path: Path) -> None:
    asked = []

    def check() -> None:
        asked.append(lock_path(tmp_path / "out").exists())
        if len(asked) == 2:
            raise InputError("taken meanwhile")

    with pytest.raises(InputError, match="taken meanwhile"), hold_place(tmp_path / "out", check):
        pass
    assert asked == [False, True]
    assert list(tmp_path.iterdir()) == []


def test_a_link_under_the_locks_name_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    lock_path(tmp_path / "out").symlink_to(tmp_path / "letter.txt")
    refused = pytest.raises(InputError, match=r"cannot write in .*; choose another destination=")
    with refused, hold_place(tmp_path / "out", option="destination"):
        pass
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write in .*: No such file"), hold_place(tmp_path / "no" / "out"):
        pass


def test_never_two_at_once_where_files_come_and_go(tmp_path: Path) -> None:
    """The file is removed while others open it: who holds a removed file has to notice."""
    place, inside, most, held = tmp_path / "out", [0], [0], [0]

    def go() -> None:
        for _ in range(200):
            try:
                with hold_place(place):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    held[0] += 1
                    inside[0] -= 1
            except BusyError:
                pass

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert held[0] >= 8
    assert list(tmp_path.iterdir()) == []


def test_a_lock_on_a_removed_file_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, place = place_lock._lock, tmp_path / "out"

    def remove_first(descriptor: int) -> bool:
        monkeypatch.setattr(place_lock, "_lock", real)
        lock_path(place).unlink()
        return real(descriptor)

    monkeypatch.setattr(place_lock, "_lock", remove_first)
    with hold_place(place), pytest.raises(BusyError), hold_place(place):
        pass


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(descriptor: int) -> bool:
        raise OSError(37, os.strerror(37))

    monkeypatch.setattr(place_lock, "_lock", without)
    with pytest.raises(InputError, match=os.strerror(37)), hold_place(tmp_path / "out"):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system forks no processes")
def test_a_child_that_was_forked_meanwhile_does_not_keep_the_lock(tmp_path: Path) -> None:
    with hold_place(tmp_path / "out"):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    with hold_place(tmp_path / "out"):
        pass
    child.send_signal(signal.SIGTERM)
    child.communicate()
