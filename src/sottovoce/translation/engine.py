"""The process that speaks one text: `python -m sottovoce.translation.engine pico it-IT < text > sound`.

Both engines are C libraries with state that outlives an utterance. SVOX Pico and eSpeak NG render the same
text differently the second time (noise and flutter go on where they stopped), eSpeak NG does not even start
anew when it is initialised again, and the Python binding of Pico never frees the sound it returns. A fresh process
for each text costs some 40 ms and mends all three: the same text is the same sound, whatever was said before.

Standard output holds the rate in hertz as a line of text, then 16-bit samples in the machine's byte order.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS of speak_lib.h: sound goes to the callback before espeak_Synth returns
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report a missing data folder instead of ending the process
_UTF8 = 1  # espeakCHARS_UTF8


def pico(text: str, voice: str) -> tuple[int, bytes]:
    """Speak with SVOX Pico; `voice` is a locale such as `it-IT`. Returns the rate and 16-bit samples."""
    import ttspico

    sound: list[bytes] = []
    ttspico.TtsEngine(voice).speak(text, lambda _format, chunk, _final: sound.append(chunk))
    return 16_000, b"".join(sound)


def espeak(text: str, voice: str) -> tuple[int, bytes]:
    """Speak with eSpeak NG through its C interface (speak_lib.h). Returns the rate and 16-bit samples.

    Raises:
        RuntimeError: the library refuses to start, or has no such voice.
    """
    import espeakng_loader

    library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
    folder = str(espeakng_loader.get_data_path()).encode()
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, folder, _DONT_EXIT)
    if rate_hz <= 0:
        raise RuntimeError(f"eSpeak NG does not start with the voices in {folder.decode()}")
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise RuntimeError(f"eSpeak NG has no voice '{voice}'")
    sound: list[bytes] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def receive(samples, n_samples, _events) -> int:
        if samples and n_samples > 0:
            sound.append(ctypes.string_at(samples, 2 * n_samples))
        return 0

    library.espeak_SetSynthCallback(receive)
    encoded = text.encode()
    library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded) + 1), 0, 0, 0, _UTF8, None, None)
    return rate_hz, b"".join(sound)


SPEAKERS: dict[str, Callable[[str, str], tuple[int, bytes]]] = {"pico": pico, "espeak": espeak}


def main() -> None:
    """Read a text from standard input and write its sound to standard output."""
    _, engine, voice = sys.argv
    try:
        rate_hz, sound = SPEAKERS[engine](sys.stdin.buffer.read().decode(), voice)
    except (RuntimeError, OSError, ImportError) as problem:
        sys.exit(str(problem))
    sys.stdout.buffer.write(f"{rate_hz}\n".encode() + sound)


if __name__ == "__main__":
    main()
