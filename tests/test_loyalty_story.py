"""The loyalty programme in a real browser, from its start to the day on which a customer leaves.

A manager starts the programme, a clerk enrols a customer and finds her by her card, she buys and sees on her telephone
what is missing, a team leader gives her a tier, and she leaves; another customer joins by herself. The tests of this file
are chapters: each goes on where the one before ended, and all of them are told in one shop.
"""

import re

import pytest
from pages import choose, leave, search_for, select, settle
from playwright.sync_api import expect

pytestmark = pytest.mark.chapters

CUSTOMER, GUEST = 'Story Mei', 'Story Zoe'
SECRET = 'Her parcel was lost twice'
# Staff whose passwords are their logins, and two customers with portal accounts.
SHOP = f"""
from odoo.fields import Command
env['product.product'].create({{'name': 'Goods', 'type': 'service', 'taxes_id': False, 'invoice_policy': 'order'}})
env['crm.team'].create({{'name': 'High Street', 'retail_is_store': True}})
for login, groups in (
    ('clerk', ['retail_crm.group_user', 'sales_team.group_sale_salesman']),
    ('leader', ['retail_crm.group_lead']),
    ('manager', ['retail_crm.group_manager']),
):
    env['res.users'].with_context(no_reset_password=True).create({{
        'name': login.title(), 'login': login, 'password': login,
        'group_ids': [Command.link(env.ref(group).id) for group in groups]}})
for login, name in (('mei', '{CUSTOMER}'), ('zoe', '{GUEST}')):
    partner = env['res.partner'].create({{'name': name, 'email': login + '@example.com'}})
    env['res.users'].with_context(no_reset_password=True).create({{
        'name': name, 'login': login, 'password': login, 'partner_id': partner.id,
        'group_ids': [Command.set(env.ref('base.group_portal').ids)]}})
env.cr.commit()
env['retail.moment']._process_all()
env.cr.commit()
"""
PROGRAMME = """
programme = env['retail.programme'].search([])
env['retail.privilege'].create([
    {'name': 'Birthday tea', 'programme_id': programme.id, 'tier_ids': programme.tier_ids.ids},
    {'name': 'Gold lounge', 'programme_id': programme.id, 'tier_ids': programme.tier_ids[2:].ids},
])
env.cr.commit()
"""
SALE = f"""
from odoo.fields import Command
order = env['sale.order'].create({{
    'partner_id': env['res.partner'].search([('name', '=', '{CUSTOMER}')]).id,
    'order_line': [Command.create({{
        'product_id': env['product.product'].search([('name', '=', 'Goods')]).id, 'price_unit': 2450}})]}})
order.action_confirm()
env.cr.commit()
env['retail.moment']._process_all()
env.cr.commit()
"""


@pytest.fixture(scope='module')
def shop(house, base_db):
    """A served shop. Its scheduled actions run when the story says so."""
    name = house.copy(base_db, f'{base_db.removesuffix("_base")}_loyalty_story')
    try:
        house.shell_script(name, SHOP)
        with house.Server(name, args=['--max-cron-threads=0']) as server:
            yield server
            assert not house.bad_lines(server.log), house.bad_lines(server.log)[:5]
    finally:
        house.drop(name)


@pytest.fixture(scope='module')
def number():
    """Where one chapter leaves the number of the card for the next."""
    return {}


def assert_fits(page, width=390):
    """Nothing of the page lies outside the screen."""
    assert page.evaluate('document.documentElement.scrollWidth') <= width


def open_member(page, name=CUSTOMER):
    page.goto('/odoo/retail-members')
    page.locator('.o_data_row', has_text=name).locator('td[name="partner_id"]').click()
    page.wait_for_selector('.o_form_view')
    settle(page)


def test_1_manager_starts_the_programme(visit, house, shop):
    """S-LOY-06, S-LOY-16: a ladder is chosen and started; before that there is no page for customers."""
    page = visit('mei')
    assert page.request.get('/my/loyalty').status == 404
    page = visit('manager')
    page.goto('/odoo/retail-programme')
    page.locator('.o_data_row td[name="name"]').first.click()
    page.wait_for_selector('.o_form_view')
    settle(page)
    page.locator('[name="name"] input').first.fill('Story Club')
    leave(page)
    page.locator('button[name="action_use_ladder"]').click()
    page.locator('.modal .btn-primary').click()
    settle(page)
    expect(page.locator('[name="tier_ids"] .o_data_row')).to_have_count(4)
    page.locator('button[name="action_start"]').click()
    page.locator('.modal .btn-primary').click()
    settle(page)
    expect(page.locator('button[name="action_start"]')).to_have_count(0)
    house.shell_script(shop.name, PROGRAMME)


def test_2_clerk_enrols_and_finds_by_card(visit, number):
    """S-LOY-15, S-LOY-16: enrolled with consent, employee and store; the scanned card finds the customer."""
    page = visit('clerk')
    page.goto('/odoo/retail-customers')
    row = page.locator('.o_data_row', has_text=CUSTOMER)
    row.wait_for()
    settle(page)
    row.locator('.o_list_record_selector input').check()
    page.locator('.o_cp_action_menus button', has_text='Actions').click()
    page.locator('.o-dropdown-item', has_text='Enrol in the Programme').click()
    dialog = page.locator('.modal')
    expect(dialog.locator('[name="partner_ids"]')).to_contain_text(CUSTOMER)
    enrol = dialog.locator('button[name="action_enrol"]')
    expect(enrol).to_be_hidden()
    choose(page, dialog, 'store_id', 'High Street')
    dialog.locator('[name="agreed"] input').check()
    settle(page)
    enrol.click()
    page.wait_for_selector('.o_form_view [name="number"]')
    expect(page.locator('.o_field_widget[name="enrolled_by"]')).to_contain_text('Clerk')
    expect(page.locator('.o_field_widget[name="store_id"]')).to_contain_text('High Street')
    number['card'] = page.locator('.o_field_widget[name="number"]').inner_text().strip()
    assert re.fullmatch(r'\d{13}', number['card'])

    page.goto('/odoo/retail-customers')
    page.locator('.o_data_row').first.wait_for()
    settle(page)
    search_for(page, number['card'])
    expect(page.locator('.o_data_row')).to_have_count(1)
    expect(page.locator('.o_data_row')).to_contain_text(CUSTOMER)
    page.goto('/odoo/orders/new')
    page.wait_for_selector('.o_form_view')
    settle(page)
    page.locator('.o_field_widget[name="partner_id"] input').fill(number['card'])
    page.locator('.o-autocomplete--dropdown-item', has_text=CUSTOMER).first.click()
    expect(page.locator('.o_field_widget[name="retail_tier_text"]')).to_contain_text('Member')
    page.click('.o_form_button_cancel')


def test_3_customer_sees_progress_and_card(visit, house, shop, number):
    """S-LOY-07, S-LOY-08, S-LOY-15: tier, what is missing, what comes next, and the card, on a telephone."""
    house.shell_script(shop.name, SALE)
    page = visit('mei', width=390)
    page.goto('/my')
    page.click('a[href="/my/loyalty"]')
    loyalty = page.locator('.o_retail_loyalty')
    expect(loyalty.locator('.o_retail_tier')).to_have_text('Silver')
    expect(loyalty.locator('.o_retail_progress_next')).to_contain_text(
        '14 purchases more to reach Gold'
    )
    expect(loyalty.locator('.o_retail_progress_next')).to_contain_text('3,550')
    expect(loyalty.locator('.o_retail_progress_keep')).to_contain_text('stays yours')
    expect(loyalty.locator('.o_retail_next_privileges')).to_contain_text('Gold lounge')
    expect(loyalty).to_contain_text('Birthday tea')
    expect(loyalty.locator('.o_retail_history')).to_contain_text('You reached Silver')
    assert_fits(page)
    page.click('text=Show the card')
    expect(page.locator('.o_retail_number')).to_have_text(number['card'])
    picture = page.locator('.o_retail_barcode img')
    box = picture.bounding_box()
    assert box['x'] >= 0 and 300 <= box['width'] <= 390, box
    assert picture.evaluate('image => image.complete && image.naturalWidth > 0')
    assert_fits(page)
    page.click('text=Back')
    expect(page.locator('.o_retail_tier')).to_be_visible()


def test_4_leader_gives_a_tier(visit):
    """S-LOY-06: a team leader gives Gold with a reason; the customer sees the tier and not the reason."""
    page = visit('leader')
    open_member(page)
    expect(page.locator('.o_retail_progress_next')).to_contain_text('to reach Gold')
    page.click('button[name="action_override"]')
    dialog = page.locator('.modal')
    choose(page, dialog, 'tier_id', 'Gold')
    select(page, dialog, 'reason', 'Service recovery')
    dialog.locator('[name="note"] input').fill(SECRET)
    leave(page)
    dialog.locator('button[name="action_give"]').click()
    expect(page.locator('.oe_title [name="tier_id"]')).to_have_text('Gold')
    expect(page.locator('[name="move_ids"]')).to_contain_text(SECRET)
    page = visit('mei', width=390)
    page.goto('/my/loyalty')
    expect(page.locator('.o_retail_tier')).to_have_text('Gold')
    expect(page.locator('.o_retail_history')).to_contain_text('We gave you Gold')
    expect(page.locator('.o_retail_loyalty')).to_contain_text('Gold lounge')
    for secret in SECRET, 'Leader', 'recovery':
        assert secret not in page.content(), secret


def test_5_another_customer_joins(visit, number):
    """S-LOY-16: the ladder is explained, the tick is asked for, and nobody sees anybody else's card."""
    page = visit('zoe', width=390)
    page.goto('/my/loyalty')
    expect(page.locator('.o_retail_loyalty')).to_contain_text('Diamond')
    assert number['card'] not in page.content()
    assert_fits(page)
    page.get_by_role('button', name='Join').click()  # the browser itself asks for the tick
    expect(page.locator('.o_retail_join')).to_be_visible()
    page.locator('input[name="agree"]').check()
    page.get_by_role('button', name='Join').click()
    expect(page.locator('.alert-success')).to_contain_text('Welcome!')
    expect(page.locator('.o_retail_tier')).to_have_text('Member')
    answer = page.evaluate(
        """async () => (await (await fetch('/web/dataset/call_kw/retail.membership/search_read', {
            method: 'POST',
            headers: {'Content-Type': 'application/json'},
            body: JSON.stringify({jsonrpc: '2.0', method: 'call', params: {
                model: 'retail.membership', method: 'search_read', args: [[], ['number']], kwargs: {}}}),
        })).json()).result"""
    )
    assert len(answer) == 1 and answer[0]['number'] != number['card']


def test_6_customer_leaves(visit):
    """S-LOY-16: what leaving means is said before; staff read day and reason, the card is gone."""
    page = visit('mei', width=390)
    page.goto('/my/loyalty')
    page.click('text=Leave the programme')
    expect(page.locator('.o_retail_loyalty')).to_contain_text('end today')
    assert_fits(page)
    page.locator('select[name="reason"]').select_option(label='Moved away')
    page.get_by_role('button', name='Leave the programme').click()
    expect(page.locator('.alert-success')).to_contain_text('You have left')
    expect(page.locator('.o_retail_join')).to_be_visible()
    assert page.locator('.o_retail_barcode').count() == 0
    page = visit('clerk')
    page.goto('/odoo/retail-members')
    page.wait_for_selector('.o_list_view .o_data_row')
    expect(page.locator('.o_data_row', has_text=GUEST)).to_have_count(1)
    expect(page.locator('.o_data_row', has_text=CUSTOMER)).to_have_count(0)
    settle(page)
    page.locator('.o_searchview_facet .o_facet_remove').first.click()
    page.locator('.o_data_row', has_text=CUSTOMER).locator('td[name="partner_id"]').click()
    expect(page.locator('.o_field_widget[name="leave_reason"]')).to_contain_text('Moved away')
    expect(page.locator('button[name="action_enrol"]')).to_be_visible()
