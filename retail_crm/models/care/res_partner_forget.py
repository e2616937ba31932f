from odoo import models
from odoo.tools import SQL


class ResPartnerForget(models.Model):
    """What care does when a customer is anonymised: nobody contacts him, what was said goes, the counts stay."""

    _inherit = 'res.partner'

    def _retail_erase_copies(self):
        """Empty the follow-ups of the customers, whatever their company; those that wait are given up."""
        # sudo: the officer's rights were checked
        followups_sudo = self.env['retail.followup'].sudo()
        followups_sudo.search([('partner_id', 'in', self.ids)])._forget()
        return super()._retail_erase_copies()


class RetailFollowupForget(models.Model):
    _inherit = 'retail.followup'

    def _forget_fields(self):
        """Hook: return the fields of follow-ups that tell what was said or given, or to which address."""
        return [
            'subject',
            'body',
            'email_normalized',
            'opinion',
            'needs',
            'promise',
            'next_step',
            'reason_text',
            'coupon_code',
            'gift',
        ]

    def _forget(self):
        """Empty what tells who was contacted and what was said. System process."""
        if not self:
            return
        waiting = self.filtered(lambda one: one.state in ('planned', 'todo', 'failed'))
        waiting.write({'state': 'cancelled', 'reason': 'not_customer'})
        self.write(dict.fromkeys(self._forget_fields(), False))
        self.attempt_ids.write({'note': False})
        env = self.env
        env.flush_all()
        messages = SQL("model = 'retail.followup' AND res_id = ANY(%s)", self.ids)
        env['res.partner']._retail_empty_messages(messages)
        env.invalidate_all()
        on_these = [('res_model', '=', self._name), ('res_id', 'in', self.ids)]
        env['ir.attachment'].search([*on_these, ('res_field', '=', False)]).unlink()
        activities = env['mail.activity'].with_context(active_test=False)
        activities.search(on_these).unlink()
