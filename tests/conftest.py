"""Fixtures for the tests from outside: real databases and servers, made by functions of ./dev."""

import email
import email.policy
import email.utils
import importlib.machinery
import importlib.util
import itertools
import json
import os
import resource
import socketserver
import threading
import urllib.request
import xmlrpc.client
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_configure(config):
    text = 'chapters: tests of a file go on where the one before ended; when one fails the others do at once'
    config.addinivalue_line('markers', text)


def pytest_runtest_makereport(item, call):
    if item.get_closest_marker('chapters') and call.excinfo and call.when != 'teardown':
        item.parent.failed_chapter = getattr(item.parent, 'failed_chapter', item.name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    failed = getattr(item.parent, 'failed_chapter', None)
    if failed:
        pytest.fail(f'an earlier chapter failed: {failed}', pytrace=False)


@pytest.fixture(scope='session')
def house():
    """The program ./dev as a module, so that tests and workshop share one way to do things."""
    loader = importlib.machinery.SourceFileLoader('house', str(CHECKOUT / 'dev'))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('house', loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope='session')
def base_db(house):
    """A database with all our add-ons that nobody is connected to: what fresh_db copies."""
    name = os.environ.get('RETAIL_CRM_TEST_BASE')
    if name:  # made by ./dev test, which also drops it
        yield name
        return
    name = f'retail_crm_test_{os.getpid()}_base'
    house.copy(house.template(house.dependencies(), False), name)
    house.odoo_run(name, 'install', '--no-http', '-i', ','.join(house.manifests()))
    yield name
    house.drop(name)


@pytest.fixture(scope='session')
def _numbers():
    return itertools.count(1)


@pytest.fixture
def fresh_db(house, base_db, _numbers):
    """A function that makes a throw-away database, with the add-ons installed or of a source; returns its name."""
    names = []

    def make(source=base_db):
        name = f'retail_crm_test_{os.getpid()}_fresh{next(_numbers)}'
        names.append(name)
        house.copy(source, name)
        return name

    yield make
    for name in names:
        house.drop(name)


@pytest.fixture
def server(house, fresh_db):
    """A function that serves a database on a free port: server(db, workers=2).url; stops it."""
    servers = []

    def start(name, **options):
        servers.append(house.Server(name, **options))
        return servers[-1].start()

    yield start
    for one in servers:
        one.stop()


@pytest.fixture
def cluster(house):
    """A function that starts a PostgreSQL server of its own (settings={'fsync': 'on'}) to kill."""
    clusters = []

    def start(**settings):
        folder = house.cluster_folder(f'test-{os.getpid()}-{len(clusters)}')
        clusters.append(house.Cluster(folder, settings={'fsync': 'on', **settings}))
        return clusters[-1].start()

    yield start
    for one in clusters:
        one.remove()


@pytest.fixture(scope='module')
def shots():
    """tools/shots.py as a module: how a browser is started and logs in."""
    path = CHECKOUT / 'tools/shots.py'
    spec = importlib.util.spec_from_file_location('shots', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def browser(shots):
    # only those who look at screens need it
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)
    # Odoo inside pytest limits the address space of this process; Chromium reserves more than that
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limits[1], limits[1]))
    try:
        with sync_playwright() as play:
            yield play.chromium.launch(
                executable_path='/usr/bin/chromium', headless=True, args=shots.FLAGS
            )
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.fixture
def visit(shots, shop, browser):
    """A function that logs somebody in at the file's `shop` and returns the page; what goes wrong in it fails the test."""
    from pages import open_page

    errors, pages = [], []

    def log_in(login, width=1400):
        page = open_page(browser, shots, shop.url, width, errors)
        pages.append(page)
        shots.log_in(page, shop.url, login)
        return page

    yield log_in
    for page in pages:
        page.context.close()
    assert not errors


class Postman(socketserver.StreamRequestHandler):
    """Takes the mails that the shop sends; the server keeps them in ``letters``."""

    def handle(self):
        self.wfile.write(b'220 story\r\n')
        for line in self.rfile:
            word = line[:4].upper().strip()
            if word == b'DATA':
                self.wfile.write(b'354 go on\r\n')
                text = b''.join(iter(self.rfile.readline, b'.\r\n'))
                self.server.letters.append(
                    email.message_from_bytes(text, policy=email.policy.default)
                )
            self.wfile.write(b'221 bye\r\n' if word == b'QUIT' else b'250 ok\r\n')
            if word == b'QUIT':
                return


@pytest.fixture(scope='module')
def letters():
    """The mails that left the shop, oldest first."""
    with socketserver.ThreadingTCPServer(('127.0.0.1', 0), Postman) as post:
        post.daemon_threads, post.letters = True, []
        threading.Thread(target=post.serve_forever, daemon=True).start()
        yield post.letters, post.server_address[1]
        post.shutdown()


@pytest.fixture(scope='module')
def kept():
    """What one chapter leaves for the next."""
    return {}


@pytest.fixture(scope='module')
def ask(shop):
    """A function that calls a method of the file's `shop` as the administrator does from outside, like a mail server."""

    def call(model, method, *args, **options):
        # JSON: XML-RPC has no None, which actions return
        params = {
            'service': 'object',
            'method': 'execute_kw',
            'args': [shop.name, 2, 'admin', model, method, args, options],
        }
        data = json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': params, 'id': 1}).encode()
        head = {'Content-Type': 'application/json'}
        request = urllib.request.Request(f'{shop.url}/jsonrpc', data, head)
        with urllib.request.urlopen(request) as answer:
            result = json.load(answer)
        if 'error' in result:
            raise AssertionError(result['error']['data']['debug'])
        return result.get('result')

    return call


@pytest.fixture(scope='module')
def run(ask):
    """A function that runs a scheduled action, by its name."""

    def trigger(name):
        found = ask('ir.model.data', 'search_read', [('name', '=', name)], ['res_id'])
        ask('ir.cron', 'method_direct_trigger', [found[0]['res_id']])

    return trigger


@pytest.fixture(scope='module')
def deliver(shop):
    """A function that hands a mail to the file's `shop`, as a mail server does."""
    gate = xmlrpc.client.ServerProxy(f'{shop.url}/xmlrpc/2/object', allow_none=True)

    def hand_over(number, sender, subject, text, **more):
        head = {
            'From': sender,
            'To': 'service@shop.example',
            'Subject': subject,
            'Message-ID': f'<story-{number}@example.com>',
            'Date': email.utils.formatdate(),
            **{key.replace('_', '-'): value for key, value in more.items()},
        }
        raw = '\r\n'.join(f'{key}: {value}' for key, value in head.items()) + f'\r\n\r\n{text}\r\n'
        mail = xmlrpc.client.Binary(raw.encode())
        gate.execute_kw(shop.name, 2, 'admin', 'mail.thread', 'message_process', [False, mail])

    return hand_over
