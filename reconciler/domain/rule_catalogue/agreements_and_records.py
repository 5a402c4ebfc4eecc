"""P35 to P62: agreements, how quantities become records, usage and annual charges, prices, what is kept of the runs."""

from reconciler.domain.rule_catalogue.rule import Rule, Standing

KEPT, EXTENDED, DIFFERENT = Standing.KEPT, Standing.EXTENDED, Standing.DIFFERENT

AGREEMENTS_AND_RECORDS: tuple[Rule, ...] = (
    Rule(
        "P35",
        "A customer bills on a company's agreement that exists already and is active.",
        EXTENDED,
        ("rules/preflight.py", "targets/connectwise/lookup.py"),
        note="One that does not exist is answered with those that do.",
    ),
    Rule(
        "P36",
        "The agreement has to be in force before the first usage that is billed on it.",
        KEPT,
        ("rules/preflight.py",),
    ),
    Rule(
        "P37",
        "The agreement has to prorate, so that a start in mid-month is billed for its days alone.",
        KEPT,
        ("rules/preflight.py",),
    ),
    Rule(
        "P38",
        "The agreement has to invoice by calendar periods, not by contract year.",
        KEPT,
        ("rules/preflight.py",),
    ),
    Rule(
        "P39",
        "Records that stand on an agreement already are taken over and brought to what the invoice charged.",
        KEPT,
        ("rules/matching.py", "planning/seats.py"),
        note="One without a serial number only where there is no doubt whose it is.",
    ),
    Rule(
        "P40",
        "An agreement that has ended cannot be chosen.",
        DIFFERENT,
        ("rules/preflight.py",),
        note="There is no list to vanish from: the plan keeps the customer out and says why.",
    ),
    Rule(
        "P41",
        "Records may be edited by hand, and the next month is computed from what is found.",
        KEPT,
        ("rules/true_up.py",),
    ),
    Rule(
        "P42",
        "Every record carries the subscription id as its serial number, by which it is found again.",
        KEPT,
        ("rules/matching.py",),
    ),
    Rule(
        "P43",
        "A subscription that begins in mid-month is one record from its first day; the PSA bills its days.",
        KEPT,
        ("rules/representation.py",),
    ),
    Rule(
        "P44",
        "The PSA prorates a start in mid-month but no end, so a record ends only with a month.",
        KEPT,
        ("rules/representation.py", "rules/true_up.py"),
    ),
    Rule(
        "P45",
        "When a quantity changes, the standing record runs to the end of that month and ends there.",
        KEPT,
        ("rules/representation.py",),
    ),
    Rule(
        "P46",
        "Each change in mid-month is a record of its own, from the day of the change to the month's end: "
        "seats added count up, seats given back count down.",
        EXTENDED,
        ("rules/representation.py", "rules/true_up.py"),
        note="`decrease: none` and `decrease: at-renewal` keep seats given back from being credited.",
    ),
    Rule(
        "P47",
        "What remains at the end of the month goes on from the first of the next month as one open record.",
        EXTENDED,
        ("rules/representation.py",),
        note="With the quantity that is booked for the renewal, where there is one (Ex 11).",
    ),
    Rule(
        "P48",
        "Billed in advance, the open record stands for the month to come, and the next invoice corrects it.",
        EXTENDED,
        ("rules/periods.py", "rules/representation.py"),
        note="Months that the PSA has invoiced get differences alone (C18); `billing:` says which those are.",
    ),
    Rule(
        "P49",
        "A record that the invoice no longer names is ended if its subscription id is known; else a person decides.",
        KEPT,
        ("rules/true_up.py", "rules/matching.py"),
    ),
    Rule(
        "P50",
        "Changes are counted in the order of their days; gaps and records of later months make them incomputable.",
        EXTENDED,
        ("rules/true_up.py",),
        note="Its own records of later months are recognised (C5), and a gap before the month is harmless.",
    ),
    Rule(
        "P51",
        "A price that changes inside a month is reported and does not alter standing records by itself.",
        EXTENDED,
        ("rules/price_changes.py",),
        note="That is the default; `price_change:` can pass it on (C11), and the verdict names the money left behind.",
    ),
    Rule(
        "P52",
        "Usage is one record a month, quantity one, over the whole month, at the invoice's own amount.",
        EXTENDED,
        ("rules/azure.py", "planning/charged_once.py"),
        note="A total that is issued again corrects the record, or stands beside it once the month is invoiced; "
        "`azure_detail` tells the usage by subscription, resource group or meter in the invoice text.",
    ),
    Rule(
        "P53",
        "A charge for a whole year is billed once, when the distributor charges it.",
        DIFFERENT,
        ("rules/annual.py", "planning/charged_once.py"),
        note="Nothing asks the distributor every day: the charge is billed by the plan of its month. It is known by "
        "subscription, days, quantity and price, so that an invoice issued again under another number bills once.",
    ),
    Rule(
        "P54",
        "Yearly charges need an agreement of their own that bills once.",
        KEPT,
        ("rules/preflight.py",),
    ),
    Rule(
        "P55",
        "A seat costs what the partner pays and is billed at the retail price.",
        KEPT,
        ("rules/prices.py",),
    ),
    Rule(
        "P56",
        "A customer may have a pricing strategy of its own, such as to take over the cost and leave the price alone.",
        EXTENDED,
        ("rules/prices.py", "planning/ownership.py"),
        note="`fields:` of a program or a customer say whether price, cost and text of what stands are the PSA's; a "
        "price rule `psa` does so for single products.",
    ),
    Rule(
        "P57",
        "A price rule says at what price a product, a customer or a program is billed from one day to another.",
        KEPT,
        ("rules/prices.py",),
        note="The first rule that fits wins. There is no pane to try a rule in: the plan shows what it does.",
    ),
    Rule(
        "P58",
        "A price rule works on the retail price of the invoice, so that the distributor's own price rules add to it.",
        KEPT,
        ("rules/prices.py", "planning/rates.py"),
    ),
    Rule(
        "P59",
        "When it last went well, and what the last run counted, can be seen at a glance.",
        DIFFERENT,
        ("cli/status.py",),
        note="A command, `status`, in the place of a dashboard.",
    ),
    Rule(
        "P60",
        "Every run is kept, and ended as No Change, Success, Warning or Error.",
        KEPT,
        ("store/history.py", "cli/history.py"),
    ),
    Rule(
        "P61",
        "A customer can be billed in part: an error concerns a subscription, and the others go on.",
        DIFFERENT,
        ("domain/finding.py", "planning/one_customer.py"),
        note="An error leaves the whole customer out until it is mended, so that no invoice is half right; other "
        "customers go on.",
    ),
    Rule(
        "P62",
        "One begins with a few customers, looks before writing, and reviews the first two periods.",
        EXTENDED,
        ("planning/assembling.py",),
        note="`sync: preview` plans a customer without writing, `--only-new-customers` takes so many at a time.",
    ),
)
