from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailTicketExpert(models.TransientModel):
    """Dialog: hand a special or difficult ticket to experts, with the reason (S-SRV-08, S-ROL-04)."""

    _name = 'retail.ticket.expert'
    _description = 'Hand Over to Experts'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='Ticket that is handed over.',
    )
    company_id = fields.Many2one(related='ticket_id.company_id')
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        string='Experts',
        required=True,
        compute='_compute_team_id',
        store=True,
        readonly=False,
        domain="[('kind', '=', 'expert'), ('company_id', 'parent_of', company_id)]",
        ondelete='cascade',
        help='Team of experts.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Expert',
        domain=[('share', '=', False)],
        ondelete='cascade',
        help='Who of them. Empty: whoever of the team takes it.',
    )
    reason = fields.Text(required=True, help='Why an expert is needed; seen by staff only.')

    @api.depends('ticket_id')
    def _compute_team_id(self):
        for dialog in self:
            ticket = dialog.ticket_id
            dialog.team_id = self.env['retail.ticket.team']._find(
                'expert', ticket.company_id or self.env.company, ticket.store_id, ticket.type_id
            )

    def action_hand_over(self):
        """Hand the tickets over.

        :raise UserError: when the complaint is about the expert
        """
        self.check_access('write')
        for dialog in self:
            ticket = dialog.ticket_id
            ticket.check_access('write')
            if dialog.user_id and dialog.user_id == ticket.sudo().blocked_user_id:
                raise UserError(self.env._('The complaint is about this employee.'))
            if ticket.is_restricted and not dialog.user_id:
                raise UserError(
                    self.env._(
                        'This ticket is restricted: name the employee who is to see the task.'
                    )
                )
            ticket._hand_to_experts(dialog.team_id, dialog.reason, dialog.user_id)
        return {'type': 'ir.actions.act_window_close'}
