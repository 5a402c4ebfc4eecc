"""Who may call: one company, its API keys and its client id."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.sandbox.connectwise.errors import Refusal
from reconciler.sandbox.switches import Switches
from reconciler.sandbox.web import Call

COMPANY = "training"
BUILT_IN = {
    "CONNECTWISE_COMPANY": COMPANY,
    "CONNECTWISE_CLIENT_ID": "sandbox",
    "CONNECTWISE_PUBLIC_KEY": "sandbox",
    "CONNECTWISE_PRIVATE_KEY": "sandbox",
}
"""The credentials that every sandbox accepts, by the names of the environment variables that clients read."""


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The keys and client ids that are accepted."""

    keys: frozenset[bytes]
    client_ids: frozenset[str]

    @classmethod
    def accepted(cls, environment: Mapping[str, str]) -> "Credentials":
        """The built-in ones, and those of the environment when it has any."""
        keys, clients = set(), set()
        for source in (BUILT_IN, environment):
            public, private = source.get("CONNECTWISE_PUBLIC_KEY"), source.get("CONNECTWISE_PRIVATE_KEY")
            if public and private:
                keys.add(f"{COMPANY}+{public}:{private}".encode())
            if client := source.get("CONNECTWISE_CLIENT_ID"):
                clients.add(client)
        return cls(frozenset(keys), frozenset(clients))

    def check(self, call: Call, switches: Switches) -> None:
        """Raises Refusal: 401 without keys; 404 (cloud) or 401 (on premise) for wrong ones; 403 without clientId."""
        scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or not encoded:
            raise Refusal(401, "ConnectWiseApi", "UserNotAuthenticated")
        if not self._knows(encoded.strip()):
            if switches.hosting == "cloud":
                # That the cloud answers 404 is reported; the body is inferred.
                raise Refusal(404, "NotFound", "Company or keys not found")
            raise Refusal(401, "Unauthorized", "Incorrect public/private key")
        if call.headers.get("clientid", "") not in self.client_ids:
            raise Refusal(403, "Security", "You do not have security permission to perform this action.")

    def _knows(self, encoded: str) -> bool:
        try:
            sent = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        return any(hmac.compare_digest(sent, key) for key in self.keys)
