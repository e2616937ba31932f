from odoo import fields, models


class SmsSms(models.Model):
    """Text messages of follow-ups tell them when they could not be handed over."""

    _inherit = 'sms.sms'

    retail_followup_id = fields.Many2one(
        comodel_name='retail.followup',
        string='Follow-up',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help='Follow-up that left as this text message.',
    )

    def write(self, vals):
        result = super().write(vals)
        if vals.get('state') == 'error':
            # sudo: the queue works for everybody
            followups_sudo = self.sudo().retail_followup_id.filtered(
                lambda one: one.state == 'done' and one.channel_id.transport == 'sms'
            )
            for failure, messages in self.sudo().grouped('failure_type').items():
                labels = dict(self._fields['failure_type']._description_selection(self.env))
                failed = followups_sudo & messages.retail_followup_id
                if failed:
                    failed._message_failed(labels.get(failure) or self.env._('Unknown error'))
        return result
