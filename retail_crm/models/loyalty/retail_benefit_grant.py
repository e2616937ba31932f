from dataclasses import dataclass
from datetime import date, timedelta

from odoo import api, models
from odoo.tools import SQL

from .retail_membership_store import _sql_table


@dataclass(frozen=True)
class Claim:
    """What a member is entitled to now, and the key that says for what.

    :ivar cycle_on: the day of the occasion
    """

    membership_id: int
    privilege_id: int
    tier_id: int
    key: str
    cycle_on: date | None = None


class RetailBenefitGrant(models.Model):
    """How benefits are granted: the row with its unique key first, then what hangs on it, in one transaction."""

    _inherit = 'retail.benefit'

    @api.model
    def _grant(self, claims):
        """Give members what they claim, unless they have it: two at once or a kill in the middle give it once.

        A fixed number of statements for any number of claims. Who left the programme in between, or is archived, gets
        nothing.

        :return: the new benefits
        """
        if not claims:
            return self.browse()
        benefits = self.sudo().browse(self._insert(claims))  # sudo: nobody may write benefits
        for privilege, group in benefits.grouped('privilege_id').items():
            if privilege.gift == 'voucher':
                group._give_vouchers(privilege)
            else:
                group._give_coupons(privilege)
            if privilege.kind == 'birthday' and privilege.call:
                group._plan_calls()
        self.env['retail.moment']._emit('benefit_granted', benefits)
        return benefits

    @api.model
    def _insert(self, claims):
        """Write the rows of those claims that are new and return their ids."""
        self.flush_model()
        self.env['retail.membership'].flush_model()
        self.env['retail.privilege'].flush_model(['kind', 'company_id'])
        self.env['res.partner'].flush_model(['active'])
        # in one order for all, so that two at once wait for each other instead of dying
        claims = sorted(claims, key=lambda claim: (claim.membership_id, claim.key))
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO retail_benefit (membership_id, partner_id, company_id, privilege_id, tier_id, kind, key,
                                            cycle_on, date, create_uid, write_uid, create_date, write_date)
                SELECT member.id, member.partner_id, member.company_id, claim.privilege_id, claim.tier_id,
                       privilege.kind, claim.key, claim.cycle_on, today.day, %(user)s, %(user)s,
                       now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                  FROM %(claims)s
                  JOIN retail_membership AS member ON member.id = claim.membership_id AND member.state = 'active'
                  JOIN res_partner AS partner ON partner.id = member.partner_id AND partner.active
                  JOIN retail_privilege AS privilege
                    ON privilege.id = claim.privilege_id AND privilege.company_id = member.company_id
                  JOIN %(today)s ON today.company_id = member.company_id
                 ORDER BY claim.membership_id, claim.key
                ON CONFLICT (membership_id, key) DO NOTHING
                RETURNING id
                """,
                user=self.env.uid,
                claims=_sql_table(
                    'claim',
                    {
                        'membership_id': ('int', [claim.membership_id for claim in claims]),
                        'privilege_id': ('int', [claim.privilege_id for claim in claims]),
                        'tier_id': ('int', [claim.tier_id for claim in claims]),
                        'key': ('varchar', [claim.key for claim in claims]),
                        'cycle_on': ('date', [claim.cycle_on for claim in claims]),
                    },
                ),
                today=self._sql_today(),
            )
        )
        return [benefit_id for (benefit_id,) in rows]

    @api.model
    def _sql_today(self):
        """Return the table of today's date in each company with a programme."""
        companies = self.env['retail.programme']._running().company_id
        return _sql_table(
            'today',
            {
                'company_id': ('int', companies.ids),
                'day': ('date', [company._retail_today() for company in companies]),
            },
        )

    # === WHAT IS GIVEN ===#

    def _last_day(self, privilege):
        """Return the last day on which a gift is valid; birthday gifts count from the birthday."""
        self.ensure_one()
        if not privilege.valid_days:
            return False
        start = self.cycle_on if self.kind == 'birthday' else None
        return max(start or self.date, self.date) + timedelta(days=privilege.valid_days)

    def _give_coupons(self, privilege):
        """Make a coupon of core for each of these, without e-mail: care tells the customer (design 5.2)."""
        program = privilege.coupon_program_id
        # what one reward costs, so that it can be used once
        points = min(program.reward_ids.mapped('required_points'), default=1)
        cards = (
            self.env['loyalty.card']
            .sudo()  # sudo: coupons are made by the system
            .with_context(loyalty_no_mail=True, tracking_disable=True)
            .create(
                [
                    {
                        'program_id': program.id,
                        'partner_id': benefit.partner_id.id,
                        'points': points,
                        'expiration_date': benefit._last_day(privilege),
                    }
                    for benefit in self
                ]
            )
        )
        for benefit, card in zip(self, cards, strict=True):
            benefit.write(
                {'card_id': card.id, 'code': card.code, 'valid_until': card.expiration_date}
            )

    def _give_vouchers(self, privilege):
        """Make a voucher for each of these, in the language of the customer."""
        texts = {
            lang: privilege.with_context(lang=lang).service_text
            for lang in set(self.partner_id.mapped('lang'))
        }
        vouchers = self.env['retail.voucher']._issue(
            [
                {
                    'partner_id': benefit.partner_id.id,
                    'membership_id': benefit.membership_id.id,
                    'company_id': benefit.company_id.id,
                    'privilege_id': privilege.id,
                    'name': texts[benefit.partner_id.lang],
                    'value': privilege.value,
                    'date': benefit.date,
                    'valid_until': benefit._last_day(privilege),
                }
                for benefit in self
            ]
        )
        for benefit, voucher in zip(self, vouchers, strict=True):
            benefit.write(
                {
                    'voucher_id': voucher.id,
                    'code': voucher.code,
                    'valid_until': voucher.valid_until,
                }
            )

    def _plan_calls(self):
        """Plan a call on the birthday for whoever looks after the customer."""
        call = self.env.ref('mail.mail_activity_data_call', raise_if_not_found=False)
        if not call:
            return
        advisers = self.partner_id._retail_adviser_of()
        # sudo: planned by the system; quick update: no e-mail for each of them
        activities = self.env['mail.activity'].sudo().with_context(mail_activity_quick_update=True)
        activities.create(
            [
                {
                    'res_model_id': self.env['ir.model']._get_id('res.partner'),
                    'res_id': benefit.partner_id.id,
                    'activity_type_id': call.id,
                    'summary': self.env._('Birthday call'),
                    'date_deadline': benefit.cycle_on or benefit.date,
                    'user_id': (
                        advisers[benefit.partner_id.id]
                        or benefit.privilege_id.programme_id.user_id
                        or self.env.user
                    ).id,
                }
                for benefit in self
            ]
        )
