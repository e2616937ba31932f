"""Mails as they really come, each with the end that it must have by rule (R-svc C.6).

``incoming(to)`` are mails that belong to no ticket, ``replies(to, ids, numbers)`` answer tickets that the test has made of some
of them. Nothing is stored: every mail is written when asked for.
"""

import base64
import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.utils import format_datetime

#: Words by which texts differ in more than numbers; the door takes equal texts for one machine's.
WORDS = """kettle lamp chair blender teapot jacket shoes scarf toaster mirror carpet bottle candle drawer basket
    hammer ladder garden window curtain pillow blanket towel kitchen cupboard""".split()

FIRST = datetime(2026, 11, 2, 9, 0, tzinfo=timezone(timedelta(hours=8)))


@dataclass
class Mail:
    """One mail: ``result`` is its end (normal, silent, quarantine, drop), ``ticket`` whose it becomes ("new" or a key)."""

    name: str
    raw: bytes
    result: str
    reason: str = ''
    ticket: str = ''


_numbers = itertools.count(1)


def text(number):
    """Return a text that differs from all others by its words."""
    one, two = WORDS[number % len(WORDS)], WORDS[number // len(WORDS) % len(WORDS)]
    three = WORDS[number // len(WORDS) ** 2 % len(WORDS)]
    return (
        f'Good morning, I bought a {one} beside the {two} in your shop and it does not look like the {three} '
        'of the picture. Could somebody call me?'
    )


def plain(to, subject='Question about my order', body=None, sender=None, headers=(), key=None):
    """Return an ordinary mail of somebody new as a message that the caller may still change."""
    number = next(_numbers)
    key = key or f'mail{number}'
    message = EmailMessage()
    message['Return-Path'] = f'<{key}@{key}.example>'
    message['Received'] = (
        f'from mx.{key}.example by mail.shop.example with ESMTPS; {format_datetime(FIRST)}'
    )
    message['From'] = sender or f'Customer {number} <{key}@{key}.example>'
    message['To'] = to
    message['Subject'] = subject
    message['Date'] = format_datetime(FIRST)
    message['Message-ID'] = f'<{key}@mx.{key}.example>'
    for name, value in dict(headers).items():
        del message[name]
        message[name] = value
    message.set_content(text(number) if body is None else body)
    return message


def bare(to, content, sender='raw', **extra):
    """Return a mail put together by hand, for what no well-behaved program writes."""
    number = next(_numbers)
    key = f'{sender}{number}'
    head = {
        'From': f'Customer <{key}@{key}.example>',
        'To': to,
        'Subject': 'By hand',
        'Date': format_datetime(FIRST),
        'Message-ID': f'<{key}@mx.{key}.example>',
        **{name.replace('_', '-'): value for name, value in extra.items()},
    }
    lines = [
        name.encode() + b': ' + (value if isinstance(value, bytes) else value.encode('utf-8'))
        for name, value in head.items()
        if value is not None
    ]
    return b'\r\n'.join(lines) + b'\r\n' + content


# === WHO WRITES WHAT ===#


def ordinary(to):
    """Mails of people: whatever they look like, they become tickets."""
    for number, subject in enumerate(_subjects()):
        yield Mail(f'subject {number}', plain(to, subject).as_bytes(), 'normal', ticket='new')
    for name, raw in _charsets(to):
        yield Mail(f'charset {name}', raw, 'normal', ticket='new')
    for name, message in _structures(to):
        raw = message if isinstance(message, bytes) else message.as_bytes()
        yield Mail(f'structure {name}', raw, 'normal', ticket='new')
    for name, raw in _odd_headers(to):
        yield Mail(f'header {name}', raw, 'normal', ticket='new')
    for name, sender in _senders():
        yield Mail(f'sender {name}', plain(to, sender=sender).as_bytes(), 'normal', ticket='new')
    for name, extra in _harmless():
        yield Mail(f'harmless {name}', plain(to, headers=extra).as_bytes(), 'normal', ticket='new')


def _subjects():
    return [
        '投诉:冰箱噪音很大',
        'Re: your advertisement in the paper',
        'AW: Rückfrage zur Bestellung',
        'Fwd: FW: WG: invoice',
        'x' * 2000,
        '退款问题' * 200,
        '😀🎁 broken 💔',
        'Order [X99999] of a friend',
        'العربية من اليمين',
        'Ümläute & <b>html</b> {{ object.name }} ${object.id} %(x)s',
        '" onmouseover="alert(1)',
        "Robert'); DROP TABLE retail_ticket;--",
        '   spaces   and\ttabs   ',
        '.',
        '?',
        'Question about automatic reply of your machine',
        'Undelivered goods returned to sender',
        'Delivery failure of my parcel',
        'Out of stock',
        '回复:自动回复太慢',
    ]


def _charsets(to):
    chinese = '您好,我买的水壶坏了,请帮忙处理,谢谢。'
    samples = [
        ('gbk', chinese),
        ('gb2312', chinese),
        ('gb18030', chinese),
        ('big5', '您好,我買的水壺壞了,請幫忙處理。'),
        ('utf-8', chinese),
        ('utf-16', chinese),
        ('iso-8859-1', 'Der Topf ist defekt, größer als gedacht.'),
        ('windows-1252', 'The kettle – “new” – broke: 20 €'),
        ('koi8-r', 'Чайник сломан'),
        ('shift_jis', 'ポットが壊れました'),
        ('iso-2022-jp', 'ポットが壊れました'),
        ('euc-kr', '주전자가 고장났습니다'),
        ('cp850', 'Größe'),
    ]
    for charset, body in samples:
        content = base64.encodebytes(body.encode(charset))
        head = f'Content-Type: text/plain; charset="{charset}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        yield charset, bare(to, head.encode() + content)
    broken = [
        (
            'unknown',
            b'Content-Type: text/plain; charset="x-martian"\r\n\r\nThe lamp is \xff\xfe broken',
        ),
        ('empty', b'Content-Type: text/plain; charset=""\r\n\r\nThe lamp is broken'),
        ('default_charset', b'Content-Type: text/plain; charset=_iso-2022-jp$ESC\r\n\r\nlamp'),
        ('lies', b'Content-Type: text/plain; charset="utf-8"\r\n\r\n' + chinese.encode('gbk')),
        ('ascii lies', b'Content-Type: text/plain; charset="us-ascii"\r\n\r\n' + chinese.encode()),
        ('none at all', b'\r\n' + chinese.encode()),
        ('nul', b'Content-Type: text/plain; charset="utf-8"\r\n\r\nThe lamp\x00 is broken'),
        ('control', b'Content-Type: text/plain\r\n\r\n\x01\x02\x03\x1b[31m red'),
        ('utf-8 bom', b'Content-Type: text/plain; charset="utf-8"\r\n\r\n\xef\xbb\xbfbroken'),
        ('surrogate', b'Content-Type: text/plain; charset="utf-8"\r\n\r\n\xed\xa0\x80 broken'),
        ('bad base64', b'Content-Transfer-Encoding: base64\r\n\r\nThis=is===not base64!!'),
        ('bad quoted', b'Content-Transfer-Encoding: quoted-printable\r\n\r\nlamp =ZZ =\r\n=3'),
        ('odd encoding', b'Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\nend'),
        ('html unknown', b'Content-Type: text/html; charset="x-martian"\r\n\r\n<p>lamp</p>'),
        ('rot13', b'Content-Type: text/plain; charset="rot13"\r\n\r\nlamp'),
        ('idna', b'Content-Type: text/plain; charset="idna"\r\n\r\nlamp\xff'),
    ]
    for name, content in broken:
        yield name, bare(to, content)
    heads = [
        ('subject raw gbk', '冰箱'.encode('gbk')),
        ('subject raw utf-8', '冰箱'.encode()),
        ('subject unknown word', b'=?x-martian?B?aGVsbG8=?='),
        ('subject broken word', b'=?utf-8?B?aGVsbG8?='),
        ('subject cut word', b'=?utf-8?B?5Yaw566'),
        ('subject q word', b'=?utf-8?Q?=E5=86=B0=E7=AE?= =?utf-8?Q?=B1?='),
        ('subject empty word', b'=?utf-8?B??='),
        ('subject nul', b'a\x00b'),
    ]
    for name, subject in heads:
        yield name, bare(to, b'\r\n' + text(next(_numbers)).encode(), Subject=subject)


def _structures(to):
    """Bodies and parts of all kinds."""
    yield 'empty body', plain(to, body='')
    yield 'empty subject', plain(to, '')
    yield 'empty both', plain(to, '', '')
    yield 'spaces only', plain(to, body=' \n\t \n')
    html = plain(to)
    html.add_alternative(
        '<html><body><p>The lamp is <b>broken</b></p></body></html>', subtype='html'
    )
    yield 'alternative', html
    for name, body in _html_bodies():
        message = plain(to)
        message.set_content(body, subtype='html')
        yield f'html {name}', message
    for name, *attachment in _attachments():
        message = plain(to)
        content, maintype, subtype, filename = attachment
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=filename)
        yield f'file {name}', message
    yield 'forward', _forward(to)
    yield 'nested', _nested(to, 12)
    yield 'nested deep', _nested(to, 60)
    yield 'signed', _signed(to)
    yield 'encrypted', _encrypted(to)
    yield 'invitation', _invitation(to)
    yield from _broken_structures(to)


def _html_bodies():
    return [
        ('only', '<p>Only HTML here: the lamp</p>'),
        ('script', '<script>alert(1)</script><p onclick="x()">lamp</p><iframe src="//x"></iframe>'),
        ('unclosed', '<div><p><b>lamp<table><tr><td>'),
        ('empty', '<html><body></body></html>'),
        ('comment', '<!-- nothing -->'),
        ('xml head', '<?xml version="1.0" encoding="utf-8"?><html><body>lamp</body></html>'),
        ('deep', '<div>' * 300 + 'lamp' + '</div>' * 300),
        ('word', '<o:p>&nbsp;</o:p><p class=MsoNormal>lamp<o:p></o:p></p>'),
        ('pixel', '<img src="https://track.example/x.gif?id=1" width=1 height=1>lamp'),
        ('picture only', '<img src="cid:nothing">'),
        ('quote', '<p>Still broken</p><blockquote type="cite">Dear customer</blockquote>'),
        ('entities', '&lt;script&gt;&#x1F600;&nbsp;&unknown;'),
        ('style', '<style>p{color:red}</style><p style="position:fixed">lamp</p>'),
        ('template', '<t t-out="object.env"/>{{ object.env }}<p>lamp</p>'),
    ]


def _attachments():
    return [
        ('picture', b'\x89PNG\r\n\x1a\n' + bytes(64), 'image', 'png', 'lamp.png'),
        ('voice', b'OggS' + bytes(64), 'audio', 'ogg', 'voice.ogg'),
        ('pdf', b'%PDF-1.4 broken', 'application', 'pdf', 'receipt.pdf'),
        ('empty', b'', 'application', 'octet-stream', 'empty.bin'),
        ('program', b'MZ' + bytes(64), 'application', 'x-msdownload', 'lamp.exe'),
        ('path', b'x', 'application', 'octet-stream', '../../etc/passwd'),
        ('long name', b'x', 'application', 'octet-stream', 'n' * 300 + '.txt'),
        ('chinese name', b'x', 'application', 'octet-stream', '收据 2026.txt'),
        ('no name', b'x', 'application', 'octet-stream', None),
        ('svg', b'<svg onload="alert(1)"/>', 'image', 'svg+xml', 'lamp.svg'),
        ('html', b'<script>alert(1)</script>', 'application', 'xhtml+xml', 'page.html'),
        ('vcard', b'BEGIN:VCARD\r\nEND:VCARD', 'application', 'vcard', 'me.vcf'),
        ('winmail', b'\x78\x9f\x3e\x22' + bytes(32), 'application', 'ms-tnef', 'winmail.dat'),
        ('30 MB', bytes(30 * 1024 * 1024), 'application', 'zip', 'big.zip'),
    ]


def _forward(to):
    inner = plain('somebody@else.example', 'The first mail')
    message = plain(to, 'Fwd: The first mail')
    message.add_attachment(inner)
    return message


def _nested(to, depth):
    content = b'Content-Type: text/plain\r\n\r\nlamp in the middle'
    for level in range(depth):
        mark = f'b{level}'.encode()
        content = (
            b'Content-Type: multipart/mixed; boundary="'
            + mark
            + b'"\r\n\r\n--'
            + mark
            + b'\r\n'
            + content
            + b'\r\n--'
            + mark
            + b'--\r\n'
        )
    return bare(to, content, MIME_Version='1.0')


def _signed(to):
    content = (
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="s"\r\n\r\n'
        b'--s\r\nContent-Type: text/plain\r\n\r\nSigned: the lamp\r\n--s\r\n'
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\nMIIB\r\n--s--\r\n'
    )
    return bare(to, content, MIME_Version='1.0')


def _encrypted(to):
    content = (
        b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n'
        b'Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime.p7m"\r\n\r\nMIIB\r\n'
    )
    return bare(to, content, MIME_Version='1.0')


def _invitation(to):
    message = plain(to, 'Invitation: tasting')
    message.add_alternative(
        'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR',
        subtype='calendar',
        params={'method': 'REQUEST'},
    )
    return message


def _broken_structures(to):
    cut = b'Content-Type: multipart/mixed; boundary="cut"\r\n\r\n--cut\r\nContent-Type: text/plain\r\n\r\nlamp'
    yield 'cut off', bare(to, cut, MIME_Version='1.0')
    yield 'no boundary', bare(to, b'Content-Type: multipart/mixed\r\n\r\nlamp', MIME_Version='1.0')
    yield (
        'no parts',
        bare(to, b'Content-Type: multipart/mixed; boundary="n"\r\n\r\n', MIME_Version='1.0'),
    )
    yield 'odd type', bare(to, b'Content-Type: nonsense\r\n\r\nlamp')
    yield 'star type', bare(to, b'Content-Type: */*\r\n\r\nlamp')
    yield 'type twice', bare(to, b'Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nlamp')
    yield 'binary', bare(to, b'Content-Type: application/octet-stream\r\n\r\n' + bytes(range(256)))
    yield 'unix lines', plain(to).as_bytes().replace(b'\r\n', b'\n')
    yield 'mac lines', bare(to, b'\r\nlamp\rlamp\rlamp')
    yield 'headers only', bare(to, b'')
    yield 'long line', bare(to, b'\r\n' + b'lamp ' * 40_000)
    yield 'rfc822 empty', bare(to, b'Content-Type: message/rfc822\r\n\r\n')
    yield 'xml', bare(to, b'Content-Type: text/xml\r\n\r\n<?xml version="1.0"?><lamp/>')
    yield 'rich text', bare(to, b'Content-Type: text/rtf\r\n\r\n{\\rtf1 lamp}')
    yield 'yenc', bare(to, b'\r\n=ybegin line=128 size=3 name=a\r\n\xff\xfe\r\n=yend')


def _odd_headers(to):
    """Headers that break parsers, or try to smuggle others in."""
    body = b'\r\nThe lamp is broken'
    yield 'no message-id', bare(to, body, Message_ID=None)
    yield 'empty message-id', bare(to, body, Message_ID='')
    yield 'odd message-id', bare(to, body, Message_ID='not an id at all')
    yield 'long message-id', bare(to, body, Message_ID=f'<{"x" * 3000}@long.example>')
    yield 'message-id with nul', bare(to, body, Message_ID=b'<a\x00b@nul.example>')
    yield 'no date', bare(to, body, Date=None)
    yield 'odd date', bare(to, body, Date='yesterday at noon')
    yield 'future date', bare(to, body, Date='Fri, 01 Jan 2100 00:00:00 +0000')
    yield 'old date', bare(to, body, Date='Thu, 01 Jan 1970 00:00:00 +0000')
    yield 'date zone', bare(to, body, Date='Mon, 02 Nov 2026 09:00:00 +9999')
    yield 'no subject', bare(to, body, Subject=None)
    yield 'injected', bare(to, body, Subject='Hello\r\n Bcc: all@customers.example\r\n X: 1')
    yield 'folded', bare(to, body, Subject='Hello\r\n\t folded\r\n  again')
    yield 'no colon', bare(to, b'this line has no colon\r\n' + body)
    yield 'space first', b' From nowhere\r\n' + bare(to, body)
    yield 'mbox line', b'From someone Mon Nov  2 09:00:00 2026\r\n' + bare(to, body)
    yield '500 headers', bare(to, b''.join(b'X-%d: x\r\n' % n for n in range(500)) + body)
    yield (
        '400 references',
        bare(to, body, References=' '.join(f'<{n}@r.example>' for n in range(400))),
    )
    yield 'odd references', bare(to, body, References='<<>> <@> nonsense <a@b', In_Reply_To='<>')
    yield 'cc list', bare(to, body, Cc=', '.join(f'P{n} <p{n}@cc{n}.example>' for n in range(60)))
    yield 'odd cc', bare(to, body, Cc='undisclosed-recipients:;, "a\\"b" <x@y.example>, @, <>')
    yield 'group to', bare(f'Service: {to};', body)
    yield 'name to', bare(f'"Service, the best" <{to}>', body)
    yield 'big to', bare(to.upper(), body)
    yield 'many to', bare(f'{to}, friend@x.example, {to}', body)
    yield 'cc only', bare('friend@elsewhere.example', body, Cc=to)
    yield 'delivered to', bare('undisclosed-recipients:;', body, Delivered_To=to)
    yield 'no to', bare('', body, To=None, Delivered_To=to)
    yield 'resent', bare('friend@elsewhere.example', body, Resent_To=to)
    yield 'reply-to else', bare(to, body, Reply_To='Other <other@elsewhere.example>')
    yield 'auto-submitted no', bare(to, body, Auto_Submitted='no')


def _senders():
    return [
        ('quoted', '"Doe, Jane" <jane.doe@quoted.example>'),
        ('encoded', '=?utf-8?B?546L5bCP5piO?= <wang@encoded.example>'),
        ('raw chinese', '王小明 <xiaoming@raw-chinese.example>'),
        ('no name', 'alone@alone.example'),
        ('qq', '12345678@qq.com'),
        ('gmail plus', 'Jane <jane+shop@gmail.com>'),
        ('upper', 'JANE@UPPER.EXAMPLE'),
        ('two', 'One <one@two-senders.example>, Two <two@two-senders.example>'),
        ('name is address', '"boss@shop.example" <crook@crook.example>'),
        ('subdomain', 'a@b.c.d.e.sub.example'),
        ('long', 'x' * 60 + '@' + 'y' * 60 + '.example'),
        ('apostrophe', "O'Neil <o'neil@apostrophe.example>"),
        ('html name', '<b>Bold</b> <bold@html-name.example>'),
        ('template name', '{{ object.env }} <template@name.example>'),
    ]


def _harmless():
    """Headers that look like a program's and are not."""
    return [
        ('suppress alone', {'X-Auto-Response-Suppress': 'OOF, AutoReply'}),
        ('exchange', {'X-MS-Has-Attach': '', 'X-MS-TNEF-Correlator': '', 'Thread-Topic': 'x'}),
        ('priority', {'X-Priority': '1', 'Importance': 'high'}),
        ('first class', {'Precedence': 'first-class'}),
        ('receipt wish', {'Disposition-Notification-To': 'a@b.example'}),
        ('spf softfail', {'Authentication-Results': 'mx.shop.example; spf=softfail; dkim=none'}),
        ('forwarded spf', {'Authentication-Results': 'mx; spf=fail; dkim=pass; dmarc=pass'}),
        ('list broke dkim', {'Authentication-Results': 'mx; spf=pass; dkim=fail'}),
        ('dmarc none', {'Authentication-Results': 'mx; dmarc=none; spf=none'}),
        ('spam score', {'X-Spam-Score': '4.9', 'X-Spam-Status': 'No'}),
        ("other shop's mark", {'X-Retail-Crm': 'somebody-else'}),
        ('autogenerated no', {'X-Autoreply': 'no'}),
    ]


#: Marks of programs that answer by themselves: held when new, attached silently when they answer a ticket.
AUTOMATIC = [
    ('vacation', {'Auto-Submitted': 'auto-replied (vacation)'}),
    ('rfc 3834', {'Auto-Submitted': 'auto-replied'}),
    ('generated', {'Auto-Submitted': 'auto-generated'}),
    ('notified', {'Auto-Submitted': 'auto-notified; owner-email="x@y.example"'}),
    ('upper', {'AUTO-SUBMITTED': 'AUTO-REPLIED'}),
    (
        'exchange',
        {'X-Auto-Response-Suppress': 'All', 'X-MS-Exchange-Inbox-Rules-Loop': 'a@b.example'},
    ),
    ('exchange both', {'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All'}),
    ('autoreply', {'X-Autoreply': 'yes'}),
    ('autorespond', {'X-Autorespond': 'Out of office'}),
    ('autoresponse', {'X-Autoresponse': 'yes'}),
    ('autoreply from', {'X-AutoReply-From': 'x@y.example'}),
    ('mail autoreply', {'X-Mail-Autoreply': 'true'}),
    ('autogenerated', {'X-Autogenerated': 'Reply'}),
    ('loop', {'X-Loop': 'x@y.example'}),
    ('amazon', {'X-Amazon-Mail-Relay-Type': 'notification'}),
    (
        'gmail vacation',
        {'Auto-Submitted': 'auto-replied', 'Precedence': 'bulk', 'X-Autoreply': 'yes'},
    ),
    ('subject english', {'Subject': 'Automatic reply: Your request'}),
    ('subject office', {'Subject': 'Out of Office: Re: Your request'}),
    ('subject chinese', {'Subject': '自动回复: 您的来信已收到'}),
    ('subject taiwan', {'Subject': '自動回覆:休假中'}),
]
#: Mail to many: held when new.
BULK = [
    ('bulk', {'Precedence': 'bulk'}),
    ('junk', {'Precedence': 'junk'}),
    ('list', {'Precedence': 'list'}),
    ('auto reply', {'Precedence': 'auto_reply'}),
    ('upper', {'PRECEDENCE': 'BULK'}),
    ('x-precedence', {'X-Precedence': 'bulk'}),
    ('mailman', {'List-Id': '<talk.list.example>', 'Precedence': 'list'}),
    ('list id', {'List-Id': 'News <news.example>'}),
    ('newsletter', {'List-Unsubscribe': '<mailto:out@news.example>'}),
    (
        'one click',
        {'List-Unsubscribe': '<https://x>', 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click'},
    ),
]
FORGED = [
    (
        'dmarc',
        {
            'Authentication-Results': 'mx.shop.example; dmarc=fail (p=REJECT) header.from=bank.example'
        },
    ),
    ('spf', {'Authentication-Results': 'mx.shop.example; spf=fail smtp.mailfrom=bank.example'}),
    (
        'dkim',
        {'Authentication-Results': 'mx.shop.example; dkim=fail header.d=bank.example; spf=none'},
    ),
    ('all', {'Authentication-Results': 'mx; spf=fail; dkim=fail; dmarc=fail'}),
]


def machines(to, mark, own_addresses, blocked):
    """Mails of programs, forgers and ourselves that belong to no ticket."""
    for name, extra in AUTOMATIC:
        yield Mail(f'new {name}', plain(to, headers=extra).as_bytes(), 'quarantine', 'automatic')
    for name, extra in BULK:
        yield Mail(f'new bulk {name}', plain(to, headers=extra).as_bytes(), 'quarantine', 'bulk')
    for name, extra in FORGED:
        yield Mail(f'forged {name}', plain(to, headers=extra).as_bytes(), 'quarantine', 'forged')
    for sender in blocked:
        yield Mail(
            f'blocked {sender}', plain(to, sender=sender).as_bytes(), 'quarantine', 'blocked'
        )
    for address in own_addresses:
        raw = plain(to, sender=f'Service <{address}>').as_bytes()
        yield Mail(f'own {address}', raw, 'drop', 'own')
    yield Mail('own mark', plain(to, headers={'X-Retail-Crm': mark}).as_bytes(), 'drop', 'own')
    loop = '<1-loop-detection-bounce-email@odoo.example>'
    yield Mail('loop notice', plain(to, headers={'References': loop}).as_bytes(), 'drop', 'loop')
    for name, raw in bounces(to):
        yield Mail(f'bounce {name}', raw, 'drop', 'bounce')
    for name, extra in (
        ('empty envelope', {'Return-Path': '<>'}),
        ('postmaster', {'From': 'postmaster@kettle.example'}),
    ):
        yield Mail(f'bounce? {name}', plain(to, headers=extra).as_bytes(), 'quarantine', 'bounce')
    receipt = _report(to, 'disposition-notification', 'message/disposition-notification')
    yield Mail('read receipt', receipt, 'quarantine', 'automatic')


def bounces(to, original='<unknown@shop.example>', failed='gone@gone.example'):
    """Notices of mail servers: Postfix, Exchange, Gmail, qmail."""
    yield 'postfix', _report(to, 'delivery-status', 'message/delivery-status', original, failed)
    yield (
        'exchange',
        _report(
            to,
            'delivery-status',
            'message/delivery-status',
            original,
            failed,
            'postmaster@exchange.example',
        ),
    )
    yield (
        'gmail',
        _report(
            to,
            'delivery-status',
            'message/delivery-status',
            original,
            failed,
            'Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
            b'X-Failed-Recipients: gone@gone.example\r\n',
        ),
    )
    body = f'\r\nHi. This is the qmail-send program.\r\n<{failed}>: no mailbox\r\n'.encode()
    yield 'qmail', bare(to, body, From='MAILER-DAEMON@qmail.example', In_Reply_To=original)
    yield (
        'exim',
        bare(
            to,
            body,
            From='Mail Delivery System <Mailer-Daemon@exim.example>',
            X_Failed_Recipients=failed,
            In_Reply_To=original,
            Auto_Submitted='auto-replied',
        ),
    )
    yield 'without from name', bare(to, body, X_Failed_Recipients=failed, In_Reply_To=original)


def _report(
    to,
    kind,
    part_type,
    original='<unknown@shop.example>',
    failed='gone@gone.example',
    sender=None,
    extra=b'',
):
    content = (
        extra + f'Content-Type: multipart/report; report-type={kind}; boundary="rep"\r\n\r\n'
        '--rep\r\nContent-Type: text/plain\r\n\r\nSomething about your mail\r\n'
        f'--rep\r\nContent-Type: {part_type}\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n'
        f'Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n'
        f'--rep\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {original}\r\nSubject: x\r\n\r\nx\r\n--rep--\r\n'
        .encode()
    )  # fmt: skip
    sender = sender or (
        'MAILER-DAEMON@mx.example' if kind == 'delivery-status' else 'reader@reader.example'
    )
    return bare(to, content, MIME_Version='1.0', From=sender, References=original)


def floods(to, limits):
    """Loops: one sender, one domain, one text from ever other addresses. Up to the limit tickets, then held."""
    for number in range(limits['sender'] + 10):
        raw = plain(to, sender='loop@one-sender.example').as_bytes()
        end = (
            ('normal', '', 'new')
            if number < limits['sender']
            else ('quarantine', 'limit_sender', '')
        )
        yield Mail(f'one sender {number}', raw, *end)
    for number in range(limits['domain'] + 10):
        raw = plain(to, sender=f'user{number}@one-domain.example').as_bytes()
        end = (
            ('normal', '', 'new')
            if number < limits['domain']
            else ('quarantine', 'limit_domain', '')
        )
        yield Mail(f'one domain {number}', raw, *end)
    for number in range(limits['body'] + 20):
        body = f'Dear sender, your ticket {number} was received and will be answered within {number + 1} days.'
        raw = plain(to, body=body, sender=f'r{number}@changing{number}.example').as_bytes()
        end = ('normal', '', 'new') if number < limits['body'] else ('quarantine', 'limit_body', '')
        yield Mail(f'one text {number}', raw, *end)
    for number in range(limits['domain'] + 5):
        raw = plain(to, sender=f'p{number}@gmail.com').as_bytes()
        yield Mail(f'public domain {number}', raw, 'normal', '', 'new')


def reply(
    to, original, sender, body='Is there any news about the lamp?', subject='Re: x', headers=()
):
    """Return an answer to a mail, as bytes."""
    refs = {'In-Reply-To': original, 'References': original} if original else {}
    return plain(to, subject, body, sender, {**refs, **dict(headers)}).as_bytes()


def incoming(to, mark='', own_addresses=(), blocked=(), limits=None):
    """All mails that belong to no ticket, in the order in which they come."""
    yield from ordinary(to)
    yield from machines(to, mark, own_addresses, blocked)
    if limits:
        yield from floods(to, limits)
    raw = plain(to).as_bytes()
    yield Mail('first of two', raw, 'normal', ticket='new')
    yield Mail('second of two', raw, 'drop', 'duplicate')
    held = plain(to, headers={'Precedence': 'bulk'}).as_bytes()
    yield Mail('first held', held, 'quarantine', 'bulk')
    yield Mail('second held', held, 'drop', 'duplicate')


# === ANSWERS ===#

#: Tickets that the test makes of mails and brings into these states before the answers come.
SCENES = (
    'open waiting on_hold solved solved_thanks solved_old archived cancelled merged merged_chain merged_loop deleted'
    ' household reopened bounced number flooded complaint_old'
).split()


def original(key):
    return f'<{key}@mx.{key}.example>'


def address(key):
    return f'{key}@{key}.example'


def openers(to):
    """The mails from which the tickets of ``SCENES`` are made."""
    for key in SCENES:
        raw = plain(to, f'About {key}', sender=f'{key} <{address(key)}>', key=key).as_bytes()
        yield Mail(key, raw, 'normal', ticket=f'new:{key}')


def replies(to, numbers):
    """Answers to the tickets of ``SCENES``; ``numbers`` are theirs."""

    def answer(name, key, result='normal', reason='', ticket=None, sender=None, **options):
        raw = reply(to, original(key), sender or address(key), **options)
        return Mail(f'answer {name}', raw, result, reason, ticket or key)

    for key in ('open', 'waiting', 'on_hold', 'solved', 'bounced'):
        yield answer(key, key)
    yield answer('thanks', 'solved_thanks', body='Thank you very much!')
    yield answer('thanks chinese', 'solved_thanks', body='谢谢,辛苦了')
    for key in ('solved_old', 'archived', 'cancelled'):
        yield answer(key, key, ticket='new')
    yield answer('complaint solved long ago', 'complaint_old')
    yield answer('deleted', 'deleted', ticket='new')
    yield answer('merged', 'merged', ticket='open')
    yield answer('merged twice', 'merged_chain', ticket='open')
    yield answer('merged in a circle', 'merged_loop', ticket='')
    yield answer('of the spouse', 'household', sender='Spouse <spouse@home.example>')
    yield answer(
        'forwarded by a friend', 'household', sender='friend@friends.example', subject='Fwd: x'
    )
    yield answer('with a copy', 'open', headers={'Cc': 'neighbour@next.example'})
    yield answer('through a list', 'open', headers={'List-Id': '<family.list.example>'})
    yield answer('html', 'open', body='And now?\n\n> Dear customer\n> how are you?')
    yield answer('empty', 'open', body='')
    yield answer(
        'without references but number',
        'number',
        headers={'In-Reply-To': '', 'References': ''},
        subject=f'Re: [{numbers["number"]}] lamp',
    )
    raw = reply(to, '', 'stranger@strange.example', subject=f'Re: [{numbers["number"]}] lamp')
    yield Mail('stranger with number', raw, 'normal', ticket='new')
    raw = reply(to, '<unknown@nowhere.example>', 'lost@lost.example', subject='Re: lost')
    yield Mail('answer to nothing known', raw, 'normal', ticket='new')
    for number in range(6):
        # the test solves the ticket again before each: three reopens a day, then silently
        end = ('normal', '') if number < 3 else ('silent', 'limit_reopen')
        yield answer(f'reopening {number}', 'reopened', *end)
    for name, extra in AUTOMATIC:
        for key in ('solved', 'waiting'):
            yield answer(
                f'{name} to {key}',
                key,
                'silent',
                'automatic',
                headers=extra,
                sender=f'{name.replace(" ", "-")}-{key}@auto.example',
            )
    for name, extra in BULK[:2] + BULK[3:6]:
        yield answer(f'bulk {name}', 'solved', 'silent', 'bulk', headers=extra)
    for name, raw in bounces(to, original('bounced'), address('bounced')):
        yield Mail(f'bounce of an answer: {name}', raw, 'silent', 'bounce', 'bounced')
    receipt = _report(
        to, 'disposition-notification', 'message/disposition-notification', original('bounced')
    )
    yield Mail('receipt of an answer', receipt, 'silent', 'automatic', 'bounced')
    yield answer('forged', 'open', 'quarantine', 'forged', headers=FORGED[0][1])
    yield answer('own mail back', 'open', 'drop', 'own', sender=to)
    for number in range(30):
        # a person could write so often; two programs that answer each other do
        end = ('normal', '') if number < 19 else ('quarantine', 'limit_sender')
        yield answer(f'ping {number}', 'flooded', *end)
