from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_datetime

from ._safely import safely
from .retail_ticket_escalate import ACTIVITY, TO_TAKE
from .retail_ticket_stage import OPEN_CATEGORIES

#: People who are told between two commits, tries before somebody has to look, minutes until the next try.
PEOPLE, TRIES, AGAIN = 50, 3, 30


class RetailEscalationSend(models.Model):
    """Tells people what waits for them: one message for all that is due, written off in the same transaction.

    Messages belong to no ticket: they never are in the thread that customers see, and no answer to one gets there.
    """

    _inherit = 'retail.escalation.notice'

    @api.model
    def _send_due(self):
        """Tell what is due, in batches with a commit each; what is left the next run does."""
        cron = self.env['ir.cron']
        while notices := self._due():
            notices._send()
            if not cron._commit_progress(len(notices)):
                break

    @api.model
    def _due(self):
        """Return all that is due for the next few people."""
        domain = Domain('state', '=', 'waiting') & Domain('send_after', '<=', fields.Datetime.now())
        people = self._read_group(domain, ['user_id'], limit=PEOPLE)
        users = self.env['res.users'].union(*(user for (user,) in people))
        return self.search(domain & Domain('user_id', 'in', users.ids), order='user_id, id')

    def _send(self):
        """Tell the people of these notices, each by one message; one that fails keeps no other from his."""
        ready = []

        def settle(notices):
            notices._drop_done()
            ready.extend(notices._ready()._ids)

        safely(self, settle, lambda one, error: one._failed(error))
        for _user, notices in self.browse(ready).grouped('user_id').items():
            safely(notices, lambda mine: mine._tell(), lambda one, error: one._failed(error))

    def _drop_done(self):
        """Drop what is done meanwhile: solved, answered, taken; a warning also while it is paused."""
        targets = {
            (row.ticket_id, row.kind, row.cycle): row
            for row in self.env['retail.ticket.target'].search(
                [('ticket_id', 'in', self.ticket_id.ids)]
            )
        }
        done = self.browse()
        for notice in self:
            event, ticket = notice.event_id, notice.ticket_id
            if event.kind == 'owner':
                is_done = ticket.user_id or ticket.category not in TO_TAKE
            else:
                target = targets.get((ticket, event.kind, event.cycle))
                is_done = (
                    not target
                    or target.met_at
                    or target.state == 'void'
                    or (event.level == 'warning' and target.state == 'paused')
                )
            if is_done or ticket.category not in OPEN_CATEGORIES:
                done += notice
        done.write({'state': 'dropped'})

    def _ready(self):
        """Return what can be told now; the rest waits on, or passes to whoever stands in or has the ticket now."""
        waiting = self.filtered(lambda notice: notice.state == 'waiting')
        now = fields.Datetime.now()
        chosen = self.env['retail.ticket']._escalation_choose(
            [(notice.ticket_id, notice.role) for notice in waiting]
        )
        ready, passed = self.browse(), self.browse()
        for notice, found in zip(waiting, chosen, strict=True):
            if not found or found[0] != notice.user_id:
                passed += notice
            elif found[1] <= now:
                ready += notice
            else:
                notice.send_after = found[1]
        passed.write({'state': 'dropped'})
        self._write_notices([(notice.event_id, notice.role) for notice in passed])
        return ready

    def _tell(self):
        """Tell one person all of these, as of now."""
        user = self.user_id
        self.write({'state': 'sent', 'sent_at': fields.Datetime.now(), 'error': False})
        mine = self.with_context(lang=user.lang, tz=user.tz or self.env.context.get('tz'))
        mine.filtered(lambda one: one.level_id.has_activity)._leave_tasks()
        said = mine.filtered(lambda one: not one.level_id or one.level_id.has_notification)
        if said:
            self.env['mail.thread'].message_notify(
                partner_ids=user.partner_id.ids,
                author_id=self.env.ref('base.partner_root').id,
                subject=said._subject(),
                body=said._body(),
            )

    def _failed(self, error):
        """Show that one could not be told, and try again later, a few times."""
        attempts = self.attempts + 1
        self.write(
            {
                'state': 'failed' if attempts >= TRIES else 'waiting',
                'attempts': attempts,
                'error': str(error)[:500],
                'send_after': fields.Datetime.now() + timedelta(minutes=AGAIN),
            }
        )

    # === WORDS ===#

    def _subject(self):
        tickets = self.ticket_id
        if len(tickets) > 1:
            return self.env._('%(count)s requests need you', count=len(tickets))
        return f'{self._words_of(self.sorted("id")[-1].event_id)}: {tickets.display_name}'

    def _words_of(self, event):
        """Return in words what an event says."""
        if event.level == 'warning':
            return self.env._('Due soon')
        if event.level == 'unassigned':
            return self.env._('Nobody has taken it')
        if event.level == 'breach':
            return self.env._('Overdue')
        return self.env._('Still overdue')

    def _body(self):
        """Return the message: a line per ticket with the highest level of what is due on it."""
        lines = {}
        for notice in self.sorted('id'):
            lines[notice.ticket_id, notice.event_id.kind, notice.event_id.cycle] = notice
        kinds = dict(
            self.env['retail.ticket.event']._fields['kind']._description_selection(self.env)
        )
        rows = Markup('').join(
            Markup('<li><a href="%s">%s</a><br/>%s: %s, %s%s</li>')
            % (
                notice.ticket_id._escalation_link(),
                notice.ticket_id.display_name,
                self._words_of(notice.event_id),
                kinds[notice.event_id.kind],
                format_datetime(self.env, notice._moment(), dt_format='short'),
                self._words_of_owner(notice.ticket_id),
            )
            for notice in lines.values()
        )
        return Markup('<ul>%s</ul>') % rows

    def _moment(self):
        """Return the deadline that one notice is about, or since when nobody has the ticket."""
        event = self.event_id
        if event.kind == 'owner':
            return self.ticket_id.unassigned_since or event.due_at
        target = self.ticket_id.target_ids.filtered(
            lambda row: row.kind == event.kind and row.cycle == event.cycle
        )
        return target.deadline or event.due_at

    def _words_of_owner(self, ticket):
        """Return who has a ticket, unless it is who reads it."""
        if ticket.user_id == self.user_id:
            return ''
        return ' · ' + (ticket.user_id.name or self.env._('nobody has it'))

    # === TASKS ===#

    def _leave_tasks(self):
        """Leave one person a task on each ticket; one that is there already is said anew instead."""
        kind = self.env.ref(ACTIVITY, raise_if_not_found=False)
        user, tickets = self.user_id, self.ticket_id
        activities = self.env['mail.activity'].with_context(mail_activity_quick_update=True)
        there = activities.search(
            [
                ('res_model', '=', 'retail.ticket'),
                ('res_id', 'in', tickets.ids),
                ('user_id', '=', user.id),
                ('activity_type_id', '=', kind.id if kind else False),
            ]
        ).grouped('res_id')
        model_id = self.env['ir.model']._get_id('retail.ticket')
        today, new = fields.Date.context_today(self), []
        for ticket, notices in self.grouped('ticket_id').items():
            words = self._words_of(notices.sorted('id')[-1].event_id)
            values = {'summary': words, 'date_deadline': today}
            if ticket.id in there:
                there[ticket.id][:1].write(values)
            else:
                new.append(
                    {
                        **values,
                        'res_model_id': model_id,
                        'res_id': ticket.id,
                        'user_id': user.id,
                        'activity_type_id': kind.id if kind else False,
                    }
                )
        activities.create(new)
