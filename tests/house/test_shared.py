"""Hold that what the workers of a run share is made once, and by each where it could not be."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support.shared import made_once


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[pytest.TempPathFactory]:
    """Two workers' folders under one run's."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    found = []
    for name in ("gw0", "gw1"):
        (tmp_path / name).mkdir()
        found.append(pytest.TempPathFactory(tmp_path / name, 3, "all", lambda *_: None, _ispytest=True))
    return found


def test_the_second_worker_waits_for_what_the_first_makes(workers: list[pytest.TempPathFactory]) -> None:
    begun, go_on, found = threading.Event(), threading.Event(), []

    def make(folder: Path) -> int:
        begun.set()
        assert go_on.wait(300)
        (folder / "file").write_text("made")
        return len(found)

    def work(factory: pytest.TempPathFactory) -> None:
        folder, made = made_once(factory, "thing", make)
        found.append((folder, made, (folder / "file").read_text()))

    threads = [threading.Thread(target=work, args=(factory,)) for factory in workers]
    threads[0].start()
    assert begun.wait(300)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] == (found[0][0], 0, "made")


def test_where_it_fails_each_worker_makes_its_own(workers: list[pytest.TempPathFactory]) -> None:
    def fail(_folder: Path) -> int:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        made_once(workers[0], "thing", fail)
    folder, made = made_once(workers[1], "thing", lambda _: 5)
    assert made == 5
    assert folder.is_relative_to(workers[1].getbasetemp())
