"""The pretend provider in a process of its own, with its ledger on disk: python -m tests.fake_provider PORT LEDGER."""

import sys
from pathlib import Path

import uvicorn
from litestar import Litestar

from channels.simulator.provider import PretendTwilio, provider_handlers

if __name__ == "__main__":
    provider = PretendTwilio(Path(sys.argv[2]))
    uvicorn.run(
        Litestar(provider_handlers(provider), openapi_config=None, logging_config=None),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
    )
