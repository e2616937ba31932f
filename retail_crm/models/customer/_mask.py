"""How telephone numbers and e-mail addresses are shown to those who may not see them in full."""

import re

STARS = '****'

_ADDRESS = re.compile(r'([^\s<>"\',;@]+)@([^\s<>"\',;@]+)')
_SEPARATOR = re.compile(r'[,;/\n]+')
_COUNTRY = re.compile(r'^\s*(\+\d{1,3})[\s\-(]+')


def mask_phone(text):
    """Return telephone numbers with their middle hidden: enough to recognise a number, too little to dial it.

    >>> mask_phone('+86 138 1234 5678')
    '+86 138****5678'
    """
    parts = (part for part in _SEPARATOR.split(text or '') if part.strip())
    return ', '.join(_mask_number(part) for part in parts)


def _mask_number(text):
    """Mask one number; at least four digits are hidden, short numbers as a whole."""
    country, plus = '', ''
    if match := _COUNTRY.match(text):
        country, text = f'{match[1]} ', text[match.end() :]
    elif text.strip().startswith('+'):
        plus = '+'
    digits = ''.join(character for character in text if character.isdigit())
    size = len(digits)
    if size >= 11:
        # without a space nobody knows where the country code ends: it stays with what is shown
        head, tail = (size - 8 if plus and size > 11 else 3), 4
    elif size >= 8:
        head, tail = 2, 2
    else:
        head, tail = 0, (2 if size >= 6 else 0)
    return f'{country}{plus}{digits[:head]}{STARS}{digits[size - tail :]}'


def mask_email(text):
    """Return the e-mail addresses in a text with all but the first letter of the name hidden; the rest is left out.

    >>> mask_email('"Ann Lee" <ann@mail.com>')
    'a***@mail.com'
    """
    if not text or not text.strip():
        return ''
    found = _ADDRESS.findall(text)
    if not found:
        return '***'  # not an address, but something that somebody entered as one
    return ', '.join(f'{name[0] if len(name) > 1 else ""}***@{domain}' for name, domain in found)
