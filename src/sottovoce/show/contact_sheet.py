"""The page of `sottovoce augment`: one recording before and after each transform, to see and to hear."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from markupsafe import Markup

from sottovoce.augmentation import transforms as augmentation
from sottovoce.recipe.augmentation import Augmentation
from sottovoce.show import spectrogram_plots
from sottovoce.show.page import template
from sottovoce.show.pairs import LONGEST_S, data_uri
from sottovoce.speech import audio
from sottovoce.store.atomic import write_atomically

_FIGURES = {"db": "{:+.1f} dB", "hz": "{:.0f} Hz", "s": "{:.2f} s"}
"""How a setting is written, by the unit at the end of its name."""


def write_contact_sheet(recording: Path, page: Path, settings: Augmentation, *, seed: int = 0) -> Path:
    """Write a self-contained page: spectrograms and sounds of a recording as it is and after each transform alone.

    Args:
        recording: any sound that `audio.read` takes; of a longer one the first `LONGEST_S` seconds.
        page: the page, `.html`.
        settings: ranges to draw from; the transforms in use are shown whatever their probability.
        seed: of what is drawn.

    Raises:
        AudioError: the recording cannot be used.
    """
    original = audio.read(recording, end_s=min(audio.probe(recording).duration_s, LONGEST_S))
    certain = settings.model_copy(update={"probability": 1.0})
    plan = augmentation.plan(certain, utterance_id=recording.name, epoch=0, seed=seed)
    sounds = {"as recorded": original}
    sounds |= {name: augmentation.within_full_scale(step(original, audio.RATE_HZ)) for name, step in plan.items()}
    titles = {"as recorded": "as recorded"} | {name: _in_words(name, step) for name, step in plan.items()}
    drawing = spectrogram_plots.spectrograms(
        "sheet",
        "Spectrograms of the recording as it is and after each transform",
        {titles[name]: sound for name, sound in sounds.items()},
        audio.RATE_HZ,
    )
    players = [(titles[name], data_uri(sound)) for name, sound in sounds.items()]
    title = f"What training may hear of {recording.name}"
    html = template("contact_sheet.html.j2").render(
        title=title, drawing=Markup(drawing), players=players, probability=settings.probability, seed=seed
    )
    write_atomically(page, lambda partial: partial.write_text(html, encoding="utf-8"))
    return page


def _in_words(name: str, step: partial[audio.Waveform]) -> str:
    """A transform with what was drawn for it: `echo: delay 0.24 s, share 0.41`."""
    drawn = []
    for setting, content in step.keywords.items():
        words, _, unit = setting.rpartition("_")
        if isinstance(content, tuple):
            drawn.append(f"{words} {' '.join(f'{each:+.0f}' for each in content)} dB")
        elif unit in _FIGURES:
            drawn.append(f"{words} {_FIGURES[unit].format(content)}")
        elif setting != "noise_seed":
            drawn.append(f"{setting} {content:.2f}")
    return f"{name}: {', '.join(drawn)}" if drawn else name
