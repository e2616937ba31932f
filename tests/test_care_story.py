"""Care as staff live with it, in a real browser (issue 9, S-FUP, R-loy C.11).

The birthday of the best customer, who wants no e-mails, while her adviser is away; then the calls of a day: nobody at
home, an opinion, an annoyed customer who becomes a ticket; a contact by hand; a rule previewed and started; and the
answer to "why was this customer not contacted?". Chapters of one shop.
"""

import re

import pytest
from pages import open_app, open_menu, press, settle, tab, write
from playwright.sync_api import expect

pytestmark = pytest.mark.chapters

SHOP = """
import datetime
from odoo.fields import Command
env['ir.mail_server'].create({
    'name': 'Story', 'smtp_host': '127.0.0.1', 'smtp_port': PORT, 'smtp_encryption': 'none'})
env['res.lang']._activate_lang('en_US')
always = env['resource.calendar'].create({'name': 'Always', 'tz': 'UTC', 'attendance_ids': [Command.clear(), *(
    Command.create({'name': 'Day', 'dayofweek': str(day), 'hour_from': 0, 'hour_to': 24, 'day_period': 'morning'})
    for day in range(7))]})
company = env.company
company.resource_calendar_id = always
company.write({'retail_care_message_from': 0, 'retail_care_message_to': 24, 'retail_care_call_from': 0,
               'retail_care_call_to': 24, 'retail_care_marketing_week': 9, 'retail_care_all_week': 9,
               'retail_service_consent': False})
users = {}
for login, group in (('clerk', 'user'), ('ada', 'user'), ('ben', 'user'), ('boss', 'lead'), ('chief', 'manager')):
    users[login] = env['res.users'].with_context(no_reset_password=True).create({
        'name': login.title(), 'login': login, 'password': login, 'email': login + '@shop.example', 'tz': 'UTC',
        **({'odoobot_state': 'disabled'} if 'odoobot_state' in env['res.users'] else {}),  # no chat over the page
        'group_ids': [Command.link(env.ref('retail_crm.group_' + one).id) for one in {group, 'user'}]})
today = datetime.date.today()
users['ada'].write({'retail_substitute_id': users['ben'].id, 'retail_away_from': today - datetime.timedelta(days=1),
                    'retail_away_until': today + datetime.timedelta(days=9)})
names = ('Care Vip', 'Care Otto', 'Care Ann', 'Care Eve')
people = env['res.partner'].create([{
    'name': name, 'email': name.split()[1].lower() + '@example.com', 'phone': '+86 145 0000 100%s' % number,
    'street': 'Long Street 1', 'city': 'Town', 'country_id': env.ref('base.cn').id} for number, name in enumerate(names)])
vip = people[0]
email, phone, letter = (env.ref('retail_crm.retail_channel_' + one) for one in ('email', 'phone', 'letter'))
vip.write({'retail_birth_month': str(today.month), 'retail_birth_day': today.day, 'retail_adviser_id': users['ada'].id,
           'retail_preferred_channel_id': email.id})
env['retail.consent']._record(vip, {('marketing', email): False, ('marketing', phone): True, ('marketing', letter): True},
                              'shop')
programme = env.ref('retail_crm.retail_programme_main')
programme.write({'automatic': False, 'date_start': '1990-01-01'})
programme.action_start()
env['retail.membership']._enrol(vip)
env.flush_all()
diamond = programme.tier_ids.sorted('sequence')[-1]
env.cr.execute('UPDATE retail_membership SET tier_id = %s WHERE partner_id = %s', [diamond.id, vip.id])
env.invalidate_all()
env['retail.care.rule'].search([]).state = 'off'
call, message = (env.ref('retail_crm.retail_care_rule_' + one) for one in ('birthday_call', 'birthday'))
gift = env['retail.offer'].create({'name': 'Silk scarf'})
gift.action_start()
message.write({'tier_ids': [Command.clear()], 'channel_mode': 'listed', 'text': 'Happy birthday, {name}! Your gift: {offer}',
               'offer_id': gift.id, 'control_percent': 0, 'hour': 0.0, 'channel_line_ids': [
    Command.create({'sequence': place, 'channel_id': one.id}) for place, one in enumerate((email, letter))]})
call.write({'control_percent': 0, 'hour': 0.0, 'offer_id': gift.id})
(call + message).write({'state': 'on', 'started_on': str(today)})
bought = env['retail.care.rule'].create({
    'name': 'Satisfied?', 'trigger': 'moment', 'moment_kind': 'purchase', 'purpose': 'service', 'family': 'purchase',
    'state': 'on', 'started_on': str(today), 'hour': 0.0, 'company_id': company.id, 'user_id': users['chief'].id,
    'owner': 'user', 'owner_id': users['clerk'].id, 'script': '<p>Are you satisfied with it?</p>', 'retry_count': 1,
    'retry_gap_days': 1, 'control_percent': 0, 'channel_mode': 'listed',
    'channel_line_ids': [Command.create({'channel_id': phone.id})]})
env['retail.care.rule'].create({
    'name': 'New idea', 'trigger': 'moment', 'moment_kind': 'paid', 'purpose': 'service', 'text': 'Dear {name}, thank you',
    'company_id': company.id, 'user_id': users['chief'].id, 'control_percent': 0})
env['retail.moment'].search([]).unlink()
cup = env['product.product'].create({'name': 'Cup', 'type': 'consu', 'taxes_id': False})
for partner in people[1:3]:
    env['sale.order'].create({'partner_id': partner.id, 'order_line': [
        Command.create({'product_id': cup.id, 'price_unit': 400})]}).action_confirm()
env.cr.commit()
env['retail.moment']._process_all()
env.cr.commit()
"""


@pytest.fixture(scope='module')
def shop(house, base_db, letters):
    """A served shop. Its scheduled actions run when the story says so."""
    name = house.copy(base_db, f'{base_db.removesuffix("_base")}_care_story')
    try:
        house.shell_script(name, SHOP.replace('PORT', str(letters[1])))
        with house.Server(name, args=['--max-cron-threads=0']) as server:
            yield server
            assert not house.bad_lines(server.log), house.bad_lines(server.log)[:5]
    finally:
        house.drop(name)


@pytest.fixture(scope='module')
def find(ask):
    """A function that returns the rows of a model with some fields, by conditions."""

    def read(model, *domain, names=()):
        return ask(model, 'search_read', list(domain), list(names), order='id')

    return read


def followup_of(find, partner, rule):
    names = ('state', 'reason', 'user_id', 'channel_id', 'due_on', 'body', 'result', 'ticket_id')
    [row] = find(
        'retail.followup',
        ('partner_id.name', '=', partner),
        ('rule_id.name', '=', rule),
        names=names,
    )
    return row


def open_my_calls(page):
    open_app(page)
    open_menu(page, 'care_menu', 'retail_followup_menu_mine')
    page.wait_for_selector('.o_action_manager .o_view_controller')
    settle(page)


def open_call(page, customer):
    open_my_calls(page)
    row = page.locator('.o_data_row, .o_kanban_record', has_text=customer).first
    row.get_by_text(customer).first.click()  # not the telephone in its middle
    page.wait_for_selector('.o_form_view')
    settle(page)


def close(page, button='action_save'):
    page.locator(f'.modal button[name="{button}"]').click()
    settle(page)
    left = page.locator('.modal')
    assert not left.count(), left.last.inner_text()


def mark(page, field, text):
    page.locator(f'.modal [name="{field}"] .o_radio_item', has_text=text).first.locator(
        'input'
    ).check()
    settle(page)


def test_calls_are_planned(run, find):
    """S-FUP-01: a purchase becomes a call, once, for who is named in the rule."""
    run('ir_cron_plan_followups')
    run('ir_cron_send_followups')
    for customer in ('Care Otto', 'Care Ann'):
        row = followup_of(find, customer, 'Satisfied?')
        assert (row['state'], row['user_id'][1]) == ('todo', 'Clerk')


def test_nobody_at_home(visit, find):
    """S-FUP-12: not reached: the attempt is kept and the call is due again."""
    page = visit('clerk')
    open_call(page, 'Care Otto')
    expect(page.locator('[name="script"]')).to_contain_text('Are you satisfied')
    press(page, 'action_not_reached')
    if page.locator('.modal').count():
        close(page)
    attempts = find(
        'retail.followup.attempt',
        ('followup_id.partner_id.name', '=', 'Care Otto'),
        names=('result',),
    )
    assert [one['result'] for one in attempts] == ['not_reached']
    assert followup_of(find, 'Care Otto', 'Satisfied?')['state'] in ('planned', 'todo')


def test_an_annoyed_customer_becomes_a_ticket(visit, find):
    """S-FUP-07: a low answer opens a ticket with one click, from the same dialog."""
    page = visit('clerk')
    open_call(page, 'Care Ann')
    press(page, 'action_reached')
    mark(page, 'satisfaction', '1')
    write(page, page.locator('.modal'), 'opinion', 'The handle broke at once')
    close(page, 'action_save_ticket')
    row = followup_of(find, 'Care Ann', 'Satisfied?')
    assert (row['state'], row['result']) == ('done', 'reached')
    assert row['ticket_id']


def test_contact_by_hand(visit, find):
    """Design 5.4: a button on the customer makes a follow-up without a rule."""
    page = visit('clerk')
    [partner] = find('res.partner', ('name', '=', 'Care Eve'))
    page.goto(f'/odoo/res.partner/{partner["id"]}')
    page.wait_for_selector('.o_form_view')
    settle(page)
    press(page, 'action_retail_contact')
    page.locator('.modal [name="channel_id"]').wait_for()
    write(page, page.locator('.modal'), 'subject', 'Your question about cups')
    page.locator('.modal button[name="action_apply"]').click()
    settle(page)
    rows = find(
        'retail.followup',
        ('partner_id.name', '=', 'Care Eve'),
        ('rule_id', '=', False),
        names=('state', 'is_expected'),
    )
    assert len(rows) == 1 and rows[0]['is_expected']


def test_a_rule_is_previewed_and_started(visit, find):
    """Issue 9: no rule starts unseen: the preview has the button that starts it."""
    page = visit('chief')
    [rule] = find('retail.care.rule', ('name', '=', 'New idea'))
    page.goto(f'/odoo/retail-care-rules/{rule["id"]}')
    page.wait_for_selector('.o_form_view')
    settle(page)
    press(page, 'action_preview')
    page.locator('.modal button[name="action_start"]').click()
    settle(page)
    [row] = find('retail.care.rule', ('name', '=', 'New idea'), names=('state',))
    assert row['state'] == 'on'


def test_why_not(visit, find):
    """Issue 9: every rule answers why this customer was (not) contacted."""
    page = visit('clerk')
    [partner] = find('res.partner', ('name', '=', 'Care Eve'))
    page.goto(f'/odoo/res.partner/{partner["id"]}')
    page.wait_for_selector('.o_form_view')
    settle(page)
    why = page.locator('button[name="action_retail_why"]')
    if not why.is_visible():
        tab(page, 'Customer')
    why.click()
    settle(page)
    dialog = page.locator('.modal')
    expect(dialog.locator('.o_data_row', has_text='Satisfied?')).to_be_visible()


def test_a_birthday(find):
    """Issue 9: the call of the best customer goes to the substitute on the day; the message takes the next channel."""
    call = followup_of(find, 'Care Vip', 'Birthday call')
    assert (call['state'], call['user_id'] and call['user_id'][1]) == ('todo', 'Ben'), call
    message = followup_of(find, 'Care Vip', 'Birthday')
    assert (message['state'], message['channel_id'] and message['channel_id'][1]) == (
        'todo',
        'Letter',
    ), message
    assert 'Silk scarf' in message['body']


def test_the_substitute_calls(visit, find):
    """Issue 9: who stands in sees the call in My Day, is warned of the channel, and writes down what was said."""
    page = visit('ben')
    open_app(page)
    calls = page.locator('[data-section="followups"]')
    expect(calls).to_contain_text('Birthday call')
    calls.locator('.o_retail_row', has_text='Birthday call').click()
    page.wait_for_selector('.o_form_view')
    settle(page)
    form = page.locator('.o_form_view')
    expect(form.locator('[name="partner_id"]').first).to_contain_text('Care Vip')
    expect(form.locator('[name="contact_warning"]')).to_contain_text('Prefers E-mail')
    expect(form.locator('[name="script"]')).to_contain_text('Congratulate')
    press(page, 'action_reached')
    mark(page, 'satisfaction', '5')
    write(page, page.locator('.modal'), 'opinion', 'Was touched that we think of her')
    close(page)
    expect(page.locator('.o_statusbar_status .o_arrow_button_current')).to_have_text('Done')
    call = followup_of(find, 'Care Vip', 'Birthday call')
    assert (call['state'], call['result'], call['user_id'][1]) == ('done', 'reached', 'Ben')
    open_app(page)
    expect(page.locator('[data-section="followups"]')).not_to_contain_text('Birthday call')


def test_the_letter_with_the_gift(visit, find):
    """Issue 9: the letter waits in the list of those to print, names the gift, and counts as sent when printed."""
    page = visit('ben')
    page.goto('/odoo/retail-letters')
    row = page.locator('.o_data_row', has_text='Care Vip')
    row.wait_for()
    settle(page)
    row.locator('.o_list_record_selector input').check()
    settle(page)
    page.locator('.o_control_panel button[name="action_letters_printed"]').click()
    page.locator('.modal .btn-primary').click()
    expect(row).to_have_count(0)
    assert followup_of(find, 'Care Vip', 'Birthday')['state'] == 'done'


def test_the_leader_sees_it(visit):
    """Issue 9: the leader finds the call of the absent adviser done, by whom, and what the customer said."""
    page = visit('boss')
    page.goto('/odoo/retail-followups')
    page.wait_for_selector('.o_list_view')
    settle(page)
    page.locator('.o_facet_remove').click()  # what is to do is shown first
    settle(page)
    row = page.locator('.o_data_row', has_text='Care Vip').filter(has_text='Birthday call')
    expect(row).to_contain_text('Reached')
    row.locator('[name="partner_id"]').click()
    page.wait_for_selector('.o_form_view')
    settle(page)
    tab(page, 'Result')
    expect(page.locator('.o_form_view [name="opinion"] textarea')).to_have_value(
        re.compile('touched')
    )
    expect(page.locator('.o_form_view [name="done_by"]')).to_contain_text('Ben')
