"""Every error a user can meet. Each message says what is wrong and what to do next.

The command line turns a `SottovoceError` into one clear message and exit code 1; anything else is a bug
of ours and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence


class SottovoceError(Exception):
    """Base of all errors that a user can mend."""


class RecipeError(SottovoceError):
    """A recipe, or a setting given on the command line, is not valid."""


class ManifestError(SottovoceError):
    """A manifest cannot be used. Lists every problem, not the first alone."""

    def __init__(self, headline: str, problems: Sequence[str] = (), *, shown: int = 50) -> None:
        self.problems = tuple(problems)
        lines = [headline, *(f"  - {problem}" for problem in self.problems[:shown])]
        if len(self.problems) > shown:
            lines.append(f"  ... and {len(self.problems) - shown} more of the same list")
        super().__init__("\n".join(lines))


class CorpusError(ManifestError):
    """A corpus folder does not hold what its card says."""


class AudioError(SottovoceError):
    """One recording cannot be used. `path` names it, `reason` says why in a few words."""

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(f"{path}: {reason}")


class SplitError(SottovoceError):
    """Folds cannot be made, or would not be fair."""


class StoreError(SottovoceError):
    """What was kept between runs cannot be read or written."""


class WeightsError(SottovoceError):
    """Weights are missing or incomplete, or this machine cannot run them as asked."""


class UpstreamError(SottovoceError):
    """An upstream is not known, or cannot take what it was given."""


class TranslationError(SottovoceError):
    """A translator, a voice or a language is not available, or a text is missing."""


class HubError(SottovoceError):
    """A model cannot be fetched from the Hugging Face hub, or put there."""


class MissingExtra(SottovoceError):
    """An optional capability is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra '{extra}'. Install it with: pip install 'sottovoce[{extra}]'")
