from odoo import fields, models


class RetailTicketReturn(models.Model):
    """Tickets show what customers give back."""

    _inherit = 'retail.ticket'

    return_ids = fields.One2many(
        comodel_name='retail.return.request',
        inverse_name='ticket_id',
        string='Returns',
        copy=False,
        help='Goods that the customer wants to give back.',
    )

    def action_returns(self):
        """Open the returns of one ticket."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_return_request_action'
        )
        return {
            **action,
            'domain': [('ticket_id', '=', self.id)],
            'context': {'default_ticket_id': self.id},
        }
