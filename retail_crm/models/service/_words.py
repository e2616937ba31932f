"""Words by which a question finds answers. Plain functions, no database."""

import re
import unicodedata

#: Longest text that is looked at, and most words of it.
MAX_LENGTH, MAX_WORDS = 500, 12
#: Words that nearly every question has.
COMMON = frozenset(
    'and are but can did does for from get had has have how its not our out she that the their them then there they '
    'this was were what when where which who why will with would you your about could want need please'.split()
)
_RUNS = re.compile(
    r'[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+'
)


def words_of(text):
    """Return the words of a text that tell what it is about; scripts without spaces give pairs of letters."""
    text = unicodedata.normalize('NFKC', (text or '')[:MAX_LENGTH]).casefold()
    found = {}
    for run in _RUNS.findall(text):
        if ord(run[0]) >= 0x3040:
            pairs = [run[index : index + 2] for index in range(len(run) - 1)] or [run]
            found.update(dict.fromkeys(pairs))
        elif run not in COMMON and (len(run) > 2 or run.isdecimal()):
            found[run] = None
    return list(found)[:MAX_WORDS]


def score(words, parts):
    """Return how well texts answer a question, and how many of its words they have.

    :param list words: of the question
    :param parts: list of ``(text, weight)``
    """
    total, hits = 0, 0
    texts = [
        (unicodedata.normalize('NFKC', text or '').casefold(), weight) for text, weight in parts
    ]
    for word in words:
        best = max((weight for text, weight in texts if word in text), default=0)
        total += best
        hits += bool(best)
    return total, hits
