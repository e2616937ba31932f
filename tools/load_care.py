"""Play five weeks of care in the demo: what was planned, said, printed, left out, and what came of it.

A script for the standard input of `./dev shell DB`, after load_files.py and load_tickets.py. The shipped rules plan day
by day with the clock set to each day, what is due leaves, and staff answer by the dialogs they use; what the add-on
refuses is counted and left out. Nothing leaves the machine: messages are marked as sent. Words are invented.
"""

import os
import sys
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import Command
from odoo.exceptions import UserError

sys.path.insert(0, os.environ.get('RETAIL_CRM_TOOLS') or os.path.join(os.getcwd(), 'tools'))
import load_common
from load_tickets import clock_at

DAYS = 35
#: What customers said, and how satisfied they are.
OPINIONS = (
    ('5', 'Very happy with it; listens to it every evening.', ''),
    ('4', 'All in order, the parcel came a day late.', 'More jazz on vinyl'),
    ('5', 'Was surprised that somebody calls, and glad.', ''),
    ('3', 'The shop is fine, the queue on Saturdays is not.', 'A second till on Saturdays'),
    ('4', 'Likes the new shelf with recommendations.', 'A present for a child of ten'),
)
COMPLAINTS = (
    ('2', 'One case was cracked again.'),
    ('1', 'Called three times because of the invoice.'),
)
STAYS_AWAY = (
    ('price', 'The same record costs a third less on the web.'),
    ('assortment', 'No classical music any more.'),
    ('moved', 'Lives at the coast now.'),
    ('service', 'Nobody at the desk on two visits.'),
)
PAUSES = (
    ({'scope': 'all'}, 90, 'In hospital; his wife asks to leave him in peace'),
    ({'scope': 'family', 'family': 'promotion'}, 180, 'No promotions, please'),
)


class Care:
    """The care of one database; all choices depend on nothing but references and days."""

    def __init__(self, env):
        quiet = ('mail_notrack', 'tracking_disable', 'mail_create_nosubscribe', 'no_reset_password')
        self.env = env(context={**env.context, **dict.fromkeys(quiet, True)})
        self.company = env.company.root_id
        self.today = self.company._retail_today()
        logins = ('clerk', 'clerk2', 'clerk3', 'leader', 'manager')
        users = self.env['res.users'].search([('login', 'in', logins)])
        self.users = {user.login: user for user in users}
        self.partners = self.env['res.partner'].search(
            [('ref', '!=', False), ('retail_order_count', '>', 0)], order='ref', limit=300
        )
        self.rules = self.env['retail.care.rule'].search([])
        self.tables = {self.env[name]._table for name in ('mail.mail', 'sms.sms') if name in env}
        self.refused = 0

    def ref(self, name):
        return self.env.ref(f'retail_crm.{name}')

    def at(self, day, hour):
        """Set the clock to an hour of a day at the company."""
        zone = ZoneInfo(self.company._retail_timezone())
        moment = datetime.combine(day, time(hour), zone).astimezone(ZoneInfo('UTC'))
        return clock_at(moment.replace(tzinfo=None))

    def safely(self, function, *args):
        """Do one thing; what is refused is left out."""
        try:
            with self.env.cr.savepoint():
                function(*args)
                self.env.flush_all()
        except UserError as error:
            self.refused += 1
            if self.refused < 4:
                load_common.say(f'refused ({function.__name__}): {error}')
            self.env.invalidate_all(flush=False)

    # === BEFORE ===#

    def prepare(self):
        """Who may be called, who looks after whom, an offer, and rules that are on."""
        phone, letter, email = (
            self.ref(f'retail_channel_{code}') for code in ('phone', 'letter', 'email')
        )
        for number, partner in enumerate(self.partners):
            if number % 5 != 4:
                decisions = {('marketing', phone): number % 7 != 3, ('marketing', letter): True}
                decisions |= {('service', phone): True, ('service', email): True}
                self.env['retail.consent']._record(partner, decisions, 'shop')
            if number % 6 == 0:
                partner.retail_preferred_channel_id = letter if number % 4 else email
        self.partners.filtered(lambda one: not one.street)[:80].write(
            {'street': 'Harbour Street 12', 'city': 'Springfield', 'zip': '2011'}
        )
        advisers = [self.users[login] for login in ('clerk', 'clerk2', 'leader')]
        for partner in self.partners.filtered(lambda one: not one.retail_adviser_id):
            partner.retail_adviser_id = advisers[load_common.spread(f'ad {partner.ref}', 3)]
        self.goods()
        alert = self.ref('retail_care_rule_churn_alert')
        alert.domain = "[('retail_order_count', '>=', 3)]"
        regular = self.ref('retail_care_rule_regular_call')
        regular.domain = "[('retail_adviser_id', '!=', False)]"
        first = self.today - timedelta(days=DAYS)
        self.rules.write({'state': 'on', 'started_on': first, 'user_id': self.users['manager'].id})
        self.rules.filtered(lambda one: one.owner == 'adviser').write({'day_limit': 6})
        self.ref('retail_care_rule_promotion').state = 'off'
        for name in ('churn_watch', 'second_purchase'):
            self.ref(f'retail_care_rule_{name}').control_percent = 10
        self.env['retail.care.gap'].create(
            {'company_id': self.company.id, 'family': 'churn', 'days': 30}
        )
        self.make_offers(first)

    def goods(self):
        """What goes with the products that were loaded, so that something can be suggested."""
        product = self.env['sale.order.line'].search([('state', '=', 'sale')], limit=1).product_id
        extra = self.env['product.template'].create(
            [
                {
                    'name': name,
                    'list_price': price,
                    'categ_id': product.categ_id.id,
                    'taxes_id': False,
                }
                for name, price in (
                    ('Storage box', 12),
                    ('Cleaning set', 9),
                    ('Signed edition', 24),
                )
            ]
        )
        product.optional_product_ids = extra[:2]

    def make_offers(self, first):
        """A gift for members that is announced, and one that is prepared."""
        offers = self.env['retail.offer'].with_user(self.users['manager'])
        voucher = self.ref('loyalty_program_birthday_silver')
        tiers = self.env['retail.tier'].search([('programme_id.company_id', '=', self.company.id)])
        offer = offers.create(
            {
                'name': 'Autumn voucher',
                'kind': 'promotion',
                'information': '<p>A voucher for our members, valid on everything until winter.</p>',
                'program_id': voucher.id,
                'date_from': first,
                'date_to': self.today + timedelta(days=30),
                'tier_ids': [Command.set(tiers[1:].ids)],
                'contact_cost': 0.2,
                'reward_cost': 5,
            }
        )
        offer.action_start()
        offer.action_announce()
        rule = offer.rule_ids.sudo()  # as the manager switches it on, after the preview
        rule.write({'state': 'on', 'started_on': first, 'control_percent': 20})
        self.rules |= rule.with_user(self.env.user)
        offers.create(
            {
                'name': 'Jazz evening',
                'kind': 'new_product',
                'information': '<p>An evening with new recordings, free for regulars.</p>',
                'date_from': self.today + timedelta(days=14),
                'date_to': self.today + timedelta(days=21),
                'tier_ids': [Command.set(tiers[-1:].ids)],
            }
        )

    # === THE WEEKS ===#

    def live(self):
        """Five weeks, day by day: what is due leaves at noon, and is worked on in the afternoon."""
        for past in range(DAYS, -1, -1):
            day = self.today - timedelta(days=past)
            with self.at(day, 9):
                self.rules._plan(day)
            for hour in (11, 17):
                with self.at(day, hour):
                    self.env['retail.followup']._process_due()
                    self.env.flush_all()
            with self.at(day, 18):
                self.work(day, past)
            with self.at(day, 19):
                self.env['retail.followup']._note_reactions()
                self.env['retail.churn']._settle()
            for table in {'mail_mail', 'sms_sms'} & self.tables:
                self.env.cr.execute(f"UPDATE {table} SET state = 'sent' WHERE state = 'outgoing'")
            # the default of their date was bound to the true clock
            self.env.cr.execute(
                'UPDATE retail_followup_attempt SET date = %s WHERE date > %s',
                [
                    datetime.combine(day, time(10)),
                    datetime.combine(day + timedelta(days=1), time()),
                ],
            )
            self.env.cr.commit()
            self.env.invalidate_all()

    def work(self, day, past):
        """What staff do on a day; of the last days something is left undone, of today everything."""
        todo = self.env['retail.followup'].search([('state', '=', 'todo'), ('due_on', '<=', day)])
        for one in todo if past else ():
            chance = load_common.spread(f'{one.partner_id.ref} {one.rule_id.code} {day}', 20)
            transport = one.channel_id.transport
            if past < 5 and chance < 13:
                continue
            if transport == 'letter':
                self.safely(self.print_letter, one)
            elif transport == 'manual':
                self.safely(self.message, one)
            else:
                self.safely(self.call, one, chance)

    def own(self, followup):
        return followup.with_user(followup.user_id or self.users['clerk'])

    def print_letter(self, one):
        self.own(one).action_letters_printed()

    def message(self, one):
        self.own(one).action_message_sent()

    def call(self, one, chance):
        """Somebody is called: most answer, some are annoyed, nobody is at home, or not now."""
        one = self.own(one)
        if chance == 0 and not one.hard_date:
            dialog = self.env['retail.followup.snooze'].with_user(one.env.user)
            values = {'reason': 'Asked to be called at the weekend', 'day': self.in_days(2)}
            dialog.create({'followup_ids': [Command.set(one.ids)], **values}).action_apply()
            return
        dialogs = self.env['retail.followup.close'].with_user(one.env.user)
        values = {'followup_ids': [Command.set(one.ids)], 'result': 'reached'}
        if chance in (1, 2, 3):
            values |= {'result': 'not_reached'}
        elif chance == 4 and one.purpose == 'marketing':
            values |= {'result': 'refused', 'note': 'Wants no calls'}
        elif one.family == 'churn' and chance < 14:
            code, words = STAYS_AWAY[chance % len(STAYS_AWAY)]
            reason = self.ref(f'retail_lost_reason_{code}')
            values |= {'lost_reason_id': reason.id, 'lost_note': words, 'is_lost': chance == 10}
            values |= {'satisfaction': '3', 'next_step': chance % 2 and 'Send the new list'}
        elif chance in (5, 6):
            values |= dict(zip(('satisfaction', 'opinion'), COMPLAINTS[chance % 2], strict=True))
        else:
            names = ('satisfaction', 'opinion', 'needs')
            values |= dict(zip(names, OPINIONS[chance % len(OPINIONS)], strict=True))
        if chance == 15:
            values |= {'promise': 'Send the catalogue', 'promise_until': self.in_days(3)}
        dialog = dialogs.create(values)
        dialog.action_save_ticket() if chance == 5 else dialog.action_save()

    def in_days(self, count):
        return self.today + timedelta(days=count)

    # === BY HAND ===#

    def today_by_hand(self):
        """Contacts without a rule, pauses, a quotation with what is suggested on it, changed habits, pairs."""
        clerk = self.users['clerk']
        for partner, words in zip(
            self.partners[2:40:12],
            ('Your record has arrived', 'About the invoice', 'Invitation', 'Your question'),
            strict=False,
        ):
            self.safely(self.contact, partner, words, clerk)
        for partner, (scope, days, reason) in zip(self.partners[7:60:30], PAUSES, strict=False):
            values = {**scope, 'until': self.in_days(days), 'reason': reason}
            self.env['retail.care.pause'].with_user(clerk).create(
                {'partner_id': partner.id, 'company_id': self.company.id, **values}
            )
        self.env['retail.product.pair']._cron_count()
        self.env['retail.life.change']._cron_notice()
        best = self.partners.sorted(lambda one: -one.retail_order_count)[:3]
        for partner in best:
            self.safely(self.quote, partner)

    def contact(self, partner, words, user):
        dialog = self.env['retail.followup.contact'].with_user(user)
        phone = self.ref('retail_channel_phone')
        values = {'channel_id': phone.id, 'subject': words, 'body': f'<p>{words}.</p>'}
        dialog.create({'partner_ids': [Command.set(partner.ids)], **values}).action_apply()

    def quote(self, partner):
        last = self.env['sale.order.line'].search(
            [('order_id.partner_id', '=', partner.id), ('state', '=', 'sale')], limit=1
        )
        order = self.env['sale.order'].create(
            {
                'partner_id': partner.id,
                'team_id': last.order_id.team_id.id,
                'order_line': [
                    Command.create({'product_id': last.product_id.id, 'product_uom_qty': 1})
                ],
            }
        )
        found = self.env['retail.suggestion']._suggest(order)
        found[:1].action_add()


def main(env):
    marker = 'retail_crm.demo_care'
    parameters = env['ir.config_parameter'].sudo()
    if parameters.get_param(marker) or 'retail.followup' not in env:
        return
    care = Care(env)
    if len(care.users) < 5:
        return  # not the demo's staff
    care.prepare()
    care.live()
    care.today_by_hand()
    parameters.set_param(marker, '1')
    env.cr.commit()
    states = env['retail.followup']._read_group([], ['state'], ['__count'])
    load_common.say(
        f'{DAYS} days of care played, {care.refused} steps refused: '
        + ', '.join(f'{count} {state}' for state, count in states)
    )


if 'env' in globals():
    main(globals()['env'])
