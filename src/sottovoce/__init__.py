"""Speech emotion recognition for languages with little labelled speech."""

__version__ = "0.1.0"
