"""How soon a text is safe with us: the time from a signed webhook to its 200, at a helpline that runs.

    bin/helpline up                                  (in another terminal)
    .venv/bin/python -m bench.webhook [--texts 30] [--pause 1]

Every text is from another pretend number and is stored, read for danger and queued before the 200. With no pause the
texts compete with the answers to those before them for the processor.
"""

import argparse
import secrets
import statistics
import time

import httpx

from channels.simulator.pages import signed_webhook
from helpline.keys import load_keys
from helpline.settings import Settings

TEXT = "how do i get someone out to see what help mum needs"


def main() -> None:
    """Post the texts one after another, and print the times."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=int, default=30)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two texts")
    options = parser.parse_args()
    settings = Settings()
    token = load_keys(settings).twilio_auth_token
    milliseconds = []
    with httpx.Client(timeout=30.0) as client:
        for number in range(options.texts):
            fields = {
                "MessageSid": "SM" + secrets.token_hex(16),
                "From": f"+44770090{number % 10_000:04d}",
                "To": "+447700900100",
                "Body": TEXT,
                "NumMedia": "0",
            }
            request = signed_webhook(token, settings.external_url, settings.own_url, fields)
            started = time.perf_counter()
            client.send(request).raise_for_status()
            milliseconds.append((time.perf_counter() - started) * 1000)
            time.sleep(options.pause)
    print(
        f"{options.texts} texts: median {statistics.median(milliseconds):.1f} ms, "
        f"p95 {statistics.quantiles(milliseconds, n=20)[18]:.1f} ms to the 200"
    )


if __name__ == "__main__":
    main()
