"""The risks that were thought of and the rule against each, by number; the tests name them by it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One risk. `not_yet` says what of it does not apply in this version, and why; a row without tests must say it."""

    number: int
    risk: str
    rule: str
    not_yet: str = ""


ROWS = (
    Row(
        1,
        "Secrets in configuration files",
        "A secret is a reference to an environment variable. A value in a field that holds a secret, also under a"
        " misspelt name, is refused and repeated in no message.",
    ),
    Row(
        2,
        "Credentials on machines without a keyring",
        "Credentials come from the environment alone; one that is missing is named, and nothing else is tried in "
        "its place.",
        "there is no keyring, so none can fall back to plain text.",
    ),
    Row(
        3,
        "Secrets in output",
        "A secret is held by a value that shows, copies and writes itself nowhere, and is uncovered where a "
        "header is made. A run with canaries in every secret field is searched in every output, in five "
        "encodings.",
    ),
    Row(
        4,
        "Secrets in exceptions and logs of requests",
        "A request shows method and path: no header, query or body. What a server repeats of our credentials is "
        "blotted out, and no exception leads to the request that it came from.",
    ),
    Row(
        5,
        "Long-lived keys in CI",
        "One key to plan that may only read, one to apply, each in an environment of its own; a cloud's secret "
        "store by OIDC in their place is described.",
        "`doctor` cannot warn of a key with too many rights: ConnectWise has no request that tells a key's own.",
    ),
    Row(
        6,
        "What a plan file gives away",
        "A plan has the members that its schema names and no other; none of them holds a secret. It does hold "
        "customers and prices, and CI keeps it for a day.",
        "plan files are not encrypted; keep them where invoices are kept.",
    ),
    Row(
        7,
        "A plan that was edited, exchanged or applied again",
        "Digest, the digest that was approved, signature, expiry, single use, the PSA read again, and the guards "
        "counted again at apply.",
    ),
    Row(
        8,
        "Confusion of keys",
        "A signing key has at least 32 bytes and a name, is no credential of the PSA, and is accepted until it is"
        " taken out.",
    ),
    Row(
        9,
        "Pull requests from forks",
        "The workflow that `init` writes never gives a stranger's code a secret: `pull_request` alone, nothing of"
        " an event in a script, reading rights at the top.",
    ),
    Row(
        10,
        "Who may apply in CI",
        "A job of its own on the protected branch, in an environment with reviewers; actions pinned by commit; no"
        " run cut off.",
    ),
    Row(
        11,
        "A poisoned artifact",
        "`apply` plans again from what was merged and takes a digest from the pull request's run, and no plan.",
    ),
    Row(
        12,
        "YAML bombs",
        "A parser of our own events: no tags, no merge keys, at most 40 levels, aliases counted as what they "
        "stand for, bounded bytes and values.",
    ),
    Row(
        13,
        "YAML surprises",
        "Every scalar stays the text that was written until the model types it; a key that stands twice is an error.",
    ),
    Row(
        14,
        "YAML that crashes its reader",
        "Tags are refused before anything is constructed, depth is counted; whatever a file holds ends in findings.",
    ),
    Row(
        15,
        "Huge numbers",
        "Digits are counted before a number is made; other bases and other notations are no numbers.",
    ),
    Row(
        16,
        "JSON surprises",
        "In plans, a member that stands twice and a bare fraction are refused; there and in answers of a PSA so "
        "are NaN, infinity and absurd sizes. A PSA's fractions are read digit by digit.",
    ),
    Row(
        17,
        "Formulas in exported tables",
        "A text that a spreadsheet could take for a formula gets an apostrophe; every text is quoted; numbers "
        "stay numbers.",
    ),
    Row(
        18,
        "Bombs in XLSX files",
        "",
        "XLSX is not read.",
    ),
    Row(
        19,
        "Compressed documents",
        "Unpacked piece by piece in memory and left at the limit; nothing is unpacked to a disk; archives are not"
        " read.",
    ),
    Row(
        20,
        "Compressed answers of a server",
        "Unpacked by ourselves piece by piece, at most 10 MB; other codings than the one asked for are refused.",
    ),
    Row(
        21,
        "Markup in the HTML page",
        "Text of others is escaped; the page loads nothing, has no script, and a policy that allows its one style"
        " sheet alone.",
    ),
    Row(
        22,
        "Markup in comments of pull requests",
        "Text of others is escaped or stands in code; it becomes no link, image, mention, tag or table cell.",
    ),
    Row(
        23,
        "TLS",
        "Certificates are verified, by no switch or variable can that be turned off, and proxies and `.netrc` "
        "files of the machine do not apply. `RECONCILER_CA_FILE` names an authority of one's own, beside the known "
        "ones; TLS is 1.2 or newer.",
    ),
    Row(
        24,
        "Redirects",
        "None is followed: credentials that are not in the standard header would travel along.",
    ),
    Row(
        25,
        "A server that names the address to use next",
        "Of what discovery answers, one plain segment of a path is taken; links to further pages say that there "
        "are some, and nothing of their address is used.",
    ),
    Row(
        26,
        "Where files are written",
        "No name from data becomes a path. Files appear whole or not at all; those with customers' data are for "
        "their owner alone.",
    ),
    Row(
        27,
        "Text that steers a terminal",
        "Whatever others wrote passes one function: control, format and bidirectional characters are written out.",
    ),
    Row(
        28,
        "Text that forges log lines",
        "A log's message is one of ours; text of others stands beside it as a member of one JSON object on one line.",
    ),
    Row(
        29,
        "Queries made of data",
        "The database gets bound values; the PSA's conditions are built by one function, with field names from a "
        "closed list.",
    ),
    Row(
        30,
        "Deserialisation that runs code",
        "No pickle, no `eval`, no YAML loader that constructs; a test reads the source.",
    ),
    Row(
        31,
        "Plug-ins",
        "Nothing is loaded because it is installed: no entry point is looked up.",
        "there are no plug-ins.",
    ),
    Row(
        32,
        "The state database",
        "The file and its folder are for their owner alone; a password in an address is repeated in no message. "
        "A server on another machine is verified, a weaker `sslmode` is warned of, and the role that runs can "
        "change no table.",
    ),
    Row(
        33,
        "Dependencies",
        "Every requirement is locked with its hashes, and installed by them; at most twelve are direct.",
        "looking for known vulnerabilities needs a network: it is the release pipeline's work.",
    ),
    Row(
        34,
        "Our own wheel",
        "Two builds of one source are the same bytes. `make components` lists what a release is made of, as CycloneDX, "
        "with the hashes of the lock file.",
        "trusted publishing and attestations come with the first published release.",
    ),
    Row(
        35,
        "Crash reports",
        "A bug shows one line; its details have no values of variables, and are for their owner alone.",
    ),
    Row(
        36,
        "Denial by size",
        "Files, rows, fields, values, answers and changes are counted, and what is beyond a bound is refused in a"
        " sentence.",
    ),
)
