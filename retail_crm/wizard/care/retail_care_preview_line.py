from odoo import fields, models


class RetailCarePreviewLine(models.TransientModel):
    """One of the first customers whom a rule would contact."""

    _name = 'retail.care.preview.line'
    _description = 'Customer of a Preview'
    _order = 'due_on, id'
    _rec_name = 'partner_id'

    preview_id = fields.Many2one(
        comodel_name='retail.care.preview', required=True, ondelete='cascade', help='The preview.'
    )
    partner_id = fields.Many2one(comodel_name='res.partner', string='Customer', readonly=True)
    due_on = fields.Date(string='Due', readonly=True, help='Day on which it would be due.')
    channel_id = fields.Many2one(
        comodel_name='retail.channel', readonly=True, help='How the customer would be contacted.'
    )
    text = fields.Char(string='What Would Happen', readonly=True, help='In words, as things are.')

    def action_choose(self):
        """Show the message to this customer.

        :raise AccessError: for those who may not use the preview
        """
        self.ensure_one()
        self.check_access('write')
        self.preview_id.partner_id = self.partner_id
        return self.preview_id.action_render()
