"""Starts Rasa without TensorFlow, when nothing that is configured needs it.

Rasa imports TensorFlow for four components whether they are used or not: most of the start-up time and 350
MB. Here its names exist and do nothing. That is safe only as long as no configured component calls them, so
only components on a list of ones known not to are let through, and a call raises TensorFlowNeeded, after
which serve.py starts again with the real thing.
"""

from __future__ import annotations

import abc
import importlib.abc
import importlib.machinery
import json
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

PACKAGES = ("tensorflow", "tensorflow_hub", "tensorflow_text", "tensorflow_addons", "keras")

# Rasa 3.6.21's own components that were tried without TensorFlow. Whatever is not here is started with it.
NEED_NOTHING = frozenset(
    {
        "WhitespaceTokenizer", "RegexEntityExtractor", "EntitySynonymMapper", "RegexFeaturizer",
        "LexicalSyntacticFeaturizer", "CountVectorsFeaturizer", "LogisticRegressionClassifier",
        "SklearnIntentClassifier", "KeywordIntentClassifier", "FallbackClassifier", "RegexMessageHandler",
        "RulePolicy", "MemoizationPolicy", "AugmentedMemoizationPolicy", "DefaultPolicyPredictionEnsemble",
    }
)  # fmt: skip


class TensorFlowNeeded(RuntimeError):
    """Something called TensorFlow after all."""


class _Nothing(abc.ABCMeta):
    """The type of every stand-in: has any attribute, can be a base class, and refuses to do any work."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        stand_in = _Nothing(name, (), {"_stand_in": True})
        setattr(cls, name, stand_in)
        return stand_in

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        # Decorators run while Rasa is imported: "@tf.function" and "@tf.function(...)".
        if "_stand_in" in cls.__dict__ and len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]
        if "_stand_in" in cls.__dict__ and not args:
            return lambda decorated: decorated
        raise TensorFlowNeeded(f"{cls.__name__} was called, so TensorFlow is needed.")


class _StandInModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        stand_in = _Nothing(name, (), {"_stand_in": True})
        setattr(self, name, stand_in)
        return stand_in


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers every import of TensorFlow with a stand-in."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.split(".")[0] in PACKAGES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = _StandInModule(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: a stand-in has no code."""


def install() -> None:
    """From now on, importing TensorFlow gives stand-ins. Call it before Rasa is imported."""
    sys.meta_path.insert(0, _Finder())


def uninstall() -> None:
    """Take the stand-ins away again, and everything of Rasa's that was imported with them."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in list(sys.modules):
        if name.split(".")[0] in (*PACKAGES, "rasa", "components"):
            del sys.modules[name]


def components_in_config(path: Path) -> list[str]:
    """Return the names of the components that a config.yml lists."""
    config = yaml.safe_load(path.read_text("utf-8")) or {}
    listed = [*(config.get("pipeline") or []), *(config.get("policies") or [])]
    return [str(entry["name"] if isinstance(entry, dict) else entry) for entry in listed]


def components_in_model(path: Path) -> list[str]:
    """Return the names of the NLU components and policies inside a trained model (a .tar.gz file)."""
    with tarfile.open(path) as archive:
        member = next(one for one in archive if one.name.rsplit("/", 1)[-1] == "metadata.json")
        content = archive.extractfile(member)
        if content is None:
            raise ValueError(f"{path} holds no metadata")
        metadata = json.load(content)
    nodes = metadata["predict_schema"]["nodes"].values()
    return [
        node["uses"] for node in nodes if node["uses"].startswith(("rasa.nlu.", "rasa.core.policies.", "components."))
    ]


def needless(names: Iterable[str]) -> bool:
    """Say whether none of these components needs TensorFlow: ours never do, Rasa's only if they are listed."""
    return all(name.startswith("components.") or name.rsplit(".", 1)[-1] in NEED_NOTHING for name in names)
