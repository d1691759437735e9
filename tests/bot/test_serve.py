"""The launcher: closed to other machines, quiet, and quick only where that is safe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import serve
import without_tensorflow

ROOT = Path(serve.ROOT)


def test_only_this_machine_can_connect_whatever_is_asked_for() -> None:
    options = serve.arguments(["run", "--interface", "0.0.0.0", "-i", "0.0.0.0"], {})
    assert options[-2:] == ["--interface", "127.0.0.1"]


def test_the_api_is_off_without_a_token_and_behind_it_with_one() -> None:
    assert "--enable-api" not in serve.arguments(["run"], {})
    assert serve.arguments(["run"], {"HELPLINE_BOT_TOKEN": "t"})[-3:] == ["--enable-api", "--auth-token", "t"]


def test_debug_is_not_to_be_had() -> None:
    assert "--debug" not in serve.arguments(["run", "--debug", "-vv"], {})


def test_given_options_win_over_defaults() -> None:
    options = serve.arguments(["train", "--out", "elsewhere", "--data=nlu"], {})
    assert options.count("--out") == 1
    assert "--data" not in options
    assert serve.option_value(options, ("--config", "-c")) == str(ROOT / "config.yml")


def test_our_pipeline_needs_no_tensorflow_and_rasas_default_does() -> None:
    assert without_tensorflow.needless(without_tensorflow.components_in_config(ROOT / "config.yml"))
    assert not without_tensorflow.needless(["WhitespaceTokenizer", "DIETClassifier"])
    assert not without_tensorflow.needless(["SomethingNew"])


def test_a_configuration_that_needs_tensorflow_gets_it(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("pipeline: [{name: DIETClassifier}]\npolicies: [{name: RulePolicy}]", "utf-8")
    assert not serve.can_do_without_tensorflow(["train", "--config", str(config)])


def test_a_broken_quick_start_is_said_once_and_the_plain_one_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(serve.PLAIN, raising=False)
    monkeypatch.setattr(serve, "can_do_without_tensorflow", lambda _options: True)

    def broken() -> None:
        raise ImportError("no")

    monkeypatch.setattr(without_tensorflow, "install", broken)
    monkeypatch.setattr(without_tensorflow, "uninstall", lambda: None)
    assert serve.start_without_tensorflow(["run"]) is False
    assert capsys.readouterr().err.count("TensorFlow is loaded") == 1


def test_it_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(serve.PLAIN, "1")
    assert serve.start_without_tensorflow(["train"]) is False


def test_a_call_to_tensorflow_is_found_behind_other_errors() -> None:
    try:
        try:
            raise without_tensorflow.TensorFlowNeeded("x")
        except without_tensorflow.TensorFlowNeeded as first:
            raise ValueError from first
    except ValueError as error:
        assert serve.needs_tensorflow(error)
    assert not serve.needs_tensorflow(ValueError())


def test_rasa_can_be_imported_without_tensorflow_and_a_call_is_refused() -> None:
    code = (
        "import sys; sys.path.insert(0, 'bot'); import without_tensorflow as w; w.install()\n"
        "import rasa.__main__, rasa.core.agent, rasa.model_training, tensorflow as tf\n"
        "from rasa.utils.tensorflow.models import RasaModel\n"
        "for call in (lambda: RasaModel(), lambda: tf.constant(1)):\n"
        "    try: call()\n"
        "    except w.TensorFlowNeeded: continue\n"
        "    raise SystemExit('it worked without TensorFlow')\n"
        "print(len([m for m in sys.modules if m.startswith('tensorflow.python')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "0"


def test_replies_of_the_action_server_are_still_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    from jsonschema import ValidationError
    from rasa.core.actions.action import RemoteAction

    monkeypatch.setattr(RemoteAction, "_validate_action_result", RemoteAction._validate_action_result)
    serve.check_the_action_servers_replies_quickly()
    action = RemoteAction("action_guide", None)
    assert action._validate_action_result({"events": [], "responses": [{"text": "Hello"}]})
    for wrong in ({"responses": ["Hello"]}, {"events": [{"event": "no such event"}]}, []):
        with pytest.raises(ValidationError):
            action._validate_action_result(wrong)


def test_a_talk_with_the_language_half_alone_is_given_no_action_server() -> None:
    assert "--endpoints" not in serve.arguments(["shell", "nlu"], {})
    assert "--endpoints" in serve.arguments(["shell"], {})
