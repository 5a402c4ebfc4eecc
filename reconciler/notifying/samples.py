"""One value of each kind that a template may see: own templates are tried on them by `validate`."""

from collections.abc import Mapping

from reconciler.domain.alert import Kind
from reconciler.notifying.facts import Facts

_ABOUT: Facts = {"month": "2026-09", "target": "psa", "program": "microsoft-csp"}
_FINDING: Facts = {
    "code": "P40",
    "message": "the agreement has ended",
    "customer": "Contoso",
    "subscription": "5f1b0000-0000-4000-8000-000000000001",
    "amount": "160.00 AUD",
    "hint": "open it again, or map another one",
    "where": "mappings.yaml:31:5",
}
_SUBSCRIPTION: Facts = {
    "customer": "Contoso",
    "plan": "Microsoft 365 Business Basic",
    "subscription": "5f1b0000-0000-4000-8000-000000000001",
    "status": "Unmapped",
}

SAMPLES: Mapping[Kind, Facts] = {
    Kind.ATTENTION: _ABOUT
    | {
        "errors": [_FINDING],
        "warnings": [_FINDING],
        "price_changes": [_FINDING],
        "not_passed_on": [
            {
                "customer": "Contoso",
                "month": "2026-09",
                "policy": "warn",
                "increases": "5.33 AUD",
                "decreases": "",
            }
        ],
        "unmapped": [_SUBSCRIPTION],
        "failed": [_SUBSCRIPTION],
    },
    Kind.APPLY: _ABOUT
    | {
        "digest": "sha256:0",
        "command": "apply",
        "errors": [{"code": "stale", "message": "it moved", "customer": "Contoso", "amount": ""}],
        "failed": [_SUBSCRIPTION],
    },
    Kind.RECONCILIATION: _ABOUT
    | {
        "subscriptions": [
            _SUBSCRIPTION
            | {
                "agreement": "Contoso CSP",
                "charged": "200.00 AUD",
                "billed": "180.00 AUD",
                "difference": "-20.00 AUD",
                "reason": "two seats are not billed",
            }
        ],
        "agreements": [
            {
                "customer": "Contoso",
                "agreement": "Contoso CSP",
                "status": "differs",
                "reason": "two seats are not billed",
                "review": "",
            }
        ],
    },
    Kind.PLAN_READY: _ABOUT
    | {
        "digest": "sha256:0",
        "changes": {"create": 1, "update": 0, "cancel": 1, "adopt": 0, "delete": 0},
        "total": 2,
        "customers": ["Contoso"],
        "bills": [{"month": "2026-09", "before": "200.00 AUD", "after": "223.33 AUD"}],
        "refused_by": ["max_changes of program microsoft-csp: 2 changes, the limit is 1"],
        "errors": 1,
        "warnings": 0,
    },
    Kind.TEST: _ABOUT | {"on": ["error", "warning"]},
}
