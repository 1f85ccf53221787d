"""What the platform's requests are wrapped in: signatures, and the safe mode's encryption."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import struct
from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32


class EnvelopeError(ValueError):
    """This was not written by the platform for this account."""


def signature(*parts: str) -> str:
    """The platform's signature: SHA-1 of the sorted parts."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def signed(given: str, *parts: str) -> bool:
    return compare_digest(given.encode(), signature(*parts).encode())


class Safe:
    """The safe mode of one account; ``key`` is its EncodingAESKey of 43 characters."""

    def __init__(self, key: str, app_id: str) -> None:
        self._key = base64.b64decode(f"{key}=")
        self._app_id = app_id.encode()

    def seal(self, message: bytes) -> str:
        """A message to the platform, encrypted, in base64."""
        body = secrets.token_bytes(16) + struct.pack("!I", len(message)) + message + self._app_id
        fill = _BLOCK - len(body) % _BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(
            encryptor.update(body + bytes([fill]) * fill) + encryptor.finalize()
        ).decode()

    def open(self, sealed: str) -> bytes:
        """A message from the platform. Raises EnvelopeError when it is no such thing."""
        try:
            data = base64.b64decode(sealed, validate=True)
            decryptor = self._cipher().decryptor()
            body = decryptor.update(data) + decryptor.finalize()
        except (binascii.Error, ValueError):
            raise EnvelopeError("not encrypted with this key") from None
        body = _unfilled(body)
        (length,) = struct.unpack("!I", body[16:20])
        message, app_id = body[20 : 20 + length], body[20 + length :]
        if len(message) != length or not compare_digest(app_id, self._app_id):
            raise EnvelopeError("for another account")
        return message

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))


def _unfilled(body: bytes) -> bytes:
    """Without the PKCS#7 filling, which the platform makes of blocks of 32 bytes."""
    fill = body[-1] if body else 0
    if not 1 <= fill <= _BLOCK or body[-fill:] != bytes([fill]) * fill or len(body) - fill < 20:
        raise EnvelopeError("not encrypted with this key")
    return body[:-fill]
