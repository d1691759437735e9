"""Turns a message into a vector of meaning with a small language model, on one thread.

The model is all-MiniLM-L6-v2, taught on the training sentences of nlu/ (language_training/README.md). Its files lie in
bot/language_model, and one that is not what card.json says is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "language_model"
WEIGHTS_FILE = "encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"

# The language model was not taught on one in so many sentences: on those the assistant sets its confidence.
ONE_KEPT_BACK_OF = 8
_WORD = re.compile(r"[\w']+")

# An SMS of three parts is about 100 word pieces. More would only make a turn slow.
MAX_TOKENS = 128
# Characters of a message that are read at all; the tokenizer itself is slow on very long texts.
MAX_CHARACTERS = 1000
# "yes", "thanks" and "help" are most of the traffic, so a small memory saves most of the work.
REMEMBERED_TEXTS = 2048


class AlteredFile(RuntimeError):
    """A data file is missing, or is not the one that was reviewed."""


def package_file(package: str, name: str) -> Path:
    """Return the path of a data file inside an installed package, without importing the package.

    Raises AlteredFile if the package or the file is not there.
    """
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / name
        if path.is_file():
            return path
    raise AlteredFile(
        f"The file {name} of the package {package} is not installed. "
        "Set up the assistant's environment again: uv sync --project bot"
    )


def read_verified(path: Path, sha256: str) -> bytes:
    """Return the bytes of a file, after checking that they are the ones with this SHA-256.

    The bytes that were checked are the bytes that are used, so the file cannot change in between.
    Raises AlteredFile if they differ, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AlteredFile(f"{path} cannot be read. Restore the files of {path.parent}.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise AlteredFile(
            f"{path} is not the file that was reviewed, so it is not loaded. Its SHA-256 is {found}, "
            f"expected {sha256}. Restore the files of {path.parent}."
        )
    return content


def reviewed_hashes(folder: Path = FOLDER) -> dict[str, str]:
    """Return the SHA-256 of each file of the model, from its card. Raises AlteredFile if there is no card."""
    try:
        hashes = json.loads((folder / "card.json").read_text("utf-8"))["sha256"]
        return {name: str(hashes[name]) for name in (WEIGHTS_FILE, TOKENIZER_FILE)}
    except (OSError, ValueError, KeyError) as error:
        raise AlteredFile(f"{folder / 'card.json'} is missing or broken. Restore the files of {folder}.") from error


def is_kept_back(text: str) -> bool:
    """Say whether the language model was not taught on this sentence, however it is punctuated."""
    plain = " ".join(_WORD.findall(text.lower()))
    return int(hashlib.sha256(plain.encode("utf-8", "ignore")).hexdigest()[:8], 16) % ONE_KEPT_BACK_OF == 0


class SentenceEncoder:
    """Encodes short texts as unit vectors of 384 numbers. Close meanings have a high dot product."""

    dimensions = 384

    def __init__(self, folder: Path = FOLDER) -> None:
        """Load the model. Raises AlteredFile if a file is missing or is not the reviewed one."""
        expected = reviewed_hashes(folder)
        tokenizer_json = read_verified(folder / TOKENIZER_FILE, expected[TOKENIZER_FILE])
        weights = read_verified(folder / WEIGHTS_FILE, expected[WEIGHTS_FILE])

        import onnxruntime
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(tokenizer_json.decode("utf-8"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self._remembered: OrderedDict[str, np.ndarray] = OrderedDict()

    def encode(self, text: str) -> np.ndarray:
        """Return the unit vector of one text. An empty text has a vector, too."""
        text = text[:MAX_CHARACTERS]
        known = self._remembered.get(text)
        if known is not None:
            self._remembered.move_to_end(text)
            return known
        vector = self._run(text)
        self._remembered[text] = vector
        if len(self._remembered) > REMEMBERED_TEXTS:
            self._remembered.popitem(last=False)
        return vector

    def encode_all(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row per text.

        They are run one at a time: the int8 model scales its numbers over a whole batch, so a text would get
        a slightly different vector in company than alone.
        """
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        return np.vstack([self.encode(text) for text in texts])

    def _run(self, text: str) -> np.ndarray:
        pieces = self._tokenizer.encode(text)
        feed = {
            "input_ids": np.array([pieces.ids], dtype=np.int64),
            "attention_mask": np.array([pieces.attention_mask], dtype=np.int64),
        }
        vector = self._session.run(None, feed)[0][0]
        return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
