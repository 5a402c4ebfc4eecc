"""W1, W2, E1 to E10: warnings and errors, with the texts that people search for."""

from reconciler.domain.rule_catalogue.rule import Rule, Standing

KEPT, EXTENDED, DIFFERENT = Standing.KEPT, Standing.EXTENDED, Standing.DIFFERENT

MESSAGES: tuple[Rule, ...] = (
    Rule(
        "W1",
        "What a seat costs the partner changed inside the period.",
        KEPT,
        ("rules/price_changes.py",),
        message="Subscription cost unit price changed from [00.00] to [00.00] on [DD MMM YYYY]",
    ),
    Rule(
        "W2",
        "The retail price of a seat changed inside the period.",
        KEPT,
        ("rules/price_changes.py",),
        message="Subscription retail unit price changed from [00.00] to [00.00] on [DD MMM YYYY]",
    ),
    Rule(
        "E1",
        "Two or more catalogue items have one Vendor SKU, so the product to bill cannot be told.",
        KEPT,
        ("rules/products.py",),
        message="There are multiple products in the ConnectWise product catalog with the VendorSku of '[SKU]'",
    ),
    Rule(
        "E2",
        "The default subcategory for new products is not in the PSA.",
        KEPT,
        ("targets/connectwise/defaults.py",),
        message="Unable to find the default product sub-category of '[Sub-category name]' when adding a new product",
    ),
    Rule(
        "E3",
        "The default type for new products is not in the PSA.",
        KEPT,
        ("targets/connectwise/defaults.py",),
        message="Unable to find the default product type of '[product type]' when adding a new product",
    ),
    Rule(
        "E4",
        "The default unit of measure for new products is not in the PSA.",
        KEPT,
        ("targets/connectwise/defaults.py",),
        message="Unable to find the default product unit of measure of '[Unit of measure]' when adding a new product",
    ),
    Rule(
        "E5",
        "The records that stand have gaps, end inside the month or begin after it, so the change cannot be computed.",
        EXTENDED,
        ("rules/true_up.py",),
        note="It names the record and the day, and is not said of records that this tool wrote for later months (C5).",
        message="Unable to sync subscription to ConnectWise because of inconsistent existing additions. Check for gaps "
        "in dates or additions starting after this invoice usage period.",
    ),
    Rule(
        "E6",
        "The product could not be found or created in the PSA.",
        EXTENDED,
        ("rules/products.py", "targets/connectwise/target.py"),
        note="A product id that is taken is said by the plan; what else the PSA refuses is passed on by the apply.",
        message="Failed to get or create the product in ConnectWise: [Failure Reason]",
    ),
    Rule(
        "E7",
        "The PSA has invoiced the period already and its agreement does not prorate, so nothing can be added to it.",
        EXTENDED,
        ("rules/preflight.py", "targets/connectwise/errors.py"),
        note="It is said by the plan, before the PSA refuses a write.",
        message="ConnectWise returned an error response: Since this period has already been invoiced there will not be "
        "an invoice generated for additional products for this period. Please prorate the agreement or update the "
        "start date to on or after the Next Invoice Date.",
    ),
    Rule(
        "E8",
        "A record of the product is not on the invoice and has no subscription id, so a person has to end it.",
        KEPT,
        ("rules/matching.py",),
        message="There is an existing addition for product sku '[sku]' that needs to be cancelled as it is not in the "
        "PRISM invoice and ConnectWise has no subscription id (serial number) for accurate match",
    ),
    Rule(
        "E9",
        "Something went wrong that none of these rules foresees.",
        DIFFERENT,
        ("cli/crash.py",),
        note="A bug prints an error id and the file with its details instead of this text.",
        message="An unexpected error occurred",
        not_shown="a bug has no story",
    ),
    Rule(
        "E10",
        "The distributor's product is unknown, or several match.",
        EXTENDED,
        ("rules/products.py", "rules/matching.py"),
        note="It names the product and the money, and the line of the mapping that links it.",
        message="Could not find source product or multiple matches",
    ),
)
