"""Whether two subjects are about the same. Plain functions, no database."""

import re
import unicodedata

#: From which share of common pairs of letters two subjects are alike.
ENOUGH = 0.6
#: Answers and forwarded mails say so in front, in some languages.
_FRONT = re.compile(
    r'^\s*(?:(?:re|fw|fwd|aw|wg|tr|sv|antw|回复|回覆|答复|转发|轉寄)\s*[::]\s*)+', re.I
)
_OTHER = re.compile(r'\[[^\]]*\]|[\W_]+')


def pairs(text):
    """Return the pairs of neighbouring letters of a subject, whatever its script, without what mail programs add."""
    text = _FRONT.sub('', unicodedata.normalize('NFKC', text or '').casefold())
    words = _OTHER.sub(' ', text).split()
    found = set()
    for word in words:
        found.update(word[index : index + 2] for index in range(max(1, len(word) - 1)))
    return found


def alike(one, other):
    """Return whether two subjects are about the same (Dice's coefficient of their pairs of letters)."""
    one, other = pairs(one), pairs(other)
    return bool(one and other) and 2 * len(one & other) / (len(one) + len(other)) >= ENOUGH
