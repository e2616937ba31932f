"""Install into a shop that already sells, update, uninstall, reinstall: by real processes (design 9, style 6)."""

import os

import pytest

# A shop before the add-on: a company with a contact, persons, orders of two years, a credit note; a loyalty program, points
# spent on a gift, others given by hand, and a card from elsewhere.
SELL = """
import datetime
from odoo.fields import Command
company = env['res.partner'].create({'name': 'Acme', 'is_company': True})
partners = env['res.partner'].create([
    {'name': 'Ann', 'parent_id': company.id}, {'name': 'Bob'}, {'name': 'Cat'}, {'name': 'Quotation only'},
])
partners[2].action_archive()
mill = env['res.partner'].create({'name': 'Mill', 'supplier_rank': 1})
product = env['product.product'].create({
    'name': 'Goods', 'list_price': 10, 'type': 'service', 'invoice_policy': 'order', 'taxes_id': False})
gift = env['product.product'].create({'name': 'Gift', 'type': 'service', 'taxes_id': False})
program = env['loyalty.program'].create({
    'name': 'Points', 'program_type': 'loyalty', 'applies_on': 'both', 'trigger': 'auto', 'company_id': env.company.id,
    'rule_ids': [Command.clear(), Command.create(
        {'reward_point_mode': 'money', 'reward_point_amount': 1, 'minimum_qty': 0})],
    'reward_ids': [Command.clear(), Command.create(
        {'reward_type': 'product', 'reward_product_id': gift.id, 'required_points': 25})]})
env['loyalty.card'].create({'program_id': program.id, 'partner_id': company.id, 'points': 70})
noon = datetime.datetime.now().replace(hour=11, minute=0, second=0, microsecond=0)
days = [noon - datetime.timedelta(days=back) for back in (650, 500, 300, 300, 90)]
for partner in partners:
    for number, day in enumerate(days, 1):
        order = env['sale.order'].create({
            'partner_id': partner.id,
            'order_line': [Command.create({'product_id': product.id, 'price_unit': 10 * number})],
        })
        if partner != partners[3]:
            if partner == partners[1] and number == 4:
                order._update_programs_and_rewards()
                assert not order._apply_program_reward(program.reward_ids, order.coupon_point_ids.coupon_id)
            order.action_confirm()
            order.date_order = day
invoice = order.search([('partner_id', '=', partners[1].id)], order='id desc', limit=1)._create_invoices()
invoice.action_post()
reversal = env['account.move.reversal'].with_context(active_model='account.move', active_ids=invoice.ids)
wizard = reversal.create({'journal_id': invoice.journal_id.id})
wizard.refund_moves()
wizard.new_move_ids.invoice_line_ids.price_unit = 20
wizard.new_move_ids.action_post()
program.coupon_ids.filtered(lambda card: card.partner_id == partners[0]).points += 5
env.cr.commit()
"""

# Independent of the add-on's SQL: what each customer bought, from the orders.
FIGURES = """
SELECT partner.name, count(*), sum(o.amount_untaxed) - CASE partner.name WHEN 'Bob' THEN 20 ELSE 0 END,
       min(o.date_order::date), max(o.date_order::date)
  FROM sale_order AS o
  JOIN res_partner AS contact ON contact.id = o.partner_id
  JOIN res_partner AS partner ON partner.id = contact.commercial_partner_id
 WHERE o.state = 'sale' GROUP BY partner.name ORDER BY partner.name
"""
PROFILES = """
SELECT partner.name, order_count, spend_total, first_order_date, last_order_date
  FROM retail_profile JOIN res_partner AS partner ON partner.id = partner_id
 WHERE ladder <> 'prospect' ORDER BY partner.name
"""

CARDS = """
SELECT partner.name, card.code, card.points, card.active
  FROM loyalty_card AS card JOIN res_partner AS partner ON partner.id = card.partner_id
"""
# Each card with its points as the ledger has them.
LEDGER = """
SELECT partner.name, card.code, COALESCE(sum(entry.points), 0), card.active
  FROM loyalty_card AS card JOIN res_partner AS partner ON partner.id = card.partner_id
  LEFT JOIN retail_points_entry AS entry ON entry.card_id = card.id AND entry.state = 'available'
 GROUP BY card.id, partner.id
"""

# Everything in the database's own catalogue.
CATALOGUE = {
    'tables': "SELECT relkind, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    'columns': 'SELECT table_name, column_name, data_type, is_nullable, column_default '
    "FROM information_schema.columns WHERE table_schema = 'public'",
    'constraints': "SELECT conrelid::regclass, conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    'functions': "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    'triggers': 'SELECT tgname FROM pg_trigger WHERE NOT tgisinternal',
}
# What an add-on leaves behind in Odoo's own tables when it is not careful.
REGISTERED = {
    'models': 'SELECT model FROM ir_model',
    'fields': 'SELECT model, name FROM ir_model_fields',
    'views': 'SELECT model, name, type FROM ir_ui_view',
    'menus': "SELECT name->>'en_US' FROM ir_ui_menu",
    'actions': "SELECT type, name->>'en_US' FROM ir_actions",
    'crons': 'SELECT cron_name FROM ir_cron',
    'groups': "SELECT name->>'en_US' FROM res_groups",
    'privileges': "SELECT name->>'en_US' FROM res_groups_privilege",
    'implied': 'SELECT gid, hid FROM res_groups_implied_rel',
    'rules': 'SELECT name FROM ir_rule',
    'access': 'SELECT name FROM ir_model_access',
    'parameters': 'SELECT key FROM ir_config_parameter',
    'defaults': 'SELECT field_id, json_value FROM ir_default',
    'sequences': 'SELECT code FROM ir_sequence',
    'selections': 'SELECT field_id, value FROM ir_model_fields_selection',
    'ids': "SELECT module, name FROM ir_model_data WHERE module LIKE 'retail%'",
    'assets': 'SELECT name FROM ir_asset',
}


def rows(house, name, query):
    return sorted(map(tuple, house.sql(query, name)))


def ours(house):
    return ','.join(house.manifests())


@pytest.fixture(scope='module')
def names(house):
    """A function that gives a database name which is dropped at the end of this file."""
    made = []

    def make(what):
        made.append(f'retail_crm_test_{os.getpid()}_{what}')
        return made[-1]

    yield make
    for name in made:
        house.drop(name)


@pytest.fixture(scope='module')
def before(house, names):
    """A shop that sells with Odoo alone."""
    name = house.copy(house.template(house.dependencies(), False), names('before'))
    house.shell_script(name, SELL)
    return name


@pytest.fixture(scope='module')
def after(house, names, before):
    """The same shop with the add-ons installed."""
    name = house.copy(before, names('after'))
    house.odoo_run(name, 'install into a shop that sells', '--no-http', '-i', ours(house))
    return name


def test_figures_are_there_after_the_install(house, after):
    """Design 4.1, 5.1: an install into a filled database derives the figures of all sales at once."""
    assert rows(house, after, PROFILES) == rows(house, after, FIGURES)
    assert len(rows(house, after, PROFILES)) == 3
    assert house.sql('SELECT count(*) FROM retail_purchase', after) == [['15']]
    assert house.sql('SELECT count(*) FROM retail_purchase WHERE occasion', after) == [['12']]
    full = 'SELECT count(*) FROM res_company WHERE retail_full_refreshed_at IS NOT NULL'
    assert house.sql(full, after) == house.sql('SELECT count(*) FROM res_company', after)


def test_cards_open_with_their_points(house, before, after):
    """Issue 6: cards are as they were; what their orders gave and took is known, the rest is the opening balance."""
    cards = rows(house, before, CARDS)
    points = {name: float(points) for name, _code, points, _active in cards}
    assert points == {'Acme': 70, 'Ann': 155, 'Bob': 50, 'Cat': 150}
    assert rows(house, after, CARDS) == cards
    assert rows(house, after, LEDGER) == cards
    kinds = (
        'SELECT kind, count(*), sum(points), sum(remaining) FROM retail_points_entry GROUP BY kind'
    )
    # of the orders nothing remains, all of the opening balance
    assert rows(house, after, kinds) == [
        ('burn', '1', '-100', '0'),
        ('earn', '15', '450', '0'),
        ('migrate', '4', '75', '425'),
    ]


def test_install_tells_nobody(house, before, after):
    """Design 4.1: installing emits nothing, logs no history, sends nothing and changes no document."""
    for query in (
        'SELECT count(*) FROM mail_mail',
        'SELECT count(*) FROM mail_activity',
        'SELECT id, write_date, state, amount_total FROM sale_order',
        'SELECT id, write_date, state FROM account_move',
    ):
        assert rows(house, before, query) == rows(house, after, query), query
    assert house.sql('SELECT count(*) FROM retail_moment', after) == [['0']]
    triggers = "SELECT count(*) FROM ir_cron_trigger JOIN ir_cron ON ir_cron.id = cron_id WHERE cron_name LIKE 'Retail%'"
    assert house.sql(triggers, after) == [['0']]
    history = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^retail_.*(_change|_move)$'"
    for (table,) in house.sql(history, after):
        assert house.sql(f'SELECT count(*) FROM {table}', after) == [['0']], table


def test_contacts_are_not_rewritten(house, before, after):
    """Design 8: the install rewrites no customer; only users and suppliers, of whom there are few."""
    flags = "SELECT name FROM res_partner WHERE retail_customer IS NOT TRUE AND name IN ('Acme', 'Ann', 'Bob', 'Cat', 'Mill')"
    assert house.sql(flags, after) == [['Mill']]
    assert house.sql('SELECT count(*) FROM res_partner WHERE retail_customer IS NULL', after) == [
        ['0']
    ]
    # ctid is where the row lies: an UPDATE moves it
    written = (
        "SELECT id, ctid, write_date FROM res_partner WHERE name IN ('Acme', 'Ann', 'Bob', 'Cat')"
    )
    assert rows(house, before, written) == rows(house, after, written)


def test_new_sales_count_after_the_install(house, names, after):
    """Design 4.1: the next sale is announced, and its figures are added to those of the past."""
    name = house.copy(after, names('sells'))
    house.shell_script(
        name,
        "order = env['sale.order'].search([('state', '=', 'draft')], limit=1)\n"
        'order.action_confirm()\nenv.cr.commit()\n'
        "env['retail.moment']._process_all()\n",
    )
    assert rows(house, name, PROFILES) == rows(house, name, FIGURES)
    assert len(rows(house, name, PROFILES)) == 4


def test_update_keeps_what_the_shop_changed(house, names, after):
    """Style 3: an update leaves records that people edit alone: channels, switches, schedules; and tells nobody."""
    name = house.copy(after, names('update'))
    house.shell_script(
        name,
        """
channel = env.ref('retail_crm.retail_channel_counter')
channel.write({'name': 'Till', 'sequence': 99})
env.ref('retail_crm.retail_channel_letter').active = False
env['res.config.settings'].create({'retail_block_care': False, 'retail_block_portal': False}).execute()
env['res.config.settings'].create({'retail_margin_percent': 41}).execute()
env.ref('retail_crm.ir_cron_process_moments').write({'interval_number': 7, 'active': False})
env['crm.team'].create({'name': 'Shop', 'retail_is_store': True, 'retail_code': 'S1'})
env.company.retail_rebuild_pending = False
env.cr.commit()
""",
    )
    figures = rows(house, name, 'SELECT * FROM retail_profile')
    purchases = rows(house, name, 'SELECT * FROM retail_purchase')
    house.odoo_run(name, 'update', '--no-http', '-u', ours(house))
    done = house.shell_script(
        name,
        """
print('CHANNEL', env.ref('retail_crm.retail_channel_counter').name, env.ref('retail_crm.retail_channel_counter').sequence)
print('LETTER', env.ref('retail_crm.retail_channel_letter').active)
values = env['res.config.settings'].get_values()
print('BLOCKS', sorted(key for key, value in values.items() if key.startswith('retail_block_') and not value))
print('PORTAL', env.ref('retail_crm.group_block_portal') in env.ref('base.group_portal').implied_ids)
print('MARGIN', env.company.retail_margin_percent)
cron = env.ref('retail_crm.ir_cron_process_moments')
print('CRON', cron.interval_number, cron.active)
store = env['crm.team'].search([('retail_code', '=', 'S1')])
print('STORE', store.name, store.retail_channel_id.code)
""",
    )
    assert 'CHANNEL Till 99' in done
    assert 'LETTER False' in done
    assert "BLOCKS ['retail_block_care', 'retail_block_portal']" in done
    assert 'PORTAL False' in done
    assert 'MARGIN 41.0' in done
    assert 'CRON 7 False' in done
    assert 'STORE Shop counter' in done
    assert rows(house, name, 'SELECT * FROM retail_profile') == figures
    assert rows(house, name, 'SELECT * FROM retail_purchase') == purchases
    assert house.sql('SELECT count(*) FROM retail_moment', name) == [['0']]


def test_uninstall_leaves_nothing_and_reinstall_works(house, names, before, after):
    """Design 9: uninstalled, the database is core's as before, core works, and a new install has the same figures."""
    name = house.copy(after, names('uninstall'))
    house.shell_script(
        name,
        f"""
env['ir.config_parameter'].set_param('retail_crm.anything', '1')
order = env['sale.order'].search([('state', '=', 'draft')], limit=1)
order.action_confirm()
Adjustment = env['retail.points.adjustment']
Adjustment._request(env['loyalty.card'].search([], limit=1), 3, 'goodwill', 'Broken cup')
env.cr.commit()
env['retail.moment']._process_all()
assert env['retail.points.entry'].search_count([('kind', '=', 'adjust')]) == 1
modules = env['ir.module.module'].search([('name', 'in', '{ours(house)}'.split(',')), ('state', '=', 'installed')])
modules.button_immediate_uninstall()
""",
        timeout=300,
    )
    for what, query in {**CATALOGUE, **REGISTERED}.items():
        left = set(rows(house, name, query)) - set(rows(house, before, query))
        lost = set(rows(house, before, query)) - set(rows(house, name, query))
        assert not left, f'{what} left behind'
        assert not lost, f'{what} lost'
    # points stay on the cards, and core goes on with them
    points = {card: float(points) for card, _code, points, _active in rows(house, name, CARDS)}
    assert (
        sum(points.values()) == 425 + 3 + points['Quotation only'] and points['Quotation only'] > 0
    )
    done = house.shell_script(
        name,
        """
order = env['sale.order'].search([('state', '=', 'draft')], limit=1)
order.action_confirm()
order.order_line.product_uom_qty = 2
invoice = order._create_invoices()
invoice.action_post()
env['res.partner'].search([], order='name', limit=3).web_read({'name': {}})
env['res.partner'].get_view(view_type='form')
order.get_view(view_type='form')
print('STATE', order.state, invoice.state, order.amount_untaxed)
env.cr.commit()
""",
    )
    assert 'STATE sale posted' in done
    house.odoo_run(name, 'install again', '--no-http', '-i', ours(house))
    assert rows(house, name, PROFILES) == rows(house, name, FIGURES)
    assert rows(house, name, LEDGER) == rows(house, name, CARDS)
    assert house.sql('SELECT count(*) FROM retail_moment', name) == [['0']]
