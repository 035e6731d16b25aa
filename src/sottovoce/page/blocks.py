"""The page itself, in Gradio."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from sottovoce.errors import SottovoceError
from sottovoce.page.hearing import Listening, as_html, hear, refusal, write_files
from sottovoce.use.answering import Model

CHECKED_S, KEPT_S = 60, 1800
"""How often uploaded and made files are looked at, and how old they grow."""

WAITING = 20
"""People who may wait for their turn; more are told to come back later."""

NOT_UPLOADED = "Upload a recording: this page reads no other files, and fetches nothing."

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")

Answer = tuple[str, Any]
"""A part of the page, and what becomes of the list of files."""


def build(model: Model, name: str, card: str, listening: Listening, at_once: int, folder: Path) -> gr.Blocks:
    """The page.

    Args:
        model: that listens.
        name: of the model, for the title.
        card: the model's, in Markdown.
        listening: manner and limits.
        at_once: recordings that are listened to at the same time; others wait.
        folder: where uploads lie (`GRADIO_TEMP_DIR`), and what is made of them.
    """

    def answer(recording: str | None, progress: gr.Progress = gr.Progress()) -> Answer:  # noqa: B008  (Gradio's way)
        if recording is None:
            return "", gr.update(value=None, visible=False)
        try:
            heard = hear(model, Path(recording), listening, lambda share: progress(share))
            made = Path(tempfile.mkdtemp(dir=folder))
            said = as_html(heard, made)
        except SottovoceError as problem:
            return refusal(problem), gr.update(value=None, visible=False)
        return said, gr.update(value=[str(path) for path in write_files(heard, made)], visible=True)

    with gr.Blocks(title=f"Sottovoce: {name}", analytics_enabled=False, delete_cache=(CHECKED_S, KEPT_S)) as page:
        gr.Markdown(f"# {name}\nEmotion in speech, as a whole and over time.")
        with gr.Tab("Listen"):
            recording = gr.Audio(
                sources=["upload", "microphone"], type="filepath", label="Recording", buttons=[], elem_id="recording"
            )
            _take_uploads_alone(recording, folder)
            gr.Markdown(_limits(listening), elem_classes="sv-note")
            said = gr.HTML(elem_id="said", apply_default_css=False)
            files = gr.File(
                file_count="multiple",
                interactive=False,
                visible=False,
                label="Labels of the segments and steps, to take away",
                elem_id="files",
            )
        with gr.Tab("Model card"):
            gr.Markdown(card, elem_id="card")
        recording.change(
            answer, recording, [said, files], api_name="listen", concurrency_limit=at_once, show_progress_on=said
        )
    return page.queue(max_size=WAITING)


def _take_uploads_alone(recording: gr.Audio, folder: Path) -> None:
    """Refuse requests that name an address to fetch, or a file of this machine that nobody uploaded."""
    take = recording.async_move_resource_to_block_cache

    async def checked(url_or_file_path: str | Path | None) -> str | None:
        if url_or_file_path is not None and not Path(url_or_file_path).resolve().is_relative_to(folder.resolve()):
            raise gr.Error(NOT_UPLOADED, print_exception=False)
        return await take(url_or_file_path)

    recording.async_move_resource_to_block_cache = checked


def _limits(listening: Listening) -> str:
    return (
        f"Up to {listening.longest_s / 60:.3g} min and {listening.largest_mb} MB. Recordings are heard by the machine "
        f"that serves this page, go nowhere else, and are removed from it after {KEPT_S // 60} min."
    )
