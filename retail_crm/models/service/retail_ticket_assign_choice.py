from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ._assign import FULL, Job, choose, may_take
from ._crew import RUNNING, Crew
from ._worktime import instant, moment_of

#: Teams whose customers are served by anybody at the front: adviser and previous owner may be of another team.
FRONT = ('desk', 'hotline')
#: Minutes after which is looked again while all who could are busy.
BUSY_MINUTES = 5
#: Minutes after which is looked again when nobody will ever be there as things stand.
NOBODY_MINUTES = 60
#: How far substitutes of substitutes are followed.
MAX_CHAIN = 3


class RetailTicketAssignChoice(models.Model):
    """Who gets which of a batch of tickets (R-svc C.3): everything is read at once, ``_assign.py`` chooses.

    Adviser (or who stands in for him), previous owner, then the fairest of the team; nobody who is away, full, without
    the skills, complained about or without the right to read it. Memberships are locked before loads are read, and
    their turn is written with the tickets: of two processes that choose at the same time one begins again.
    """

    _inherit = 'retail.ticket'

    def _assign(self, reopened=False):
        """Find owners for tickets without one. System process.

        :param bool reopened: also for tickets with an owner who cannot have them any more
        """
        now = fields.Datetime.now()
        tickets = self.filtered(
            lambda one: one.active and one.category in RUNNING and (reopened or not one.user_id)
        )
        (self - tickets).filtered('assign_after')._stamp({'assign_after': False})
        teams = tickets._assign_teams(now)
        is_all = self.env.context.get('retail_crm_assign_all')
        by_hand = tickets.filtered(lambda one: not is_all and teams[one].assign_method != 'fair')
        by_hand._leave_by_hand()
        tickets -= by_hand
        if not tickets:
            return
        advisers, previous = tickets._advisers(), tickets._previous_owners(now)
        crew = tickets._crew(teams, advisers, previous, now)
        crew.lock()
        kept = tickets.filtered(lambda one: one.user_id and one._keeps_owner(teams[one], crew, now))
        tickets -= kept
        jobs = [
            ticket._assign_job(teams[ticket], crew, advisers, previous, now)
            for ticket in tickets.sorted(
                lambda one: (
                    -int(one.priority),
                    not one.deadline,
                    one.deadline or one.received_at,
                    one.received_at,
                    one.id,
                )
            )
        ]
        choices = choose([job for job, _seats in jobs], crew.people())
        self._give_out(choices, teams, crew, now)
        tickets._wait_on(jobs, choices, teams, crew, now)

    def _leave_by_hand(self):
        """Leave tickets to the team that takes them by hand; only an owner who has left is taken off."""
        gone = self.filtered(lambda one: one.user_id and not one.user_id.active)
        if gone:
            gone.write({'user_id': False, 'assign_after': False, 'assigned_by': False})
        self.filtered('assign_after')._stamp({'assign_after': False})

    # === TEAMS ===#

    def _assign_teams(self, now):
        """Return ``{ticket: team}`` that each is assigned in: its own, the hotline for what waited too long, or the pool."""
        # sudo: which team is responsible is no secret
        others = (
            self.env['retail.ticket.team']
            .sudo()
            .search(
                [
                    ('kind', 'in', ('hotline', 'complaint')),
                    ('company_id', 'parent_of', self.company_id.ids),
                ],
                order='sequence, id',
            )
        )
        result = {}
        for ticket in self:
            team = ticket.team_id
            if not team:
                kind = 'complaint' if ticket.is_restricted else 'hotline'
                team = ticket._pool(others, kind)
            elif not ticket.user_id and ticket._desk_deadline(team, others, now) <= now:
                team = ticket._pool(others, 'hotline')
            result[ticket] = team
        return result

    def _pool(self, teams, kind):
        """Return the team of a kind that takes one ticket: the store's, else the general one, as ``_find`` does."""
        fits = teams.filtered(
            lambda team: (
                team.kind == kind
                and team.company_id in self.company_id.parent_ids
                and (not team.type_ids or self.type_id in team.type_ids)
            )
        )
        own = fits.filtered(lambda team: self.store_id and team.store_id == self.store_id)
        return (own or fits.filtered(lambda team: not team.store_id))[:1]

    def _desk_deadline(self, team, others, now):
        """Return until when one ticket is left to its desk; never when there is nowhere else to go."""
        minutes = self.company_id.retail_assign_desk_minutes
        never = now + timedelta(days=3650)
        if team.kind != 'desk' or not minutes or self.is_restricted or team.assign_method != 'fair':
            return never
        if self._pool(others, 'hotline').assign_method != 'fair':
            return never
        return self._after_work_of(team, minutes)

    def _after_work_of(self, team, minutes):
        """Return when so many working minutes of a team are over since one ticket queues."""
        work = team._working_calendar()._retail_work_time(self.company_id)
        return moment_of(work.add(instant(self.queued_at or self.received_at), minutes * 60))

    # === PEOPLE ===#

    def _advisers(self):
        """Return ``{ticket: adviser}`` of the customers, where the company wants it."""
        result = {}
        for ticket in self:
            adviser = self.env['res.users']
            if ticket.company_id.retail_assign_adviser and not ticket.is_internal:
                partner = ticket.partner_id
                adviser = (
                    partner.retail_adviser_id or partner.commercial_partner_id.retail_adviser_id
                )
            result[ticket] = adviser
        return result

    def _previous_owners(self, now):
        """Return ``{ticket: user}``: who handled the last request of the customer or of the order, within the days."""
        asked = self.filtered(lambda one: not one.is_internal)
        self.flush_model(
            [
                'category',
                'commercial_partner_id',
                'company_id',
                'is_internal',
                'is_restricted',
                'order_id',
                'received_at',
                'solved_at',
                'user_id',
            ]
        )
        self.env['res.company'].flush_model(['retail_assign_previous_days'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT ticket.id, last.user_id
                  FROM retail_ticket AS ticket
                  JOIN res_company AS company ON company.id = ticket.company_id
                 CROSS JOIN LATERAL (
                       SELECT one.user_id FROM (%(of_order)s UNION ALL %(of_customer)s) AS one
                        ORDER BY one.received_at DESC, one.id DESC LIMIT 1
                       ) AS last
                 WHERE ticket.id = ANY(%(ids)s) AND company.retail_assign_previous_days > 0
                """,
                of_order=self._sql_last('order_id', now),
                of_customer=self._sql_last('commercial_partner_id', now),
                ids=asked.ids,
            )
        )
        users = self.env['res.users']
        return {self.browse(ticket_id): users.browse(user_id) for ticket_id, user_id in rows}

    @api.model
    def _sql_last(self, column, now):
        """Return the SELECT of the last ticket that shares a column with ``ticket``."""
        return SQL(
            """
            (SELECT other.user_id, other.received_at, other.id FROM retail_ticket AS other
              WHERE other.%(column)s = ticket.%(column)s AND other.id != ticket.id
                AND other.company_id = ticket.company_id AND other.user_id IS NOT NULL
                AND other.is_internal IS NOT TRUE AND other.is_restricted IS NOT TRUE
                AND other.category != 'cancelled'
                AND GREATEST(other.received_at, other.solved_at)
                    >= %(now)s - make_interval(days => company.retail_assign_previous_days)
              ORDER BY other.received_at DESC, other.id DESC LIMIT 1)
            """,
            column=SQL.identifier(column),
            now=now,
        )

    def _crew(self, teams, advisers, previous, now):
        """Return all who could get any of these tickets."""
        users = self.env['res.users'].union(
            self.user_id, *advisers.values(), *previous.values(), self.store_id.retail_deputy_id
        )
        members = self.env['retail.ticket.team.member']
        found = self.env['retail.ticket.team'].union(*teams.values())
        users |= members.search([('team_id', 'in', found.ids)]).user_id
        for _step in range(MAX_CHAIN):
            more = (
                users.retail_substitute_id
                | members.search(
                    [('user_id', 'in', users.ids), ('substitute_id', '!=', False)]
                ).substitute_id
            )
            if not more - users:
                break
            users |= more
        return Crew(users, now)

    def _stand_in(self, user, team, crew):
        """Return who stands in for somebody who is away: the substitute, and so on, else the deputy of the store."""
        seen = user.browse()
        while user and user not in seen:
            seen |= user
            user = crew.substitute(user, team)
            if user and not crew.is_away(user, team, self.company_id):
                return user
        return self.store_id.retail_deputy_id

    def _is_candidate(self, user, team, crew):
        """Return whether somebody may get tickets of a team at all."""
        is_member = any(one.team_id == team for one in crew.by_user.get(user, ()))
        return (
            user.active
            and not user.share
            and user.id in crew.workers
            and (is_member or not team or team.kind in FRONT)
        )

    def _keeps_owner(self, team, crew, now):
        """Return whether the owner of one ticket is at work and may have it, however much he has to do."""
        user = self.user_id
        return (
            self._is_candidate(user, team, crew)
            and may_take(self._bare_job(crew), crew.seat(user))
            and crew.shift(user, team, self.company_id).is_on(instant(now))
        )

    # === JOBS ===#

    def _bare_job(self, crew):
        """Return one ticket as the choice sees it, without those who could get it."""
        readers = None
        if self.is_restricted:
            readers = crew.unit | frozenset(self.involved_user_ids.ids)
        return Job(
            key=self.id,
            weight=100,
            company=self.company_id.id,
            tiers=[],
            barred=frozenset((self.blocked_user_id + self.declined_by_id).ids),
            readers=readers,
        )

    def _assign_job(self, team, crew, advisers, previous, now):
        """Return one ticket as the choice sees it, and the seats of its team, present or not."""
        job, at = self._bare_job(crew), instant(now)
        job.weight = self._load_weight()
        job.needs = self._needs(team, now)
        for why, user in self._first_choices(team, crew, advisers, previous):
            if self._is_candidate(user, team, crew) and user != self.user_id:
                seat = crew.seat(user, team)
                seat.skills = {}  # the customer knows him
                if crew.shift(user, team, self.company_id).is_on(at):
                    job.tiers.append((why, [seat]))
        seats = [
            (crew.seat(one.user_id, team), crew.shift(one.user_id, team, self.company_id))
            for one in crew.members
            if one.team_id == team
            and one.user_id != self.user_id
            and self._is_candidate(one.user_id, team, crew)
        ]
        job.tiers.append(('fair', [seat for seat, shift in seats if shift.is_on(at)]))
        return job, seats

    def _first_choices(self, team, crew, advisers, previous):
        """Return ``[(why, user)]`` of those who are asked before the team."""
        result, adviser = [], advisers[self]
        if adviser:
            if adviser.active and not crew.is_away(adviser, team, self.company_id):
                result.append(('adviser', adviser))
            elif user := self._stand_in(adviser, team, crew):
                result.append(('stand_in', user))
        if user := previous.get(self):
            result.append(('previous', user))
        return result

    def _load_weight(self):
        """Return what one ticket counts in the load of its owner, in hundredths; ``sql_weight`` says the same."""
        company = self.company_id
        factor = {'1': company.retail_assign_high, '2': company.retail_assign_urgent}
        return round(100 * self.channel_id.load_weight * factor.get(self.priority, 1))

    def _needs(self, team, now):
        """Return the skills that one ticket asks for now; those that are only preferred are given up after a while."""
        needs = {'type': self.type_id.id, 'channel': self.channel_id.id}
        asked = {
            'language': (team.language_rule, (self.partner_id.lang or '').split('_')[0]),
            'class': (team.class_rule, self.reason_id.id),
            'store': (team.store_rule, self.store_id.id),
        }
        patience = self.company_id.retail_assign_skill_minutes
        is_over = None
        for name, (rule, value) in asked.items():
            if rule == 'preferred' and value and is_over is None:
                is_over = self._after_work_of(team, patience) <= now
            if value and (rule != 'preferred' or not is_over):
                needs[name] = value
        return needs

    # === WAITING ===#

    def _wait_on(self, jobs, choices, teams, crew, now):
        """Plan when is looked again for owners of what nobody got; never is it given to somebody who is away."""
        plans, at = {}, instant(now)
        by_id = {ticket.id: ticket for ticket in self}
        hotlines = self._hotlines()
        for job, seats in jobs:
            user_id, why = choices[job.key]
            if user_id:
                continue
            ticket = by_id[job.key]
            team = teams[ticket]
            if ticket.user_id and ticket._stays_with_owner(team, crew):
                continue
            dates = [
                moment_of(start)
                for seat, shift in seats
                if may_take(job, seat) and (start := shift.next_on(at + 1)) and not shift.is_on(at)
            ]
            if why == FULL:
                dates.append(now + timedelta(minutes=BUSY_MINUTES))
            for deadline in (
                ticket._desk_deadline(team, hotlines, now),
                ticket._skill_deadline(team),
            ):
                if deadline and now < deadline < now + timedelta(days=365):
                    dates.append(deadline)
            date = min(dates, default=now + timedelta(minutes=NOBODY_MINUTES))
            key = (date, team, bool(ticket.user_id))
            plans[key] = plans.get(key, self.browse()) + ticket
        for (date, team, is_owned), tickets in plans.items():
            if is_owned:
                tickets.write({'user_id': False, 'assigned_by': False, 'assign_after': date})
            tickets._stamp({'assign_after': date})
            for moved in tickets.filtered(lambda one, team=team: team and one.team_id != team):
                moved.write({'team_id': team.id, 'assign_after': date, 'queued_at': now})

    @api.model
    def _hotlines(self):
        return (
            self.env['retail.ticket.team']
            .sudo()
            .search([('kind', '=', 'hotline')], order='sequence, id')
        )

    def _skill_deadline(self, team):
        """Return when the preferred skills of one ticket are given up, or None."""
        rules = (team.language_rule, team.class_rule, team.store_rule)
        if 'preferred' not in rules:
            return None
        return self._after_work_of(team, self.company_id.retail_assign_skill_minutes)

    def _stays_with_owner(self, team, crew):
        """Return whether a reopened ticket that nobody else can get now waits for its owner."""
        user = self.user_id
        return (
            self._is_candidate(user, team, crew)
            and may_take(self._bare_job(crew), crew.seat(user))
            and not crew.is_away(user, team, self.company_id)
        )
