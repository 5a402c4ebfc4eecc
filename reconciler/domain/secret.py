"""A secret that cannot be shown by accident."""

from typing import NoReturn, SupportsIndex


class Secret:
    """Holds a secret. Printing, formatting, pickling, copying to JSON or putting it in a message shows no part of it;
    only `reveal` gives the value, at the one place that sends it.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value itself, for the wire alone."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret('********')"

    def __str__(self) -> str:
        return "********"

    def __format__(self, spec: str) -> str:
        return format("********", spec)

    def __eq__(self, other: object) -> bool:
        # By identity: a comparison by value would tell, by its time and its answer, what the value is.
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is never copied or written anywhere")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret is never copied or written anywhere")
