"""Which files customers may send: by number, size, name and content. Plain functions, no database."""

from odoo.tools.mimetypes import guess_mimetype

#: Most files with one message, and most bytes of each.
MAX_FILES = 5
MAX_BYTES = 10 * 1024 * 1024

# What a file of an ending must look like inside. Nothing that a browser would run (HTML, SVG, scripts) or that hides
# other files (archives) is taken.
_IMAGE = ('image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/bmp')
_UNKNOWN = ('application/octet-stream',)
_MEDIA = ('audio/', 'video/', 'application/ogg', 'application/mp4', *_UNKNOWN)
_OFFICE = (
    'application/zip',
    'application/msword',
    'application/vnd.',
    'application/x-ole-storage',
    'application/CDFV2',
    'application/cdfv2',
    *_UNKNOWN,
)
KINDS = {
    **dict.fromkeys(('jpg', 'jpeg', 'png', 'gif', 'webp', 'bmp'), _IMAGE),
    **dict.fromkeys(('heic', 'heif'), ('image/heic', 'image/heif', *_UNKNOWN)),
    'pdf': ('application/pdf',),
    'txt': ('text/plain',),
    **dict.fromkeys(('mp3', 'm4a', 'aac', 'ogg', 'opus', 'wav', 'amr', 'weba'), _MEDIA),
    **dict.fromkeys(('mp4', 'mov', 'webm', '3gp'), (*_MEDIA, 'image/')),
    **dict.fromkeys(('doc', 'docx', 'odt', 'xls', 'xlsx', 'ods'), _OFFICE),
}
#: Value of the browser's ``accept``: it only helps to choose, the server decides.
ACCEPT = ','.join(f'.{ending}' for ending in KINDS)


def is_allowed(name, content):
    """Return whether a file may be stored: its ending is known and its content is of that kind."""
    ending = (name or '').rpartition('.')[2].lower()
    if '.' not in (name or '') or ending not in KINDS:
        return False
    kind = guess_mimetype(content or b'', default='application/octet-stream')
    if not content or (ending == 'txt' and b'\0' in content):
        return False
    return kind.startswith(KINDS[ending])
