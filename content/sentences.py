"""Where a sentence ends, for whatever measures one."""

import re

# At . ! ? or : before a space, with any closing bracket or quotation mark, and at the end of a line.
_END = re.compile(r"(?:(?<=[.!?:])|(?<=[.!?:][\"')]))\s+|\n+")


def sentences(text: str) -> list[str]:
    """The sentences of a text. The lines of a list and the halves at a colon count as sentences."""
    return [sentence for part in _END.split(text) if (sentence := part.strip())]
