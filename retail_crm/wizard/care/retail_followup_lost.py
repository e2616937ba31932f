from odoo import api, fields, models


class RetailFollowupLost(models.TransientModel):
    """Dialog: customers of interventions are lost, and why (S-CLV-02, S-CLV-03). Without a reason nobody is."""

    _name = 'retail.followup.lost'
    _description = 'Customer Is Lost'

    followup_ids = fields.Many2many(
        comodel_name='retail.followup', string='Follow-ups', help='Whose customers are lost.'
    )
    reason_id = fields.Many2one(
        comodel_name='retail.lost.reason',
        required=True,
        ondelete='cascade',
        help='What the customer named, or what is known.',
    )
    note = fields.Text(string='In Detail', help="The customer's own words, or which shop it is.")

    def action_apply(self):
        """Note that they are lost.

        :raise AccessError: for those who may not write these follow-ups
        """
        self.ensure_one()
        self.followup_ids.check_access('write')
        self.followup_ids._note_loss(self.reason_id, self.note)


class RetailFollowupClose(models.TransientModel):
    """The result of a churn call asks for the reason, too."""

    _inherit = 'retail.followup.close'

    is_churn = fields.Boolean(
        string='Asks Why',
        compute='_compute_is_churn',
        help='The customer is asked why he does not come any more.',
    )
    lost_reason_id = fields.Many2one(
        comodel_name='retail.lost.reason',
        string='Why He Stays Away',
        ondelete='cascade',
        help='What the customer says is the reason.',
    )
    lost_note = fields.Char(string='The Reason in Detail', help='Such as which other shop.')
    is_lost = fields.Boolean(
        string='The Customer Is Lost',
        help='He said that he does not come back. A purchase in time undoes it.',
    )

    @api.depends('followup_ids')
    def _compute_is_churn(self):
        for dialog in self:
            families = set(dialog.followup_ids.mapped('family'))
            dialog.is_churn = families == {'churn'}

    def _details(self):
        """Add the reason."""
        words = ('lost_note',) if self.lost_note else ()
        details = {**super()._details(), **{name: self[name] for name in words}}
        if self.lost_reason_id:
            details['lost_reason_id'] = self.lost_reason_id.id
        return details

    def _save(self):
        followups, closed = super()._save()
        if self.is_lost and self.is_churn and self.lost_reason_id:
            followups._note_loss(self.lost_reason_id, self.lost_note)
        return followups, closed
