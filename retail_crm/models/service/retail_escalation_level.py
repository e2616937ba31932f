from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from ._escalation import MISSED, Ladder, Step, rank_of
from .retail_ticket_stage import OPEN_CATEGORIES

#: Fields that say when a level is reached: open tickets are looked at again when one changes.
WHEN = {'unit', 'amount', 'active', 'company_id', 'repeat_days'}
#: Whom a level tells, nearest first: who cannot be told is followed by the next in line.
ROLES = ('owner', 'leader', 'store_manager', 'area_manager', 'director')


class RetailEscalationLevel(models.Model):
    """Who is told of deadlines, and when: before them, at them, after them, and when nobody takes a ticket (R-svc C.2).

    Written by managers. A company with levels of its own follows those, the others those without company. Tickets keep
    which of them they reached: what was reached is not reached again, whatever is changed here.
    """

    _name = 'retail.escalation.level'
    _description = 'Escalation Level'
    _order = 'company_id, rank, id'

    name = fields.Char(required=True, translate=True, help='As it is called in messages.')
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        domain=[('parent_id', '=', False)],
        index='btree_not_null',
        help='Leave empty for all companies that have no levels of their own.',
    )
    unit = fields.Selection(
        selection=[
            ('unassigned', 'Working minutes without an owner'),
            ('share', 'Percent of the time'),
            ('hours', 'Working hours after the deadline'),
            ('days', 'Working days after the deadline'),
        ],
        string='When',
        required=True,
        default='hours',
        help='In what the level is counted. 100 percent of the time is the deadline itself.',
    )
    amount = fields.Float(
        string='After',
        required=True,
        aggregator=None,
        help='How many percent, hours, days or minutes.',
    )
    rank = fields.Integer(
        compute='_compute_rank',
        store=True,
        aggregator=None,
        help='Levels follow each other in this order; none is reached before those with a lower one.',
    )
    to_owner = fields.Boolean(
        string='Owner', help='Tells the owner of the ticket; without one the leader.'
    )
    to_leader = fields.Boolean(
        string='Team Leader', help='Tells who leads the team, or the deputy.'
    )
    to_store_manager = fields.Boolean(
        string='Store Manager', help='Tells who leads the store that it is about, or the deputy.'
    )
    to_area_manager = fields.Boolean(
        string='Area Manager', help='Tells who leads the stores of the area.'
    )
    to_director = fields.Boolean(
        string='Service Director', help='Tells the service director of the company.'
    )
    to_on_call = fields.Boolean(
        string='Person on Call', help='Tells who is on call, at once, whatever the hour.'
    )
    has_notification = fields.Boolean(
        string='Message',
        default=True,
        help='Sends a message inside the house; customers never see it.',
    )
    has_activity = fields.Boolean(string='Task', help='Leaves a task on the ticket.')
    raise_priority = fields.Boolean(help='Raises the priority of the ticket by one.')
    reassign = fields.Boolean(
        string='Give to the Leader', help='The leader of the team becomes the owner of the ticket.'
    )
    repeat_days = fields.Integer(
        string='Repeat Every (Working Days)',
        aggregator=None,
        help='Of the last level only: it is repeated after so many working days until it is done. 0: never.',
    )

    _check_numbers = models.Constraint(
        'CHECK(amount > 0 AND repeat_days >= 0)', 'Levels are reached after more than nothing.'
    )
    _check_share = models.Constraint(
        "CHECK(unit != 'share' OR amount BETWEEN 1 AND 100)",
        'A share of the time lies between 1 and 100 percent.',
    )
    _check_long = models.Constraint(
        "CHECK(amount <= 5000 AND repeat_days <= 366 AND (unit != 'days' OR amount = round(amount)))",
        'Working days are whole ones, and a level is reached within reasonable time.',
    )

    @api.depends('unit', 'amount')
    def _compute_rank(self):
        for level in self:
            level.rank = (
                round(level.amount) - MISSED * 10
                if level.unit == 'unassigned'
                else rank_of(level.unit, level.amount)
            )

    @api.constrains('unit', 'amount', 'company_id', 'active', 'repeat_days')
    def _check_order(self):
        """Each level has a place of its own, and only the last one repeats."""
        for company_id in {level.company_id.id for level in self}:
            ranks = self.search([('company_id', '=', company_id)]).mapped('rank')
            if len(ranks) != len(set(ranks)):
                raise ValidationError(
                    self.env._(
                        'Two levels are reached at the same time. Tell all concerned by one.'
                    )
                )
        for level in self.filtered('repeat_days'):
            if level.unit not in ('hours', 'days') and level.rank != MISSED:
                raise ValidationError(
                    self.env._(
                        'Only a level after the deadline can be repeated: %(level)s',
                        level=level.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        levels = super().create(vals_list)
        levels._changed()
        return levels

    def write(self, vals):
        before = self.company_id
        result = super().write(vals)
        if WHEN & set(vals):
            self._changed(before)
        else:
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        companies, has_shared = self.company_id, not all(level.company_id for level in self)
        result = super().unlink()
        self._look_again(companies, has_shared or not self.search_count([], limit=1))
        return result

    def _changed(self, before=None):
        companies = self.company_id | (before or self.company_id)
        self._look_again(companies, not all(level.company_id for level in self))

    @api.model
    def _look_again(self, companies, is_everywhere):
        """Have the clock look at the open tickets concerned in its next run: their next level may be another one."""
        self.env.registry.clear_cache()  # of the ladders
        domain = [('category', 'in', OPEN_CATEGORIES), ('clock_kept', '!=', False)]
        if not is_everywhere:
            domain.append(('company_id', 'child_of', companies.ids))
        # sudo: levels hold for all tickets whoever changes them
        tickets_sudo = self.env['retail.ticket'].sudo().search(domain)
        now = fields.Datetime.now()
        tickets_sudo.filtered(
            lambda ticket: not ticket.next_event_at or ticket.next_event_at > now
        )._stamp({'next_event_at': now})

    # === WHAT HOLDS ===#

    @api.model
    @ormcache('company_id', 'zone')
    def _ladder(self, company_id, zone):
        """Return the levels of targets in a company, see ``_escalation.Ladder``. Kept until levels change."""
        levels = self._of_company(company_id).filtered(lambda level: level.unit != 'unassigned')
        last = levels[-1:]
        return Ladder(
            [Step(level.rank, level.unit, level.amount, level.id) for level in levels],
            zone,
            last.repeat_days if last.rank >= MISSED else 0,
        )

    @api.model
    @ormcache('company_id')
    def _unassigned(self, company_id):
        """Return when somebody is told that nobody takes a ticket: ``((minutes, id), ...)``, the first one first."""
        levels = self._of_company(company_id).filtered(lambda level: level.unit == 'unassigned')
        return tuple((round(level.amount), level.id) for level in levels)

    @api.model
    def _of_company(self, company_id):
        """Return the levels that hold in a company, by rank: its own, else those of all."""
        root = self.env['res.company'].browse(company_id).sudo().root_id
        # sudo: levels hold whoever opens a ticket
        self_sudo = self.sudo()
        own = self_sudo.search([('company_id', '=', root.id)], order='rank, id')
        return own or self_sudo.search([('company_id', '=', False)], order='rank, id')

    def _roles(self):
        """Return whom one level tells, nearest first."""
        return [role for role in ROLES if self[f'to_{role}']]
