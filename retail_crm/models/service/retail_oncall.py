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
    def _of_now(self, companies, now):
        """Return the duties of a moment in companies and those above them, the latest begun first."""
        # sudo: who is on call is found whoever reports a major case
        above = companies.sudo().parent_ids
        return self.sudo().search(
            [
                ('company_id', 'in', above.ids),
                ('date_from', '<=', now),
                ('date_until', '>', now),
            ]
        )

    def _line_of(self, ticket):
        """Return ``[(person, deputy), ...]`` of these duties for one ticket: those of its team, then the general ones."""
        mine = self.filtered(lambda duty: duty.company_id in ticket.company_id.parent_ids)
        of_team = mine.filtered(lambda duty: duty.team_id and duty.team_id == ticket.team_id)
        general = mine.filtered(lambda duty: not duty.team_id)
        return [(duty.user_id, duty.deputy_id) for duty in of_team + general]
