from odoo import fields, models


class RetailTicketStageTold(models.Model):
    """Whether customers are told when a ticket enters the stage (S-TKT-25)."""

    _inherit = 'retail.ticket.stage'

    is_told = fields.Boolean(
        string='Tell the Customer',
        help='The customer gets the message below when his request enters this stage: by mail, or an employee is asked '
        'to tell him on his channel.',
    )
    told_template_id = fields.Many2one(
        comodel_name='mail.template',
        string='Message',
        domain=[('model', '=', 'retail.ticket')],
        ondelete='set null',
        help='What the customer is told.',
    )
