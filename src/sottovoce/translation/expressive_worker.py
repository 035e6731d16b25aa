"""The process that runs SeamlessExpressive, in the environment that `sottovoce setup` makes for it.

    python expressive_worker.py check             print what is installed, and whether the library is as expected
    python expressive_worker.py fetch             have the library fetch its two public tokenizers, once
    python expressive_worker.py device            print what the model would run on
    python expressive_worker.py serve WEIGHTS     load the model, then answer requests (protocol in `outside.py`)

This file imports nothing of Sottovoce and runs on Python 3.8 to 3.11. It was written from the library's public source
(seamless_communication 1.0.0: cli/expressivity/predict, inference/translator.py). The names and signatures it calls
are held against the installed library by `check`. All of it was run with the library itself (torch 2.2.2, fairseq2
0.2.1) on a processor, with random weights and fewer layers under the true checkpoints' names, and gave the same samples
as the library's own command, expressivity_predict. NOT run: the true weights, which are given on request alone, and so
what is said and how it sounds; a GPU, and fp16 with it; the vocoder under its name on the Hugging Face hub.
"""

# pyright: reportMissingImports=false, reportArgumentType=false
import inspect
import json
import os
import sys
import tempfile
import traceback

PROTOCOL = 1
MODEL, VOCODER = "seamless_expressivity", "vocoder_pretssel"
MODELS = ("m2m_expressive_unity.pt", "pretssel_melhifigan_wm.pt")
"""As the library calls them."""
ON_THE_HUB = {"pretssel_melhifigan_wm.pt": "pretssel_melhifigan_wm-final.pt"}
"""Those that have another name on the Hugging Face hub (seamless_communication's demo/expressive/app.py)."""
RATE_HZ = 16000

NO_ROOM = ("out of memory", "DefaultCPUAllocator")
"""Want of memory, as torch says it on a GPU and on a processor: no fault of the utterance's."""

# function -> the arguments by name that are given to it below
CALLED = {
    "seamless_communication.store:add_gated_assets": ("model_dir",),
    "seamless_communication.models.unity:load_unity_unit_tokenizer": (),
    "seamless_communication.models.unity:load_unity_text_tokenizer": (),
    "seamless_communication.models.unity:load_unity_char_tokenizer": (),
    "seamless_communication.models.unity:load_gcmvn_stats": (),
    "seamless_communication.inference:Translator": ("vocoder_name_or_card", "device", "dtype"),
    "seamless_communication.inference:Translator.predict": (
        "text_generation_opts",
        "unit_generation_opts",
        "unit_generation_ngram_filtering",
        "duration_factor",
        "prosody_encoder_input",
    ),
    "seamless_communication.inference:SequenceGeneratorOptions": ("beam_size", "soft_max_seq_len"),
    "seamless_communication.cli.expressivity.predict.pretssel_generator:PretsselGenerator": (
        "vocab_info",
        "device",
        "dtype",
    ),
    "seamless_communication.cli.expressivity.predict.pretssel_generator:PretsselGenerator.predict": (
        "tgt_lang",
        "prosody_encoder_input",
    ),
    "fairseq2.data:SequenceData": (),
    "fairseq2.data.audio:WaveformToFbankConverter": (),
}


def check():
    """Versions of what is installed, and what of `CALLED` is not there or takes other arguments."""
    from importlib import import_module, metadata

    faults = []
    for name, arguments in CALLED.items():
        module, _, path = name.partition(":")
        try:
            found = import_module(module)
            for part in path.split("."):
                found = getattr(found, part)
        except Exception as problem:  # an environment can be broken in any way; each is reported
            faults.append(f"{name}: {type(problem).__name__}: {problem}")
            continue
        try:
            known = inspect.signature(found).parameters
        except (TypeError, ValueError):  # a class of the compiled part tells nothing
            continue
        faults += [f"{name} takes no argument '{a}'" for a in arguments if a not in known]
    versions = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
    for package in ("torch", "fairseq2", "seamless_communication", "numpy"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            faults.append(f"{package} is not installed")
    return {"protocol": PROTOCOL, "versions": versions, "faults": faults}


def fetch():
    """Have the library keep its text and character tokenizers: public, and not among the weights."""
    from seamless_communication.models.unity import load_unity_char_tokenizer, load_unity_text_tokenizer

    load_unity_text_tokenizer(MODEL)
    load_unity_char_tokenizer(MODEL)
    return {}


def device():
    """Where the model runs, and so how precisely: fp16 on a GPU, fp32 elsewhere."""
    import torch

    return {"device": "cuda" if torch.cuda.is_available() else "cpu"}


def model_file(weights: str, name: str):
    """Where one of `MODELS` lies in the folder `weights`, whichever name it has there; None where it does not."""
    places = [os.path.join(weights, each) for each in (name, ON_THE_HUB.get(name, name))]
    return next((place for place in places if os.path.isfile(place)), None)


def by_the_librarys_names(weights: str, links: str):
    """The folder `weights` where its files have the names in `MODELS`; else `links`, with links of these names."""
    if all(os.path.isfile(os.path.join(weights, name)) for name in MODELS):
        return weights
    for name in MODELS:
        os.symlink(os.path.abspath(str(model_file(weights, name))), os.path.join(links, name))
    return links


class Expressive:
    """The model and its vocoder, loaded once."""

    def __init__(self, weights):
        from pathlib import Path

        import torch
        from fairseq2.data.audio import WaveformToFbankConverter
        from seamless_communication.cli.expressivity.predict.pretssel_generator import PretsselGenerator
        from seamless_communication.inference import Translator
        from seamless_communication.models.unity import load_gcmvn_stats, load_unity_unit_tokenizer
        from seamless_communication.store import add_gated_assets

        self.torch = torch
        self.device = torch.device("cuda:0" if device()["device"] == "cuda" else "cpu")
        self.dtype = torch.float16 if self.device.type == "cuda" else torch.float32
        with tempfile.TemporaryDirectory() as links:
            # where the library finds the checkpoints given on request
            add_gated_assets(Path(by_the_librarys_names(weights, links)))
            units = load_unity_unit_tokenizer(MODEL)
            self.translator = Translator(MODEL, vocoder_name_or_card=None, device=self.device, dtype=self.dtype)
            self.vocoder = PretsselGenerator(  # with its watermark, as it is
                VOCODER, vocab_info=units.vocab_info, device=self.device, dtype=self.dtype
            )
        self.to_fbank = WaveformToFbankConverter(
            num_mel_bins=80, waveform_scale=2**15, channel_last=True, standardize=False,
            device=self.device, dtype=self.dtype,
        )  # fmt: skip
        mean, std = load_gcmvn_stats(VOCODER)
        self.mean = torch.tensor(mean, device=self.device, dtype=self.dtype)
        self.std = torch.tensor(std, device=self.device, dtype=self.dtype)

    def translate(self, sound, out, target, beams, duration_factor):
        """Translate the recording `sound` (16 kHz, mono) and write it to `out`; returns text and rate.

        One at a time: padding would change what the prosody encoder hears.
        """
        import soundfile
        from fairseq2.data import SequenceData
        from seamless_communication.inference import SequenceGeneratorOptions

        torch = self.torch
        samples, rate_hz = soundfile.read(sound, dtype="float32")
        assert rate_hz == RATE_HZ and samples.ndim == 1
        # [time, channel], fp32 whatever the model's precision: Kaldi's features are computed on the processor
        waveform = torch.from_numpy(samples).unsqueeze(1)
        fbank = self.to_fbank({"waveform": waveform, "sample_rate": RATE_HZ})["fbank"]
        # the prosody encoder reads features normalised over its training corpus, the recogniser over the utterance
        prosody = self._sequence(SequenceData, fbank.subtract(self.mean).divide(self.std))
        std, mean = torch.std_mean(fbank, dim=0)
        speech = self._sequence(SequenceData, fbank.subtract(mean).divide(std))
        with torch.inference_mode():
            texts, units = self.translator.predict(
                speech,
                "s2st",
                target,
                text_generation_opts=SequenceGeneratorOptions(beam_size=beams, soft_max_seq_len=(1, 200)),
                unit_generation_opts=SequenceGeneratorOptions(beam_size=beams, soft_max_seq_len=(25, 50)),
                unit_generation_ngram_filtering=False,
                duration_factor=duration_factor,
                prosody_encoder_input=prosody,
            )
            spoken = self.vocoder.predict(units.units, tgt_lang=target, prosody_encoder_input=prosody)
        sound = spoken.audio_wavs[0][0].to(torch.float32).cpu().numpy().reshape(-1)
        soundfile.write(out, sound, spoken.sample_rate, "FLOAT", format="WAV")
        text = str(texts[0]).replace("*", "").replace("=", "")  # its marks of emphasis and pauses
        return " ".join(text.split()), int(spoken.sample_rate)

    @staticmethod
    def _sequence(kind, frames):
        import torch

        return kind(seqs=frames.unsqueeze(0), seq_lens=torch.LongTensor([frames.shape[0]]), is_ragged=False)


def answer(model, request):
    """The reply to one request: what cannot be translated is named, the others are not held up."""
    replies = []
    for each in request.get("utterances", []):
        try:
            text, rate_hz = model.translate(
                each["audio"], each["out"], request["target"], request["beams"], request["duration_factor"]
            )
            replies.append({"id": each["id"], "text": text, "rate_hz": rate_hz, "error": None})
        except Exception as problem:  # whatever the library raises concerns this utterance alone
            if "CUDA error" in str(problem):  # but after this one nothing works: another process must take over
                raise
            traceback.print_exc()
            said = f"{type(problem).__name__}: {problem}"
            no_room = isinstance(problem, MemoryError) or any(mark in said for mark in NO_ROOM)
            replies.append({"id": each["id"], "error": said, "no_room": no_room})
    return {"id": request["id"], "utterances": replies}


def serve(weights, say):
    """Load the model, greet, and answer until the input ends."""
    model = Expressive(weights)
    say({"protocol": PROTOCOL, "device": str(model.device), "versions": check()["versions"]})
    for line in sys.stdin:
        if line.strip():
            say(answer(model, json.loads(line)))


def main(arguments):
    """Do what is asked for. Messages get an output of their own: what the library prints must not come between."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(message):
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    if arguments[0] == "serve":
        serve(arguments[1], say)
    else:
        say({"check": check, "fetch": fetch, "device": device}[arguments[0]]())


if __name__ == "__main__":
    main(sys.argv[1:])
