"""Messages that came while the database could not be written: one encrypted file each, on disk before we say so."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from helpline.domain.messages import InboundMessage


class SpoolUnavailable(Exception):
    """The spool cannot be written either."""


@dataclass(frozen=True)
class Spooled:
    """A message that waits. warned: its safety reply went out already."""

    path: Path
    message: InboundMessage
    warned: bool


class Spool:
    """A folder of waiting messages. A message that comes twice is one file."""

    def __init__(self, folder: Path, address_key: str) -> None:
        self._folder = folder
        self._cipher = MultiFernet([Fernet(key.strip().encode()) for key in address_key.split(",")])

    def _path(self, channel: str, provider_id: str) -> Path:
        name = hashlib.sha256(f"{channel}\0{provider_id}".encode()).hexdigest()
        return self._folder / f"{name}.message"

    def has(self, channel: str, provider_id: str) -> bool:
        """Whether this message waits already."""
        return self._path(channel, provider_id).exists()

    def put(self, message: InboundMessage, *, warned: bool) -> None:
        """Keep a message. It is on disk when this returns.

        Raises:
            SpoolUnavailable: the folder cannot be written.
        """
        path = self._path(message.channel, message.provider_id)
        if path.exists():
            return
        content = self._cipher.encrypt(json.dumps({"message": asdict(message), "warned": warned}).encode())
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise SpoolUnavailable(type(error).__name__) from error

    def waiting(self) -> Iterator[Spooled]:
        """The messages that wait, oldest first. A file that cannot be read is left where it is."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob("*.message"), key=lambda found: found.stat().st_mtime_ns):
            try:
                stored = json.loads(self._cipher.decrypt(path.read_bytes()))
            except (InvalidToken, ValueError, OSError):
                continue
            fields = stored["message"]
            fields["media"] = tuple(fields["media"])
            yield Spooled(path, InboundMessage(**fields), stored["warned"])

    def remove(self, spooled: Spooled) -> None:
        """Forget a message that has been taken in."""
        spooled.path.unlink(missing_ok=True)
