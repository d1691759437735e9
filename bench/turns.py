"""What a turn costs: our assistant and default Rasa, on the same sentences and rules, in one run, as ratios.

    .venv/bin/python -m bench.turns [--turns 200] [--skip-default]

Both are asked over HTTP by one client and call the same action server, which does nothing, so what is measured is
the assistant alone. Milliseconds depend on the machine and on what else it does; the ratios are what to compare.
Needs the assistant's environment and our trained model: bin/helpline train. Default Rasa is trained on first use
(a few minutes) and kept under the data folder.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import psutil
import yaml

from helpline.environments import BOT_PYTHON, SERVE, model_path
from helpline.settings import REPOSITORY, Settings

READY_WITHIN_SECONDS = 240.0
LONG_CONVERSATION = 250
EDGE = 10
TURNS_IN_A_SHORT_CONVERSATION = 10

# What `rasa init` writes as suggested configuration in 3.6, without its comments and with fewer epochs: they decide how
# good the model is (bench/nlu.py measures that), and not what a turn costs.
EPOCHS = 3
DEFAULT_CONFIG = {
    "recipe": "default.v1",
    "assistant_id": "default",
    "language": "en",
    "pipeline": [
        {"name": "WhitespaceTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": EPOCHS, "constrain_similarities": True, "random_seed": 20},
        {"name": "EntitySynonymMapper"},
        {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
    ],
    "policies": [
        {"name": "MemoizationPolicy"},
        {"name": "RulePolicy"},
        {"name": "UnexpecTEDIntentPolicy", "max_history": 5, "epochs": EPOCHS, "random_seed": 20},
        {"name": "TEDPolicy", "max_history": 5, "epochs": EPOCHS, "constrain_similarities": True, "random_seed": 20},
    ],
}
# TED and UnexpecTED learn from stories; the same turns as our rules, told as stories.
DEFAULT_STORIES = {
    "version": "3.1",
    "stories": [
        {
            "story": f"asks {index}",
            "steps": [step for intent in order for step in ({"intent": intent}, {"action": f"action_{intent}"})],
        }
        for index, order in enumerate(
            [["guide", "more", "why"], ["small_talk", "guide", "small_talk"], ["menu", "guide", "talk_to_a_person"]]
        )
    ],
}


@dataclass
class Measured:
    """What one assistant cost."""

    start_seconds: float
    memory_mb: float
    turn_p50_ms: float
    turn_p95_ms: float
    turns_per_second: dict[int, float]
    first_turns_ms: float
    turn_250_ms: float


class _DoNothing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"events": [], "responses": [{"text": "An answer."}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sentences() -> list[str]:
    """Held-out sentences, so that neither has seen them."""
    held_out = yaml.safe_load((REPOSITORY / "tests" / "nlu" / "held_out.yml").read_text())["sentences"]
    return [sentence["text"] for sentence in held_out]


def train_default(folder: Path) -> Path:
    """Default Rasa's model of our sentences and rules, trained unless it is there already."""
    model = folder / "default.tar.gz"
    if model.exists():
        return model
    folder.mkdir(parents=True, exist_ok=True)
    config, stories = folder / "config.yml", folder / "stories.yml"
    config.write_text(yaml.safe_dump(DEFAULT_CONFIG, sort_keys=False))
    stories.write_text(yaml.safe_dump(DEFAULT_STORIES, sort_keys=False))
    subprocess.run(
        [
            BOT_PYTHON,
            "-m",
            "rasa",
            "train",
            "--config",
            config,
            "--domain",
            "bot/domain",
            "--data",
            "nlu",
            "stories",
            str(stories),
            "--out",
            folder,
            "--fixed-model-name",
            "default",
        ],
        cwd=REPOSITORY,
        env=_environment(0),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return model


def _environment(action_port: int) -> dict[str, str]:
    return {
        **os.environ,
        "HELPLINE_ACTION_URL": f"http://127.0.0.1:{action_port}/webhook",
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "LOG_LEVEL": "ERROR",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }


@contextmanager
def _server(command: list[str], action_port: int, port: int) -> Iterator[tuple[float, psutil.Process]]:
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=_environment(action_port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not _is_ready(port):
            if process.poll() is not None or time.perf_counter() - started > READY_WITHIN_SECONDS:
                raise SystemExit(f"did not start: {' '.join(command)}")
            time.sleep(0.05)
        yield time.perf_counter() - started, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/webhooks/rest/", timeout=1.0).status_code == 200
    except httpx.HTTPError:
        return False


class Client:
    """Asks one assistant, and keeps count."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0)
        self._asked = 0

    def turn(self, sender: str, text: str) -> float:
        """One turn's milliseconds. Exits when the assistant says nothing."""
        self._asked += 1
        metadata = {"message_id": self._asked, "channel": "sms"}
        started = time.perf_counter()
        answer = self._client.post(
            "/webhooks/rest/webhook", json={"sender": sender, "message": text, "metadata": metadata}
        )
        milliseconds = (time.perf_counter() - started) * 1000
        if not answer.json():
            raise SystemExit(f"no answer to: {text}")
        return milliseconds


def measure(command: list[str], action_port: int, port: int, turns: int) -> Measured:
    """Start an assistant, ask it, stop it."""
    texts = sentences()

    def short(client: Client, name: str, count: int) -> list[float]:
        return [
            client.turn(f"{name}-{index // TURNS_IN_A_SHORT_CONVERSATION}", texts[index % len(texts)])
            for index in range(count)
        ]

    with _server(command, action_port, port) as (start_seconds, process):
        client = Client(port)
        short(client, "warm", 20)
        memory = process.memory_info().rss / 1e6
        alone = short(client, "alone", turns)
        throughput = {1: turns / (sum(alone) / 1000)}
        for senders in (8, 32):
            with ThreadPoolExecutor(senders) as pool:
                started = time.perf_counter()
                each = max(TURNS_IN_A_SHORT_CONVERSATION, turns // senders)
                list(pool.map(lambda number, n=senders, e=each: short(client, f"{n}-{number}", e), range(senders)))
                throughput[senders] = senders * each / (time.perf_counter() - started)
        # The same sentences at both ends, asked once before, so that only the length of the conversation differs.
        short(client, "warm again", EDGE)
        long = [client.turn("long", texts[index % EDGE]) for index in range(LONG_CONVERSATION)]
    return Measured(
        start_seconds,
        memory,
        statistics.median(alone),
        statistics.quantiles(alone, n=20)[18],
        throughput,
        statistics.median(long[:EDGE]),
        statistics.median(long[-EDGE:]),
    )


def report(ours: Measured, default: Measured | None) -> None:
    """Print the table and the ratios."""
    rows: list[tuple[str, float, float | None]] = [
        ("start-up, s", ours.start_seconds, default and default.start_seconds),
        ("memory after 20 turns, MB", ours.memory_mb, default and default.memory_mb),
        ("turn p50, ms", ours.turn_p50_ms, default and default.turn_p50_ms),
        ("turn p95, ms", ours.turn_p95_ms, default and default.turn_p95_ms),
        *(
            (f"turns/s, {senders} senders", rate, default and default.turns_per_second[senders])
            for senders, rate in ours.turns_per_second.items()
        ),
        (f"first {EDGE} turns of a conversation, ms", ours.first_turns_ms, default and default.first_turns_ms),
        (
            f"turns {LONG_CONVERSATION - EDGE + 1} to {LONG_CONVERSATION}, ms",
            ours.turn_250_ms,
            default and default.turn_250_ms,
        ),
        (
            f"turn {LONG_CONVERSATION} / first turns",
            ours.turn_250_ms / ours.first_turns_ms,
            default and default.turn_250_ms / default.first_turns_ms,
        ),
    ]
    print(f"{'':42}{'ours':>10}{'default':>10}{'ours/default':>14}")
    for name, mine, theirs in rows:
        ratio = f"{mine / theirs:14.3f}" if theirs else ""
        print(f"{name:42}{mine:10.2f}{theirs if theirs is not None else float('nan'):10.2f}{ratio}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--skip-default", action="store_true")
    options = parser.parse_args()
    settings = Settings()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _DoNothing)
    Thread(target=server.serve_forever, daemon=True).start()
    action_port = server.server_address[1]
    default = None
    if not options.skip_default:
        folder = settings.data_folder / "bench"
        model = train_default(folder)
        endpoints = folder / "endpoints.yml"
        endpoints.write_text(f"action_endpoint:\n  url: http://127.0.0.1:{action_port}/webhook\n")
        port = free_port()
        default = measure(
            [
                str(BOT_PYTHON),
                "-m",
                "rasa",
                "run",
                "--model",
                str(model),
                "--endpoints",
                str(endpoints),
                "--credentials",
                "bot/credentials.yml",
                "--interface",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            action_port,
            port,
            options.turns,
        )
    port = free_port()
    ours = measure(
        [str(BOT_PYTHON), str(SERVE), "run", "--model", str(model_path(settings)), "--port", str(port)],
        action_port,
        port,
        options.turns,
    )
    report(ours, default)
    server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
