from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

#: How long a merge can be undone.
UNDO_HOURS = 24


class RetailTicketMerge(models.Model):
    """A merge of tickets: who did it, what was moved, and which values were before and after (R-svc C.7).

    Append-only, written by ``retail.ticket._merge``; undoing it adds when, by whom, and what could not be restored.
    With what is kept here everything goes back where it was; what was changed after the merge stays as it is then.
    """

    _name = 'retail.ticket.merge'
    _description = 'Merge of Tickets'
    _order = 'id desc'
    _rec_name = 'survivor_id'

    survivor_id = fields.Many2one(
        comodel_name='retail.ticket',
        string='Goes On In',
        required=True,
        index=True,
        ondelete='cascade',
        help='Ticket in which the others go on.',
    )
    source_ids = fields.Many2many(
        comodel_name='retail.ticket',
        relation='retail_ticket_merge_source_rel',
        column1='merge_id',
        column2='ticket_id',
        string='Merged Tickets',
        help='Tickets that were merged into it.',
    )
    company_id = fields.Many2one(comodel_name='res.company', required=True, index=True)
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Merged By',
        required=True,
        ondelete='restrict',
        help='Who merged them. The system does, where a team asks for it.',
    )
    date = fields.Datetime(string='Merged On', required=True, help='When they were merged.')
    is_apart = fields.Boolean(
        string='Different Customers',
        help='Not all of them were of the same customer: what the others wrote is seen by staff only.',
    )
    moved = fields.Json(
        string='Moved Records',
        groups='retail_crm.group_manager',
        help='Which records were moved, from which ticket.',
    )
    changed = fields.Json(
        string='Changed Values',
        groups='retail_crm.group_manager',
        help='Values before and after the merge.',
    )
    clock = fields.Json(
        string='Deadlines Before and After',
        groups='retail_crm.group_manager',
        help='Rows of the clock before and after the merge.',
    )
    undone_at = fields.Datetime(string='Undone On', help='When the merge was undone.')
    undone_by = fields.Many2one(
        comodel_name='res.users', ondelete='restrict', help='Who undid the merge.'
    )
    left = fields.Text(
        string='Not Restored', help='What had been changed after the merge, and stayed as it was.'
    )
    can_undo = fields.Boolean(
        compute='_compute_can_undo', help='It was not undone yet, and is not older than a day.'
    )

    def _compute_can_undo(self):
        since = fields.Datetime.now() - timedelta(hours=UNDO_HOURS)
        for merge in self:
            merge.can_undo = not merge.undone_at and merge.date >= since

    def write(self, vals):
        """Keep what was done.

        :raise UserError: whatever a user writes
        """
        self.check_access('write')
        if vals and not self.env.su:
            raise UserError(self.env._('What was merged is never changed.'))
        return super().write(vals)

    def action_undo(self):
        """Undo the merge, and show what goes on by itself again."""
        self.ensure_one()
        self.check_access('read')
        tickets = self.source_ids  # as the user sees them
        self._undo()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Undone'),
            'res_model': 'retail.ticket',
            'view_mode': 'list,form',
            'domain': [('id', 'in', (tickets | self.survivor_id).ids)],
        }

    @api.model
    def _on_ticket_opened(self, moments):
        """Merge new tickets into the one that is surely the same, for teams that want it."""
        tickets = self.env['retail.ticket'].browse(moments.mapped('res_id')).exists()
        tickets.filtered('team_id.auto_merge')._merge_by_itself()

    # === UNDO ===#

    def _undo(self):
        """Give each ticket back what was its own; what was changed after the merge stays, and is reported."""
        self.ensure_one()
        merge_sudo = (
            self.sudo()
        )  # sudo: ids and values are kept for this; tickets are checked below
        survivor, sources = merge_sudo.survivor_id, merge_sudo.source_ids
        tickets = survivor | sources
        tickets.sudo(self.env.su).with_user(self.env.user).check_access('write')
        tickets._merge_lock()
        merge_sudo._check_undo(survivor)
        tickets.env.flush_all()
        tickets.sudo()._quality_again()  # sudo: figures of the system
        left = merge_sudo._undo_moves(survivor)
        tickets.env.flush_all()
        is_same_clock = merge_sudo._undo_clock_rows(tickets)
        left += merge_sudo._undo_values(tickets, is_same_clock)
        merge_sudo.write(
            {
                'undone_at': fields.Datetime.now(),
                'undone_by': self.env.uid,
                'left': '\n'.join(left) or False,
            }
        )
        tickets.env.flush_all()
        tickets.env.invalidate_all()
        sources._restrict_tasks()
        tickets.sudo()._merge_undone()
        merge_sudo._undo_tell(left)

    def _check_undo(self, survivor):
        if self.undone_at:
            raise UserError(self.env._('This merge was undone already.'))
        if not self.can_undo or not self.changed:
            raise UserError(
                self.env._('A merge can be undone for %(hours)s hours only.', hours=UNDO_HOURS)
            )
        if survivor.merged_into_id:
            raise UserError(
                self.env._(
                    '%(ticket)s was itself merged into %(other)s. Undo that first.',
                    ticket=survivor.name,
                    other=survivor.merged_into_id.name,
                )
            )

    def _undo_moves(self, survivor):
        """Move records back that are still where the merge put them, and return words about the others."""
        left = []
        for name, move in (self.moved or {}).items():
            model = self.env[name.partition(',')[0]].with_context(active_test=False)
            column, hidden = move['column'], set(move.get('hidden', ()))
            for source_id, ids in move['ids'].items():
                records = model.browse(ids).exists()
                here = records.filtered(
                    lambda record, column=column: int(record[column]) == survivor.id
                )
                models.Model.write(here, {column: int(source_id)})
                shown = here.filtered(lambda record, hidden=hidden: record.id in hidden)
                if shown:
                    models.Model.write(shown, {'is_internal': False})
                if len(here) < len(ids):
                    left.append(
                        self.env._(
                            '%(count)s of %(what)s had been moved or deleted',
                            count=len(ids) - len(here),
                            what=model._description,
                        )
                    )
        return left

    def _undo_clock_rows(self, tickets):
        """Put the rows of the clock back as they were, unless it has gone on since.

        :return: whether nothing had happened to the clock
        """
        rows = self.env['retail.ticket.interval'].browse(self.clock['added'])
        self.env.execute_query(
            SQL('DELETE FROM retail_ticket_interval WHERE id = ANY(%s) RETURNING id', rows.ids)
        )
        if tickets._merge_clock_rows() != self.clock['after']:
            return False
        self.env.execute_query(
            SQL(
                'DELETE FROM retail_ticket_target WHERE ticket_id = ANY(%s) RETURNING id',
                tickets.ids,
            )
        )
        self.env.execute_query(
            SQL(
                'INSERT INTO retail_ticket_target SELECT * FROM '
                'jsonb_populate_recordset(NULL::retail_ticket_target, %s::jsonb) RETURNING id',
                fields.Json().convert_to_column(self.clock['before'], self),
            )
        )
        return True

    def _undo_values(self, tickets, is_same_clock):
        """Restore the values that are still those of the merge, and return words about the others."""
        left, terms = [], {}
        for ticket in tickets:
            restored = {}
            for name, (before, after) in self.changed.get(str(ticket.id), {}).items():
                if name == 'clock_kept':
                    terms[ticket] = before
                field = ticket._fields.get(name)
                if not field:
                    continue
                if field.type == 'many2many':
                    added = set(after) - set(before)
                    restored[name] = [fields.Command.unlink(one) for one in added]
                elif ticket._merge_value(name) == after:
                    restored[name] = before
                elif name not in tickets._merge_clock_columns():
                    left.append(
                        self.env._(
                            '%(ticket)s: %(field)s had been changed',
                            ticket=ticket.name,
                            field=field._description_string(self.env),
                        )
                    )
            ticket._stamp(restored)
        tickets.env.flush_all()
        tickets.env.invalidate_all()
        if not is_same_clock:
            tickets._merge_clock_derive(terms)
        return left

    def _undo_tell(self, left):
        """Write on all of the tickets that they go on by themselves."""
        survivor, sources = self.survivor_id, self.source_ids
        numbers = ', '.join(sources.mapped('name'))
        words = self.env._(
            'The merge of %(sources)s into %(survivor)s was undone.',
            sources=numbers,
            survivor=survivor.name,
        )
        if left:
            words += ' ' + self.env._('Not restored: %(what)s.', what='; '.join(left))
        (survivor | sources)._merge_note(words)

    @api.model
    def _hidden_ids(self, ticket, name):
        """Return ids of records of a model that came to a ticket from one of another customer, by whatever way (sudo)."""
        if not ticket.sudo().merge_ids:  # sudo: asks what is not to be shown
            return set()
        merges = self.sudo().search(
            [
                ('survivor_id', 'in', (ticket | ticket.sudo()._merged_here()).ids),
                ('is_apart', '=', True),
                ('undone_at', '=', False),
            ]
        )
        return {
            one
            for merge in merges
            for ids in (merge.moved or {}).get(name, {}).get('ids', {}).values()
            for one in ids
        }
