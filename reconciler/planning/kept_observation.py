"""What the PSA held, as lines of text and back: one line for each agreement, record and product, in the order seen.

The first line says which fields the lines have, so that a later version reads what an earlier one kept. Equal records
give equal lines, so that of an unchanged PSA nothing is kept twice.
"""

import dataclasses
import json
import typing
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reconciler.domain.bulk import without_collections
from reconciler.domain.records import Addition, Agreement, AgreementRef, Observation, Product
from reconciler.domain.value_text import fields_of, reader, writer

# What is there by the thousand has lines of its own; everything else of an observation is one line a member.
_BY_LINE = ("agreements", "additions", "products")


class UnreadableObservation(Exception):
    """The kept lines are none, or of a version that this one does not know."""


def observation_lines(seen: Observation) -> list[str]:
    """The lines of an observation."""
    with without_collections():
        return [_line(row) for row in _rows(seen)]


def read_observation(lines: Sequence[str]) -> Observation:
    """The observation of some lines. Raises UnreadableObservation."""
    try:
        with without_collections():
            return _read(lines)
    except (ValueError, TypeError, KeyError, ArithmeticError, StopIteration) as error:
        raise UnreadableObservation(
            f"what the PSA held then cannot be read by this version ({type(error).__name__}: {error})"
        ) from None


def _rows(seen: Observation) -> Iterator[list[Any]]:
    yield ["fields", fields_of(Observation)]
    for member, kind in _members():
        if member not in _BY_LINE:
            yield [member, writer(kind)(getattr(seen, member))]
    name, write = writer(AgreementRef), writer(Agreement)
    for ref, agreement in seen.agreements.items():
        yield ["agreement", name(ref), write(agreement)]
    write = writer(Addition)
    for number, additions in seen.additions.items():
        yield ["of", number]
        for addition in additions:
            yield ["+", *write(addition)]
    write = writer(Product)
    for product in seen.products:
        yield ["product", *write(product)]


def _read(lines: Sequence[str]) -> Observation:
    rows = (json.loads(line) for line in lines)
    fields = next(rows)[1]
    kinds = dict(_members())
    members: dict[str, Any] = {}
    addition, product = reader(Addition, fields), reader(Product, fields)
    ref, agreement = reader(AgreementRef, fields), reader(Agreement, fields)
    agreements: dict[AgreementRef, Agreement] = {}
    additions: dict[str, list[Addition]] = {}
    products: list[Product] = []
    standing: list[Addition] = []
    for name, *values in rows:
        if name == "+":
            standing.append(addition(values))
        elif name == "of":
            standing = additions.setdefault(values[0], [])
        elif name == "agreement":
            agreements[ref(values[0])] = agreement(values[1])
        elif name == "product":
            products.append(product(values))
        elif name in kinds:
            members[name] = reader(kinds[name], fields)(values[0])
    return Observation(
        **members,
        agreements=agreements,
        additions={number: tuple(held) for number, held in additions.items()},
        products=tuple(products),
    )


def _members() -> Iterable[tuple[str, Any]]:
    hints = typing.get_type_hints(Observation)
    return [(field.name, hints[field.name]) for field in dataclasses.fields(Observation)]


def _line(row: list[Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
