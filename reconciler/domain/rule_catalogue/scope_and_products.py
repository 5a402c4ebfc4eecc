"""P1 to P34: what is synced and when, connections, a program's choices, the product catalogue."""

from reconciler.domain.rule_catalogue.rule import Rule, Standing

KEPT, EXTENDED, DIFFERENT, LATER = Standing.KEPT, Standing.EXTENDED, Standing.DIFFERENT, Standing.LATER

SCOPE_AND_PRODUCTS: tuple[Rule, ...] = (
    Rule(
        "P1",
        "The invoice that the distributor has issued decides what is billed, not what a subscription looks like today.",
        KEPT,
        ("rules/charged.py", "rules/true_up.py"),
    ),
    Rule(
        "P2",
        "The newest invoice is billed for the month of usage that it covers.",
        EXTENDED,
        ("planning/making.py",),
        note="`--month` plans any other month, an older one too.",
    ),
    Rule(
        "P3",
        "A new invoice is noticed and billed without anybody's doing.",
        DIFFERENT,
        ("cli/init_texts.py",),
        note="Nothing is written unasked: the CI workflow that `init` writes plans when an invoice is committed, and a "
        "person approves the apply.",
    ),
    Rule(
        "P4",
        "Between two invoices the PSA's records stay as they are, whatever happens to the subscriptions.",
        KEPT,
        ("planning/ledger.py",),
    ),
    Rule(
        "P5",
        "A customer begins with the newest invoice or with the next one.",
        EXTENDED,
        ("planning/gathered.py",),
        note="`start:` names any month to begin with.",
    ),
    Rule(
        "P6",
        "Microsoft CSP is billed on ConnectWise, Autotask or Syncro.",
        LATER,
        note="ConnectWise is there; Autotask and Syncro are refused by name.",
        not_shown="a PSA that is not there yet can tell no story; its name in a mapping is refused by `validate`",
    ),
    Rule(
        "P7",
        "Invoices come from PRISM or from Cloud-iQ, and a guided move leads from one to the other.",
        LATER,
        note="Invoices are files so far, from whichever platform; moving is another file in the folder.",
        not_shown="moving from one platform to another is another file in the folder, and no bill comes of it",
    ),
    Rule(
        "P8",
        "A PSA may have to be enabled by the vendor on request before it can be connected.",
        DIFFERENT,
        ("config/target_model.py",),
        note="Nobody needs to be asked: a PSA is declared under `targets:`.",
        not_shown="nobody is asked, so there is nothing that could happen",
    ),
    Rule(
        "P9",
        "Credit notes, one-off charges and adjustments are not billed by themselves.",
        EXTENDED,
        ("rules/allocation.py", "planning/allocating.py", "planning/accounting.py"),
        note="Each is matched to the charge that it takes back and listed with its money, until a reviewed decision "
        "passes it on.",
    ),
    Rule(
        "P10",
        "A partner with several CSP agreements at the distributor cannot say which one is billed.",
        DIFFERENT,
        ("config/program_model.py", "config/customer_model.py", "planning/assembling.py"),
        note="Each can be a source and a program of its own, and every customer names its program.",
    ),
    Rule("P11", "Billing can be stopped for a customer or a program at any time.", KEPT, ("planning/gathered.py",)),
    Rule(
        "P12",
        "A customer's settings are saved, or saved and billed at once.",
        DIFFERENT,
        ("cli/apply.py",),
        note="Saving is a commit, billing is an apply: two acts, with a review between them.",
    ),
    Rule(
        "P13",
        "To skip or repeat a month, the vendor's staff has to reset where the sync stands.",
        DIFFERENT,
        ("planning/making.py",),
        note="There is no such position: any month can be planned at any time, and what stands already is no change.",
    ),
    Rule(
        "P14",
        "The connection to the distributor needs credentials, typed in or generated.",
        LATER,
        note="Files need none.",
        not_shown="files need no credentials",
    ),
    Rule(
        "P15",
        "ConnectWise needs a site, a company and the keys of an API member, and shows whether they are valid.",
        DIFFERENT,
        ("targets/connectwise/opening.py", "config/credentials.py"),
        note="Keys are never stored: the mapping names environment variables. They are tried whenever the PSA is read.",
        not_shown="a story begins where the keys are right; tests/targets and `doctor` have those that are not",
    ),
    Rule(
        "P16",
        "Autotask needs a user's name and password.",
        LATER,
        note="Autotask is not there yet.",
        not_shown="Autotask is not there yet",
    ),
    Rule(
        "P17", "Syncro needs an API token.", LATER, note="Syncro is not there yet.", not_shown="Syncro is not there yet"
    ),
    Rule(
        "P18",
        "The catalogue gets all products of the price list, or those alone that were charged.",
        KEPT,
        ("planning/shelf.py",),
    ),
    Rule(
        "P19",
        "Azure usage and annual seats are switched on and off for a program.",
        KEPT,
        ("planning/gathered.py",),
        note="By `motions:`.",
    ),
    Rule(
        "P20",
        "Whether new catalogue items are taxable is the program's choice; those that exist keep theirs.",
        KEPT,
        ("rules/products.py",),
    ),
    Rule(
        "P21",
        "Errors and price changes are told by e-mail to a list of addresses.",
        EXTENDED,
        ("notifying/facts.py", "notifying/sending.py"),
        note="`notify:` on a program: by mail, web hook or else, at least once, in words of the partner's own.",
        not_shown="it is about who is told, not about what is billed",
    ),
    Rule(
        "P22",
        "Products can be synced without billing anything.",
        DIFFERENT,
        ("planning/gathered.py",),
        note="It is chosen for each plan (`--products-only`) and is no stored switch that can be forgotten.",
    ),
    Rule(
        "P23",
        "A charge is a monthly seat, an annual seat or Azure usage, and only the motions that a program names are "
        "billed.",
        KEPT,
        ("planning/accounting.py",),
    ),
    Rule(
        "P24",
        "Each motion of a customer may have an agreement of its own.",
        KEPT,
        ("planning/gathered.py",),
        note="The customer stands in the mapping once, not once per motion.",
    ),
    Rule(
        "P25",
        "Older versions call the motions by term and billing: monthly and monthly, annual and annual, monthly and "
        "annual.",
        DIFFERENT,
        ("domain/invoice.py",),
        note="There is one vocabulary, that of P23; a yearly term billed by the month is a monthly seat with its own "
        "product.",
    ),
    Rule(
        "P26",
        "A SKU with a yearly term is another product than the same one by the month, told apart by a prefix.",
        KEPT,
        ("domain/price_list.py",),
    ),
    Rule(
        "P27",
        "A product of the distributor is the catalogue item whose Vendor SKU is the distributor's SKU.",
        EXTENDED,
        ("rules/products.py",),
        note="`products:` can name the item, and the Vendor SKU is written for you.",
    ),
    Rule(
        "P28",
        "A new catalogue item needs an active category, subcategory, type and unit of measure to stand under.",
        EXTENDED,
        ("targets/connectwise/defaults.py",),
        note="Their names can be chosen, and are looked up when planning, not when writing.",
    ),
    Rule(
        "P29",
        "A new catalogue item gets the SKU as its product id, which may be renamed later; the Vendor SKU may not.",
        KEPT,
        ("rules/products.py",),
    ),
    Rule(
        "P30",
        "The PSA keeps 60 characters of a product's id and description, so longer names are cut there.",
        EXTENDED,
        ("rules/products.py",),
        note="Cut at a word, and items that would look alike are told.",
    ),
    Rule(
        "P31",
        "Price and cost of a linked catalogue item follow the price list.",
        KEPT,
        ("rules/products.py",),
    ),
    Rule(
        "P32",
        "A product that is not on the current price list is not created.",
        EXTENDED,
        ("rules/products.py",),
        note="It is told with the money that was charged, and with the line that links it.",
    ),
    Rule(
        "P33",
        "What would happen to the products can be seen before anything is written.",
        EXTENDED,
        ("planning/making.py", "cli/plan.py"),
        note="A plan shows the billing records as well.",
    ),
    Rule(
        "P34",
        "A catalogue item that was deleted is created again, one that left the price list stays, and one that is "
        "inactive is kept up to date and stays inactive.",
        EXTENDED,
        ("rules/products.py", "planning/seats.py"),
        note="The plan says where a new record would need an inactive item, which the PSA would refuse.",
    ),
)
