from datetime import timedelta

from odoo import models

from ._sending import skip


class RetailFollowupPause(models.Model):
    """Gate 5: contacts by rule are paused for the customer (S-FUP-13)."""

    _inherit = 'retail.followup'

    def _gate_pause(self, sending):
        """What a running pause covers is skipped, with the words of the pause."""
        verdicts = super()._gate_pause(sending)
        for company, followups in self.filtered('rule_id').grouped('company_id').items():
            pauses = self.env['retail.care.pause']._holding(
                followups.partner_id, company, sending.day(company)
            )
            if not pauses:
                continue
            by_partner = pauses.grouped('partner_id')
            for followup in followups.sudo():  # sudo: whom a contact belongs to
                mine = pauses.browse()
                for partner in followup.partner_id | followup.commercial_partner_id:
                    mine |= by_partner.get(partner.with_env(mine.env), pauses.browse())
                found = mine.filtered(
                    lambda pause, one=followup: pause._covers(one.rule_id, one.family)
                )
                if found:
                    verdicts[followup.id] = skip('paused', found[0]._words())
        return verdicts

    def _pause_marketing(self, note=False):
        """Leave the customers of these in peace by marketing for the days of the company, who are not yet."""
        pauses = self.env['retail.care.pause'].sudo()  # sudo: whoever notes a refusal has it kept
        for company, followups in self.grouped('company_id').items():
            today = company._retail_today()
            holding = pauses._holding(followups.partner_id, company, today)
            resting = holding.filtered(lambda one: one.scope in ('all', 'marketing')).partner_id
            for followup in followups.filtered(
                lambda one, some=resting: one.partner_id not in some
            ):
                pauses.create(
                    {
                        'partner_id': followup.partner_id.id,
                        'company_id': company.id,
                        'scope': 'marketing',
                        'until': today + timedelta(days=company.retail_care_pause_days or 90),
                        'reason': note
                        or self.env._('Wanted no contact: %(about)s', about=followup.name),
                        'followup_id': followup.id,
                    }
                )
                resting |= followup.partner_id

    def action_pause(self):
        """Ask for how long and of what the customer of one follow-up is left in peace.

        :raise AccessError: for those who may not make pauses
        """
        self.ensure_one()
        self.check_access('read')
        scope = (
            {'default_scope': 'rule', 'default_rule_id': self.rule_id.id} if self.rule_id else {}
        )
        return self.partner_id.with_context(
            default_followup_id=self.id, **scope
        )._action_retail_pause()
