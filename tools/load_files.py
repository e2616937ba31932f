"""Fill the customer files of the demo: what clerks would have entered about some of the loaded customers.

A script for the standard input of `./dev shell DB`. The same customers get the same values on every run; nothing is
entered twice. Names, days and answers are invented.
"""

import os
import sys
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import Command, fields

sys.path.insert(0, os.environ.get('RETAIL_CRM_TOOLS') or os.path.join(os.getcwd(), 'tools'))
import load_common

FILES = 300
OCCUPATIONS = ('Teacher', 'Nurse', 'Shop owner', 'Engineer', 'Retired', 'Student', 'Driver')
REMARKS = ('Collects jazz records', 'Asks for gift wrapping', 'Prefers to be left to look around')
NOTES = (
    'Asked for a record that was sold out',
    'Brought a friend',
    'Wanted to know about new arrivals',
)


class Files:
    """Customer files of one database; all choices depend on nothing but the customer's reference."""

    def __init__(self, env):
        self.env = env(context={**env.context, **load_common.QUIET})
        self.ref = self.env.ref
        self.staff = self.env['res.users'].search([('login', 'in', ('clerk', 'clerk2', 'leader'))])
        self.partners = self.env['res.partner'].search(
            [('ref', '!=', False), ('retail_order_count', '>', 0)], order='ref', limit=FILES
        )

    def choose(self, partner, what, options):
        return options[load_common.spread(f'{what} {partner.ref}', len(options))]

    def enter(self):
        """What was entered about each of them."""
        today = fields.Date.today()
        kinds = ('new', 'promotion', 'fashion', 'food', 'home')
        likes = [self.ref(f'retail_crm.retail_preference_{kind}') for kind in kinds]
        needs = [self.ref('retail_crm.retail_preference_large_print'), likes[0], likes[1], likes[2]]
        channels = [
            self.ref(f'retail_crm.retail_channel_{code}')
            for code in ('wechat', 'phone', 'sms', 'email')
        ]
        sources = [self.ref(f'retail_crm.utm_source_{code}') for code in ('shop', 'web', 'social')]
        for number, partner in enumerate(self.partners):
            chosen = self.choose(partner, 'like', likes) | self.choose(partner, 'need', needs)
            partner.write(
                {
                    'retail_birth_month': str(1 + load_common.spread(f'm {partner.ref}', 12)),
                    'retail_birth_day': 1 + load_common.spread(f'd {partner.ref}', 28),
                    'retail_birth_year': 1950 + load_common.spread(f'y {partner.ref}', 55),
                    'retail_birth_lunar': load_common.spread(f'l {partner.ref}', 9) == 0,
                    'retail_preference_ids': [Command.set(chosen.ids)],
                    'retail_preferred_channel_id': self.choose(partner, 'channel', channels).id,
                    'retail_source_id': self.choose(partner, 'source', sources).id,
                    'retail_occupation': self.choose(partner, 'work', OCCUPATIONS),
                    'retail_remark': number % 3 == 0 and self.choose(partner, 'remark', REMARKS),
                    'retail_adviser_id': number % 4 == 0
                    and self.choose(partner, 'adviser', self.staff).id,
                    'retail_checked_on': today
                    - timedelta(days=load_common.spread(f'checked {partner.ref}', 900)),
                }
            )
        for twin, one in zip(self.partners[::60], self.partners[1::60], strict=False):
            twin.phone = one.phone

    def touch(self):
        """Visits and calls of the last months."""
        now = fields.Datetime.now()
        self.env['retail.touch'].create(
            [
                {
                    'partner_id': partner.id,
                    'kind': self.choose(partner, 'kind', ('visit', 'visit', 'call_in', 'call_out')),
                    'date': now
                    - timedelta(hours=24 + load_common.spread(f'touch {partner.ref}', 4000)),
                    'user_id': self.choose(partner, 'guide', self.staff).id,
                    'note': self.choose(partner, 'note', NOTES),
                }
                for partner in self.partners[::2]
            ]
        )

    def ask(self):
        """Consents: most agreed to something, some refused, one in four was never asked."""
        Consent = self.env['retail.consent']
        sms, email = (self.ref(f'retail_crm.retail_channel_{code}') for code in ('sms', 'email'))
        nowhere = self.env['retail.channel']
        for number, partner in enumerate(self.partners):
            if number % 4 == 3:
                continue
            agreed = load_common.spread(f'agreed {partner.ref}', 5) > 0
            decisions = {
                ('service', sms): True,
                ('marketing', sms): agreed,
                ('marketing', email): agreed and number % 2 == 0,
                ('profiling', nowhere): number % 10 != 0,
            }
            Consent._record(partner, decisions, 'shop')

    def compute(self):
        """What follows: classes, segments, duplicates, members and their tiers."""
        env = self.env
        env.cr.execute("UPDATE retail_moment SET state = 'done' WHERE state = 'pending'")
        env.invalidate_all()
        env['retail.profile']._refresh(quiet=True)
        env['retail.segment'].search([])._recompute_safely()
        env['retail.duplicate']._search_all()
        self.open_programme()

    def open_programme(self):
        """A loyalty programme that began a year ago, what is made of it, and a customer with a portal account."""
        env = self.env
        programme = env['retail.programme'].search(
            [('company_id', '=', env.company.id), ('state', '=', 'draft')], limit=1
        )
        if not programme:
            return
        programme.date_start = fields.Date.today() - relativedelta(years=1)
        programme.action_start()
        env['retail.membership']._cron_evaluate()
        evaluation = env['retail.programme.evaluation'].create(
            {
                'programme_id': programme.id,
                'date_from': fields.Date.today() + relativedelta(months=-1, day=1),
            }
        )
        evaluation.action_measure()
        preview = env['retail.tier.preview']._of_programme(programme)
        for threshold in preview.threshold_ids:
            threshold.count *= 2
        preview.action_compute()
        member = env['retail.membership'].search(
            [('tier_id', '=', programme.tier_ids[1:2].id)], order='id', limit=1
        )
        if member:
            env['res.users'].with_context(no_reset_password=True).create(
                {
                    'name': member.partner_id.name,
                    'login': 'customer',
                    'password': 'customer',
                    'partner_id': member.partner_id.id,
                    'group_ids': [Command.set(env.ref('base.group_portal').ids)],
                }
            )


def main(env):
    marker = 'retail_crm.demo_files'
    parameters = env['ir.config_parameter'].sudo()
    if parameters.get_param(marker):
        return
    files = Files(env)
    files.enter()
    files.touch()
    files.ask()
    files.compute()
    parameters.set_param(marker, '1')
    env.cr.commit()
    load_common.say(f'{len(files.partners)} customer files filled')


if 'env' in globals():
    main(globals()['env'])
