"""Reading the yearly file of holidays and make-up days: plain functions without the ORM."""

import csv
import io
from datetime import datetime, timedelta

#: More than any year has.
MAX_ROWS = 1000
MAX_SIZE = 1_000_000

#: What the columns may be called, in small letters.
HEADERS = {
    'kind': ('kind', 'type', '类型', '類型'),
    'from': ('from', 'date', 'start', '开始', '開始', '日期'),
    'to': ('to', 'until', 'end', '结束', '結束'),
    'weekday': ('hours of', 'weekday', '按', '星期'),
    'name': ('name', 'occasion', '名称', '名稱', '节日', '節日'),
}
KINDS = {
    'holiday': 'holiday',
    '放假': 'holiday',
    '假期': 'holiday',
    '节假日': 'holiday',
    '節假日': 'holiday',
    'make-up': 'makeup',
    'makeup': 'makeup',
    'work': 'makeup',
    '调休': 'makeup',
    '調休': 'makeup',
    '上班': 'makeup',
    '补班': 'makeup',
    '補班': 'makeup',
}
_DAYS = ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')
WEEKDAYS = {name: str(number) for number, name in enumerate(_DAYS)}
WEEKDAYS |= {name[:3]: str(number) for number, name in enumerate(_DAYS)}
WEEKDAYS |= {f'周{sign}': str(number) for number, sign in enumerate('一二三四五六日')}
WEEKDAYS |= {f'星期{sign}': str(number) for number, sign in enumerate('一二三四五六日')}
_FORMATS = ('%Y-%m-%d %H:%M', '%Y/%m/%d %H:%M', '%Y-%m-%d', '%Y/%m/%d', '%Y.%m.%d')

_BY_HEADER = {header: key for key, headers in HEADERS.items() for header in headers}


class BadFile(Exception):
    """The file cannot be read at all: ``args[0]`` is ``size``, ``encoding``, ``csv`` or ``columns``."""


def read(content):
    """Return ``[(line, row or None, why not)]`` of the bytes of a file.

    A row is a dict of ``kind``, ``from`` and ``to`` (local; the end is the first instant after), ``weekday``, ``name``.

    :raise BadFile: for what is no such file
    """
    if len(content) > MAX_SIZE:
        raise BadFile('size')
    try:
        text = content.decode('utf-8-sig')
    except UnicodeError as error:
        raise BadFile('encoding') from error
    head = text.splitlines()[:1] or ['']
    delimiter = max(',;\t', key=head[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=''), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadFile('csv') from error
    header = [_BY_HEADER.get(' '.join(name.casefold().split())) for name in (rows or [[]])[0]]
    if not {'kind', 'from'} <= set(header) or len(rows) - 1 > MAX_ROWS:
        raise BadFile('columns' if len(rows) - 1 <= MAX_ROWS else 'size')
    return [
        (line, *_parse(dict(zip(header, (cell.strip() for cell in row), strict=False))))
        for line, row in enumerate(rows[1:], 2)
        if any(cell.strip() for cell in row)
    ]


def _parse(cells):
    """Return ``(row, None)`` or ``(None, why not)``."""
    kind = KINDS.get(cells.get('kind', '').casefold())
    if not kind:
        return None, 'kind'
    start, start_is_day = _moment(cells.get('from', ''))
    stop, stop_is_day = _moment(cells.get('to') or '')
    if not start or (cells.get('to') and not stop):
        return None, 'date'
    if not stop:
        stop, stop_is_day = start.replace(hour=0, minute=0), True
    if stop_is_day:
        stop += timedelta(days=1)
    if stop <= start:
        return None, 'order'
    weekday = WEEKDAYS.get(cells.get('weekday', '').casefold())
    if kind == 'makeup' and (cells.get('weekday') and weekday is None):
        return None, 'weekday'
    if kind == 'makeup' and not (start_is_day and stop_is_day):
        return None, 'whole'
    row = {'kind': kind, 'from': start, 'to': stop, 'weekday': weekday or '0'}
    return {**row, 'name': cells.get('name') or ''}, None


def _moment(text):
    """Return what a text means as local time, and whether it is a whole day; ``(None, False)`` for nothing."""
    for pattern in _FORMATS:
        try:
            return datetime.strptime(text, pattern), 'H' not in pattern
        except ValueError:
            continue
    return None, False
