from datetime import timedelta

from odoo import api, fields, models

from .retail_major_rule import TICKS


class RetailTicketMajor(models.Model):
    """Major cases: found by rule or by hand; management is told at once, a check list begins, deadlines shorten."""

    _inherit = 'retail.ticket'

    is_major = fields.Boolean(
        string='Major Case',
        copy=False,
        tracking=True,
        index='btree_not_null',
        help='Set by hand or by rule. Management is told at once, the emergency plan begins and deadlines are shortened.',
    )
    major_since = fields.Datetime(readonly=True, copy=False, help='When it became a major case.')
    major_rule_id = fields.Many2one(
        comodel_name='retail.major.rule',
        string='Major By',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Rule by which it became a major case. Empty: set by hand.',
    )
    is_injury = fields.Boolean(string='Injury', copy=False, help='Somebody was hurt.')
    is_fire = fields.Boolean(string='Fire', copy=False, help='Something burnt or smoked.')
    is_shock = fields.Boolean(
        string='Electric Shock', copy=False, help='Somebody got an electric shock.'
    )
    is_food = fields.Boolean(
        string='Food Safety', copy=False, help='Somebody fell ill from goods, or could have.'
    )
    is_press = fields.Boolean(
        string='Press', copy=False, help='Press or a widely read post speaks of it.'
    )
    is_regulator = fields.Boolean(
        string='Regulator or Lawyer', copy=False, help='An authority or a lawyer wrote or called.'
    )
    is_leak = fields.Boolean(
        string='Personal Data Leaked',
        copy=False,
        help='Personal data of anybody came into the open.',
    )
    check_ids = fields.One2many(
        comodel_name='retail.ticket.check',
        inverse_name='ticket_id',
        string='Emergency Plan',
        help='What is to be done in this major case, and who did it.',
    )
    check_open_count = fields.Integer(
        string='Open Points',
        compute='_compute_check_open_count',
        help='Points of the emergency plan that are not done yet.',
    )
    statement_ids = fields.One2many(
        comodel_name='retail.ticket.statement',
        inverse_name='ticket_id',
        string='Public Statements',
        help='What was said in public about it.',
    )

    @api.depends('check_ids.is_done')
    def _compute_check_open_count(self):
        for ticket in self:
            ticket.check_open_count = len(ticket.check_ids.filtered(lambda item: not item.is_done))

    @api.model
    def _major_fields(self):
        """Return the names of fields after whose change the rules of major cases are asked."""
        return {
            'claim_amount',
            'review_views',
            'product_id',
            'line_ids',
            'order_id',
            'type_id',
            'received_at',
            *dict(TICKS),
        }

    def _seek_major(self):
        """Ask the rules whether complaints are major cases. One that was taken back by hand is asked again only then."""
        wanted = self.filtered(lambda ticket: not ticket.is_major and ticket._is_open())
        if not wanted:
            return
        # sudo: rules are read for everybody
        found = (
            self.env['retail.major.rule'].sudo().search([('active', '=', True)])._reasons(wanted)
        )
        groups = wanted.filtered(lambda ticket: ticket.id in found).grouped(
            lambda ticket: found[ticket.id]
        )
        for rule, tickets in groups.items():
            tickets.write({'is_major': True, 'major_rule_id': rule.id})

    def _became_major(self):
        """Start the emergency plan: priority, check list, alarm, shorter deadlines."""
        if not self:
            return
        now = fields.Datetime.now()
        self._stamp({'major_since': now})
        self._raise_priority('2')
        items = self.env['retail.major.item'].sudo().search([('active', '=', True)])
        self.env['retail.ticket.check'].sudo().create(
            [
                {
                    'ticket_id': ticket.id,
                    'name': item.name,
                    'note': item.note,
                    'sequence': item.sequence,
                    'due_at': now + timedelta(hours=item.hours) if item.hours else False,
                }
                for ticket in self.filtered(lambda ticket: not ticket.check_ids)
                for item in items
            ]
        )
        self._alarm()
        self._clock_replan({'is_major'})

    def _alarm(self):
        """Tell managers and the person on call at once: a task, and a message of its own outside the conversation."""
        told = {ticket: self._who_is_alarmed(ticket.company_id) for ticket in self}
        on_call = self._escalation_choose([(ticket, 'on_call') for ticket in self])
        for ticket, found in zip(self, on_call, strict=True):
            told[ticket] |= found[0] if found else told[ticket]
        users = self.env['res.users'].union(*told.values())
        readable = {user: self._readable_by(user) for user in users}
        for ticket in self:
            told[ticket] = told[ticket].filtered(lambda user, one=ticket: one in readable[user])
        self._plan_tasks(
            [(ticket, user) for ticket in self for user in told[ticket]],
            lambda ticket: self.env._('Major case: %(ticket)s', ticket=ticket.display_name),
        )
        for ticket in self:
            ticket.message_notify(
                partner_ids=told[ticket].partner_id.ids,
                subject=self.env._('Major case: %(ticket)s', ticket=ticket.display_name),
                body=self.env._(
                    'This complaint is a major case. The emergency plan is on the ticket; call the customer back '
                    'at once.'
                ),
            )

    @api.model
    def _who_is_alarmed(self, company):
        """Hook: return who is told of a major case of a company at once, besides who is on call."""
        users = company._retail_managers() | company._retail_directors()
        return users.sudo(self.env.su)
