"""Who a browser is to us: a random name that we made, sealed so that nobody can make up or read another.

On a page of its own the token is in a cookie. In a frame on another site that is not enough: Safari refuses such
cookies altogether, and others do where a person has set them so. So there the page holds its token itself, sends it
as a bearer token, and keeps it in the storage of its tab. Where a browser denies that storage to frames (Chromium
does when third-party cookies are blocked, so in every private window) it still takes a Partitioned cookie, from which
a page that is loaded again gets its token back. Nothing is ever done on the strength of that cookie alone. What this
costs is HttpOnly in frames, which our content policy, that allows no script but ours, has to make up for.
"""

import base64
import secrets
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from litestar.datastructures import Cookie

from helpline.ports import Clock

SESSION_DAYS = 7
SESSION_SECONDS = SESSION_DAYS * 86_400
# A sealed name has 160 characters. What is much longer is not read at all.
_LONGEST_SEAL = 400


class FrameCookie(Cookie):
    """A cookie for a frame on another site, kept apart for each such site, until the browser is closed.

    Partitioned cookies have to be Secure; browsers count this machine's own addresses as secure.
    """

    def __init__(self, key: str, value: str, max_age: int | None = None) -> None:
        super().__init__(key, value=value, max_age=max_age, path="/chat", httponly=True, samesite="none", secure=True)

    def to_header(self, **kwargs: Any) -> str:
        """The header; Python 3.13 does not know the attribute itself."""
        return f"{super().to_header(**kwargs)}; Partitioned"


class Sessions:
    """Makes and reads session tokens.

    A token is a Fernet token (signed, encrypted, dated) around the name, so a made-up or altered one is refused without
    a look at the database, and nothing in it can be read by the browser. The name, not the token, is the address under
    which the thread is kept: the same person stays the same when the token is renewed.
    """

    def __init__(self, secret: str, clock: Clock) -> None:
        """secret: the installation's address-hash key. A key of our own is derived from it, for this use only."""
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"webchat session").derive(secret.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))
        self._clock = clock

    def new_name(self) -> str:
        """The name of somebody who was not here before: 32 characters, 24 random bytes."""
        return secrets.token_urlsafe(24)

    def seal(self, name: str) -> str:
        """A token for the name, good for SESSION_DAYS from now. Safe in a cookie and in a header."""
        moment = int(self._clock.now().timestamp())
        return self._fernet.encrypt_at_time(name.encode(), moment).decode().rstrip("=")

    def open(self, token: str | None) -> str | None:
        """The name in a token; None when it is missing, altered, not ours or too old."""
        if not token or len(token) > _LONGEST_SEAL or not token.isascii():
            return None
        padded = token + "=" * (-len(token) % 4)
        moment = int(self._clock.now().timestamp())
        try:
            return self._fernet.decrypt_at_time(padded.encode(), SESSION_SECONDS, moment).decode()
        except InvalidToken:
            return None
