"""The canonical order of keys: the one in which the models, and so the editor's schema, name them.

Names of the user's own (sources, targets, programs) and the entries of lists stay in the order in which they were
written: among price rules it decides which one wins.
"""

from enum import Enum
from typing import Annotated, Any, get_args, get_origin

from reconciler.config.part import Part


def keys_in_order(kind: Any) -> tuple[str, ...]:
    """The keys of a mapping of this kind in their order; empty where the user's own order stays."""
    bare = without_annotation(kind)
    if isinstance(bare, type) and issubclass(bare, Part):
        return bare.key_names()
    names = get_args(bare)[0] if get_origin(bare) is dict else None
    return tuple(str(word.value) for word in names) if isinstance(names, type) and issubclass(names, Enum) else ()


def kind_of_member(kind: Any, key: str) -> Any:
    """The kind of a key's value in a mapping of this kind; None where it is not known."""
    bare = without_annotation(kind)
    if isinstance(bare, type) and issubclass(bare, Part):
        return bare.field_type(key)
    return get_args(bare)[1] if get_origin(bare) is dict else None


def kind_of_items(kind: Any) -> Any:
    """The kind of a list's items; None where it is not known."""
    bare = without_annotation(kind)
    return get_args(bare)[0] if get_origin(bare) in (list, tuple) else None


def without_annotation(kind: Any) -> Any:
    """The type inside Annotated and beside None."""
    if get_origin(kind) is Annotated:
        return without_annotation(get_args(kind)[0])
    beside_none = [part for part in get_args(kind) if part is not type(None)]
    is_optional = type(None) in get_args(kind) and len(beside_none) == 1
    return without_annotation(beside_none[0]) if is_optional else kind
