"""Pictures of the add-on in a browser: the named ones for the guide, or one of any page.

./dev shots                                     all named pictures into docs/pictures/
./dev shots --only contacts                     those whose name holds this text
./dev shots --url /odoo/x --out /tmp/x.png --db NAME [--login admin] [--width 390] [--lang zh_CN]
            [--wait CSS] [--click CSS ...] [--full]
"""

import argparse
import contextlib
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

PICTURES = Path(__file__).resolve().parent.parent / 'docs/pictures'
# As root Chromium has no sandbox; the rest keeps it from calling home.
FLAGS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
]
HEIGHTS = {1400: 900, 390: 844}
# The bot's first chat and passing messages would lie over the page.
HIDDEN = '.o-mail-ChatHub, .o_notification_manager { display: none !important; }'


@dataclass
class Shot:
    name: str
    url: str
    login: str = 'admin'
    lang: str = 'en_US'
    width: int = 1400
    wait: str = ''  # a CSS selector that must be visible
    click: tuple = ()  # CSS selectors to click, in order, before the picture
    full: bool = False  # the whole page, not only what a screen shows


def everywhere(name, url, **more):
    """One page in both languages and both widths."""
    return [
        Shot(f'{name}-{lang}-{width}', url, lang=lang, width=width, **more)
        for lang in ('en_US', 'zh_CN')
        for width in (1400, 390)
    ]


def twice(name, url, **more):
    """One page in English on a screen and in Chinese on a telephone."""
    return [
        Shot(f'{name}-{lang}-{width}', url, lang=lang, width=width, **more)
        for lang, width in (('en_US', 1400), ('zh_CN', 390))
    ]


RULES = '.o_data_row .o_data_cell[name=company_id], .o_kanban_record:not(.o_kanban_ghost)'
FIRST = '.o_data_row .o_data_cell[name=partner_id], .o_kanban_record:not(.o_kanban_ghost)'
NAMED = (
    '.o_data_row .o_data_cell[name=name], .o_data_row .o_data_cell[name=complete_name], '
    '.o_kanban_record:not(.o_kanban_ghost)'
)
SUBJECT = '.o_data_row .o_data_cell[name=subject], .o_kanban_record:not(.o_kanban_ghost)'
LIST = '.o_data_row, .o_kanban_record:not(.o_kanban_ghost)'

SHOTS = [
    *everywhere('customers', '/odoo/retail-customers', login='clerk', wait=LIST),
    *everywhere('customer', '/odoo/retail-profiles', login='clerk', wait=LIST, click=(FIRST,)),
    *everywhere('figures', '/odoo/retail-profiles', login='clerk', wait=LIST),
    *everywhere('purchases', '/odoo/retail-purchases', login='clerk', wait=LIST),
    *everywhere('order', '/odoo/retail-purchases', login='clerk', wait=LIST, click=(FIRST,)),
    *everywhere('purchase-analysis', '/odoo/retail-purchase-analysis', wait='canvas'),
    *twice('churn', '/odoo/retail-churn', login='clerk', wait=LIST),
    *twice('winback', '/odoo/retail-winback', login='clerk', wait=LIST),
    *twice('lifecycle', '/odoo/retail-lifecycle', login='clerk', wait='canvas, .o_kanban_group'),
    *twice('movements', '/odoo/retail-movements', login='manager', wait=LIST),
    *twice('churn-check', '/odoo/retail-churn-check', login='manager', wait='.o_pivot'),
    *twice('cohorts', '/odoo/retail-cohorts', login='manager', wait='.o_pivot'),
    *twice(
        'hot-products', '/odoo/retail-hot-products', login='manager', wait='canvas, .o_data_row'
    ),
    *twice('peak-hours', '/odoo/retail-peak-hours', login='manager', wait='.o_pivot'),
    *twice('policies', '/odoo/retail-policies', login='manager', wait=LIST),
    *twice(
        'classification', '/odoo/retail-classification', login='manager', wait=LIST, click=(RULES,)
    ),
    *twice('file', '/odoo/retail-customer-files', login='clerk', wait=LIST, click=(NAMED,)),
    *twice('register', '/odoo/retail-register', login='clerk', wait='.modal .o_form_view'),
    *twice('contacts', '/odoo/retail-contacts', login='clerk', wait=LIST),
    *twice('segments', '/odoo/retail-segments', login='manager', wait=LIST),
    *twice('segment', '/odoo/retail-segments', login='manager', wait=LIST, click=(NAMED,)),
    *twice('quality', '/odoo/retail-data-quality', login='manager', wait=LIST),
    *twice('duplicates', '/odoo/retail-duplicates', login='manager', wait=LIST),
    *twice('consents', '/odoo/retail-consents', login='manager', wait=LIST),
    *twice('members', '/odoo/retail-members', login='manager', wait=LIST),
    *twice('member', '/odoo/retail-members', login='manager', wait=LIST, click=(FIRST,)),
    Shot('my-membership-en_US-1400', '/my/loyalty', login='customer', wait='#wrap', full=True),
    Shot(
        'my-membership-zh_CN-390',
        '/zh_CN/my/loyalty',
        login='customer',
        lang='zh_CN',
        width=390,
        wait='#wrap',
        full=True,
    ),
    *twice('privileges', '/odoo/retail-privileges', login='manager', wait=LIST),
    *twice('preview', '/odoo/retail-tier-previews', login='manager', wait=LIST, click=(NAMED,)),
    *twice(
        'evaluation',
        '/odoo/retail-programme-evaluations',
        login='manager',
        wait=LIST,
        click=('.o_data_row .o_data_cell, .o_kanban_record:not(.o_kanban_ghost)',),
    ),
    *twice('service-my-day', '/odoo/retail-my-day', login='clerk', wait='.o_action'),
    *twice('service-tickets', '/odoo/retail-tickets', login='clerk', wait=LIST),
    *twice(
        'service-complaint', '/odoo/retail-complaints', login='leader', wait=LIST, click=(SUBJECT,)
    ),
    *twice('service-goals', '/odoo/retail-team-board', login='manager', wait=LIST),
    *twice('service-counter', '/odoo/retail-counter', login='clerk', wait='.modal .o_form_view'),
    Shot('service-my-tickets-en_US-1400', '/my/tickets', login='customer', wait='#wrap'),
    Shot(
        'service-my-tickets-zh_CN-390',
        '/zh_CN/my/tickets',
        login='customer',
        lang='zh_CN',
        width=390,
        wait='#wrap',
    ),
    *everywhere('stores', '/odoo/retail-stores', login='manager', wait=LIST),
    *everywhere('moments', '/odoo/retail-moments', login='manager', wait='.o_view_nocontent'),
    *everywhere('settings', '/odoo/retail-settings', wait='.o_setting_container'),
]


def log_in(page, base, login):
    page.goto(f'{base}/web/login')
    page.fill('input[name=login]', login)
    page.fill('input[name=password]', login)
    page.click('form.oe_login_form button[type=submit]')
    # The first page must be complete before the next is asked for: two first pages of a user at once
    # both create the user's settings row, and Odoo answers the slower one with an error.
    with contextlib.suppress(Error):  # not 'networkidle': the bus keeps a connection open
        page.wait_for_url(lambda url: '/web/login' not in url, wait_until='load')
    if '/web/login' in page.url:
        raise SystemExit(f'login {login} with password {login} was refused at {base}')


def speak(page, lang):
    """Give the logged-in user the language, as the person would in the preferences."""
    answer = page.evaluate(
        """async (lang) => {
            const post = async (url, params) => (await (await fetch(url, {
                method: 'POST',
                headers: {'Content-Type': 'application/json'},
                body: JSON.stringify({jsonrpc: '2.0', method: 'call', params}),
            })).json());
            const {result} = await post('/web/session/get_session_info', {});
            const args = [[result.uid], {lang}];
            return await post('/web/dataset/call_kw',
                {model: 'res.users', method: 'write', args, kwargs: {}});
        }""",
        lang,
    )
    if 'error' in answer:
        raise SystemExit(f'language {lang}: {answer["error"]["data"]["message"]}')


def settle(page):
    """Wait until the page has loaded and no longer shows that it is busy."""
    with contextlib.suppress(Error):  # the bus keeps a connection open: not every page falls idle
        page.wait_for_load_state('networkidle', timeout=5000)
    page.wait_for_function("!document.querySelector('.o_loading_indicator, .o_blockUI')")
    page.wait_for_timeout(400)


def shoot(page, base, shot, target):
    """Open a page, do its clicks, save its picture."""
    page.set_viewport_size({'width': shot.width, 'height': HEIGHTS.get(shot.width, 900)})
    page.goto(base + shot.url)
    page.add_style_tag(content=HIDDEN)
    if shot.wait:
        page.wait_for_selector(shot.wait)
    settle(page)
    for selector in shot.click:
        page.click(selector)
        settle(page)
    target.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(target), full_page=shot.full)


def take(base, pairs):
    """Take (shot, target) pairs, logging in once per login and language; the names that failed."""
    failed = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path='/usr/bin/chromium', headless=True, args=FLAGS
        )
        who, context = None, None
        for shot, target in sorted(pairs, key=lambda pair: (pair[0].login, pair[0].lang)):
            start = time.monotonic()
            try:
                if (shot.login, shot.lang) != who:
                    # a browser of its own: the login page remembers who was there before
                    if context:
                        context.close()
                    who, context = None, browser.new_context()
                    page = context.new_page()
                    log_in(page, base, shot.login)
                    speak(page, shot.lang)
                    who = (shot.login, shot.lang)
                shoot(page, base, shot, target)
                print(f'{target}  ({time.monotonic() - start:.1f}s)')
            except Error as error:
                failed.append(shot.name)
                with contextlib.suppress(Error):
                    page.screenshot(path=str(target.with_suffix('.failed.png')))
                print(f'FAILED {shot.name}: {str(error).splitlines()[0]}', file=sys.stderr)
        browser.close()
    return failed


def main():
    parser = argparse.ArgumentParser(prog='./dev shots', description=__doc__.splitlines()[0])
    parser.add_argument('--base', required=True, help='address of the server (given by ./dev)')
    parser.add_argument('--only', default='', help='named pictures whose name holds this text')
    parser.add_argument('--url', help='one picture of this page instead')
    parser.add_argument('--out', type=Path, default=Path('shot.png'))
    parser.add_argument('--login', default='admin')
    parser.add_argument('--lang', default='en_US')
    parser.add_argument('--width', type=int, default=1400)
    parser.add_argument('--wait', default='')
    parser.add_argument('--click', action='append', default=[])
    parser.add_argument('--full', action='store_true')
    args = parser.parse_args()
    if args.url:
        one = Shot(args.out.stem, args.url, args.login, args.lang, args.width)
        one = replace(one, wait=args.wait, click=tuple(args.click), full=args.full)
        pairs = [(one, args.out)]
    else:
        pairs = [(shot, PICTURES / f'{shot.name}.png') for shot in SHOTS if args.only in shot.name]
    return 1 if take(args.base, pairs) else 0


if __name__ == '__main__':
    sys.exit(main())
