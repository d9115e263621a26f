"""Text from files and libraries as a terminal may show it: on one line, without control codes."""

import re
import unicodedata
from collections.abc import Iterator

# A column name as long as a file would fill the terminal.
_MOST_CHARACTERS = 300
# Control and format characters, lone surrogates, separators of lines and of paragraphs.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# These two join letters in Persian, in the scripts of India and in emoji, and move nothing.
_JOINERS = "\u200c\u200d"
# What JSON allows in its strings as it is, and a terminal obeys.
_IN_JSON = re.compile(r"[^\x00-\x7e]")


def visible(text: str) -> str:
    """Return `text` with Python's escapes for what a terminal would obey, break or hide.

    An escape sequence could clear the screen or set a title, a line feed could forge a message,
    and an override of the direction of text could show a name backwards.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(each) if _is_hidden(each) else each for each in text)


def clipped(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Return `text`, or its beginning and an ellipsis if it has more than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def reason(error: BaseException) -> str:
    """Return what an error of a library says, on one line that is not too long."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = clipped(" ".join(text.split()))
    # A KeyError, for one, says nothing but the key.
    return text if " " in text else f"{type(error).__name__} {text}".rstrip()


def visible_json(text: str) -> str:
    """Return a JSON document with escapes for the characters that :func:`visible` escapes."""
    return _IN_JSON.sub(lambda found: "".join(_json_units(found[0])), text)


def _is_hidden(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _HIDDEN


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _json_units(character: str) -> Iterator[str]:
    """Yield the character, or the escapes of its UTF-16 units if it is hidden."""
    if not _is_hidden(character):
        yield character
        return
    units = character.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(units), 2):
        yield f"\\u{units[at]:02x}{units[at + 1]:02x}"
