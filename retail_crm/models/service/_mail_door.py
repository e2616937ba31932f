"""The mail door: what becomes of a mail that comes in (R-svc C.6). Plain functions, no ORM.

:func:`classify` walks the table of R-svc C.6 from top to bottom; the first row that fits decides. Nothing here raises, whatever
the mail looks like: headers are read raw, texts are only searched.
"""

import codecs
import hashlib
import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import parseaddr, parsedate_to_datetime
from typing import NamedTuple

DROP, QUARANTINE, SILENT, NORMAL = 'drop', 'quarantine', 'silent', 'normal'

#: Header of every mail that we send by ourselves; its value tells our database from others with this add-on.
MARK = 'X-Retail-Crm'
#: What tells other programs that nobody wrote this mail and that it asks for no answer (RFC 3834, Exchange).
AUTOMATIC_HEADERS = {'Auto-Submitted': 'auto-replied', 'X-Auto-Response-Suppress': 'All'}

_LOOP_TAG = '-loop-detection-bounce-email@'
_BOUNCE_SENDERS = ('mailer-daemon', 'postmaster')
_BULK = ('bulk', 'junk', 'list', 'auto_reply')
_AUTO_HEADERS = (
    'x-autoreply',
    'x-autorespond',
    'x-autoresponse',
    'x-autoreply-from',
    'x-mail-autoreply',
    'x-loop',
)
#: Subjects of programs that answer without any header that says so (many Chinese providers).
_AUTO_SUBJECT = re.compile(
    r'^\s*(automatic reply|auto[- ]?reply|autoreply|out of (the )?office|abwesenheits|'
    r'自动回复|自動回覆|自動回復)',
    re.IGNORECASE,
)

#: Providers of mail to everybody: many senders of one domain are no sign of one machine there.
PUBLIC_DOMAINS = frozenset(
    """126.com 139.com 163.com 189.cn aliyun.com aol.com daum.net foxmail.com gmail.com gmx.com gmx.de gmx.net
    googlemail.com hotmail.com hotmail.co.uk icloud.com live.cn live.com mac.com mail.com mail.ru me.com msn.com
    naver.com outlook.com proton.me protonmail.com qq.com sina.cn sina.com sohu.com vip.163.com vip.qq.com vip.sina.com
    wo.cn yahoo.co.jp yahoo.com yahoo.com.cn yahoo.com.hk yahoo.com.tw yandex.ru yeah.net web.de""".split()
)

#: Bodies shorter than this are alike by chance ("Hello", an empty mail with a picture).
_SHORTEST_BODY = 40
_LONGEST_THANKS = 120
_THANKS = re.compile(
    r'\bthank(s| you)\b|\bthx\b|\bty\b|\bmuch appreciated\b|\bmany thanks\b|\bcheers\b|'
    r'谢谢|謝謝|感谢|感謝|多谢|多謝|谢了|謝了|辛苦了|3q',
    re.IGNORECASE,
)
#: Words that make more than a thank-you of it; harmless ones that contain such a word are taken out before.
_HARMLESS = re.compile(
    r'不错|不錯|不客气|不客氣|没问题|沒問題|没事|沒事|\bnot at all\b|\bno problem\b', re.IGNORECASE
)
_BUT = re.compile(
    r"\bbut\b|\bhowever\b|\bstill\b|\bnot\b|n['’]t\b|\bno\b|\bagain\b|\bplease\b|\bwhy\b|\bwhen\b|\bwrong\b|\bbroken\b|"
    r'但|坏|壞|破|错|錯|退|换|換|可是|还是|還是|不|没|沒|请|請|再|为什么|為什麼|怎么|怎麼|什么|什麼|吗|嗎|呢',
    re.IGNORECASE,
)
_QUOTE_START = re.compile(
    r'^\s*(-{2,}\s*(original message|forwarded message|原始邮件|原始郵件|转发邮件)\s*-{2,}|_{10,}|'
    r'on .{5,200} wrote:|在.{3,200}(写道|寫道)[::]?|.{3,100}(写道|寫道)[::]|am .{5,200} schrieb .{1,100}:|'
    r'(from|发件人|發件人|寄件者|von)\s*[::].*)\s*$',
    re.IGNORECASE | re.MULTILINE,
)
_SIGNATURE = re.compile(
    r'^\s*(--|—|best regards|kind regards|regards|mit freundlichen|sent from my|发自我的|發自我的|此致|从我的).*',
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
#: "[T00012]", "[RT/2026/0012]": what stands in brackets and holds a digit.
_NUMBER = re.compile(r'\[#?([A-Za-z0-9][A-Za-z0-9/_-]{1,30})\]')


class Outcome(NamedTuple):
    """What becomes of a mail, and the row of the table that decided."""

    result: str
    reason: str


class Counts(NamedTuple):
    """How much came lately from the sender, from its domain and with the same text, and whether it is blocked."""

    sender: int = 0
    domain: int = 0
    body: int = 0
    blocked: bool = False


class Limits(NamedTuple):
    """From which number on a mail is held; 0 means no limit."""

    sender: int = 20
    domain: int = 50
    body: int = 5
    reopens: int = 3


@dataclass
class Facts:
    """What is known about a mail beside its headers. ``counts`` and ``reopens`` are only asked for when needed."""

    known_message: bool = False
    own_addresses: frozenset = frozenset()
    own_mark: str = ''
    is_bounce: bool = False
    is_reply: bool = False
    would_reopen: bool = False
    trusted: bool = False
    counts: Callable[[], Counts] = Counts
    reopens: Callable[[], int] = int
    limits: Limits = field(default_factory=Limits)


# === READING ===#


def headers(message, name):
    """Return the values of a header as they came, unfolded; never raises as parsed headers may."""
    name = name.lower()
    values = (str(value) for key, value in message.raw_items() if key.lower() == name)
    return [' '.join(value.encode('utf-8', 'replace').decode().split()) for value in values]


def header(message, name):
    """Return the first value of a header, or an empty text."""
    return next(iter(headers(message, name)), '')


def readable(raw):
    """Return a mail without what stops core: the character NUL (PostgreSQL knows none), character sets that Python has not."""

    def known(found):
        name = found.group(2).decode('ascii', 'replace')
        try:
            is_known = codecs.lookup(name)._is_text_encoding and name != 'idna'
            b'a'.decode(name)
        except (LookupError, UnicodeError, ValueError):
            is_known = False
        return found.group() if is_known else found.group(1) + b'"utf-8"'

    raw = raw.replace(b'\x00', b'')
    return re.sub(rb'(?i)(charset\s*=\s*)"?([^";\r\n\s]*)"?', known, raw)


def address_of(text):
    """Return the bare address of a From line in small letters, or an empty text."""
    try:
        address = parseaddr(text or '')[1]
    except Exception:  # nothing that somebody writes into a From line may stop the door
        address = ''
    if '@' not in address:
        found = re.search(r'[^\s<>"\',;]+@[^\s<>"\',;]+', text or '')
        address = found.group() if found else ''
    return address.strip().lower()


def domain_of(address):
    """Return the domain of an address; none of a public provider, where everybody has one."""
    domain = address.rpartition('@')[2]
    return '' if domain in PUBLIC_DOMAINS else domain


def received_at(message, now, days=7):
    """Return when our mail server took the mail, as naive UTC: a gateway that was down must not hide how long one waited.

    The topmost ``Received`` is our own server's, ``Date`` is what the sender says. Neither may lie in the future, nor so far
    back that a wrong clock makes a ticket late at once: then it is ``now``.
    """
    dates = [value.rpartition(';')[2] for value in headers(message, 'Received')[:1]]
    for text in dates + headers(message, 'Date')[:1]:
        try:
            moment = parsedate_to_datetime(text.strip())
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except Exception:  # dates of mails are whatever somebody wrote
            continue
        moment = moment.replace(tzinfo=None, microsecond=0)
        if now - timedelta(days=days) <= moment <= now:
            return moment
    return now


def ticket_numbers(subject):
    """Return what may be numbers of tickets in a subject: words in brackets with a digit."""
    found = _NUMBER.findall(subject or '')
    return [text.upper() for text in found if any(char.isdigit() for char in text)][:5]


# === TEXT ===#


def text_of(body):
    """Return the text of an HTML body, with a line for each block."""
    text = re.sub(r'(?is)<(style|script|head)\b.*?</\1\s*>', ' ', str(body or ''))
    text = re.sub(r'(?i)<br\b[^>]*>|</(p|div|tr|li|pre|h\d|blockquote)\s*>', '\n', text)
    return html.unescape(re.sub(r'<[^>]{0,10000}>', ' ', text)).replace('\xa0', ' ')


def own_words(text):
    """Return what the sender wrote this time: without the quoted mail below it."""
    found = _QUOTE_START.search(text)
    if found and text[: found.start()].strip():
        text = text[: found.start()]
    lines = [line for line in text.splitlines() if not line.lstrip().startswith('>')]
    return '\n'.join(lines).strip()


def body_hash(text):
    """Return a hash of what a text says, whatever number, address or date stands in it; none of a short text.

    Programs that answer from another address each time (FreeScout #688) still say the same.
    """
    words = own_words(text).lower()
    words = re.sub(r'\S+@\S+|https?://\S+', ' ', words)
    words = ' '.join(re.sub(r'[\d_]+', ' ', words).split())
    if len(words) < _SHORTEST_BODY:
        return ''
    return hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:32]


def is_thanks(text, has_attachment=False):
    """Tell whether a mail only says thank you (R-svc C.5): short, nothing asked, nothing attached, on the list."""
    words = _SIGNATURE.sub('', own_words(text)).strip()
    if has_attachment or not words or len(words) > _LONGEST_THANKS:
        return False
    if re.search(r'[??]', words) or not _THANKS.search(words):
        return False
    return not _BUT.search(_HARMLESS.sub(' ', words))


# === THE TABLE ===#


def classify(message, facts):
    """Return the outcome of a mail: the first row of the table of R-svc C.6 that fits."""
    for row in _ROWS:
        outcome = row(message, facts)
        if outcome:
            return outcome
    return Outcome(NORMAL, 'normal')


def _own(message, facts):
    if facts.known_message:
        return Outcome(DROP, 'duplicate')
    if facts.own_mark and facts.own_mark in headers(message, MARK):
        return Outcome(DROP, 'own')
    if address_of(header(message, 'From')) in facts.own_addresses:
        return Outcome(DROP, 'own')
    references = header(message, 'References') + header(message, 'In-Reply-To')
    return Outcome(DROP, 'loop') if _LOOP_TAG in references else None


def report_type(message):
    """Return the kind of a report ("delivery-status"), or an empty text when the mail is none."""
    content_type = header(message, 'Content-Type').lower()
    if not content_type.startswith('multipart/report'):
        return ''
    found = re.search(r'report-type\s*=\s*"?([a-z-]+)', content_type)
    return found.group(1) if found else 'delivery-status'


def is_bounce(message):
    """Tell whether a mail says that another one was not delivered, and whether that is certain: ``(is, certain)``."""
    report = report_type(message)
    sender = address_of(header(message, 'From')).partition('@')[0]
    if report == 'delivery-status' or header(message, 'X-Failed-Recipients'):
        return True, True
    if report:  # a read receipt or a complaint about spam: automatic, but nothing bounced
        return False, False
    if sender in _BOUNCE_SENDERS:
        return True, sender == 'mailer-daemon'
    return any(value in ('<>', '') for value in headers(message, 'Return-Path')), False


def _bounce(message, facts):
    bounced, certain = is_bounce(message)
    certain = certain or (facts.is_bounce and not report_type(message))
    if not bounced and not certain:
        return None
    if facts.is_reply:
        return Outcome(SILENT, 'bounce')
    # never a ticket; where only the envelope looks like one, somebody has a look
    return Outcome(DROP if certain else QUARANTINE, 'bounce')


def is_automatic(message):
    """Tell whether a program wrote the mail, by what its headers and its subject say."""
    values = [value.lower() for value in headers(message, 'Auto-Submitted')]
    if any(value.partition(';')[0].strip() not in ('no', '') for value in values):
        return True
    if header(message, 'X-Auto-Response-Suppress') and header(
        message, 'X-MS-Exchange-Inbox-Rules-Loop'
    ):
        return True
    if any(value.lower() != 'no' for name in _AUTO_HEADERS for value in headers(message, name)):
        return True
    if header(message, 'X-Autogenerated').lower() == 'reply' or report_type(message):
        return True
    if header(message, 'X-Amazon-Mail-Relay-Type').lower() == 'notification':
        return True
    return bool(_AUTO_SUBJECT.match(_decoded(header(message, 'Subject'))))


def _decoded(text):
    """Return a header with its encoded words read; as it is when they are broken."""
    if '=?' not in text:
        return text
    try:
        from email.header import decode_header, make_header

        return str(make_header(decode_header(text)))
    except Exception:  # unknown character sets, broken base64
        return text


def _automatic(message, facts):
    if not is_automatic(message):
        return None
    if facts.is_reply:
        return Outcome(SILENT, 'automatic')
    return None if facts.trusted else Outcome(QUARANTINE, 'automatic')


def _bulk(message, facts):
    precedence = {
        value.lower() for name in ('Precedence', 'X-Precedence') for value in headers(message, name)
    } & set(_BULK)
    if facts.is_reply:
        # somebody may answer through a list; nobody writes bulk mail by hand
        return Outcome(SILENT, 'bulk') if precedence - {'list'} else None
    is_list = precedence or header(message, 'List-Id') or header(message, 'List-Unsubscribe')
    return Outcome(QUARANTINE, 'bulk') if is_list and not facts.trusted else None


def _limits(message, facts):
    if facts.trusted:
        return None
    counts, limits = facts.counts(), facts.limits
    for name in ('sender', 'domain', 'body'):
        limit = getattr(limits, name)
        if limit and getattr(counts, name) >= limit:
            return Outcome(QUARANTINE, f'limit_{name}')
    return None


def _reopens(message, facts):
    limit = facts.limits.reopens
    if limit and facts.would_reopen and facts.reopens() >= limit:
        return Outcome(SILENT, 'limit_reopen')
    return None


def is_forged(message):
    """Tell whether our own mail server could not confirm the sender: its (topmost) ``Authentication-Results`` say fail."""
    results = header(message, 'Authentication-Results').lower()
    found = dict(re.findall(r'\b(dmarc|spf|dkim)\s*=\s*([a-z]+)', results))
    if 'dmarc' in found:
        return found['dmarc'] == 'fail'
    # without DMARC one of the two is enough: forwarding breaks SPF, lists break DKIM
    failed = {name for name in ('spf', 'dkim') if found.get(name) == 'fail'}
    return bool(failed) and 'pass' not in (found.get('spf'), found.get('dkim'))


def _blocked(message, facts):
    if facts.counts().blocked:
        return Outcome(QUARANTINE, 'blocked')
    return Outcome(QUARANTINE, 'forged') if is_forged(message) else None


_ROWS = (_own, _bounce, _automatic, _bulk, _limits, _reopens, _blocked)
