"""Reading and writing the files of opening tiers: plain functions without the ORM."""

import csv
import io
import re
from datetime import date

#: Most rows of a file, all of which are imported within the minute that Odoo gives a request; and its greatest size in
#: bytes.
MAX_ROWS = 50_000
MAX_SIZE = 10_000_000
DELIMITERS = ',;\t'

#: What the columns may be called, in small letters. Several may tell the customer; the first that is filled does.
HEADERS = {
    'customer': ('customer', 'customer reference', '客户', '客戶', '顾客', '顧客', '会员', '會員'),
    'ref': (
        'internal reference',
        'reference',
        'ref',
        '内部参考',
        '內部參考',
        '客户编号',
        '客戶編號',
    ),
    'email': ('email', 'e-mail', '邮箱', '電郵', '电子邮件', '電子郵件'),
    'phone': ('phone', 'mobile', '电话', '電話', '手机', '手機', '手机号', '手機號碼'),
    'id': ('id', 'database id', '数据库id', '資料庫id', '数据库编号', '資料庫編號'),
    'tier': ('tier', 'level', '等级', '等級', '会员等级', '會員等級', '级别', '級別'),
    'since': ('since', 'member since', '入会日期', '入會日期', '开始日期', '開始日期'),
    'until': ('valid until', 'until', '有效期至', '有效期', '到期日', '到期日期'),
    'number': (
        'member number',
        'card number',
        '会员号',
        '會員號',
        '会员编号',
        '會員編號',
        '卡号',
        '卡號',
    ),
    'note': ('note', 'remark', '备注', '備註'),
}
#: Columns that tell the customer, in the order in which they are asked.
CUSTOMER_COLUMNS = ('customer', 'ref', 'email', 'phone', 'id')
#: The columns of the file to begin with.
TEMPLATE = ('Customer', 'Tier', 'Since', 'Valid Until', 'Member Number', 'Note')

_BY_HEADER = {header: key for key, headers in HEADERS.items() for header in headers}
_YEAR_FIRST = re.compile(
    r'(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]0?0:00(?::00)?)?'
)
_DAY_FIRST = re.compile(r'(\d{1,2})\.(\d{1,2})\.(\d{4})')
#: What a spreadsheet takes for a formula.
_FORMULA = ('=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠')


class BadFile(Exception):
    """The file cannot be read at all: ``args[0]`` is why, one of the keys of ``RetailMembershipImport._file_errors``."""


def read(content):
    """Return ``(delimiter, header row, {key: column}, [(line number, cells)])`` of the bytes of a file.

    :raise BadFile: for what is no such file
    """
    if len(content) > MAX_SIZE:
        raise BadFile('size')
    text = _decode(content)
    head = text.lstrip('\r\n').splitlines()[:1]
    if not head:
        raise BadFile('empty')
    delimiter = max(DELIMITERS, key=head[0].count)
    try:
        reader = csv.reader(io.StringIO(text, newline=''), delimiter=delimiter, strict=True)
        rows = [
            (reader.line_num, [_unquoted(cell) for cell in cells])
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise BadFile('csv') from error
    if not rows:
        raise BadFile('empty')
    header = rows.pop(0)[1]
    columns = {}
    for place, name in enumerate(header):
        key = _BY_HEADER.get(' '.join(name.replace('_', ' ').casefold().split()))
        if key in columns:
            raise BadFile('twice')
        if key:
            columns[key] = place
    if 'tier' not in columns or not any(key in columns for key in CUSTOMER_COLUMNS):
        raise BadFile('columns')
    if not rows:
        raise BadFile('empty')
    if len(rows) > MAX_ROWS:
        raise BadFile('size')
    return delimiter, header, columns, rows


def _decode(content):
    """Return the text of a file: UTF-8 with or without its mark, or UTF-16 with it, as spreadsheets write."""
    try:
        encoding = 'utf-16' if content[:2] in (b'\xff\xfe', b'\xfe\xff') else 'utf-8-sig'
        text = content.decode(encoding)
    except UnicodeError as error:
        raise BadFile('encoding') from error
    if '\0' in text:
        raise BadFile('encoding')
    return text


def _unquoted(cell):
    """Return a cell without the sign that keeps it from being a formula."""
    cell = cell.strip()
    return cell[1:].strip() if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def parse_date(text):
    """Return the day that a text means, or None: year first, or day first with points; 3/4/2026 is not guessed."""
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = match.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def write(rows, delimiter=','):
    """Return rows as the bytes of a file that spreadsheets open as text, without formulas."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerows([_harmless(str(cell)) for cell in row] for row in rows)
    return stream.getvalue().encode('utf-8-sig')


def _harmless(cell):
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(' ').startswith(_FORMULA) else cell
