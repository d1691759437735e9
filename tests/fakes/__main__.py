"""The pretend provider in a process of its own, with its ledger on disk: python -m tests.fake_provider PORT LEDGER."""

import sys
from pathlib import Path

import uvicorn

from tests.fakes_twilio import FakeTwilio

if __name__ == "__main__":
    uvicorn.run(
        FakeTwilio(ledger=Path(sys.argv[2])).app(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
    )
