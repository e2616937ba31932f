from odoo import api, fields, models
from odoo.fields import Command


class RetailTicketRelated(models.Model):
    """Tickets that have to do with each other. The link is symmetric: both show it, and both lose it."""

    _inherit = 'retail.ticket'

    related_ids = fields.Many2many(
        comodel_name='retail.ticket',
        relation='retail_ticket_related_rel',
        column1='ticket_id',
        column2='related_id',
        string='Related Tickets',
        copy=False,
        help='Tickets that have to do with this one. Each of them shows this one, too.',
    )

    @api.model_create_multi
    def create(self, vals_list):
        tickets = super().create(vals_list)
        if any(vals.get('related_ids') for vals in vals_list):
            tickets._relate_back({})
        return tickets

    def write(self, vals):
        if 'related_ids' not in vals:
            return super().write(vals)
        # sudo: also links to tickets that the user may not see have another side
        before = {ticket: ticket.sudo().related_ids for ticket in self}
        result = super().write(vals)
        self._relate_back(before)
        return result

    def _relate_back(self, before):
        """Have the other side show the same. ``before``: ``{ticket: those it was related to}``."""
        for ticket in self:
            # sudo: the other side follows; that it may be read is checked here
            ticket_sudo = ticket.sudo()
            ticket_sudo.invalidate_recordset(['related_ids'])
            now, was = ticket_sudo.related_ids, before.get(ticket, ticket_sudo.browse())
            added = now - was
            if not self.env.su:
                added.sudo(False).check_access('read')
            if ticket_sudo in added:
                ticket_sudo._stamp({'related_ids': [Command.unlink(ticket.id)]})
            (added - ticket_sudo)._stamp({'related_ids': [Command.link(ticket.id)]})
            (was - now)._stamp({'related_ids': [Command.unlink(ticket.id)]})
