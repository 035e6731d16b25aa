"""Corpora read from their file names: what is done about names that are none of theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sottovoce.corpora.names import files_below, within
from sottovoce.corpora.published.subesco import prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature

NAMES = tuple(f"F_01_ARIN_S_{sentence}_FEAR_{take}.wav" for sentence in range(1, 11) for take in range(1, 5))[:39]
STRAY = "F_01_ARIN_S_1_FEAR_1 (1).wav"


def copy(place: Path, *more: str) -> Path:
    return Miniature((*NAMES, *more)).write(place / "subesco", tone)


def test_a_stray_name_is_left_out_and_named(tmp_path: Path):
    prepared = prepare(copy(tmp_path, STRAY))
    assert len(prepared.manifest) == len(NAMES)
    assert f"left out, for the names are none of SUBESCO's (1 of 40): {STRAY}" in prepared.notes


def test_more_than_one_in_twenty_are_refused_with_all_names(tmp_path: Path):
    stray = ["notes.wav", "Track 1.wav", STRAY]
    with pytest.raises(CorpusError, match="3 of 42 names are none of SUBESCO's") as caught:
        prepare(copy(tmp_path, *stray))
    assert all(name in str(caught.value) for name in stray)


def test_linked_folders_are_entered_once_and_loops_end(tmp_path: Path):
    disk, folder = tmp_path / "disk", tmp_path / "corpus"
    for place in (disk / "deep" / "far.wav", folder / "own" / "near.wav"):
        place.parent.mkdir(parents=True)
        place.touch()
    (folder / "a link").symlink_to(disk, target_is_directory=True)
    (folder / "another").symlink_to(folder / "own", target_is_directory=True)
    (disk / "deep" / "loop").symlink_to(folder, target_is_directory=True)
    (disk / "broken").symlink_to(tmp_path / "nowhere")
    (folder / "shown").symlink_to(folder / ".store" / "sounds", target_is_directory=True)
    (folder / ".store" / "sounds").mkdir(parents=True)
    (folder / ".store" / "sounds" / "kept.wav").touch()
    found = {str(path.relative_to(folder)) for path in files_below(folder) if path.is_file()}
    assert found == {"own/near.wav", "a link/deep/far.wav", "shown/kept.wav"}
    assert within(folder, "de*") == folder / "a link" / "deep"
    assert within(folder, "absent") == folder


def test_what_macos_packs_beside_a_corpus_is_no_part_of_it(tmp_path: Path):
    for name in ("a folder/deep/near.wav", "__MACOSX/a folder/deep/._near.wav", "a folder/deep/._near.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(files_below(tmp_path)) == [tmp_path / "a folder/deep/near.wav"]
    assert within(tmp_path, "deep") == tmp_path / "a folder/deep"


def test_a_corpus_behind_a_link_is_read(tmp_path: Path):
    copy(tmp_path / "disk")
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "subesco").symlink_to(tmp_path / "disk", target_is_directory=True)
    assert len(prepare(tmp_path / "corpora").manifest) == len(NAMES)
