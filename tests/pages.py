"""What tests in a browser do with a page of Odoo, on fast and on slow machines."""

import re

# Put into each page before its own scripts: how many requests wait for an answer.
COUNT_REQUESTS = """
window.openRequests = 0;
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function () {
    window.openRequests += 1;
    this.addEventListener('loadend', () => (window.openRequests -= 1));
    return send.apply(this, arguments);
};
"""
# Twice nothing asked for, a moment apart, as the answer to one question may lead to the next.
QUIET = """async () => {
    for (let still = 0; still < 2; still = window.openRequests ? 0 : still + 1) {
        await new Promise((done) => setTimeout(done, 60));
        await new Promise((done) => requestAnimationFrame(done));
    }
}"""
LEAVE = 'document.activeElement.blur()'


def open_page(browser, shots, url, width, errors):
    """Return a page in a context of its own; what goes wrong in it is added to the errors."""
    size = {'width': width, 'height': shots.HEIGHTS[width]}
    context = browser.new_context(viewport=size, base_url=url, has_touch=width < 768)
    context.add_init_script(COUNT_REQUESTS)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on('pageerror', lambda error: errors.append(str(error)))
    page.on('console', lambda line: line.type == 'error' and errors.append(line.text))
    page.on('response', lambda answer: answer.status >= 500 and errors.append(answer.url))
    return page


def settle(page):
    """Wait until all that was asked is answered and drawn: a click before that may miss, or be lost."""
    page.evaluate(QUIET)


def leave(page):
    """Leave the field, and wait for what the form answers: it would redraw a menu opened meanwhile."""
    page.evaluate(LEAVE)
    settle(page)


def choose(page, scope, field, text):
    """Choose a record in a many2one or tags field."""
    box = scope.locator(f'[name="{field}"] input')
    box.scroll_into_view_if_needed()  # scrolling would close the list again
    leave(page)
    box.click()
    page.locator('.o-autocomplete--dropdown-item', has_text=text).click()
    settle(page)


def search_for(page, text):
    """Type into the search box and take what it offers first: Enter before it offers anything is lost."""
    facets = page.locator('.o_searchview_facet')
    before = facets.count()
    page.locator('.o_searchview_input').fill(text)
    page.locator('.o_searchview_autocomplete .o-dropdown-item.focus', has_text=text).wait_for()
    page.keyboard.press('Enter')
    facets.nth(before).wait_for()
    settle(page)


def select(page, scope, field, text):
    """Choose in a selection field."""
    box = scope.locator(f'[name="{field}"] input')
    box.scroll_into_view_if_needed()
    leave(page)
    box.click()
    page.locator('.o_select_menu_item', has_text=text).click()
    settle(page)


def assert_inside(page, selector, width=390):
    """What the selector finds is visible and inside the screen, and the page has no scroll bar to the side."""
    parts = page.locator(selector)
    parts.first.wait_for()
    settle(page)
    for part in parts.all():
        box = part.bounding_box()
        if box and box['width']:
            assert box['x'] >= 0 and box['x'] + box['width'] <= width, (selector, box)
    assert page.evaluate('document.documentElement.scrollWidth') <= width


def open_app(page):
    """Open Retail CRM: by the menu of apps, which a telephone has elsewhere."""
    page.goto('/odoo')
    page.wait_for_selector('.o_main_navbar')
    settle(page)
    if page.viewport_size['width'] < 768:
        page.goto('/odoo/retail-my-day')
    else:
        page.click('.o_navbar_apps_menu button')
        settle(page)
        page.click('[data-menu-xmlid="retail_crm.retail_crm_menu"]')
    page.wait_for_selector('.o_retail_my_day')
    settle(page)


def open_menu(page, *names):
    for name in names:
        page.click(f'[data-menu-xmlid="retail_crm.{name}"]')


def open_ticket(page, number):
    page.goto(f'/odoo/retail-tickets/{number}')
    page.wait_for_selector('.o_form_view')
    settle(page)


def press(page, name):
    """Press the button of the form, and wait for what follows."""
    leave(page)
    page.locator(f'.o_form_view button[name="{name}"]:visible').first.click()
    settle(page)


def tab(page, text):
    page.locator('.o_notebook .nav-link', has_text=re.compile(f'^{text}$')).click()
    settle(page)


def write(page, scope, field, text):
    scope.locator(f'[name="{field}"]').locator('input, textarea').first.fill(text)


def badge(page, scope, field, text):
    scope.locator(f'[name="{field}"] .o_selection_badge', has_text=text).first.click()
    settle(page)


def stage(page):
    return page.locator('.o_statusbar_status .o_arrow_button_current')
