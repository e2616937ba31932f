from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ._crew import HUNDREDTHS, Crew, read_loads


class RetailTicketOwner(models.Model):
    """What is said about an owner who is away or has too much already: by hand he may be chosen all the same."""

    _inherit = 'retail.ticket'

    owner_warning = fields.Char(
        string='About the Owner',
        compute='_compute_owner_warning',
        help='That the owner is away, and until when.',
    )

    @api.depends('user_id', 'category')
    @api.depends_context('uid', 'lang', 'tz')
    def _compute_owner_warning(self):
        """Say so on open tickets of others: on their own, and in lists, nobody is asked."""
        self.owner_warning = False
        others = self.filtered(
            lambda one: one.user_id and one.user_id.id != self.env.uid and one._is_open()
        )
        if not others:
            return
        now = fields.Datetime.now()
        away = self._perhaps_away(others.user_id, now)
        if not away:
            return
        crew = Crew(away, now)
        for ticket in others.filtered(lambda one: one.user_id in away):
            ticket.owner_warning = ticket._away_words(ticket.user_id, crew)

    @api.model
    def _perhaps_away(self, users, now):
        """Return those of some users of whom any absence is on file about now: one query for the usual case of none."""
        self.env['res.users'].flush_model(
            ['retail_away_from', 'retail_away_until', 'retail_pause_until']
        )
        self.env['retail.ticket.team.member'].flush_model(
            ['absent_from', 'absent_until', 'active', 'user_id']
        )
        self.env['resource.calendar.leaves'].flush_model(['date_from', 'date_to', 'resource_id'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT account.id FROM res_users AS account
                 WHERE account.id = ANY(%(users)s) AND (
                       account.retail_pause_until > %(now)s
                    OR COALESCE(account.retail_away_from, account.retail_away_until) IS NOT NULL
                   AND COALESCE(account.retail_away_from, '-infinity') <= %(late)s
                   AND COALESCE(account.retail_away_until, 'infinity') >= %(early)s
                    OR EXISTS (
                       SELECT FROM retail_ticket_team_member AS member
                        WHERE member.user_id = account.id AND member.active
                          AND COALESCE(member.absent_from, member.absent_until) IS NOT NULL
                          AND COALESCE(member.absent_from, '-infinity') <= %(late)s
                          AND COALESCE(member.absent_until, 'infinity') >= %(early)s)
                    OR EXISTS (
                       SELECT FROM resource_resource AS resource
                         JOIN resource_calendar_leaves AS leave ON leave.resource_id = resource.id
                        WHERE resource.user_id = account.id
                          AND leave.date_from <= %(now)s AND leave.date_to > %(now)s))
                """,
                users=users._origin.ids,
                now=now,
                # the day differs from zone to zone
                early=now.date() - timedelta(days=1),
                late=now.date() + timedelta(days=1),
            )
        )
        return self.env['res.users'].browse(user_id for (user_id,) in rows)

    @api.onchange('user_id')
    def _onchange_user_id(self):
        """Warn of an owner who is away or has more than he handles; nothing is refused."""
        if self.user_id and self.user_id != self._origin.user_id:
            words = self._owner_words(self.user_id)
            if words:
                return {'warning': {'title': self.user_id.name, 'message': words}}
        return None

    def _away_words(self, user, crew):
        """Return in words that somebody is away, or nothing."""
        user_sudo = user.sudo()._origin  # sudo: absences of colleagues, which are no secret
        company = self.company_id.sudo() or self.env.company
        team = self.team_id.sudo()._origin
        is_away = crew.is_away(user_sudo, team, company)
        return is_away and crew.state_words(user_sudo, team, company, self.env)

    def _owner_words(self, user):
        """Return in words what speaks against choosing somebody: "Away until Monday", "Has 12 of 10 tickets"."""
        user = user.sudo()._origin  # sudo: load and absences of colleagues, which are no secret
        crew = Crew(user, fields.Datetime.now())
        words = [self._away_words(user, crew)]
        member = crew.memberships(user, self.team_id._origin)[:1]
        capacity = crew.capacity(user, member)
        load = read_loads(self.env, user.ids).get(user.id, 0)
        if capacity and load >= capacity * HUNDREDTHS:
            words.append(
                self.env._(
                    'Has %(load)s of %(capacity)s tickets',
                    load=f'{load / HUNDREDTHS:g}',
                    capacity=capacity,
                )
            )
        return '. '.join(filter(None, words))
