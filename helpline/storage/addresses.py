"""Addresses at rest: encrypted with a random IV, found by a keyed hash."""

import hashlib
import hmac

from cryptography.fernet import Fernet, MultiFernet


class AddressBook:
    """Encrypts and finds addresses.

    address_key holds one or more Fernet keys separated by commas, newest first, so that a key can be rotated;
    hash_key is never rotated, because the hash is how a person is recognised.
    """

    def __init__(self, address_key: str, hash_key: str) -> None:
        self._cipher = MultiFernet([Fernet(key.strip().encode()) for key in address_key.split(",")])
        self._hash_key = hash_key.encode()

    def encrypt(self, address: str) -> str:
        """The address as it is stored."""
        return self._cipher.encrypt(address.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """The address in the clear. Raises cryptography.fernet.InvalidToken for a wrong key."""
        return self._cipher.decrypt(stored.encode()).decode()

    def find_by(self, channel: str, address: str) -> str:
        """The keyed hash by which a person is found, 64 hexadecimal digits."""
        return hmac.new(self._hash_key, f"{channel}\0{address}".encode(), hashlib.sha256).hexdigest()
