"""These tests run in the assistant's own environment:

    bot/.venv/bin/python -m pytest tests/bot

In the other environment, which has no Rasa, only test_own_environment.py is collected, and it runs all of
them there.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

if find_spec("rasa"):
    sys.path[:0] = [str(ROOT / "bot"), str(ROOT / "bench")]
    collect_ignore = ["test_own_environment.py"]
    # As serve.py starts it: no component of ours needs TensorFlow, and importing it takes longer than these
    # tests.
    import without_tensorflow

    without_tensorflow.install()
else:
    collect_ignore = [path.name for path in HERE.glob("test_*.py") if path.name != "test_own_environment.py"]
