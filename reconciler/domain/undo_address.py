"""The address of a write that takes another one back: `psa/undo-7/…` for the write of run 7 with the address `psa/…`.

Where it takes two writes, the second one ends with `/rest`. The journal keeps addresses, so they tell for ever what
took what back; no table has to.
"""

import re

_UNDO = re.compile(r"([^/]+)/undo-(\d+)/(.+)")
_REST = "/rest"


def undo_address(address: str, run: int, *, rest: bool) -> str:
    """The address under which a write of a run is taken back; `rest` for the second of two writes that it takes."""
    target, _, name = address.partition("/")
    return f"{target}/undo-{run}/{name}{_REST if rest else ''}"


def undone_write(address: str) -> tuple[int, str] | None:
    """The run and the address of the write that one with this address takes back, or None where it takes none back."""
    found = _UNDO.fullmatch(first_of_two(address))
    return (int(found[2]), f"{found[1]}/{found[3]}") if found else None


def is_second(address: str) -> bool:
    """Whether it is the second of two writes that take one back."""
    return address.endswith(_REST)


def first_of_two(address: str) -> str:
    """The address of the first of two writes, for that of the second; any other stays as it is."""
    return address.removesuffix(_REST)


def second_of_two(address: str) -> str:
    """The address of the second of two writes that take one back, for that of the first."""
    return address + _REST
