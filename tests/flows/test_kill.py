"""The process is killed with SIGKILL in the middle of its work and started again: one reply, neither none nor two."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from helpline.settings import REPOSITORY
from helpline.storage.engine import open_postgresql
from helpline.storage.executor_slot import FileSlot, PostgresSlot, SlotTaken
from tests.conftest import new_postgresql_database
from tests.fakes import PHONE
from tests.flows.runner import read
from tests.waiting import wait_until


@dataclass
class ForkServer:
    """A process that has read all the content and forks helplines."""

    process: subprocess.Popen[str]

    def fork(self, order: dict[str, str | None]) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    log = tmp_path_factory.mktemp("fork-server") / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.runner"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout and process.stdout.readline() == "loaded\n", log.read_text()
    yield ForkServer(process)
    process.communicate(timeout=20)


@dataclass
class Machine:
    """A data folder or database on which helplines are started and killed."""

    folder: Path
    database_url: str | None
    server: ForkServer
    processes: list[int] = field(default_factory=list)

    def start(self, name: str = "outside") -> Path:
        outside = self.folder / name
        outside.mkdir(exist_ok=True)
        before = len(read(outside / "ready"))
        order = {"outside": str(outside), "data": str(self.folder / "data"), "database_url": self.database_url}
        self.processes.append(self.server.fork(order))
        wait_until("started", lambda: len(read(outside / "ready")) > before)
        return outside

    def kill(self, index: int = -1) -> None:
        process = self.processes.pop(index)
        os.kill(process, signal.SIGKILL)
        wait_until("dead", lambda: not Path(f"/proc/{process}").exists())


def hears(outside: Path, text: str, provider_id: str = "SM1") -> None:
    inbox = outside / "inbox"
    inbox.mkdir(exist_ok=True)
    message = {"channel": "sms", "provider_id": provider_id, "address": PHONE, "text": text}
    part = inbox / f"{provider_id}.part"
    part.write_text(json.dumps(message))
    part.rename(inbox / f"{provider_id}.json")
    wait_until("stored", (inbox / f"{provider_id}.stored").exists)


def taken(outside: Path) -> list[str]:
    return [message["text"] for message in read(outside / "taken")]


@pytest.fixture(params=["embedded", "postgresql"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, fork_server: ForkServer) -> Iterator[Machine]:
    (tmp_path / "data").mkdir()
    with ExitStack() as cleaning_up:
        url = None
        if request.param == "postgresql":
            server = request.getfixturevalue("postgresql_url")
            url = cleaning_up.enter_context(new_postgresql_database(server))
        made = Machine(tmp_path, url, fork_server)
        yield made
        while made.processes:
            made.kill()


def test_killed_in_mid_turn_and_again_in_mid_send_a_person_gets_one_reply_to_each_message(machine: Machine) -> None:
    outside = machine.start()
    (outside / "hang-assistant").touch()
    hears(outside, "first question", "SM1")
    wait_until("asking the assistant", lambda: read(outside / "asked"))
    hears(outside, "second question", "SM2")
    machine.kill()
    assert taken(outside) == []

    (outside / "hang-assistant").unlink()
    (outside / "hang-after-taking").touch()
    machine.start()
    wait_until("the provider has the first reply", lambda: taken(outside))
    machine.kill()
    assert len(taken(outside)) == 1

    (outside / "hang-after-taking").unlink()
    machine.start()
    wait_until("both are answered", lambda: len(taken(outside)) >= 2)
    hears(outside, "third question", "SM3")
    wait_until("the third is answered", lambda: len(taken(outside)) >= 3)
    assert [text.rpartition("about: ")[2] for text in taken(outside)] == [
        "first question",
        "second question",
        "third question",
    ]
    assert read(outside / "looked-up")


def test_killed_before_the_provider_took_the_safety_reply_it_is_sent_after_the_restart(machine: Machine) -> None:
    outside = machine.start()
    (outside / "hang-before-taking").touch()
    hears(outside, "i want to kill myself")
    wait_until("about to send", lambda: read(outside / "sending"))
    machine.kill()
    assert taken(outside) == []

    (outside / "hang-before-taking").unlink()
    machine.start()
    wait_until("sent", lambda: taken(outside))
    hears(outside, "thank you", "SM2")
    wait_until("the next is answered", lambda: len(taken(outside)) >= 2)
    assert ["999" in text for text in taken(outside)] == [True, False]


@pytest.mark.parametrize("machine", ["postgresql"], indirect=True)
def test_two_workers_have_slots_of_their_own_and_the_living_one_finishes_the_dead_ones_work(machine: Machine) -> None:
    first, second = machine.start("first"), machine.start("second")
    executors = [read(outside / "ready")[0]["executor"] for outside in (first, second)]
    assert len(set(executors)) == 2

    for outside in (first, second):
        (outside / "hang-assistant").touch()
    hears(first, "a question")
    wait_until("one of them asks", lambda: read(first / "asked") or read(second / "asked"))
    dead, alive = (0, second) if read(first / "asked") else (1, first)
    machine.kill(dead)
    (alive / "hang-assistant").unlink()

    def resumed() -> bool:
        (alive / "sweep").touch()
        return bool(taken(alive))

    wait_until("the other has sent the reply", resumed)
    assert len(taken(first) + taken(second)) == 1
    assert taken(alive)[0].endswith("about: a question")


def test_a_second_worker_on_one_data_folder_refuses_to_start_while_the_first_lives(tmp_path: Path) -> None:
    slot = FileSlot(tmp_path)
    with pytest.raises(SlotTaken):
        FileSlot(tmp_path)
    slot.release()
    FileSlot(tmp_path).release()


def test_a_slot_on_postgresql_is_free_again_when_its_holder_lets_go(migrated_postgresql: str) -> None:
    with ExitStack() as cleaning_up:
        engines = [open_postgresql(migrated_postgresql) for _ in range(3)]
        for engine in engines:
            cleaning_up.callback(engine.dispose)
        first, second = PostgresSlot(engines[0]), PostgresSlot(engines[1])
        cleaning_up.callback(second.release)
        assert (first.executor_id, second.executor_id) == ("w0", "w1")
        for executor in ("w0", "w1", "embedded", "w", "wx"):
            assert not second.is_dead(executor)
        first.release()
        assert second.is_dead("w0")
        assert second.is_dead("w0"), "looking must not take the slot"
        third = PostgresSlot(engines[2])
        cleaning_up.callback(third.release)
        assert third.executor_id == "w0"
