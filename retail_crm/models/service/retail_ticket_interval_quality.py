from odoo import fields, models

REOPENED_BY = [('customer', 'Customer'), ('agent', 'Agent'), ('system', 'System')]


class RetailTicketInterval(models.Model):
    """What the log keeps for quality: who opened a solved ticket again, and which messages only said thank you."""

    _inherit = 'retail.ticket.interval'

    reopened_by = fields.Selection(
        selection=REOPENED_BY,
        help='Who had the solved ticket opened again with this stage. Empty: it was no reopening.',
    )
    is_thanks = fields.Boolean(
        string='Thank-You Only', help='The message only thanked or confirmed; it asked for nothing.'
    )

    # used by reports over a time: a few kilobytes, as the log is written in the order of time
    _date_idx = models.Index('USING brin (date_from)')
