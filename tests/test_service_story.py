"""The service desk in a real browser: a complaint by each door, played from its receipt until it is filed.

A clerk solves one at the counter, takes one by telephone and one by mail; a customer complains on her page, is not
satisfied, and is satisfied in the second round; a team leader sees what is late and gives it to the clerk. The tests of
this file are chapters: each goes on where the one before ended, and all of them are told in one shop.
"""

import base64
import re

import pytest
from pages import (
    assert_inside,
    badge,
    choose,
    leave,
    open_app,
    open_menu,
    open_ticket,
    press,
    search_for,
    select,
    settle,
    stage,
    tab,
    write,
)
from playwright.sync_api import expect

pytestmark = pytest.mark.chapters

CUSTOMER, CALLER, WRITER = 'Story Mei', 'Story Ann', 'Story Otto'
PHONE, STRANGER = '+86 138 0013 8222', '+86 138 0013 8333'
NOTE = 'He once threw the box at us'
PICTURE = base64.b64decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
)
# Staff whose passwords are their logins, a customer with a portal account, orders, and an address for mails.
SHOP = f"""
from odoo.fields import Command
import datetime
env.company.alias_domain_id = env['mail.alias.domain'].search([], limit=1) or (
    env['mail.alias.domain'].create({{'name': 'shop.example'}}))
env.ref('retail_crm.retail_ticket_team_desk').write(
    {{'alias_name': 'service', 'alias_domain_id': env.company.alias_domain_id.id}})
env['ir.mail_server'].create({{
    'name': 'Story', 'smtp_host': '127.0.0.1', 'smtp_port': PORT, 'smtp_encryption': 'none'}})
users = {{}}
for login, groups in (
    ('clerk', ['retail_crm.group_user']),
    ('agent', ['retail_crm.group_user', 'retail_crm.group_complaint']),
    ('leader', ['retail_crm.group_lead']),
):
    users[login] = env['res.users'].with_context(no_reset_password=True).create({{
        'name': login.title(), 'login': login, 'password': login, 'email': login + '@shop.example',
        'group_ids': [Command.link(env.ref(group).id) for group in groups]}})
store = env['crm.team'].create(
    {{'name': 'High Street', 'retail_is_store': True, 'user_id': users['leader'].id}})
for team in 'desk', 'hotline', 'complaint':
    env.ref('retail_crm.retail_ticket_team_' + team).write({{
        'user_id': users['leader'].id,
        'member_ids': [Command.create({{'user_id': users[one].id}}) for one in ('clerk', 'agent')]}})
kettle, cup = env['product.product'].create([
    {{'name': name, 'type': 'consu', 'taxes_id': False, 'invoice_policy': 'order'}} for name in ('Kettle', 'Cup')])
mei, ann, otto = env['res.partner'].create([
    {{'name': '{CUSTOMER}', 'email': 'mei@example.com'}},
    {{'name': '{CALLER}', 'phone': '{PHONE}'}},
    {{'name': '{WRITER}', 'email': 'otto@example.com'}}])
env['res.users'].with_context(no_reset_password=True).create({{
    'name': '{CUSTOMER}', 'login': 'mei', 'password': 'mei', 'partner_id': mei.id,
    'group_ids': [Command.set(env.ref('base.group_portal').ids)]}})
for partner, name in ((mei, 'STORY-1'), (ann, 'STORY-2')):
    env['sale.order'].create({{
        'name': name, 'partner_id': partner.id, 'team_id': store.id,
        'order_line': [Command.create({{'product_id': product.id, 'price_unit': 40}}) for product in (kettle, cup)],
    }}).action_confirm()
env.cr.commit()
env['retail.moment']._process_all()
env.cr.commit()
"""
COUNT_CLICKS = """
window.clicks = 0;
document.addEventListener('click', (event) => (window.clicks += Number(event.isTrusted)), true);
"""


@pytest.fixture(scope='module')
def shop(house, base_db, letters):
    """A served shop. Its scheduled actions run when the story says so."""
    name = house.copy(base_db, f'{base_db.removesuffix("_base")}_service_story')
    try:
        house.shell_script(name, SHOP.replace('PORT', str(letters[1])))
        with house.Server(name, args=['--max-cron-threads=0']) as server:
            yield server
            assert not house.bad_lines(server.log), house.bad_lines(server.log)[:5]
    finally:
        house.drop(name)


def test_1_clerk_solves_at_the_counter(visit, ask):
    """S-CHN-06, S-TKT-21: with the customer in front it is solved in at most ten clicks, and only once."""
    page = visit('clerk')
    open_app(page)
    page.evaluate(COUNT_CLICKS)
    open_menu(page, 'service_menu', 'retail_ticket_counter_menu')
    dialog = page.locator('.modal')
    dialog.locator('[name="search_text"] input').wait_for()
    settle(page)
    page.keyboard.type('STORY-2')  # a scanner types into the field that has the focus
    page.keyboard.press('Enter')
    expect(dialog.locator('[name="partner_id"] input')).to_have_value(CALLER)
    settle(page)
    dialog.locator('.o_data_row', has_text='Kettle').locator('[name="is_chosen"] input').click()
    settle(page)
    badge(page, dialog, 'type_id', 'Complaint')
    badge(page, dialog, 'reason_id', 'Function')
    badge(page, dialog, 'cause_id', 'Product')
    badge(page, dialog, 'dissatisfaction_id', 'Goods not satisfying')
    dialog.locator('[name="solution"] textarea').click()
    page.keyboard.type('Exchanged for a new one')
    dialog.locator('button[name="action_solve"]').dblclick()  # as the impatient do
    expect(page.locator('.o_notification')).to_contain_text('is solved')
    expect(dialog).to_have_count(0)
    assert page.evaluate('window.clicks') <= 10 + 1, (
        'one of them was the second of the double click'
    )
    names = ['category', 'step', 'is_complaint', 'user_id', 'store_id', 'partner_id', 'result']
    (ticket,) = ask('retail.ticket', 'search_read', [], names)
    assert ticket['category'] == 'solved' and ticket['step'] == 'feedback', ticket
    assert ticket['store_id'][1] == 'High Street' and ticket['user_id'][1] == 'Clerk', ticket
    assert ticket['result'] == 'Exchanged for a new one', ticket


def test_2_clerk_takes_calls(visit, ask, run, kept):
    """S-CHN-09, S-CUS-15: a known number shows who calls; an unknown one becomes a potential purchaser."""
    page = visit('clerk')
    open_app(page)
    open_menu(page, 'service_menu', 'retail_ticket_call_menu')
    dialog = page.locator('.modal')
    dialog.locator('[name="phone"] input').wait_for()
    settle(page)
    page.keyboard.type(PHONE.replace(' ', ''))
    leave(page)
    caller = dialog.locator('[name="partner_ids"] .o_data_row')
    expect(caller).to_have_count(1)
    expect(caller).to_contain_text(CALLER)
    expect(dialog.locator('[name="purchase_ids"]')).to_contain_text('STORY-2')
    caller.locator('button[name="action_retail_new_ticket"]').click()
    page.wait_for_selector('.o_form_view [name="subject"]')
    settle(page)
    form = page.locator('.o_form_view').last
    expect(form.locator('[name="partner_id"] input')).to_have_value(CALLER)
    expect(form.locator('[name="channel_id"] input')).to_have_value('Phone')
    write(page, form, 'subject', 'The new kettle leaks')
    choose(page, form, 'type_id', 'Complaint')
    tab(page, 'Intake')
    write(page, form, 'intake_1', 'It leaks from below')
    write(page, form, 'intake_8', 'Money back')
    leave(page)
    page.locator('.o_form_button_save:visible, .modal .o_form_button_save').first.click()
    settle(page)
    names = [
        'name',
        'is_complaint',
        'channel_id',
        'partner_phone',
        'intake_1',
        'intake_9',
        'team_id',
    ]
    ticket = ask('retail.ticket', 'search_read', [('subject', '=', 'The new kettle leaks')], names)[
        0
    ]
    assert ticket['is_complaint'] and ticket['channel_id'][1] == 'Phone', ticket
    assert ticket['intake_1'] == 'It leaks from below' and ticket['intake_9'] == 'new', ticket
    kept['phone'] = ticket['id']

    open_app(page)
    open_menu(page, 'service_menu', 'retail_ticket_call_menu')
    dialog.locator('[name="phone"] input').wait_for()
    settle(page)
    page.keyboard.type(STRANGER)
    leave(page)
    expect(dialog).to_contain_text('Nobody has this number yet')
    write(page, dialog, 'name', 'Story Stranger')
    leave(page)
    dialog.locator('button[name="action_new_ticket"]').click()
    expect(page.locator('.o_form_view [name="partner_id"] input').last).to_have_value(
        'Story Stranger'
    )
    run('ir_cron_process_moments')
    person = ask(
        'res.partner', 'search_read', [('name', '=', 'Story Stranger')], ['phone_sanitized']
    )[0]
    assert person['phone_sanitized'] == STRANGER.replace(' ', ''), person
    profile = ask('retail.profile', 'search_read', [('partner_id', '=', person['id'])], ['ladder'])[
        0
    ]
    assert profile['ladder'] == 'prospect', profile


def test_3_a_mail_is_answered_and_answers(visit, ask, deliver, letters, kept):
    """S-CHN-07, S-TKT-32: a mail becomes a ticket, the answer goes to its writer, and his answer ends the waiting."""
    sender = f'"{WRITER}" <otto@example.com>'
    deliver(1, sender, 'My parcel was crushed', 'The cup in it is broken. I want a new one.')
    names = [
        'partner_id',
        'channel_id',
        'team_id',
        'category',
        'step',
        'customer_message_count',
        'agent_message_count',
    ]
    found = ask('retail.ticket', 'search_read', [('subject', '=', 'My parcel was crushed')], names)
    assert len(found) == 1, found
    ticket = kept['mail'] = found[0]
    assert ticket['partner_id'][1] == WRITER and ticket['channel_id'][1] == 'E-mail', ticket
    assert ticket['team_id'][1] == 'Service Desk' and ticket['category'] == 'new', ticket

    page = visit('agent')
    open_ticket(page, ticket['id'])
    form = page.locator('.o_form_view')
    press(page, 'action_assign_me')
    choose(page, form, 'type_id', 'Complaint')
    leave(page)
    press(page, 'action_answer')
    dialog = page.locator('.modal')
    dialog.locator('label', has_text='receipt').first.click()
    settle(page)
    dialog.locator('button[name="action_send"]:visible').click()
    expect(stage(page)).to_contain_text('Waiting for Customer')
    answer = letters[0][-1]
    assert 'otto@example.com' in answer['To'], answer.items()
    deliver(
        2,
        sender,
        f'Re: {answer["Subject"]}',
        'Here it is: STORY-3.',
        In_Reply_To=answer['Message-ID'],
        References=answer['Message-ID'],
    )
    state = ask('retail.ticket', 'read', [ticket['id']], names)[0]
    assert state['category'] == 'new' and state['step'] in (False, 'receive'), state
    assert state['customer_message_count'] == 2 and state['agent_message_count'] == 1, state
    assert len(ask('retail.ticket', 'search', [('partner_id', '=', ticket['partner_id'][0])])) == 1
    open_ticket(page, ticket['id'])
    expect(page.locator('.o-mail-Thread')).to_contain_text('Here it is: STORY-3.')


def test_4_customer_complains_and_is_asked(visit, ask, kept):
    """S-CHN-20, S-TKT-06 to 11: from an order page through all steps; the customer reads where it stands, no note."""
    mei = visit('mei', width=390)
    mei.goto('/my/orders')
    mei.click('text=STORY-1')
    mei.locator('a.o_retail_ask:visible').first.click()
    form = mei.locator('.o_retail_request')
    form.wait_for()
    settle(mei)
    form.locator('[name="type"]').select_option(label='Complaint')
    form.locator('[name="about"]').select_option(label='Kettle')
    form.locator('[name="reason"]').select_option(label='Product Quality')
    form.locator('[name="subject"]').fill('My kettle is broken')
    form.locator('[name="text"]').fill('It came with a crack.')
    form.locator('[name="wish"]').fill('A new one')
    form.locator('[name="files"]').set_input_files(
        {'name': 'crack.png', 'mimeType': 'image/png', 'buffer': PICTURE}
    )
    assert_inside(mei, '.o_retail_request .form-control, .o_retail_request .form-select')
    form.locator('button[type="submit"]').click()
    expect(mei.locator('.alert-success')).to_contain_text('We have received your request')
    expect(mei.locator('.o_retail_files')).to_contain_text('crack.png')
    number = kept['portal'] = int(re.search(r'/my/tickets/(\d+)', mei.url)[1])
    assert_inside(mei, '.o_retail_ticket')

    def customer_reads(state, text='', hidden=()):
        mei.goto(f'/my/tickets/{number}')
        expect(mei.locator('.o_retail_state')).to_have_text(state)
        expect(mei.locator('.o_retail_ticket')).to_contain_text(text)
        for secret in (NOTE, 'Refurbished goods were sent', *hidden):
            assert secret not in mei.content(), secret

    customer_reads('Received')
    agent = visit('agent')
    open_ticket(agent, number)
    form = agent.locator('.o_form_view')
    expect(form.locator('[name="order_id"] input')).to_have_value(re.compile('STORY-1'))
    expect(form.locator('[name="store_id"] input')).to_have_value('High Street')
    press(agent, 'action_assign_me')
    agent.locator('.o-mail-Chatter-logNote').click()
    agent.locator('.o-mail-Composer-input').fill(NOTE)
    agent.locator('.o-mail-Composer-send:visible').click()
    expect(agent.locator('.o-mail-Message', has_text=NOTE)).to_have_count(1)
    choose(agent, form, 'reason_id', 'Function')
    press(agent, 'action_next_stage')
    expect(stage(agent)).to_contain_text('Classify')
    customer_reads('We are working on it')
    press(agent, 'action_next_stage')
    expect(stage(agent)).to_contain_text('Investigate')
    customer_reads('We are looking into it')
    press(agent, 'action_next_stage')  # nothing was found yet
    expect(agent.locator('.modal')).to_contain_text('justified or not')
    agent.locator('.modal .btn-primary').click()
    settle(agent)
    tab(agent, 'Investigation')
    write(agent, form, 'findings', 'Refurbished goods were sent')
    select(agent, form, 'verdict', 'Partly justified')
    press(agent, 'action_next_stage')
    expect(stage(agent)).to_contain_text('Make a Solution')
    customer_reads('We are preparing a solution')
    tab(agent, 'Solution')
    write(agent, form, 'solution', 'We repair it')
    leave(agent)
    agent.locator('.o_form_button_save:visible').click()
    settle(agent)
    customer_reads('We are preparing a solution', hidden=['We repair it'])
    select(agent, form, 'customer_opinion', 'Accepts')
    press(agent, 'action_next_stage')
    expect(stage(agent)).to_contain_text('Tell and Carry Out')
    customer_reads('Our solution is being carried out', 'We repair it')
    choose(agent, form, 'cause_id', 'Product Defect')
    choose(agent, form, 'dissatisfaction_id', 'Goods not satisfying')
    write(agent, form, 'result', 'Repaired and sent back')
    press(agent, 'action_solve')
    expect(stage(agent)).to_contain_text('Follow Up')
    customer_reads('Solved', 'Repaired and sent back')
    assert_inside(mei, '.o_retail_ticket')


def test_5_second_round_and_filed(visit, house, shop, run, ask, kept):
    """S-TKT-11, S-TKT-12, S-TKT-18: not satisfied: a second round; satisfied: filed, read-only and found again."""
    number = kept['portal']
    mei = visit('mei', width=390)
    mei.goto(f'/my/tickets/{number}')
    mei.locator('.o_retail_satisfied button[value="no"]').click()
    expect(mei.locator('.o_retail_state')).to_have_text('We are preparing a solution')
    assert 'We repair it' not in mei.locator('.o_retail_ticket').inner_text()
    agent = visit('agent')
    open_ticket(agent, number)
    form = agent.locator('.o_form_view')
    expect(stage(agent)).to_contain_text('Make a Solution')
    tab(agent, 'Solution')
    write(agent, form, 'solution', 'A new kettle')
    select(agent, form, 'customer_opinion', 'Accepts')
    press(agent, 'action_next_stage')
    write(agent, form, 'result', 'New kettle handed out')
    press(agent, 'action_solve')
    expect(stage(agent)).to_contain_text('Follow Up')
    mei.goto(f'/my/tickets/{number}')
    expect(mei.locator('.o_retail_solution')).to_contain_text('A new kettle')
    mei.locator('.o_retail_satisfied button[value="yes"]').click()
    expect(mei.locator('.alert-success')).to_contain_text('Thank you for your answer')
    run('ir_cron_file_complaints')
    mei.goto(f'/my/tickets/{number}')
    expect(mei.locator('.o_retail_state')).to_have_text('Solved')
    house.sql(
        f"UPDATE retail_ticket SET satisfied_on = satisfied_on - INTERVAL '30 days' WHERE id = {number}",
        shop.name,
    )
    run('ir_cron_file_complaints')
    mei.goto('/my/tickets')
    row = mei.locator('.list-group-item', has_text='My kettle is broken')
    expect(row.locator('.o_retail_state')).to_have_text('Closed')
    assert_inside(mei, '.o_retail_tickets .list-group-item')
    row.click()
    expect(mei.locator('.o_retail_result')).to_contain_text('New kettle handed out')
    expect(mei.locator('.o_retail_answer')).to_have_count(0)

    open_ticket(agent, number)
    expect(stage(agent)).to_contain_text('Filed')
    (ticket,) = ask(
        'retail.ticket', 'read', [number], ['round', 'category', 'satisfied', 'is_preventable']
    )
    assert ticket['round'] == 2 and ticket['category'] == 'archived', ticket
    write(agent, form, 'subject', 'Nothing happened')
    leave(agent)
    agent.locator('.o_form_button_save:visible').click()
    expect(agent.locator('.modal')).to_contain_text('can only be read')
    agent.locator('.modal .btn-primary').click()
    agent.locator('.o_form_button_cancel:visible').click()
    settle(agent)
    agent.goto('/odoo/retail-complaints')
    agent.wait_for_selector('.o_list_view')
    settle(agent)
    agent.locator('.o_searchview_facet .o_facet_remove').first.click()
    search_for(agent, 'kettle is broken')
    expect(agent.locator('.o_data_row')).to_have_count(1)
    expect(agent.locator('.o_data_row')).to_contain_text('Filed')


def test_6_leader_sees_what_is_late(visit, ask, kept):
    """S-ROL-03, S-STF-14: what is overdue is red; the leader gives it to the clerk, whose day then begins with it."""
    ask(
        'retail.ticket',
        'create',
        [
            {
                'subject': 'Nobody answers me',
                'received_at': '2026-01-05 08:00:00',
                'partner_id': ask('res.partner', 'search', [('name', '=', CALLER)])[0],
            }
        ],
    )
    leader = visit('leader')
    open_app(leader)
    expect(leader.locator('[data-section="unassigned"]')).to_contain_text('Nobody answers me')
    leader.goto('/odoo/retail-tickets')
    row = leader.locator('.o_data_row', has_text='Nobody answers me')
    row.wait_for()
    settle(leader)
    expect(row).to_have_class(re.compile('text-danger'))
    expect(row.locator('td[name="deadline"]')).to_contain_text('late')
    row.locator('td[name="subject"]').click()
    leader.wait_for_selector('.o_form_view')
    settle(leader)
    choose(leader, leader.locator('.o_form_view'), 'user_id', 'Clerk')
    leader.locator('.o_form_button_save:visible').click()
    settle(leader)
    clerk = visit('clerk')
    open_app(clerk)
    mine = clerk.locator('[data-section="tickets"] .o_retail_row')
    expect(mine.first).to_contain_text('Nobody answers me')
    expect(mine.first.locator('.text-danger')).to_contain_text('late')
    mine.first.click()
    clerk.wait_for_selector('.o_form_view')
    settle(clerk)
    # the leader still has it open
    expect(clerk.locator('.alert', has_text='Leader has this open since')).to_be_visible()


def test_7_all_of_them_are_filed(visit, house, shop, run, ask, kept):
    """S-TKT-06 to 12: the complaints by telephone and by mail go the same way, and all are filed when nobody objects."""
    agent = visit('agent')
    for number, reason in ((kept['phone'], 'Function'), (kept['mail']['id'], 'Damaged')):
        open_ticket(agent, number)
        form = agent.locator('.o_form_view')
        if form.locator('button[name="action_assign_me"]:visible').count():
            press(agent, 'action_assign_me')
        choose(agent, form, 'reason_id', reason)
        leave(agent)
        agent.locator('.o_form_button_save:visible').click()
        settle(agent)
        press(agent, 'action_next_stage')
        expect(stage(agent)).to_contain_text('Classify')
        press(agent, 'action_next_stage')
        tab(agent, 'Investigation')
        select(agent, form, 'verdict', 'Partly justified')
        press(agent, 'action_next_stage')
        expect(stage(agent)).to_contain_text('Make a Solution')
        tab(agent, 'Solution')
        write(agent, form, 'solution', 'A new one')
        select(agent, form, 'customer_opinion', 'Accepts')
        press(agent, 'action_next_stage')
        expect(stage(agent)).to_contain_text('Tell and Carry Out')
        choose(agent, form, 'cause_id', 'Product Defect')
        choose(agent, form, 'dissatisfaction_id', 'Goods not satisfying')
        write(agent, form, 'result', 'Exchanged')
        press(agent, 'action_solve')
        expect(stage(agent)).to_contain_text('Follow Up')
    complaints = [('is_complaint', '=', True)]
    house.sql(
        "UPDATE retail_ticket SET solved_at = solved_at - INTERVAL '31 days' WHERE category = 'solved'",
        shop.name,
    )
    run('ir_cron_file_complaints')
    states = {
        one['category'] for one in ask('retail.ticket', 'search_read', complaints, ['category'])
    }
    assert states == {'archived'}, states
