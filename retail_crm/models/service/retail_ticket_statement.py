from odoo import fields, models


class RetailTicketStatement(models.Model):
    """What was said in public about a major case: when, where, by whom (S-TKT-32)."""

    _name = 'retail.ticket.statement'
    _description = 'Public Statement'
    _inherit = ['retail.ticket.part']
    _order = 'date desc, id desc'

    date = fields.Datetime(required=True, default=fields.Datetime.now)
    place = fields.Char(
        required=True, help='Where it was published: paper, platform, notice in the store.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Speaker',
        required=True,
        default=lambda self: self.env.user,
        ondelete='restrict',
    )
    text = fields.Text(required=True, help='What was said.')
    url = fields.Char(string='Address', help='Where it can be read.')
