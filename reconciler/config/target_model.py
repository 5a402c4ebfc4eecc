"""What mappings.yaml may say of a target: the PSA, how much it may be asked, what a saved plan must show."""

from decimal import Decimal
from typing import Annotated

from pydantic import (
    Field,
    WithJsonSchema,
)

from reconciler.config.fields import (
    Boolean,
    Counted,
    Positive,
    SecretName,
    Text,
    Url,
)
from reconciler.config.part import Part, one_of
from reconciler.domain.mapping import (
    Rounding,
)

TARGET_TYPES = ("connectwise",)
LATER_TARGET_TYPES = ("autotask", "syncro")


TargetType = Annotated[str, one_of(TARGET_TYPES, LATER_TARGET_TYPES), WithJsonSchema({"enum": list(TARGET_TYPES)})]


class Limits(Part):
    """How much a PSA may be asked, and how long an unanswered write may take to appear."""

    requests_per_minute: Counted = Field(default=600, description="Requests a minute, at most.", examples=[600])
    concurrency: Counted = Field(default=8, description="Requests at once, at most.", examples=[8])
    settle_seconds: Positive = Field(
        default=Decimal(120),
        description="Seconds in which a write that was not answered may still appear in the PSA.",
        examples=[120],
    )


class ApprovalPart(Part):
    """What a saved plan must show before it is applied to this PSA."""

    signed: Boolean = Field(
        default=False,
        description="true: only a plan that was signed with one of `signing_keys` is applied (`reconciler sign`).",
    )
    expires_hours: Counted | None = Field(
        default=None, description="Hours after which a plan is no longer applied; left out, it does not expire."
    )
    signing_keys: dict[str, SecretName] = Field(
        default_factory=dict,
        description="By a name of yours, each accepted signing key as a reference to an environment variable that "
        "holds at least 32 bytes. The first one signs; the others are still accepted, for a change of keys.",
        examples=[{"ci-2026": "${RECONCILER_PLAN_KEY}"}],
    )


class Target(Part):
    """A PSA to write to. Credentials are references to environment variables, never values."""

    type: TargetType = Field(description="The PSA's kind.")
    url: Url = Field(
        description="The PSA's address: https, but for a PSA on this machine (the sandbox).",
        examples=["https://api-na.myconnectwise.net", "http://127.0.0.1:8765"],
    )
    company: Text = Field(description="The company id with which one signs in to the PSA.", examples=["training"])
    client_id: SecretName = Field(
        description="The client id registered with the PSA's vendor, as a reference to an environment variable.",
        examples=["${CONNECTWISE_CLIENT_ID}"],
    )
    public_key: SecretName = Field(
        description="The API member's public key, as a reference to an environment variable.",
        examples=["${CONNECTWISE_PUBLIC_KEY}"],
    )
    private_key: SecretName = Field(
        description="The API member's private key, as a reference to an environment variable.",
        examples=["${CONNECTWISE_PRIVATE_KEY}"],
    )
    limits: Limits = Field(default_factory=Limits, description="How much the PSA may be asked.")
    rounding: Rounding = Field(
        default=Rounding.LINE,
        description="Where the PSA rounds a part of a month: `line` (default) the whole line, `unit` the price of one.",
    )
    approval: ApprovalPart = Field(
        default_factory=ApprovalPart, description="What a saved plan must show before it is applied."
    )
