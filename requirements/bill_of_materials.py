"""Writes the list of components of a release, as CycloneDX 1.5 JSON: every package of the lock file, with its hashes.

    .venv/bin/python requirements/bill_of_materials.py [requirements/run.txt] > reconciler.cdx.json

The same lock file gives the same bytes: no time and no random serial number is in it. Licences are not in a lock file.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PACKAGE = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill_of_materials(lock: str) -> dict[str, Any]:
    """The document for the text of a lock file; a component's hashes are of all its files that may be installed."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "reconciler", "bom-ref": "reconciler"}},
        "components": sorted(_components(lock), key=lambda component: component["bom-ref"]),
    }


def _components(lock: str) -> Iterator[dict[str, Any]]:
    for found in _PACKAGE.finditer(lock):
        purl = f"pkg:pypi/{found['name'].lower().replace('_', '-')}@{found['version']}"
        # CycloneDX gives a component one hash of an algorithm: each file of its release is a distribution of its own.
        files = [
            {"type": "distribution", "url": purl, "hashes": [{"alg": "SHA-256", "content": digest}]}
            for digest in sorted(_HASH.findall(found["rest"]))
        ]
        yield {
            "type": "library",
            "name": found["name"],
            "version": found["version"],
            "purl": purl,
            "bom-ref": purl,
            "externalReferences": files,
        }


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "run.txt"
    json.dump(bill_of_materials(file.read_text(encoding="utf-8")), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
