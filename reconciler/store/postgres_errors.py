"""What PostgreSQL and its driver raise, in words for the person who runs the command."""

from urllib.parse import quote, quote_plus

from reconciler.store.errors import StoreError

# By SQLSTATE, its start is enough (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_STATES = (
    ("28", "does not let this user in: {cause}", "check user and password in the URL, or in ~/.pgpass"),
    ("3D", "does not exist: {cause}", "make it with: createdb NAME"),
    ("42501", "does not let this role do that: {cause}", "see docs/state.md for what each role is granted"),
    ("55P03", "is busy: another program holds it for longer than 30 seconds", "see what: reconciler status"),
    ("53100", "could not be written: the server's disk is full", "make room, then run: reconciler resume"),
    ("53300", "takes no more connections: {cause}", "try again later"),
    ("25006", "cannot be written: {cause}", "name the primary server, not a standby"),
    ("57P", "ended the connection: {cause}", "when it is back, run: reconciler resume"),
)
_SIGNS = (
    ("password authentication failed", "does not let this user in: {cause}", "check user and password in the URL"),
    ("no password supplied", "wants a password", "put it into the URL, or into ~/.pgpass"),
    ("does not exist", "cannot be opened: {cause}", "make the database and its role first; see docs/state.md"),
    ("certificate", "is not trusted: {cause}", "name the server's authority with ?sslrootcert=FILE in the URL"),
    ("server does not support ssl", "does not speak TLS", "switch TLS on at the server; see docs/state.md"),
    ("invalid connection option", "has a URL that cannot be used: {cause}", "see docs/state.md"),
)
_LOST = ("was lost: {cause}", "when it is back, run: reconciler resume")


def explained(error: BaseException, name: str, password: str | None) -> StoreError:
    """A sentence and what to do. The password is in neither, whatever the driver repeats."""
    cause = _without(_first_line(error), password)
    sentence, hint = _found(getattr(error, "sqlstate", None) or "", cause)
    return StoreError(_without(f"the state database {name} {sentence.format(cause=cause)}", password), hint)


def _found(state: str, cause: str) -> tuple[str, str]:
    for start, sentence, hint in _STATES:
        if state.startswith(start):
            return sentence, hint
    for sign, sentence, hint in _SIGNS:
        if sign in cause.lower():
            return sentence, hint
    if "connection" in cause.lower() and not state:
        reached = "connection failed" not in cause.lower() and "connection to server" not in cause.lower()
        return (
            _LOST
            if reached
            else (
                "cannot be reached: {cause}",
                "check host, port and network; an apply that was under way is finished with: reconciler resume",
            )
        )
    return "cannot be used: {cause}", "see: reconciler state --help"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def _without(text: str, password: str | None) -> str:
    for form in {password, quote(password, safe=""), quote_plus(password)} if password else ():
        text = text.replace(form, "***")
    return text
