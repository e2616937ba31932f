from odoo import fields, models

from ._crew import RUNNING

#: How strictly a team asks for a skill.
STRICT = [('required', 'Required'), ('preferred', 'Preferred for some minutes')]


class RetailTicketTeamAssign(models.Model):
    """Whether tickets of a team are assigned automatically, and which skills they ask for (R-svc C.3).

    Channels and types of a member are always required: he does not answer on others. A skill that a member leaves
    empty is no limit of his.
    """

    _inherit = 'retail.ticket.team'

    assign_method = fields.Selection(
        selection=[('manual', 'Taken by hand'), ('fair', 'Automatically and fairly')],
        string='Assignment',
        required=True,
        default='manual',
        tracking=True,
        help='Automatically: each ticket goes to a member at work with the skills and the least used capacity; to the '
        'adviser or the previous owner first.',
    )
    language_rule = fields.Selection(
        selection=STRICT,
        string="Customer's Language",
        required=True,
        default='required',
        help="Whether only members who speak the customer's language get his tickets.",
    )
    class_rule = fields.Selection(
        selection=STRICT,
        string='Class of the Request',
        required=True,
        default='required',
        help='Whether only members who know the class of a request get it.',
    )
    store_rule = fields.Selection(
        selection=STRICT,
        string='Store Known',
        required=True,
        default='required',
        help='Whether only members who serve the store get its tickets.',
    )

    def _prepare_desk_values(self, store):
        """Desks of stores assign by themselves."""
        return {**super()._prepare_desk_values(store), 'assign_method': 'fair'}

    def write(self, vals):
        """What waits is looked at again by the new rules; a team that begins to assign does so with its whole queue."""
        begins = self.filtered(lambda team: team.assign_method != 'fair')
        result = super().write(vals)
        if vals.get('assign_method') == 'fair' and begins:
            begins._queue_all()
        if {'calendar_id', 'language_rule', 'class_rule', 'store_rule'} & set(vals):
            self._wake_queue()
        return result

    def _queue_all(self):
        """Have owners looked for of all that nobody owns in these teams."""
        # sudo: the queue follows the rules of the team, whoever changes them
        tickets_sudo = (
            self.env['retail.ticket']
            .sudo()
            .search(
                [
                    ('team_id', 'in', self.ids),
                    ('user_id', '=', False),
                    ('category', 'in', RUNNING),
                    ('assign_after', '=', False),
                ]
            )
        )
        now = fields.Datetime.now()
        tickets_sudo._stamp({'assign_after': now, 'queued_at': now})
        tickets_sudo._assign_soon()

    # === LISTENING ===#

    def _on_ticket_opened(self, moments):
        """Find owners for new tickets in one batch; what cannot be done now the scheduled action does."""
        tickets = (
            self.env['retail.ticket'].sudo().browse(moments.mapped('res_id')).exists()
        )  # sudo: system process
        tickets.filtered('assign_after')._assign_now()

    def _on_ticket_reopened(self, moments):
        """A reopened ticket stays with its owner while he can have it, else somebody who can gets it."""
        tickets = (
            self.env['retail.ticket'].sudo().browse(moments.mapped('res_id')).exists()
        )  # sudo: system process
        owned = tickets.filtered(lambda ticket: ticket.user_id and ticket.category in RUNNING)
        owned._assign_now(reopened=True)
        (tickets - owned).filtered('assign_after')._assign_now()
