"""Ex 1 to 7 and 10 to 12, and 1G: the rules with numbers, and what must hold of them all."""

from reconciler.domain.rule_catalogue.rule import Rule, Standing

KEPT, EXTENDED, DIFFERENT = Standing.KEPT, Standing.EXTENDED, Standing.DIFFERENT

_DAYS = ("rules/true_up.py", "rules/representation.py")

WORKED_EXAMPLES: tuple[Rule, ...] = (
    Rule(
        "1G",
        "What is written bills the seat-days that were charged, month by month, from whatever stood before.",
        EXTENDED,
        _DAYS,
        note="Checked for random histories as well, in tests/rules.",
    ),
    Rule("Ex 1", "Ten seats, three more on the 12th, two fewer on the 20th: 223.33 in September.", KEPT, _DAYS),
    Rule("Ex 2", "Five seats of a new subscription on the 18th: one open record, 43.33 in September.", KEPT, _DAYS),
    Rule(
        "Ex 3",
        "Ten seats, 13 on the 5th, ten again on the 25th: 240.00, and ten go on.",
        EXTENDED,
        _DAYS,
        note="The standing record stays open, unless `representation: literal` asks otherwise.",
    ),
    Rule("Ex 4", "All ten seats cancelled on the 20th: 126.67 with a credit, 200.00 without one.", KEPT, _DAYS),
    Rule(
        "Ex 5",
        "Somebody set the PSA to eight while ten were charged: the missing two are made up.",
        KEPT,
        _DAYS,
    ),
    Rule("Ex 6", "October on top of September's changes, with a change on its last day.", KEPT, _DAYS),
    Rule(
        "Ex 7",
        "September's changes after September and October were invoiced in advance: no seat is billed twice.",
        DIFFERENT,
        _DAYS,
        note="Differences alone are written where the literal steps would bill October twice.",
    ),
    Rule(
        "Ex 10",
        "Cost and price rise in mid-month for ten seats that stay.",
        EXTENDED,
        ("rules/price_changes.py", "rules/true_up.py"),
        note="Warned of by default; each policy of C11 bills it its own way.",
    ),
    Rule(
        "Ex 11",
        "Seats given up outside the return window are billed to the term's end and leave at the renewal.",
        EXTENDED,
        ("rules/charged.py", "rules/true_up.py"),
        note="A reduction that is booked for the renewal goes into the record that goes on, a month sooner.",
    ),
    Rule("Ex 12", "A month's Azure usage that costs 412.37 at a price of 474.23.", KEPT, ("rules/azure.py",)),
)
