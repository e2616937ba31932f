from datetime import datetime, time, timedelta

from pytz import timezone, utc

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from .retail_ticket_stage import OPEN_CATEGORIES


class ResUsersAssign(models.Model):
    """Employees take no tickets for a while, go away, or leave: their tickets do not wait for them (R-svc C.3-6)."""

    _inherit = 'res.users'

    retail_pause_until = fields.Datetime(
        string='Takes No Tickets Until',
        copy=False,
        help='Until then the employee gets no ticket assigned by itself. Set it in My Day; it ends by itself.',
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, 'retail_pause_until']

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, 'retail_pause_until']

    def write(self, vals):
        """Tickets of who leaves or goes away go on with others; who is back gets what waits."""
        result = super().write(vals)
        if vals.get('active') is False:
            for user in self.filtered(lambda one: not one.share):
                user._release_tickets()
        elif {'retail_away_from', 'retail_away_until', 'retail_substitute_id'} & set(vals):
            for user in self.filtered(lambda one: one.retail_away_from or one.retail_away_until):
                user._release_tickets(user.retail_away_from, user.retail_away_until)
        if {'active', 'retail_away_from', 'retail_away_until', 'retail_pause_until'} & set(vals):
            # sudo: the queues of the employee's teams
            members = self.env['retail.ticket.team.member'].sudo()
            members.search([('user_id', 'in', self.ids)]).team_id._wake_queue()
        return result

    # === PAUSE ===#

    @api.model
    def action_retail_pause(self):
        """Take no more tickets today, or take them again. For oneself, from My Day.

        :return: whether one takes none now
        :raise AccessError: for those who do not work with tickets
        """
        if not self.env['retail.ticket'].has_access('write'):
            raise AccessError(self.env._('Only who handles requests gets some.'))
        # sudo: one's own switch
        user_sudo = self.env.user.sudo()
        now = fields.Datetime.now()
        is_paused = bool(user_sudo.retail_pause_until and user_sudo.retail_pause_until > now)
        user_sudo.retail_pause_until = False if is_paused else self._retail_end_of_day(now)
        return not is_paused

    @api.model
    def _retail_end_of_day(self, now):
        """Return when the user's day ends, as naive UTC."""
        zone = timezone(self.env.user.tz or self.env.company._retail_timezone())
        day = utc.localize(now).astimezone(zone).date() + timedelta(days=1)
        return zone.localize(datetime.combine(day, time())).astimezone(utc).replace(tzinfo=None)

    # === GOING AWAY ===#

    def _release_tickets(self, first=None, last=None, team=None):
        """Give away the open tickets of one employee that fall due in an absence; all of them when there is no end to it.

        What waits for the customer and is due after the return stays.

        :param first: first day, None: away already
        :param last: last day, None: for good
        :param team: only tickets of a team
        """
        self.ensure_one()
        domain = Domain('user_id', '=', self.id) & Domain('category', 'in', OPEN_CATEGORIES)
        if team:
            domain &= Domain('team_id', '=', team.id)
        zone = timezone(self.company_id._retail_timezone())
        now = fields.Datetime.now()
        if last:
            end = _begin_of(last + timedelta(days=1), zone)
            if end <= now:
                return
            domain &= Domain('deadline', '<', end)
        if first and (begin := _begin_of(first, zone)) > now:
            domain &= Domain('deadline', '>=', begin)
        # sudo: tickets follow their owner, whoever enters that he goes
        tickets_sudo = self.env['retail.ticket'].sudo().search(domain)
        if not tickets_sudo:
            return
        members = self.env['retail.ticket.team.member'].sudo().search([('user_id', '=', self.id)])
        for of_team, tickets in tickets_sudo.grouped('team_id').items():
            member = members.filtered(lambda one, of_team=of_team: one.team_id == of_team)
            tickets._release(
                member.substitute_id or self.sudo().retail_substitute_id,
                lambda: self.env._('%(name)s is away.', name=self.sudo().name),
            )


def _begin_of(day, zone):
    """Return when a day begins in a zone, as naive UTC."""
    return zone.localize(datetime.combine(day, time())).astimezone(utc).replace(tzinfo=None)
