"""Secrets kept out of everything that is said: a PSA's error may repeat what it was sent."""

import base64
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

_SHORTEST = 4


class Redactor:
    """Replaces secrets in text by `***`, in each form in which they may come back: as they are, percent-encoded, and
    in base64. Texts shorter than four characters are not searched for, they would mutilate every message.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def __repr__(self) -> str:
        return "Redactor()"


def _forms(secret: str) -> Iterable[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    # Within the base64 of a longer text the last characters differ with what follows.
    return (secret, quote(secret, safe=""), quote_plus(secret), encoded, encoded.rstrip("="))
