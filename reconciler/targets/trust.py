"""Whom the product believes that a server is the one it says: the known authorities, and one of the machine's owner."""

import ssl
from collections.abc import Mapping

import httpx

from reconciler.targets.base import TargetError

AUTHORITY_FILE = "RECONCILER_CA_FILE"


def trusted(environment: Mapping[str, str]) -> ssl.SSLContext:
    """TLS 1.2 or newer with servers whose certificate an authority vouches for: a known one, or one of the PEM file
    that the environment names in RECONCILER_CA_FILE. Nothing takes an authority's word away or leaves it out.

    Raises TargetError where that file cannot be read or holds no certificate.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    file = environment.get(AUTHORITY_FILE)
    if file:
        try:
            context.load_verify_locations(cafile=file)
        except (OSError, ssl.SSLError) as error:
            raise TargetError(
                f"{AUTHORITY_FILE} names {file}, in which no authority can be read: {error.strerror or error}",
                "name a file of PEM certificates, or leave the variable out",
            ) from None
    return context
