"""Text of others inside Markdown: what may stand there as it is, and how the rest is kept from meaning anything.

A name on an invoice must not become a mention, a link, an image, a tag or a column of a table in somebody's pull
request (security row 22). Names and ids stand in code, where the sites that render Markdown look for no mentions and
build no links; in sentences, what Markdown or those sites read as markup is written as character references.
"""

import re

from reconciler.render.safe_text import safe

# Between backticks these mean nothing anywhere, not even in a table.
_HARMLESS_IN_CODE = re.compile(r"[\w .,:;/@#()+'%=…→-]+")
_MARKUP = re.compile(r"[\\`*_\[\]<>#|~$&@]")
# Sites look for mentions, issue numbers and addresses in the rendered text too, where a reference is a plain character
# again; a space of no width keeps it apart from what follows.
_APART = "&#8203;"
_LONGEST = 400


def clip(text: str) -> str:
    """The text by `safe`, at most 400 characters and an ellipsis: one field may not use up a whole comment."""
    shown = safe(text[:_LONGEST])
    if len(shown) <= _LONGEST and len(text) <= _LONGEST:
        return shown
    return shown[:_LONGEST] + "…"


def code(text: str) -> str:
    """A name or id in a code span, or by tag where it holds what a span could not. Never empty."""
    shown = clip(text).strip(" ") or "—"
    return f"`{shown}`" if _HARMLESS_IN_CODE.fullmatch(shown) else html_code(text)


def html_code(text: str) -> str:
    """The same by tag always, for places where Markdown is not read, such as the summary of a fold."""
    return f"<code>{_MARKUP.sub(_reference, clip(text).strip(' ') or '—')}</code>"


def prose(text: str) -> str:
    """A sentence that may hold text of others. It reads the same, and is neither markup nor a mention nor a link."""
    shown = _MARKUP.sub(_reference, clip(text))
    shown = re.sub(r"&#(35|64);", rf"&#\1;{_APART}", shown)
    return re.sub(r"(?i)(:)(?=//)|\b(www)(?=\.)", lambda found: found[0] + _APART, shown)


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
