"""The action server alone under the supervisor, for the tests: `python -m tests.supervised PORT [unreaped]`.

With unreaped, Circus is as it is when a part dies between its reaping and its look at what still runs: the part is
replaced, and its death is never told.
"""

import sys

from circus.watcher import Watcher

from helpline.settings import Settings
from helpline.supervisor import Part, Supervisor


def main() -> None:
    """Run until a signal."""
    port, *how = sys.argv[1:]
    if how == ["unreaped"]:
        Watcher.reap_process = lambda *_: None
    part = Part("actions", "action server", int(port), f"http://127.0.0.1:{port}/health")
    supervisor = Supervisor(Settings(), [part], lambda said: print(said, flush=True))
    supervisor.run(lambda: None)


if __name__ == "__main__":
    main()
