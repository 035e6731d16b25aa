"""The readers of published corpora, on miniatures in the published layout and on the real ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sottovoce.corpora import catalogue
from sottovoce.errors import CorpusError

MINIATURES = {
    "emodb": ["wav/03a01Fa.wav", "wav/03a05Wb.wav", "wav/16b10N.wav"],
    "emovo": ["f1/pau-f1-b1.wav", "f1/neu-f1-d2.wav", "m3/rab-m3-n5.wav"],
    "ravdess": ["Actor_01/03-01-06-02-01-01-01.wav", "Actor_24/03-01-01-01-02-02-24.wav"],
    "hume-prosody": ["wav/00001.wav", "wav/00002.wav", "wav/00003.wav"],
    "urdu": ["Angry/SM4_F48_A0100.wav", "Happy/SF1_F1_H01.wav", "Sad/SF10_F1_S01.wav"],
}
RATED = {
    "train": "filename,Anger,Boredom,Calmness,Sadness\n00001.wav,0.75,0.1,0,0.2\n00002.wav,0.1,0,0.5,0.3\n",
    "devel": "filename,Anger,Boredom,Calmness,Sadness\n00003.wav,0.1,0.9,0,1\n",
}
RATES = """Nr.\tSatz\terkannt\tnatuerlich
1\xa0\xa0\t03a01Fa.wav\t90,00\xa0\xa0\xa0\t75,00\xa0
2\xa0\xa0\t03a05Wb.wav\t85,71\xa0\xa0\xa0\t60,00\xa0
"""


def write_labels(name: str, folder: Path) -> None:
    """What lies beside the recordings of a corpus whose file names do not say all."""
    if name == "emodb":
        (folder / "erkennung.txt").write_text(RATES, encoding="latin-1")
    if name == "hume-prosody":
        (folder / "lab").mkdir(exist_ok=True)
        for part, text in RATED.items():
            (folder / "lab" / f"{part}.csv").write_text(text, encoding="utf-8")


@pytest.fixture
def miniature(tmp_path, make_tone):
    """Write a tiny copy of a corpus and return its folder."""

    def write(name: str, ending: str = ".wav") -> Path:
        for seed, recording in enumerate(MINIATURES[name]):
            make_tone(f"{name}/{Path(recording).with_suffix(ending)}", duration_s=0.3, seed=seed)
        write_labels(name, tmp_path / name)
        return tmp_path / name

    return write


def read(name: str, folder: Path) -> dict[str, tuple]:
    prepared = catalogue.prepare(name, folder)
    return {u.id: (u.speaker, u.emotion, u.text_id, u.language) for u in prepared.manifest}


def test_what_the_names_say(miniature):
    assert read("emodb", miniature("emodb")) == {
        "03a01Fa": ("emodb-03", "happy", "a01", "de"),
        "03a05Wb": ("emodb-03", "angry", "a05", "de"),
        "16b10N": ("emodb-16", "neutral", "b10", "de"),
    }
    assert read("emovo", miniature("emovo")) == {
        "pau-f1-b1": ("emovo-f1", "fearful", "b1", "it"),
        "neu-f1-d2": ("emovo-f1", "neutral", "d2", "it"),
        "rab-m3-n5": ("emovo-m3", "angry", "n5", "it"),
    }
    assert read("ravdess", miniature("ravdess")) == {
        "03-01-06-02-01-01-01": ("ravdess-01", "fearful", "01", "en"),
        "03-01-01-01-02-02-24": ("ravdess-24", "neutral", "02", "en"),
    }
    assert read("urdu", miniature("urdu")) == {
        "SM4_F48_A0100": ("urdu-SM4", "angry", None, "ur"),
        "SF1_F1_H01": ("urdu-SF1", "happy", None, "ur"),
        "SF10_F1_S01": ("urdu-SF10", "sad", None, "ur"),
    }


def test_sentences_are_given_where_they_are_published(miniature):
    texts = {u.id: u.text for u in catalogue.prepare("ravdess", miniature("ravdess")).manifest}
    assert texts["03-01-06-02-01-01-01"] == "Kids are talking by the door."
    assert texts["03-01-01-01-02-02-24"] == "Dogs are sitting by the door."
    assert catalogue.prepare("emodb", miniature("emodb")).manifest[0].text == "Der Lappen liegt auf dem Eisschrank."
    assert catalogue.prepare("emovo", miniature("emovo")).manifest[0].text == "Porti con te quella cosa?"


def test_intensity_is_read_where_the_names_say_it(miniature):
    read = catalogue.prepare("ravdess", miniature("ravdess")).manifest
    assert {u.id: u.measures["emotion_intensity"] for u in read} == {u.id: float(u.id[10] == "2") for u in read}
    assert len({u.measures["emotion_intensity"] for u in read}) == 2
    assert not catalogue.prepare("emodb", miniature("emodb")).manifest[0].measures


@pytest.mark.parametrize("name", MINIATURES)
@pytest.mark.parametrize("ending", [".WAV", ".flac"])
def test_any_case_and_flac_give_the_same_manifest(miniature, name, ending):
    folder = miniature(name)
    first = catalogue.prepare(name, folder).manifest.fingerprint()
    shutil.rmtree(folder)
    assert catalogue.prepare(name, miniature(name, ending)).manifest.fingerprint() == first


@pytest.mark.parametrize("name", MINIATURES)
def test_a_partial_copy_is_read_and_noted(miniature, name):
    prepared = catalogue.prepare(name, miniature(name))
    card = catalogue.corpora()[name].card
    expected = f"{card.title} has {card.n_utterances} utterances; this copy has {len(MINIATURES[name])}"
    assert expected in prepared.notes


@pytest.mark.parametrize("name", MINIATURES)
def test_a_wrong_folder_says_what_was_expected_and_found(tmp_path, make_tone, name):
    make_tone("holiday/beach.wav", duration_s=0.3)
    with pytest.raises(CorpusError) as caught:
        catalogue.prepare(name, tmp_path / "holiday")
    card = catalogue.corpora()[name].card
    assert card.layout in str(caught.value) and "beach.wav" in str(caught.value) and card.home in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=r"no \.wav or \.flac file"):
        catalogue.prepare(name, tmp_path / "empty")
    with pytest.raises(CorpusError, match="there is no such folder"):
        catalogue.prepare(name, tmp_path / "absent")


def test_every_unreadable_name_is_listed(miniature, make_tone):
    folder = miniature("emodb")
    for wrong in ("03a01Xa", "03a03Fa", "3a01Fa", "03a01Fa copy"):
        make_tone(f"emodb/wav/{wrong}.wav", duration_s=0.3)
    with pytest.raises(CorpusError) as caught:
        catalogue.prepare("emodb", folder)
    assert len(caught.value.problems) == 4
    assert "4 of 7 names" in str(caught.value)


def test_sung_ravdess_is_not_taken_for_speech(miniature, make_tone):
    folder = miniature("ravdess")
    make_tone("ravdess/Actor_01/03-02-06-02-01-01-01.wav", duration_s=0.3)
    with pytest.raises(CorpusError, match="03-02-06-02-01-01-01"):
        catalogue.prepare("ravdess", folder)


def test_a_doubled_folder_counts_once_and_hidden_files_not_at_all(miniature):
    folder = miniature("ravdess")
    shutil.copytree(folder / "Actor_01", folder / "audio_speech_actors_01-24" / "Actor_01")
    shutil.copytree(folder / "Actor_01", folder / "__MACOSX" / "Actor_01")
    shutil.copy(folder / "Actor_01/03-01-06-02-01-01-01.wav", folder / "Actor_01/._03-01-06-02-01-01-01.wav")
    prepared = catalogue.prepare("ravdess", folder)
    assert len(prepared.manifest) == 2
    assert "1 recordings lie there more than once; each was taken once" in prepared.notes


def test_recognition_rates_become_votes(miniature):
    prepared = catalogue.prepare("emodb", miniature("emodb"))
    by_id = {u.id: u for u in prepared.manifest}
    assert by_id["03a01Fa"].votes["happy"] == pytest.approx(18)
    assert by_id["03a05Wb"].votes["angry"] == pytest.approx(20 * 0.8571)
    assert sum(by_id["03a05Wb"].votes.values()) == pytest.approx(20)
    assert len({round(n, 9) for e, n in by_id["03a05Wb"].votes.items() if e != "angry"}) == 1
    assert not by_id["16b10N"].votes
    assert any(note.startswith("1 utterances have no listeners' votes") for note in prepared.notes)


def test_emodb_from_its_wav_folder_finds_the_rates_beside_it(miniature, tmp_path):
    assert catalogue.prepare("emodb", miniature("emodb") / "wav").manifest.has_votes
    (tmp_path / "emodb" / "erkennung.txt").unlink()
    assert not catalogue.prepare("emodb", tmp_path / "emodb" / "wav").manifest.has_votes


def test_the_manifest_does_not_depend_on_where_the_corpus_lies(miniature, tmp_path):
    folder = miniature("urdu")
    before = catalogue.prepare("urdu", folder).manifest.fingerprint()
    shutil.move(folder, tmp_path / "elsewhere and renamed")
    assert catalogue.prepare("urdu", tmp_path / "elsewhere and renamed").manifest.fingerprint() == before


@pytest.mark.parametrize("name", MINIATURES)
def test_cards_add_up(name):
    card = catalogue.corpora()[name].card
    assert card.name == name
    assert not card.emotions or sum(card.emotions.values()) == card.n_utterances
    assert json.loads(json.dumps(card.to_dict()))["licence"]


def test_unknown_corpora_and_misplaced_options(tmp_path):
    with pytest.raises(CorpusError, match="there are: emodb, emovo, ravdess, urdu, hume-prosody, folder"):
        catalogue.prepare("emobd", tmp_path)
    with pytest.raises(CorpusError, match="belong to the corpus 'folder'"):
        catalogue.prepare("emodb", tmp_path, language="de")
    with pytest.raises(CorpusError, match="needs a pattern"):
        catalogue.prepare("folder", tmp_path)


def test_hume_s_shares_are_votes_and_measures(miniature, tmp_path):
    read = {u.id: u for u in catalogue.prepare("hume-prosody", miniature("hume-prosody")).manifest}
    assert {i: (u.emotion, u.speaker) for i, u in read.items()} == {
        "00001": ("angry", "hume-prosody-00001"),
        "00002": ("calm", "hume-prosody-00002"),
        "00003": ("sad", "hume-prosody-00003"),
    }
    assert read["00001"].measures == {"anger": 0.75, "boredom": 0.1, "calmness": 0.0, "sadness": 0.2}
    assert read["00001"].votes == {"angry": 0.75, "bored": 0.1, "sad": 0.2}
    folder, everything = tmp_path / "hume-prosody", list(read)
    parts = [catalogue.prepare("hume-prosody", folder, part=part).manifest for part in ("train", "devel")]
    assert [[u.id for u in part] for part in parts] == [everything[:2], everything[2:]]
    wider = "filename,speaker,Fear,Anxiety,Awe\n00001.wav,7,0.25,0.5,0.6\n"
    (folder / "lab" / "train.csv").write_text(wider, encoding="utf-8")
    (one,) = catalogue.prepare("hume-prosody", folder, part="train").manifest
    assert (one.emotion, one.speaker, dict(one.votes)) == ("fearful", "hume-prosody-7", {"fearful": 0.75, "awe": 0.6})


def test_hume_s_mistakes_are_all_listed(miniature, tmp_path):
    folder = miniature("hume-prosody")
    with pytest.raises(CorpusError, match="no labelled part 'test'; there are train, devel"):
        catalogue.prepare("hume-prosody", folder, part="test")
    with pytest.raises(CorpusError, match="parts belong to the corpus 'hume-prosody'"):
        catalogue.prepare("emodb", folder, part="train")
    wrong = "filename,Anger,Awe\n00001.wav,?,?\n00002.wav,1.5,0\n,0.5,0.5\n00003.wav,0,0\n"
    (folder / "lab" / "train.csv").write_text(wrong, encoding="utf-8")
    (folder / "lab" / "devel.csv").unlink()
    with pytest.raises(CorpusError) as caught:
        catalogue.prepare("hume-prosody", folder)
    assert len(caught.value.problems) == 5 and "lab/devel.csv is missing" in str(caught.value)


@pytest.mark.real
@pytest.mark.parametrize("name", [name for name in MINIATURES if name != "hume-prosody"])
def test_the_real_corpus_is_what_its_card_says(real_corpora, name):
    prepared = catalogue.prepare(name, real_corpora / name)
    assert prepared.notes == ()
    assert prepared.manifest.has_votes == (name == "emodb")
    if name == "emodb":  # what was published was recognised by at least 80 %
        assert min(u.votes[u.emotion] for u in prepared.manifest) == pytest.approx(16)
