"""Both providers in a process of their own: python -m tests.fakes PORT LEDGER_FOLDER."""

import argparse
from pathlib import Path

import uvicorn

from tests.fakes.providers import start_providers
from tests.fakes.telegram import TOKEN

if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="python -m tests.fakes", description=__doc__)
    options.add_argument("port", type=int)
    options.add_argument("ledger_folder", type=Path)
    options.add_argument("--twilio-auth-token", default="", help="with which Twilio signs what it sends us")
    options.add_argument("--telegram-token", default=TOKEN, help="of the one bot that Telegram knows")
    chosen = options.parse_args()
    uvicorn.run(
        start_providers(chosen.ledger_folder, chosen.twilio_auth_token, chosen.telegram_token),
        host="127.0.0.1",
        port=chosen.port,
        log_config=None,
        access_log=False,
        # Whoever waits for a message of Telegram's is not waited for.
        timeout_graceful_shutdown=1,
    )
