from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, email_normalize, is_html_empty

from .retail_ticket_portal import MIN_DIGITS, _digits

#: Records of tickets that go with them, by the field that names the ticket.
MOVED = {
    'retail.incident': 'ticket_id',
    'retail.remedy': 'ticket_id',
    'retail.return.request': 'ticket_id',
    'retail.ticket.check': 'ticket_id',
    'retail.ticket.line': 'ticket_id',
    'retail.ticket.promise': 'ticket_id',
    'retail.ticket.statement': 'ticket_id',
}
#: What the surviving ticket takes over where it has nothing itself.
FILLED = ('order_id', 'product_id', 'store_id')
#: What belongs to an appointment: taken over together, or not at all.
APPOINTMENT = ('appointment_at', 'appointment_minutes', 'appointment_state', 'remind_at')
#: Columns that are no values of the ticket.
_NO_VALUES = {*models.MAGIC_COLUMNS, 'access_token', 'link_until'}


class RetailTicketMerging(models.Model):
    """How tickets are merged: what is checked, moved and kept for undoing (R-svc C.7).

    The ticket that stays gets everything; the others become read-only pointers to it. Who may read what is never
    widened: people who take part in a ticket do not move, and what another customer wrote is seen by staff only.
    """

    _inherit = 'retail.ticket'

    merge_ids = fields.One2many(
        comodel_name='retail.ticket.merge',
        inverse_name='survivor_id',
        string='Merges',
        help='What was merged into it.',
    )

    # === CHECKS ===#

    def _merge_lock(self):
        """Have these tickets for oneself, or say at once that somebody else has them."""
        # sudo: whoever merges was checked; all or none, and nobody waits, so that the order cannot matter
        locked = self.sudo().sorted('id').try_lock_for_update(allow_referencing=True)
        if len(locked) < len(self):
            raise UserError(
                self.env._(
                    'Somebody else is just changing %(tickets)s. Look at it again before you merge.',
                    tickets=', '.join((self.sudo() - locked).mapped('name')),
                )
            )
        self.invalidate_recordset()

    def _merge_survivor(self):
        """Return which of some tickets stays: the oldest open one, of complaints if there are any (R-svc C.7-1)."""
        able = self.filtered(lambda ticket: ticket._is_open() and not ticket.merged_into_id)
        able = able.filtered('is_complaint') or able
        return able.sorted(lambda ticket: (ticket.received_at, ticket.id))[:1]

    def _merge_is_apart(self, source):
        """Return whether one ticket is of another customer than this one."""
        mine, theirs = self.partner_id, source.partner_id
        if mine and theirs:
            return mine != theirs
        addresses = [
            {
                email_normalize(ticket.partner_email or ''),
                ticket.partner_id.email_normalized,
                *ticket.partner_id.retail_address_ids.mapped('email'),
            }
            - {False, None, ''}
            for ticket in (self, source)
        ]
        phones = [_digits(ticket.partner_phone)[-MIN_DIGITS:] for ticket in (self, source)]
        is_same_phone = phones[0] == phones[1] and len(phones[0]) == MIN_DIGITS
        return not (addresses[0] & addresses[1] or is_same_phone)

    def _merge_check(self, sources, confirmed):
        """Refuse what must not be merged.

        :raise UserError: with the reason
        """
        if not sources:
            raise UserError(self.env._('Choose at least two tickets.'))
        if len((self | sources).company_id) > 1:
            raise UserError(self.env._('Tickets of different companies cannot be merged.'))
        if merged := (self | sources).filtered('merged_into_id'):
            raise UserError(
                self.env._(
                    '%(ticket)s was merged into %(other)s already.',
                    ticket=merged[0].name,
                    other=merged[0].merged_into_id.name,
                )
            )
        if not self._is_open():
            raise UserError(
                self.env._(
                    '%(ticket)s is not open. The ticket that stays must be.', ticket=self.name
                )
            )
        if filed := sources.filtered(lambda ticket: ticket.category == 'archived'):
            raise UserError(
                self.env._(
                    '%(ticket)s is filed. Relate the tickets to each other instead.',
                    ticket=filed[0].name,
                )
            )
        if len({(ticket.is_internal, ticket.parent_id) for ticket in self | sources}) > 1:
            raise UserError(
                self.env._('Tasks of departments are merged with tasks of the same ticket only.')
            )
        if not self.is_complaint and any(sources.mapped('is_complaint')):
            raise UserError(
                self.env._('A complaint goes on as one: choose it as the ticket that stays.')
            )
        self._merge_check_people(sources)
        if not confirmed and any(self._merge_is_apart(source) for source in sources):
            raise UserError(
                self.env._(
                    'The tickets are of different customers. Confirm that you want to merge them.'
                )
            )

    def _merge_check_people(self, sources):
        """Refuse a merge by which somebody would read what he may not (S-TKT-29)."""
        tickets = self | sources
        blocked = tickets.blocked_user_id
        if len(blocked) > 1 or (
            blocked and blocked & (tickets.user_id | tickets.involved_user_ids | self.env.user)
        ):
            raise UserError(
                self.env._('These complaints are kept from different people: they stay apart.')
            )
        secret = sources.filtered(lambda ticket: ticket.is_restricted or ticket.blocked_user_id)
        for user in (self.user_id | self.involved_user_ids) if secret else ():
            if len(secret.with_user(user).sudo(False)._filtered_access('read')) < len(secret):
                raise UserError(
                    self.env._(
                        '%(user)s handles %(ticket)s and may not read all of the others. '
                        'Have the restricted ticket be the one that stays.',
                        user=user.name,
                        ticket=self.name,
                    )
                )

    # === MERGE ===#

    def _merge(self, sources, confirmed=False, tell=False):
        """Have other tickets go on in this one; the caller has checked the right to write all of them.

        :param sources: tickets that are merged into this one
        :param bool confirmed: whether different customers are meant
        :param bool tell: whether the customers of the others are told
        :return: the record by which it can be undone
        :raise UserError: when they cannot be merged; nothing is changed then
        """
        self.ensure_one()
        actor, sources = self.env.user, sources - self
        (self | sources)._merge_lock()
        # sudo: what belongs to the tickets moves whatever the user's rights on it are
        quiet = {'tracking_disable': True, 'mail_notrack': True, 'retail_crm_quiet': True}
        survivor = self.sudo().with_context(**quiet)
        sources = sources.with_env(survivor.env).sorted('id')
        survivor._merge_check(sources, confirmed)
        tickets = survivor | sources
        self.env.flush_all()
        apart = sources.filtered(lambda source: survivor._merge_is_apart(source))
        if tell:
            sources._merge_tell_customer(survivor, apart)
        before = tickets._merge_snapshot()
        rows, logged = tickets._merge_clock_rows(), tickets.interval_ids.ids
        moved = survivor._merge_move(sources, apart)
        survivor._merge_values(sources, apart)
        survivor._clock_merge(sources)
        survivor._merge_seal(sources)
        self.env.flush_all()
        self.env.invalidate_all()
        merge = survivor.env['retail.ticket.merge'].create(
            {
                'survivor_id': survivor.id,
                'source_ids': [Command.set(sources.ids)],
                'company_id': survivor.company_id.id,
                'user_id': actor.id,
                'date': fields.Datetime.now(),
                'is_apart': bool(apart),
                'moved': moved,
                'changed': tickets._merge_changes(before),
                'clock': {
                    'before': rows,
                    'after': tickets._merge_clock_rows(),
                    'added': sorted(set(tickets.interval_ids.ids) - set(logged)),
                },
            }
        )
        survivor._merge_tell(sources, apart)
        return merge.with_env(self.env)

    def _merge_move(self, sources, apart):
        """Move what belongs to other tickets here.

        :return: ``{model: {'column': its field, 'ids': {ticket: ids}, 'hidden': messages that staff sees only}}``
        """
        moved = {}
        for name, column, domain in self._merge_models():
            records = (
                self.env[name]
                .with_context(active_test=False)
                .search([(column, 'in', sources.ids), *domain], order='id')
            )
            if name == self._name:
                records -= self | sources
            if name == 'mail.message':
                records = records.filtered(
                    lambda message: message.attachment_ids or not is_html_empty(message.body)
                )
            if name == 'mail.activity' and (self | sources).filtered('is_restricted'):
                # what somebody has to do who may not read this stays where it is
                records = records.filtered(
                    lambda item: self.with_user(item.user_id).sudo(False).has_access('read')
                )
            if not records:
                continue
            by_source = records.grouped(lambda record, column=column: int(record[column]))
            key = name if name not in moved else f'{name},{column}'
            moved[key] = {
                'column': column,
                'ids': {str(source): rows.ids for source, rows in by_source.items()},
            }
            if name == 'mail.message':
                hidden = records.filtered(
                    lambda message: message.res_id in apart.ids and not message.is_internal
                )
                models.Model.write(hidden, {'is_internal': True})
                moved[key]['hidden'] = hidden.ids
            models.Model.write(records, {column: self.id})
        self.env.flush_all()
        self.env.invalidate_all()
        return moved

    @api.model
    def _merge_models(self):
        """Hook: return what moves with a ticket: list of ``(model, field that names the ticket, domain)``.

        What tells how the ticket itself went (log, deadlines, values tracked, mails received) stays with it.
        """
        on_ticket = [('res_model', '=', self._name)]
        return [
            *((name, column, []) for name, column in MOVED.items()),
            ('mail.message', 'res_id', [('model', '=', self._name), *self._merge_words()]),
            ('ir.attachment', 'res_id', [*on_ticket, ('res_field', '=', False)]),
            ('mail.activity', 'res_id', [*on_ticket, *self._merge_tasks()]),
            (self._name, 'parent_id', []),
            (self._name, 'follow_up_of_id', []),
        ]

    @api.model
    def _merge_words(self):
        """Return the domain of messages that somebody wrote or that were sent, not those that log changes."""
        return [
            ('tracking_value_ids', '=', False),
            ('message_type', 'not in', ('user_notification', 'out_of_office')),
        ]

    @api.model
    def _merge_tasks(self):
        """Hook: return the domain of the activities that go on."""
        return []

    def _merge_values(self, sources, apart):
        """Take over from other tickets what this one lacks, and of some values the stricter."""
        tickets = self | sources
        values = {
            'priority': max(tickets.mapped('priority')),
            'tag_ids': [Command.link(tag.id) for tag in sources.tag_ids],
            'customer_message_count': sum(tickets.mapped('customer_message_count')),
            'agent_message_count': sum(tickets.mapped('agent_message_count')),
        }
        for name, best in (
            ('first_response_at', min),
            ('waiting_since', min),
            ('last_customer_at', max),
            ('last_agent_at', max),
        ):
            dates = [date for date in tickets.mapped(name) if date]
            values[name] = best(dates) if dates else False
        same = (
            sources - apart
        )  # what the others bought, and when they come, is not for this customer's eyes
        for name in FILLED:
            values[name] = (self[name] or same[name][:1]).id
        visit = same.filtered('appointment_at')[:1]
        if visit and not self.appointment_at:
            values |= {name: visit._merge_value(name) for name in APPOINTMENT}
            visit._stamp({'remind_at': False})
        if major := sources.filtered('is_major')[:1]:
            values |= {'is_major': True, 'major_since': self.major_since or major.major_since}
        copies = {}
        for ticket in self | same:
            copies = {**ticket._mail_cc_sanitized_raw_dict(ticket.email_cc), **copies}
        values['email_cc'] = ', '.join(copies.values()) or False
        if any(tickets.mapped('is_restricted')):
            values['is_restricted'] = True
        if tickets.blocked_user_id:
            values['blocked_user_id'] = tickets.blocked_user_id.id
            values['guide_id'] = (self.guide_id or sources.guide_id[:1]).id
        self._stamp(
            {name: value for name, value in values.items() if self._merge_differs(name, value)}
        )

    def _merge_differs(self, name, value):
        old = self[name]
        return (
            isinstance(value, list)
            or (old.id if isinstance(old, models.BaseModel) else old) != value
        )

    def _merge_seal(self, sources):
        """End the other tickets: they only point here, and are as closed to others as this one."""
        for kind, group in sources.grouped('type_id').items():
            stage = kind._merge_stage()
            group.write(
                {
                    'stage_id': stage.id,
                    'merged_into_id': self.id,
                    **({'is_restricted': True} if self.is_restricted else {}),
                    **({'blocked_user_id': b.id} if (b := self.blocked_user_id) else {}),
                }
            )
        sources._stamp({'assign_after': False, 'queued_at': False})  # nobody is sought for them
        if self.is_restricted:
            (self | sources)._keep_away()
            self._restrict_tasks()

    def _merge_tell(self, sources, apart):
        """Write on all of the tickets what was done, as internal notes."""
        numbers = ', '.join(sources.mapped('name'))
        words = self.env._('%(tickets)s was merged into this ticket.', tickets=numbers)
        if apart:
            words += ' ' + self.env._(
                'What the customer of %(tickets)s wrote is shown to staff only. Answer him there: answers here go to '
                'the customer of this ticket.',
                tickets=', '.join(apart.mapped('name')),
            )
        self._merge_note(words)
        for source in sources:
            words = self.env._('Merged into %(ticket)s, where it goes on.', ticket=self.name)
            source._merge_note(words)

    def _merge_note(self, words):
        self._message_log_batch({ticket.id: Markup('<p>%s</p>') % words for ticket in self})

    def _merge_tell_customer(self, survivor, apart):
        """Tell the customers of tickets that are about to be merged that they go on."""
        for ticket in self:
            words = self.env._(
                'We go on with your request %(ticket)s together with another one.',
                ticket=ticket.name,
            )
            if ticket not in apart:
                words = self.env._(
                    'We go on with your request %(ticket)s in your request %(survivor)s.',
                    ticket=ticket.name,
                    survivor=survivor.name,
                )
            partner = ticket.partner_id
            ticket.message_post(
                body=words,
                message_type='auto_comment',
                subtype_xmlid='mail.mt_comment',
                partner_ids=partner.ids,
                outgoing_email_to=False if partner else ticket.partner_email,
                **ticket._automatic_author(),
            )

    def _merge_undone(self):
        """Hook: the merge of these tickets was undone; what follows from their parts is to be found again."""

    # === WHAT IS KEPT FOR UNDOING ===#

    def _merge_value(self, name):
        """Return a value of one ticket as it is kept."""
        field, value = self._fields[name], self[name]
        if field.type == 'many2many':
            return sorted(value.ids)
        if field.relational:
            return value.id
        if field.type in ('date', 'datetime'):
            return field.to_string(value) if value else False
        return str(value) if field.type == 'html' and value else value

    @api.model
    def _merge_columns(self):
        """Return the names of the values that a merge may change, and undoing restores."""
        return [
            name
            for name, field in self._fields.items()
            if name not in _NO_VALUES
            and field.store
            and (
                (field.column_type and not (field.compute and field.readonly))
                or (name in ('tag_ids', 'involved_user_ids'))
            )
        ]

    def _merge_snapshot(self):
        names = self._merge_columns()
        return {ticket.id: {name: ticket._merge_value(name) for name in names} for ticket in self}

    def _merge_changes(self, before):
        """Return ``{ticket: {field: [value before, value after]}}`` of what differs."""
        after = self._merge_snapshot()
        return {
            str(ticket_id): {
                name: [value, after[ticket_id][name]]
                for name, value in values.items()
                if value != after[ticket_id][name]
            }
            for ticket_id, values in before.items()
        }

    def _merge_clock_rows(self):
        """Return the targets of these tickets as they are in the database."""
        self.env['retail.ticket.target'].flush_model()
        [[rows]] = self.env.execute_query(
            SQL(
                """
                SELECT COALESCE(jsonb_agg(to_jsonb(target) ORDER BY target.id), '[]'::jsonb)
                  FROM retail_ticket_target target
                 WHERE target.ticket_id = ANY(%s)
                """,
                self.ids,
            )
        )
        return rows

    @api.model
    def _merge_clock_columns(self):
        """Return what the clock writes: derived again from the log, it cannot be in conflict."""
        return {
            'clock_kept',
            'deadline',
            'first_response_deadline',
            'next_response_deadline',
            'solve_deadline',
            'is_breached',
            'next_breach_count',
            'next_worst_hours',
            'next_event_at',
            'promised_at',
            # these follow from log, remedies and queue in the same way
            'assign_after',
            'escalation_level',
            'is_spike_pending',
            'quality_due_at',
            'queued_at',
            'remedy_state',
            'solution_amount',
            'unassigned_minutes',
        }

    def _merge_clock_derive(self, kept):
        """Derive the clock from the log with the hours granted before a merge. ``kept``: ``{ticket: clock_kept}``."""
        plans = {}
        for ticket in self.filtered('clock_kept'):
            plans[ticket] = ticket._clock_plan_kept()
            if kept.get(ticket):
                plans[ticket]['terms'] = kept[ticket]['terms']
        tickets = self.browse(ticket.id for ticket in plans)
        tickets._clock_save(tickets._clock_from_log(plans), tickets._clock_targets(), plans)
