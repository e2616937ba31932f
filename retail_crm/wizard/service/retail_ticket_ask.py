from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailTicketAsk(models.TransientModel):
    """Dialog: ask a department something about a ticket, until when (S-SRV-15, S-ROL-11)."""

    _name = 'retail.ticket.ask'
    _description = 'Ask a Department'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='Ticket that it is for.',
    )
    company_id = fields.Many2one(related='ticket_id.company_id')
    is_restricted = fields.Boolean(related='ticket_id.is_restricted')
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        string='Department',
        required=True,
        domain="[('kind', '=', 'department'), ('company_id', 'parent_of', company_id)]",
        ondelete='cascade',
        help='Who is asked.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Employee',
        domain=[('share', '=', False)],
        ondelete='cascade',
        help='Who in the department; for a restricted ticket somebody has to be named, as nobody else will see it.',
    )
    what = fields.Text(
        string='What Is Asked', required=True, help='What they should find out or do.'
    )
    due_at = fields.Datetime(
        string='Needed By',
        required=True,
        default=lambda self: self._default_due_at(),
        help='Until when the answer is needed.',
    )

    @api.model
    def _default_due_at(self):
        """Tomorrow at this time."""
        return fields.Datetime.add(fields.Datetime.now(), days=1).replace(minute=0, second=0)

    def action_ask(self):
        """Open the tasks.

        :raise UserError: for a time that has passed, or a restricted ticket without a person
        """
        self.check_access('write')
        for dialog in self:
            ticket = dialog.ticket_id
            ticket.check_access('write')
            if dialog.due_at <= fields.Datetime.now():
                raise UserError(self.env._('Choose a time in the future.'))
            if ticket.is_restricted and not dialog.user_id:
                raise UserError(
                    self.env._(
                        'This ticket is restricted: name the employee who is to see the task.'
                    )
                )
            if dialog.user_id and dialog.user_id == ticket.sudo().blocked_user_id:
                raise UserError(self.env._('The complaint is about this employee.'))
            ticket._ask(dialog.team_id, dialog.what, dialog.due_at, dialog.user_id)
        return {'type': 'ir.actions.act_window_close'}
