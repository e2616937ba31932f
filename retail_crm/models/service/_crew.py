"""Who could get tickets now: skills, loads and turns of some employees, read at once (R-svc C.3)."""

from pytz import timezone, utc

from odoo.tools import SQL, format_date, format_datetime

from ._assign import Person, Seat
from ._staff import Staff
from ._worktime import instant, moment_of

#: Whole numbers for the pure choice: hundredths of tickets.
HUNDREDTHS = 100
#: Tickets of these categories are work: their clock runs.
RUNNING = ('new', 'open')
#: Groups of those who work on tickets, and of those who see restricted ones.
WORKERS = ('retail_crm.group_user', 'retail_crm.group_complaint')
UNIT = ('retail_crm.group_complaint', 'retail_crm.group_manager')


def sql_weight(ticket='ticket', company='company', channel='channel'):
    """Return what one running ticket counts, in hundredths; the tables are joined by the caller."""
    return SQL(
        """ROUND(%(hundredths)s * COALESCE(%(channel)s.load_weight, 1) * CASE %(ticket)s.priority
           WHEN '2' THEN %(company)s.retail_assign_urgent WHEN '1' THEN %(company)s.retail_assign_high ELSE 1 END)""",
        hundredths=HUNDREDTHS,
        ticket=SQL.identifier(ticket),
        company=SQL.identifier(company),
        channel=SQL.identifier(channel),
    )


def flush_for_load(env):
    """Write what the load is computed from."""
    env['retail.ticket'].flush_model(
        ['active', 'category', 'channel_id', 'company_id', 'priority', 'team_id', 'user_id']
    )
    env['res.company'].flush_model(['retail_assign_high', 'retail_assign_urgent'])
    env['retail.channel'].flush_model(['load_weight'])


class Crew(Staff):
    """Employees as candidates, in a fixed number of queries however many they are.

    :param users: employees to look at
    :param now: naive UTC
    """

    def __init__(self, users, now):
        super().__init__(users, now)
        groups = {
            name: self.env['ir.model.data']._xmlid_to_res_id(name) for name in (*WORKERS, *UNIT)
        }
        self.workers = self._of_groups([groups[name] for name in WORKERS])
        self.unit = self._of_groups([groups[name] for name in UNIT])

    def _of_groups(self, group_ids):
        return frozenset(
            user.id for user in self.users if set(group_ids) & set(user.all_group_ids._ids)
        )

    # === LOADS ===#

    def lock(self):
        """Lock the memberships, always in the same order: who assigns from them at the same time waits, or tries again."""
        self.env['retail.ticket.team.member'].flush_model()
        self.env.execute_query(
            SQL(
                'SELECT id FROM retail_ticket_team_member WHERE id = ANY(%s) ORDER BY id FOR UPDATE',
                self.members.ids,
            )
        )

    def people(self):
        """Return ``{user id: Person}`` of all: their running tickets of all teams and companies, and their turn."""
        loads = read_loads(self.env, self.users.ids)
        people = {}
        for user in self.users:
            dates = [
                member.last_assigned_at
                for member in self.by_user.get(user, ())
                if member.last_assigned_at
            ]
            last = (0, max(dates).timestamp()) if dates else None
            people[user.id] = Person(loads.get(user.id, 0), last)
        return people

    # === SEATS ===#

    def seat(self, user, team=None):
        """Return somebody as a candidate for tickets of a team, with the skills of his membership there."""
        member = self.memberships(user, team)[:1]
        capacity = self.capacity(user, member)
        return Seat(
            user=user.id,
            capacity=capacity and capacity * HUNDREDTHS,
            order=member.id or user.id,
            skills=self._skills(member) if member.team_id == team else {},
            companies=frozenset(user.company_ids.ids),
        )

    def capacity(self, user, member):
        """Return how many running tickets somebody handles: as a member, in his role (None: no limit), or as usual."""
        if member.capacity:
            return member.capacity
        if user.retail_role_id:
            return user.retail_role_id.capacity or None
        return (member.company_id or user.company_id).root_id.retail_assign_capacity

    @staticmethod
    def _skills(member):
        return {
            'type': frozenset(member.type_ids.ids),
            'channel': frozenset(member.channel_ids.ids),
            'language': frozenset(code.split('_')[0] for code in member.lang_ids.mapped('code')),
            'class': frozenset((member.reason_ids | member.reason_ids.child_ids).ids),
            'store': frozenset(member.store_ids.ids),
        }

    # === HOURS ===#

    def _absences(self, user, members, zone):
        """Who takes no tickets for a while is away as far as tickets are concerned."""
        absences = super()._absences(user, members, zone)
        pause = user.retail_pause_until
        if pause and instant(pause) > self.now:
            absences.append((0, instant(pause)))
        return absences

    # === WORDS ===#

    def state_words(self, user, team, company, env):
        """Return in words whether somebody can get tickets now, and when again."""
        shift, at = self.shift(user, team, company), self.now
        zone = env.context.get('tz') or env.user.tz or company._retail_timezone()
        is_away, until = shift.away_until(at)
        if is_away and until is None:
            return env._('Away until further notice')
        start = shift.next_on(at)
        if is_away:
            back = start if start is not None else until
            day = utc.localize(moment_of(back)).astimezone(timezone(zone))
            if day.date() == utc.localize(moment_of(at)).astimezone(timezone(zone)).date():
                return env._(
                    'Takes no tickets until %(time)s',
                    time=format_datetime(env, moment_of(back), tz=zone, dt_format='HH:mm'),
                )
            return env._(
                'Away until %(day)s', day=format_date(env, day.date(), date_format='EEEE, d MMMM')
            )
        if start == at:
            return env._('At work')
        if start is None:
            return env._('Never at work')
        return env._(
            'Off duty until %(time)s',
            time=format_datetime(env, moment_of(start), tz=zone, dt_format='EEEE HH:mm'),
        )


def read_loads(env, user_ids):
    """Return ``{user id: load in hundredths}`` of the running tickets of some users."""
    flush_for_load(env)
    return dict(
        env.execute_query(
            SQL(
                """
                SELECT ticket.user_id, SUM(%s)::bigint
                  FROM retail_ticket AS ticket
                  JOIN res_company AS company ON company.id = ticket.company_id
                  LEFT JOIN retail_channel AS channel ON channel.id = ticket.channel_id
                 WHERE ticket.user_id = ANY(%s) AND ticket.active AND ticket.category IN %s
                 GROUP BY ticket.user_id
                """,
                sql_weight(),
                user_ids,
                RUNNING,
            )
        )
    )
