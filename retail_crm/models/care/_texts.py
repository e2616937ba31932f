"""Texts with placeholders such as ``{name}``: words are put in, nothing is evaluated."""

import re

_PLACEHOLDER = re.compile(r'\{\s*([a-z_]+)\s*\}')


class UnknownPlaceholder(ValueError):
    """A text asks for a word that there is not."""


def placeholders(text):
    """Return the names of the words that a text asks for."""
    return set(_PLACEHOLDER.findall(text or ''))


def fill(text, words):
    """Return a text with its placeholders filled in; what customers' names contain is never looked at again.

    :raise UnknownPlaceholder: naming those that there are not
    """
    if unknown := placeholders(text) - set(words):
        raise UnknownPlaceholder(', '.join(f'{{{name}}}' for name in sorted(unknown)))
    return _PLACEHOLDER.sub(lambda found: str(words[found.group(1)] or ''), text or '')
