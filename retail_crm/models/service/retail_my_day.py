from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import format_date

from .retail_ticket_stage import OPEN_CATEGORIES

#: Rows per list; the rest is behind "show all".
_LIMIT = 8
#: Days ahead for which birthdays are shown.
_BIRTHDAY_DAYS = 7


class RetailMyDay(models.AbstractModel):
    """What an employee has to do today, on one screen (design 6): everything is read in one call.

    Sections are dictionaries ``{key, title, icon, count, rows, empty, action}``; other areas add theirs by ``_sections``.
    Each row is ``{id, model, title, text, date, late, note}``.
    """

    _name = 'retail.my.day'
    _description = 'My Day'

    @api.model
    def action_load(self):
        """Return the whole screen of the user: counters and sections.

        :raise AccessError: for those who do not work with tickets
        """
        if not self.env['retail.ticket'].has_access('read'):
            raise AccessError(self.env._('My Day is for employees who handle requests.'))
        start, end = self._today()
        return {
            'today': format_date(
                self.env, fields.Date.context_today(self), date_format='EEEE, d MMMM'
            ),
            'name': self.env.user.name,
            'counters': self._counters(start, end),
            'sections': self._sections(start, end),
        }

    def _today(self):
        """Return begin and end of the user's day, as naive UTC."""
        zone = pytz.timezone(self.env.user.tz or self.env.company._retail_timezone())
        day = pytz.utc.localize(fields.Datetime.now()).astimezone(zone).date()
        bounds = (
            zone.localize(datetime.combine(date, time())) for date in (day, day + timedelta(days=1))
        )
        return tuple(bound.astimezone(pytz.utc).replace(tzinfo=None) for bound in bounds)

    # === WHAT COUNTS ===#

    @api.model
    def _deadline_field(self):
        """Hook: return the field of tickets by which they are sorted: the earliest open deadline."""
        return 'deadline'

    def _mine(self):
        return Domain('user_id', '=', self.env.uid) & Domain('category', 'in', OPEN_CATEGORIES)

    def _counters(self, start, end):
        """Return the figures at the top, counted in one query."""
        ticket = self.env['retail.ticket']
        deadline = self._deadline_field()
        now = fields.Datetime.now()
        mine = ticket.search_fetch(self._mine(), [deadline, 'category', 'priority'])
        late = mine.filtered(lambda one: one[deadline] and one[deadline] < now)
        today = mine.filtered(lambda one: one[deadline] and now <= one[deadline] < end)
        waiting = mine.filtered(lambda one: one.category == 'waiting')
        action = self._tickets_action
        return [
            {
                'key': 'open',
                'label': self.env._('My open tickets'),
                'count': len(mine),
                'action': action(self.env._('My Tickets'), self._mine()),
            },
            {
                'key': 'late',
                'label': self.env._('Overdue'),
                'count': len(late),
                'alert': bool(late),
                'action': action(self.env._('Overdue'), Domain('id', 'in', late.ids)),
            },
            {
                'key': 'today',
                'label': self.env._('Due today'),
                'count': len(today),
                'action': action(self.env._('Due Today'), Domain('id', 'in', today.ids)),
            },
            {
                'key': 'waiting',
                'label': self.env._('Waiting for customers'),
                'count': len(waiting),
                'action': action(self.env._('Waiting'), Domain('id', 'in', waiting.ids)),
            },
        ]

    def _sections(self, start, end):
        """Hook: return the lists of the screen, in their order."""
        return [
            self._section_tickets(),
            self._section_appointments(start, end),
            self._section_promises(end),
            self._section_unassigned(),
            self._section_activities(),
            self._section_birthdays(),
        ]

    # === LISTS ===#

    def _section_tickets(self):
        deadline = self._deadline_field()
        return self._ticket_section(
            'tickets',
            self.env._('My tickets by deadline'),
            'fa-ticket',
            self._mine(),
            f'{deadline} ASC NULLS LAST, priority desc, id',
            deadline,
            self.env._('Nothing waits for you. Take a ticket from the unassigned ones.'),
        )

    def _section_unassigned(self):
        domain = (
            Domain('user_id', '=', False)
            & Domain('category', 'in', ('new', 'open'))
            & self._mine_to_take()
        )
        deadline = self._deadline_field()
        return self._ticket_section(
            'unassigned',
            self.env._('Unassigned, for me and my store'),
            'fa-inbox',
            domain,
            f'{deadline} ASC NULLS LAST, received_at, id',
            deadline,
            self.env._('Every request of your store and teams has an owner.'),
        )

    def _mine_to_take(self):
        """Return the domain of tickets of the user's store or teams, on his channels."""
        # sudo: the user's own sales team
        store = self.env.user.sudo().sale_team_id
        domain = Domain('is_for_me', '=', True)
        if store.retail_is_store:
            domain |= Domain('store_id', '=', store.id) & Domain('team_id.member_ids', '=', False)
        return domain

    def _section_appointments(self, start, end):
        """Customers with appointments come first: confirmed ones by time (S-SRV-06)."""
        domain = (
            Domain('appointment_at', '>=', start)
            & Domain('appointment_at', '<', end)
            & Domain('appointment_state', 'in', ('asked', 'confirmed'))
            & Domain('category', 'in', OPEN_CATEGORIES)
            & (Domain('user_id', '=', self.env.uid) | self._mine_to_take())
        )
        return self._ticket_section(
            'appointments',
            self.env._('Appointments today'),
            'fa-calendar-check-o',
            domain,
            'appointment_at, id',
            'appointment_at',
            self.env._('No appointment today.'),
            note='appointment_state',
        )

    def _section_promises(self, end):
        """Promises of mine that are due today or before, the oldest first."""
        promise = self.env['retail.ticket.promise']
        domain = (
            Domain('user_id', '=', self.env.uid)
            & Domain('state', '=', 'open')
            & Domain('due_at', '<', end)
        )
        names = ['what', 'due_at', 'ticket_id']
        rows = promise.search_fetch(domain, names, order='due_at, id', limit=_LIMIT)
        rows.ticket_id.fetch(['name', 'subject', 'partner_id', 'partner_name'])
        return {
            'key': 'promises',
            'title': self.env._('Promises due'),
            'icon': 'fa-handshake-o',
            'count': len(rows) if len(rows) < _LIMIT else promise.search_count(domain),
            'empty': self.env._('No promise is due today.'),
            'action': {
                'type': 'ir.actions.act_window',
                'name': self.env._('Promises due'),
                'res_model': 'retail.ticket.promise',
                'views': [[False, 'list'], [False, 'form']],
                'domain': list(domain),
            },
            'rows': [
                {
                    'id': row.ticket_id.id,
                    'model': 'retail.ticket',
                    'title': row.what,
                    'text': row.ticket_id.partner_id.sudo().display_name  # sudo: a name
                    or row.ticket_id.partner_name
                    or '',
                    'date': fields.Datetime.to_string(row.due_at),
                    'countdown': True,
                    'note': f'{row.ticket_id.name} {row.ticket_id.subject}',
                }
                for row in rows
            ],
        }

    def _ticket_section(self, key, title, icon, domain, order, date, empty, note='stage_id'):
        """Return a list of tickets: two queries, however many there are."""
        ticket = self.env['retail.ticket']
        names = [
            'name',
            'subject',
            'partner_id',
            'partner_name',
            'priority',
            'category',
            date,
            note,
        ]
        rows = ticket.search_fetch(domain, list(dict.fromkeys(names)), order=order, limit=_LIMIT)
        count = len(rows) if len(rows) < _LIMIT else ticket.search_count(domain)
        labels = (
            dict(ticket._fields[note]._description_selection(self.env))
            if note != 'stage_id'
            else {}
        )
        return {
            'key': key,
            'title': title,
            'icon': icon,
            'count': count,
            'empty': empty,
            'action': self._tickets_action(title, domain),
            'rows': [
                {
                    'id': row.id,
                    'model': 'retail.ticket',
                    'title': f'{row.name} {row.subject}',
                    # sudo: the customer's name on a ticket that the user reads
                    'text': row.partner_id.sudo().display_name or row.partner_name or '',
                    'date': fields.Datetime.to_string(row[date]) or '',
                    'paused': row.category == 'waiting' and date != 'appointment_at',
                    'urgent': row.priority != '0',
                    'countdown': True,
                    'note': labels.get(row[note], '') if labels else row.stage_id.name,
                }
                for row in rows
            ],
        }

    def _tickets_action(self, title, domain):
        return {
            'type': 'ir.actions.act_window',
            'name': title,
            'res_model': 'retail.ticket',
            'views': [[False, 'list'], [False, 'kanban'], [False, 'form']],
            'domain': list(domain),
        }

    def _activities_domain(self):
        """Hook: return which activities are listed; areas with a list of their own leave theirs out."""
        today = fields.Date.context_today(self)
        return Domain('user_id', '=', self.env.uid) & Domain('date_deadline', '<=', today)

    def _section_activities(self):
        """Calls and other activities of today and before, calls first."""
        today = fields.Date.context_today(self)
        activities = self.env['mail.activity'].search(
            self._activities_domain(), order='date_deadline, id', limit=50
        )
        rows = activities.filtered(lambda one: one.res_model and one.res_id).sorted(
            lambda one: (one.activity_category != 'phonecall', one.date_deadline, one.id)
        )
        return {
            'key': 'activities',
            'title': self.env._('Calls and activities'),
            'icon': 'fa-phone',
            'count': len(rows),
            'empty': self.env._('No call and no activity is due today.'),
            'action': False,
            'rows': [
                {
                    'id': row.res_id,
                    'model': row.res_model,
                    'title': row.summary or row.activity_type_id.name or '',
                    'text': row.res_name or '',
                    'date': format_date(self.env, row.date_deadline),
                    'late': row.date_deadline < today,
                    'note': row.activity_type_id.name or '',
                }
                for row in rows[:_LIMIT]
            ],
        }

    def _section_birthdays(self):
        """Customers that the user looks after whose birthday is within a week."""
        partner = self.env['res.partner']
        section = {
            'key': 'birthdays',
            'title': self.env._('Birthdays of my customers'),
            'icon': 'fa-birthday-cake',
            'count': 0,
            'empty': self.env._('No birthday of a customer of yours within a week.'),
            'action': False,
            'rows': [],
        }
        if not partner._has_field_access(partner._fields['retail_birthday_next'], 'read'):
            return section
        today = fields.Date.context_today(self)
        domain = (
            Domain('retail_adviser_id', '=', self.env.uid)
            & Domain('retail_birthday_next', '>=', today)
            & Domain('retail_birthday_next', '<=', today + timedelta(days=_BIRTHDAY_DAYS))
        )
        customers = partner.search(domain, limit=50).sorted('retail_birthday_next')
        section['count'] = len(customers)
        section['rows'] = [
            {
                'id': customer.id,
                'model': 'res.partner',
                'title': customer.display_name,
                'text': customer.retail_birthday_text or '',
                'date': format_date(self.env, customer.retail_birthday_next),
                'late': False,
                'note': self.env._('Today') if customer.retail_birthday_next == today else '',
            }
            for customer in customers[:_LIMIT]
        ]
        return section
