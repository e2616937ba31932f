from odoo import api, fields, models
from odoo.tools import SQL

from ._crew import RUNNING
from ._safely import safely
from .retail_ticket_stage import OPEN_CATEGORIES


class RetailTicketTeamAbsence(models.Model):
    """What becomes of the tickets of members who go, and of the queue when somebody comes (R-svc C.3-6)."""

    _inherit = 'retail.ticket.team'

    def _wake_queue(self):
        """Look for owners of what waits in these teams at once: somebody may be free now."""
        # sudo: the queue follows the people of the team, whoever changes them
        tickets = self.env['retail.ticket'].sudo()
        if not self:
            return
        tickets.flush_model(['assign_after', 'category', 'team_id', 'user_id'])
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE retail_ticket SET assign_after = %s
                 WHERE team_id = ANY(%s) AND assign_after > %s AND user_id IS NULL AND category IN %s
                RETURNING id
                """,
                now := fields.Datetime.now(),
                self.ids,
                now,
                RUNNING,
            )
        )
        if rows:
            tickets.invalidate_model(['assign_after'])
            tickets._assign_soon()

    def _release_of(self, user, substitute):
        """Give away the open tickets that somebody has in these teams: he is no longer in them."""
        # sudo: tickets follow the people of the team, whoever changes them
        tickets_sudo = (
            self.env['retail.ticket']
            .sudo()
            .search(
                [
                    ('user_id', '=', user.id),
                    ('team_id', 'in', self.ids),
                    ('category', 'in', OPEN_CATEGORIES),
                ]
            )
        )
        tickets_sudo._release(
            substitute,
            lambda: self.env._('%(name)s is no longer in the team.', name=user.sudo().name),
        )

    @api.model
    def _cron_absences(self):
        """Give away what falls due in the absences of today, also what came in since they were entered."""
        today = fields.Date.today()
        absent = self.env['retail.ticket.team.member'].search(
            [
                '|',
                ('absent_from', '!=', False),
                ('absent_until', '!=', False),
                '|',
                ('absent_from', '=', False),
                ('absent_from', '<=', today),
                '|',
                ('absent_until', '=', False),
                ('absent_until', '>=', today),
            ]
        )
        # one who cannot be stood in for keeps no other from it; the next day tries again, the log says why
        safely(absent, lambda members: members._release_absent(), lambda _member, _error: None)
        away = self.env['res.users'].search(
            [
                '|',
                ('retail_away_from', '!=', False),
                ('retail_away_until', '!=', False),
                '|',
                ('retail_away_from', '=', False),
                ('retail_away_from', '<=', today),
                '|',
                ('retail_away_until', '=', False),
                ('retail_away_until', '>=', today),
            ]
        )
        for user in away:
            safely(
                user,
                lambda one: one._release_tickets(one.retail_away_from, one.retail_away_until),
                lambda _user, _error: None,
            )
