"""C1 to C18, C27, H1, T13: how the rules are read where they contradict each other or leave a choice."""

from reconciler.domain.rule_catalogue.rule import Rule, Standing

KEPT, EXTENDED, DIFFERENT, LATER = Standing.KEPT, Standing.EXTENDED, Standing.DIFFERENT, Standing.LATER

OPEN_QUESTIONS: tuple[Rule, ...] = (
    Rule(
        "C1",
        "A new open record is written only when the quantity or the price is no longer the standing one's.",
        EXTENDED,
        ("rules/representation.py",),
        note="`carry: always` writes it every month.",
    ),
    Rule(
        "C2",
        "The record that goes on has no end date; the next change ends it.",
        KEPT,
        ("rules/representation.py",),
    ),
    Rule("C3", "A record's last day is still billed.", KEPT, ("domain/days.py", "rules/billing.py")),
    Rule("C4", "The day of a change counts at the new quantity.", KEPT, ("domain/days.py", "rules/billing.py")),
    Rule(
        "C5",
        "Planning a month again recognises the records written before, and writes nothing twice.",
        DIFFERENT,
        ("rules/true_up.py",),
        note="The other tools want the later records deleted by hand first.",
    ),
    Rule(
        "C6",
        "Nothing was charged for the period, so the day before it is the last one billed.",
        EXTENDED,
        ("rules/true_up.py", "rules/representation.py"),
        note="A record that would end before it began is deleted; days that are invoiced are countered "
        "instead, with a warning.",
    ),
    Rule(
        "C7",
        "A subscription cancelled in mid-month is billed to the month's end, less the days after its cancellation.",
        KEPT,
        ("rules/true_up.py",),
    ),
    Rule(
        "C8",
        "Where the PSA's quantity is not the invoice's, the difference is made up from the first of the month on.",
        EXTENDED,
        ("rules/true_up.py",),
        note="It is a record of its own with its own reason, and is not mixed with the month's changes.",
    ),
    Rule(
        "C9",
        "A month that ends with the quantity it began with leaves the standing record as it is.",
        EXTENDED,
        ("rules/representation.py",),
        note="`representation: literal` closes and opens it again, as the other tools do.",
    ),
    Rule(
        "C10",
        "Several changes on one day count as one, to the quantity at the end of that day.",
        KEPT,
        ("rules/true_up.py", "rules/representation.py"),
    ),
    Rule(
        "C11",
        "A record keeps the price it was written with; the price policy says when a new one begins.",
        EXTENDED,
        ("rules/true_up.py", "rules/price_changes.py"),
        note="Four policies: `warn`, `next-period`, `prorate`, `until-renewal`.",
    ),
    Rule(
        "C12",
        "A changed price is told in the plan, where it can be reviewed before anything is invoiced.",
        KEPT,
        ("rules/price_changes.py",),
    ),
    Rule(
        "C13",
        "Sources disagree on whether annual charges are billed: they are.",
        KEPT,
        ("rules/annual.py",),
    ),
    Rule(
        "C14",
        "Sources disagree on whether prices are fixed at retail: retail is the default, and price rules override it.",
        KEPT,
        ("rules/prices.py",),
    ),
    Rule(
        "C15",
        "Products of a ConnectWise program become catalogue items of ConnectWise, whatever one page says of Syncro.",
        KEPT,
        ("rules/products.py",),
    ),
    Rule(
        "C16",
        "One page on setting up ConnectWise speaks of Autotask, and counts for Autotask.",
        LATER,
        note="Autotask is not there yet.",
        not_shown="it is about a page of documentation, not about billing",
    ),
    Rule(
        "C17",
        "The agreement's prorate setting has to fit the way in which records are written, and is checked first.",
        EXTENDED,
        ("rules/preflight.py",),
        note="Both ways are there: seats by day need an agreement that prorates (P37), charge cycles with final "
        "amounts one that does not (C27).",
    ),
    Rule(
        "C18",
        "Where the PSA has invoiced the month already, only the difference is written beside the standing record.",
        DIFFERENT,
        ("rules/periods.py", "rules/representation.py"),
        note="Closing an invoiced record and opening the next in full would bill a month twice.",
    ),
    Rule(
        "C26",
        "How long seats may be given back is the source's to say, not a constant.",
        EXTENDED,
        ("rules/returns.py", "planning/seats.py"),
        note="A line may state `returnable_until`; a plan then says whether seats given up lie inside that window.",
    ),
    Rule(
        "C27",
        "A charge follows calendar months or its own dates, never both within one subscription.",
        EXTENDED,
        ("rules/facsimile.py", "rules/line_copies.py", "rules/recognising.py", "planning/cycles.py"),
        note="`align: charge-cycle` writes a record for each invoice line, with its final amount at the own price, and "
        "knows it again by the invoice, line and days in its text; a record ends with the month of the invoice, so "
        "that it bills once.",
    ),
    Rule(
        "H1",
        "A charge for a part of a cycle or term bills the same part of the partner's own price.",
        KEPT,
        ("rules/line_copies.py", "planning/charged_once.py"),
        note="The part is the amount charged over the cost of a full cycle; a whole cycle bills the own price itself.",
    ),
    Rule(
        "T13",
        "When a subscription becomes another product in mid-month, the old one is taken off and the new one put on "
        "from that day.",
        DIFFERENT,
        ("rules/true_up.py",),
        note="The new record stays open, like any other, and does not end with the subscription's term.",
    ),
)
