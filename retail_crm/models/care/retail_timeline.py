from odoo import api, fields, models
from odoo.tools import SQL


class RetailTimeline(models.Model):
    """Follow-ups and messages in the time line: every contact of ours is a touch point (S-FUP-17)."""

    _inherit = 'retail.timeline'
    _depends = {
        'retail.followup': [
            'partner_id',
            'commercial_partner_id',
            'company_id',
            'contacted_at',
            'channel_id',
            'store_id',
            'user_id',
            'done_by',
            'is_restricted',
            'blocked_user_id',
            'second_blocked_user_id',
        ]
    }

    kind = fields.Selection(selection_add=[('followup', 'Follow-up')])

    @api.model
    def _timeline_sources(self):
        return {**super()._timeline_sources(), 'followup': self._sql_followups()}

    def _sql_followups(self):
        """Return the follow-ups by which a customer was contacted; none for those who may not read them."""
        return SQL(
            """
            SELECT followup.id, followup.commercial_partner_id, followup.partner_id, followup.company_id,
                   followup.contacted_at, followup.contacted_at::date, 'followup', followup.channel_id,
                   followup.store_id, COALESCE(followup.done_by, followup.user_id), NULL, NULL,
                   'retail.followup', followup.id
              FROM retail_followup AS followup
             WHERE followup.contacted_at IS NOT NULL AND %s AND %s
            """,
            self.env.su or self.env['retail.followup'].has_access('read'),
            self.env['retail.followup']._sql_shown(),
        )

    def _timeline_text_followup(self):
        """Return ``{row: text}`` of follow-ups: why, what came of it and what the customer said."""
        # sudo: whoever may see the time line may see what the shop said to the customer
        followups = self.env['retail.followup'].sudo().browse(self.mapped('row_id'))
        followups.fetch(['rule_id', 'subject', 'result', 'opinion', 'partner_id'])
        results = dict(followups._fields['result']._description_selection(self.env))
        return {
            followup.id: ': '.join(
                filter(
                    None,
                    (
                        followup.rule_id.name or followup.subject,
                        results.get(followup.result),
                        followup.opinion,
                    ),
                )
            )
            for followup in followups
        }
