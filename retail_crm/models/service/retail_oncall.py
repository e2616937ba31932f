from odoo import api, fields, models


class RetailOncall(models.Model):
    """Who is told of major cases at once, day and night, and who stands in (defaults 12, 15). Written by managers."""

    _name = 'retail.oncall'
    _description = 'On-call Duty'
    _order = 'date_from desc, id desc'
    _rec_name = 'user_id'
    _check_company_auto = True

    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company.root_id,
        index=True,
        help='Company whose major cases are told; its branches belong to it.',
    )
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        check_company=True,
        ondelete='cascade',
        index='btree_not_null',
        help='For tickets of this team only. Empty: for all that have no one of their own.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='On Call',
        required=True,
        domain=[('share', '=', False)],
        index=True,
        ondelete='cascade',
        help='Is told at once, whatever the hour.',
    )
    deputy_id = fields.Many2one(
        comodel_name='res.users',
        domain=[('share', '=', False)],
        ondelete='set null',
        help='Is told instead of who is on leave, or may not read the ticket.',
    )
    date_from = fields.Datetime(
        string='From', required=True, default=fields.Datetime.now, help='Begin of the duty.'
    )
    date_until = fields.Datetime(string='Until', required=True, index=True, help='End of the duty.')

    _check_dates = models.Constraint(
        'CHECK(date_until > date_from)', 'A duty cannot end before it begins.'
    )

    @api.model
    def _of_now(self, company, now):
        """Return the duties of a moment in a company and those above it, the latest begun first."""
        # sudo: who is on call is found whoever reports a major case
        return self.sudo().search(
            [
                ('company_id', 'parent_of', company.id),
                ('date_from', '<=', now),
                ('date_until', '>', now),
            ]
        )

    @api.model
    def _on_duty(self, ticket, now):
        """Return who is told of one ticket, the nearest first: roster, person of the settings, director.

        :return: list of ``(user, none)``
        """
        duties = self._of_now(ticket.company_id, now)
        duties = duties.filtered(lambda duty: duty.team_id and duty.team_id == ticket.team_id) + (
            duties.filtered(lambda duty: not duty.team_id)
        )
        root = ticket.company_id.root_id.sudo()  # sudo: settings
        people = [user for duty in duties for user in duty.user_id + duty.deputy_id]
        people += [*root.retail_on_call_user_id, *root.retail_director_id]
        return [(user, None) for user in dict.fromkeys(people)]
