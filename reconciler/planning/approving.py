"""A plan's approval: an HMAC-SHA256 by a key that only those hold who may approve, and an age beyond which it lapses.

What is signed is the digest (and with it everything that would be written), when and by which version the plan was
made, the key's own name, and the PSA that it is for: a plan that was signed for one PSA is none for another, and one
that was applied cannot be made to look new.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from reconciler.domain.canonical import canonical
from reconciler.domain.mapping import TargetSettings
from reconciler.domain.plan import Plan, Signature
from reconciler.domain.secret import Secret

SHORTEST_KEY = 32
# How far the clock of the machine that made a plan may run ahead of the one that applies it.
_CLOCKS_DIFFER = timedelta(minutes=10)
_PURPOSE = "reconciler plan approval 1"
_PLAN_AGAIN = "make a new plan, have it reviewed, and sign it: reconciler sign PLAN"


class NotApproved(Exception):
    """The plan may not be applied, or cannot be signed. `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key by its name under `approval: signing_keys:`."""

    name: str
    secret: Secret


def signing_keys(target: TargetSettings, environ: Mapping[str, str], wanted: Sequence[str]) -> tuple[SigningKey, ...]:
    """The wanted keys of a target that are set in the environment, in the order wanted.

    Raises NotApproved for a key that is shorter than 32 bytes or is a credential of the PSA.
    """
    credentials = {environ[variable] for variable in target.credentials.values() if environ.get(variable)}
    keys = []
    for name in wanted:
        variable = target.approval.signing_keys[name]
        value = environ.get(variable, "")
        if not value:
            continue
        if value in credentials:
            raise NotApproved(
                f"the signing key '{name}' ({variable}) is a credential of the PSA", "make one of its own"
            )
        if len(value.encode()) < SHORTEST_KEY:
            raise NotApproved(
                f"the signing key '{name}' ({variable}) is shorter than {SHORTEST_KEY} bytes",
                "make one with: openssl rand -base64 48",
            )
        keys.append(SigningKey(name, Secret(value)))
    return tuple(keys)


def signed(plan: Plan, target: TargetSettings, key: SigningKey) -> Plan:
    """The plan with an approval for this target."""
    return replace(plan, signature=Signature(key.name, _mac(plan, target, key)))


def check_approval(plan: Plan, target: TargetSettings, environ: Mapping[str, str], now: datetime) -> None:
    """Raises NotApproved where the target demands an approval that the plan does not have.

    A signature that a plan carries is checked wherever its key is at hand, demanded or not; `now` is aware.
    """
    approval, signature = target.approval, plan.signature
    if signature is None:
        if approval.signed:
            raise NotApproved(
                f"target '{target.name}' takes signed plans alone, and this one is not signed", _PLAN_AGAIN
            )
    elif approval.signed or signature.key in approval.signing_keys:
        _check_signature(plan, signature, target, environ)
    if approval.expires_hours is not None:
        _check_age(plan, approval.expires_hours, now)


def _check_signature(plan: Plan, signature: Signature, target: TargetSettings, environ: Mapping[str, str]) -> None:
    if signature.key not in target.approval.signing_keys:
        known = ", ".join(target.approval.signing_keys)
        raise NotApproved(
            f"the plan is signed with a key that target '{target.name}' does not accept", f"it has: {known}"
        )
    keys = signing_keys(target, environ, [signature.key])
    if not keys:
        variable = target.approval.signing_keys[signature.key]
        if not target.approval.signed:
            return
        raise NotApproved(f"the plan's signature cannot be checked: {variable} is not set", f"set {variable}")
    if not hmac.compare_digest(_mac(plan, target, keys[0]).encode(), signature.hmac_sha256.encode()):
        raise NotApproved(
            f"the plan's signature is not right: it was changed after it was signed, or signed with another key or for "
            f"another target than '{target.name}'",
            _PLAN_AGAIN,
        )


def _check_age(plan: Plan, hours: int, now: datetime) -> None:
    made = _made(plan)
    if made is None or made > now + _CLOCKS_DIFFER:
        raise NotApproved("the plan does not say when it was made, or says a time to come", _PLAN_AGAIN)
    if now > made + timedelta(hours=hours):
        raise NotApproved(
            f"the plan has expired: it was made {plan.created}, and plans are applied within {hours} hours",
            f"{_PLAN_AGAIN}; an apply that was interrupted is finished by: reconciler resume",
        )


def _made(plan: Plan) -> datetime | None:
    try:
        made = datetime.fromisoformat(plan.created)
    except ValueError:
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _mac(plan: Plan, target: TargetSettings, key: SigningKey) -> str:
    said = {
        "purpose": _PURPOSE,
        "digest": plan.digest,
        "created": plan.created,
        "reconciler": plan.version,
        "key": key.name,
        "target": {"name": target.name, "type": target.type, "url": target.url, "company": target.company},
    }
    return hmac.new(key.secret.reveal().encode(), canonical(said).encode(), "sha256").hexdigest()
