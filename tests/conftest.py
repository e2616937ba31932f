"""Fixtures for the tests from outside: real databases and servers, made by functions of ./dev."""

import importlib.machinery
import importlib.util
import itertools
import os
import resource
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
