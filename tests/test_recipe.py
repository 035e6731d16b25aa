from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sottovoce import recipe
from sottovoce.errors import RecipeError
from sottovoce.recipe import Recipe, load
from tests.conftest import any_recipe

SMALLEST = """
name: smallest
target: {manifest: target.csv, language: it}
source: {corpus: ravdess, folder: corpora/ravdess}
"""

MEASURED = "measures: {arousal: {target: [0, 2], source: [1, 7]}}\n"


@pytest.fixture
def write(tmp_path: Path):
    def written(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def problems(path: Path, *changes: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load(path, changes)
    return str(caught.value)


def test_the_smallest_recipe_has_the_defaults_of_the_paper(write):
    read = load(write(SMALLEST))
    assert read.emotions == ["angry", "happy", "neutral", "sad"]
    assert read.training.seeds == [0, 1, 2] and read.training.hidden == 128 and read.training.epsilon == 0.05
    assert read.selection.rounds == 2 and read.protocol.kind == "leave-one-speaker-out"
    assert "target-only" in read.conditions


def test_what_is_written_is_complete_and_reads_back_the_same(write, tmp_path: Path):
    read = load(write(SMALLEST + "training: {learning_rate: 1e-3, epochs: 7}\nemotions: [angry, traurig]\n"))
    path = tmp_path / "written.yaml"
    read.write(path)
    assert load(path) == read
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(tree) == set(Recipe.model_fields)
    assert tree["training"]["epochs"] == 7 and tree["training"]["batch_size"] == 32


def test_measures_stand_in_place_of_emotions(write, tmp_path: Path):
    read = load(write(SMALLEST + MEASURED))
    assert read.measures["arousal"].target == (0, 2) and read.measures["arousal"].source == (1, 7)
    read.write(tmp_path / "written.yaml")
    assert load(tmp_path / "written.yaml") == read
    assert load(write(SMALLEST + MEASURED), ["selection.criterion=error"]).selection.criterion == "error"


def test_every_problem_is_listed_with_its_place(write):
    text = problems(
        write(
            SMALLEST
            + """
training: {epochs: 0, hidden: wide, momentum: 0.9}
selection: {rounds: 0}
protocol: {kind: random}
colour: blue
"""
        )
    )
    for place in ("training.epochs", "training.hidden", "training.momentum", "selection.rounds", "protocol.kind"):
        assert place in text
    assert "colour" in text and "6 setting(s) to mend" in text


@pytest.mark.parametrize(
    ("addition", "said"),
    [
        ("conditions: [bootstrapped]", "target-only"),
        ("conditions: [target-only, bootstrapped, target-only]", "repeat"),
        ("emotions: [sad, sad]", "repeat"),
        ("training: {seeds: [1, 1]}", "seeds must differ"),
        ("training: {seeds: []}", "training.seeds"),
        ("conditions: [target-only]\nmodel: {condition: bootstrapped}", "model.condition 'bootstrapped' is none"),
        ("upstream: {name: whisper}", "upstream 'whisper' needs `weights`"),
        ("training: {epsilon: 1.0}", "training.epsilon"),
        ("colour: blue", "colour: there is no such setting"),
        ("selection: {criterion: error}", "error is for measures"),
        (MEASURED + "selection: {criterion: kl}", "kl is for emotions"),
        (MEASURED + "conditions: [target-only, copypaste]", "copypaste joins utterances of one emotion"),
        ("measures: {arousal: {target: [0, 2]}}", "measures.arousal.source"),
        ("measures: {arousal: {target: [2, 0], source: [1, 7]}}", "from its lowest to its highest"),
        ("measures: {arousal: {target: [0, .inf], source: [1, 7]}}", "measures.arousal.target.1"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(write, addition: str, said: str):
    assert said in problems(write(SMALLEST + addition))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("{language: it}", "give either"),
        ("{manifest: a.csv, corpus: emovo, folder: emovo}", "give either"),
        ("{corpus: emovo}", "needs its `folder`"),
    ],
)
def test_speech_has_one_origin(write, target: str, said: str):
    text = problems(write(SMALLEST.replace("{manifest: target.csv, language: it}", target)))
    assert said in text and "target" in text


@pytest.mark.parametrize("name", [".", "..", "../elsewhere", "a/b", ""])
def test_a_name_is_a_folder_of_its_own(write, name: str):
    assert "name: String should match" in problems(write(SMALLEST.replace("name: smallest", f"name: '{name}'")))


def test_set_changes_a_setting_before_anything_is_checked(write):
    path = write(SMALLEST + "training: {epochs: 0}\n")
    read = load(path, ["training.epochs=5", "training.seeds=[4, 5]", "name=other", "upstream.layer=mix"])
    assert (read.training.epochs, read.training.seeds, read.name) == (5, [4, 5], "other")
    assert read.upstream.layer == "mix"
    assert load(path, ["training.epochs=5", "upstream.layer=3"]).upstream.layer == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("training.epochs", "write key=value"),
        ("=5", "write key=value"),
        ("training.epochs=[1", "not valid YAML"),
        ("name.first=Anna", "name is a single value"),
        ("training.epoch=5", "training.epoch"),
    ],
)
def test_a_change_that_cannot_be_made_is_explained(write, change: str, said: str):
    assert said in problems(write(SMALLEST), change)


def test_environment_variables_are_filled_in(write, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOTTOVOCE_DATA", "/corpora of mine")
    path = write(SMALLEST.replace("corpora/ravdess", '"${SOTTOVOCE_DATA}/ravdess"'))
    assert load(path).source.folder == "/corpora of mine/ravdess"
    assert load(path, ["source.folder=${SOTTOVOCE_DATA}"]).source.folder == "/corpora of mine"


def test_all_missing_environment_variables_are_named_with_what_they_hold(write, monkeypatch: pytest.MonkeyPatch):
    for name in ("SOTTOVOCE_DATA", "SOTTOVOCE_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    path = write(
        SMALLEST.replace("corpora/ravdess", '"${SOTTOVOCE_DATA}/ravdess"')
        + "upstream: {name: whisper, weights: '${SOTTOVOCE_WEIGHTS}/whisper-base'}\n"
    )
    text = problems(path)
    assert "SOTTOVOCE_DATA: the folder that holds your corpora" in text
    assert "SOTTOVOCE_WEIGHTS: the folder that holds model weights" in text and "--set" in text
    assert load(path, ["source.folder=/elsewhere", "upstream.name=logmel", "upstream.weights=null"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: [", "not valid YAML"),
        (b"\xff\xfe\x00name", "not valid YAML"),
        (b"- a\n- b", "mapping"),
        (b"", "mapping"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    assert said in problems(path)


def test_a_recipe_that_is_not_there_is_a_user_s_mistake(tmp_path: Path):
    assert "cannot be read" in problems(tmp_path / "none.yaml")
    assert "cannot be read" in problems(tmp_path)


def test_yaml_makes_no_objects(write):
    assert "not valid YAML" in problems(write("name: !!python/object/apply:os.getcwd []"))


@pytest.mark.parametrize("name", list(recipe.shipped()))
def test_shipped_recipes_load(name: str, monkeypatch: pytest.MonkeyPatch):
    for variable in ("DATA", "WEIGHTS", "DEMO"):
        monkeypatch.setenv(f"SOTTOVOCE_{variable}", f"/{variable}")
    path = recipe.shipped()[name]
    assert any_recipe(path).name == name


def test_the_recipes_of_the_readme_are_shipped():
    assert {"demo", "emovo-ravdess-offline", "emodb-ravdess-offline"} <= set(recipe.shipped())


def test_a_recipe_cannot_be_changed():
    read = Recipe.model_validate(yaml.safe_load(SMALLEST))
    with pytest.raises(ValueError, match="frozen"):
        read.training.epochs = 3  # type: ignore[misc]
