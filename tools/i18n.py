"""Translation files of our add-ons: a fresh .pot, merged into zh_CN.po, converted to zh_TW.po.

Run by `./dev i18n` with the name of a database where the add-ons are installed. zh_CN.po is the one
that people translate; zh_TW.po is made from it, so it is never edited by hand. With --check nothing
is written: the files must be what a run would make of them, and every zh_CN entry translated.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import opencc
import polib

CHECKOUT = Path(os.environ['RETAIL_CRM_CHECKOUT'])
CONFIG = Path(os.environ['RETAIL_CRM_CACHE']) / 'databases'
PLACEHOLDER = re.compile(r'%\(\w+\)[sdif]|%[sdif]|\{\w*\}|\$\{[^}]*\}|</?[a-z][^>]*>')


def export(database, addon):
    """A fresh export of an add-on's terms."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f'{addon}.pot'
        done = subprocess.run(
            [sys.executable, '-m', 'odoo', 'i18n', 'export']
            + ['-c', CONFIG / database / 'odoo.conf', '-d', database, '-l', 'pot']
            + ['-o', target, '--', addon],
            capture_output=True,
            text=True,
        )
        if done.returncode or not target.exists():
            if 'No translatable terms' in done.stderr:
                return None
            sys.exit(f'export of {addon} failed:\n{done.stderr[-3000:]}')
        return polib.pofile(str(target), wrapwidth=78)


def still(pot):
    """Take the dates out, so that a run without changes leaves the file as it was."""
    for name in ('POT-Creation-Date', 'PO-Revision-Date'):
        pot.metadata.pop(name, None)
    return pot


def merge(pot, path, language):
    """The catalog of a language: its translations kept, new terms empty, obsolete ones gone."""
    old = polib.pofile(str(path)) if path.exists() else polib.POFile()
    known = {(entry.msgctxt, entry.msgid): entry for entry in old if not entry.obsolete}
    new = polib.POFile(wrapwidth=78)
    new.metadata = {**pot.metadata, 'Language': language}
    for entry in pot:
        kept = known.get((entry.msgctxt, entry.msgid))
        new.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgctxt=entry.msgctxt,
                msgstr=kept.msgstr if kept else '',
                flags=[*entry.flags, *(['fuzzy'] if kept and kept.fuzzy else [])],
                comment=entry.comment,
                occurrences=entry.occurrences,
            )
        )
    return new


def converted(simplified, converter):
    """zh_TW out of zh_CN, in Taiwan's words; placeholders and markup stay as they are."""
    new = polib.POFile(wrapwidth=78)
    new.metadata = {**simplified.metadata, 'Language': 'zh_TW'}
    for entry in simplified:
        new.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgctxt=entry.msgctxt,
                msgstr=convert(entry.msgstr, converter),
                flags=entry.flags,
                comment=entry.comment,
                occurrences=entry.occurrences,
            )
        )
    return new


def convert(text, converter):
    pieces, end = [], 0
    for match in PLACEHOLDER.finditer(text):
        pieces += [converter.convert(text[end : match.start()]), match[0]]
        end = match.end()
    return ''.join([*pieces, converter.convert(text[end:])])


def terms(catalog, with_text=True):
    return {
        (e.msgctxt, e.msgid): e.msgstr if with_text else None for e in catalog if not e.obsolete
    }


def faults(folder, addon, pot, converter):
    """What `./dev i18n` or a translator has to do, as lines; none when all is fresh."""
    paths = {name: folder / f'{name}' for name in (f'{addon}.pot', 'zh_CN.po', 'zh_TW.po')}
    for name, path in paths.items():
        if not path.exists():
            return [f'{name} is missing: run ./dev i18n']
    old_pot, simplified, traditional = (polib.pofile(str(path)) for path in paths.values())
    found = []
    fresh, old = terms(pot, False), terms(old_pot, False)
    found += [f'{addon}.pot lacks {key[1]!r}: run ./dev i18n' for key in fresh if key not in old]
    found += [
        f'{addon}.pot still has {key[1]!r}: run ./dev i18n' for key in old if key not in fresh
    ]
    known = terms(simplified)
    found += [f'zh_CN.po lacks {key[1]!r}: run ./dev i18n' for key in fresh if key not in known]
    found += [f'zh_CN.po still has {key[1]!r}: run ./dev i18n' for key in known if key not in fresh]
    for entry in simplified:
        if not entry.obsolete and (entry.fuzzy or not entry.msgstr):
            found.append(f'zh_CN.po: {"fuzzy" if entry.fuzzy else "empty"}: {entry.msgid!r}')
        elif sorted(PLACEHOLDER.findall(entry.msgid)) != sorted(PLACEHOLDER.findall(entry.msgstr)):
            found.append(f'zh_CN.po: placeholders or markup differ: {entry.msgid!r}')
    wanted = terms(converted(simplified, converter))
    if terms(traditional) != wanted:
        differ = [key[1] for key, text in wanted.items() if terms(traditional).get(key) != text]
        found.append(f'zh_TW.po is not what zh_CN.po converts to {differ[:3]}: run ./dev i18n')
    return found


def write(folder, addon, pot, converter):
    folder.mkdir(exist_ok=True)
    pot.save(str(folder / f'{addon}.pot'))
    simplified = merge(pot, folder / 'zh_CN.po', 'zh_CN')
    simplified.save(str(folder / 'zh_CN.po'))
    converted(simplified, converter).save(str(folder / 'zh_TW.po'))
    empty = sum(1 for entry in simplified if entry.fuzzy or not entry.msgstr)
    print(f'{addon}: {len(pot)} terms, {empty} to translate in zh_CN.po')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('database')
    parser.add_argument('--check', action='store_true')
    args = parser.parse_args()
    converter = opencc.OpenCC('s2twp')
    bad = 0
    for addon in sorted(path.parent.name for path in CHECKOUT.glob('retail_crm*/__manifest__.py')):
        pot = export(args.database, addon)
        folder = CHECKOUT / addon / 'i18n'
        if pot is None:
            print(f'{addon}: no translatable terms')
        elif args.check:
            found = faults(folder, addon, still(pot), converter)
            bad += len(found)
            print('\n'.join(f'{addon}: {line}' for line in found[:40]) or f'{addon}: fresh')
            if len(found) > 40:
                print(f'{addon}: and {len(found) - 40} more')
        else:
            write(folder, addon, still(pot), converter)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
