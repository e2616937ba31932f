from odoo import api, fields, models

from ..models.customer.retail_consent_text import PURPOSES


class RetailConsentRecordLine(models.TransientModel):
    """One question of the dialog: a purpose on a channel, and the answer."""

    _name = 'retail.consent.record.line'
    _description = 'Consent to Record'
    _order = 'id'

    record_id = fields.Many2one(
        comodel_name='retail.consent.record',
        required=True,
        ondelete='cascade',
        help='The dialog it belongs to.',
    )
    purpose = fields.Selection(selection=PURPOSES, required=True, help='For what.')
    channel_id = fields.Many2one(
        comodel_name='retail.channel', help='On which channel; profiling has none.'
    )
    decision = fields.Selection(
        selection=[('granted', 'Yes'), ('withdrawn', 'No'), ('unknown', 'Not asked')],
        required=True,
        default='unknown',
        help='What the customer says.',
    )
    date = fields.Datetime(
        string='Decided On', readonly=True, help='When the decision in force was taken.'
    )
    is_outdated = fields.Boolean(
        string='Earlier Text',
        readonly=True,
        help='The customer agreed to an earlier version of the text. Ask again: this version was not agreed to yet.',
    )
    mark = fields.Char(help='What was in force when the dialog was opened.')

    @api.depends('purpose', 'channel_id')
    def _compute_display_name(self):
        purposes = dict(self._fields['purpose']._description_selection(self.env))
        for line in self:
            line.display_name = ' '.join(
                filter(None, (purposes.get(line.purpose), line.channel_id.name))
            )
