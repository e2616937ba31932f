from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import ormcache

#: The three targets, in the words of the policy's fields.
KINDS = ('first', 'next', 'solve')
FACTORS = {'1': 'high', '2': 'urgent'}


class RetailSlaPolicy(models.Model):
    """Within which hours tickets are answered and solved: an ordered list, the first policy that fits decides.

    One policy per ticket (R-svc C.1). Written by managers. What a ticket was granted is kept on the ticket: a changed
    policy holds for new tickets, and for open ones only when somebody applies it.
    """

    _name = 'retail.sla.policy'
    _description = 'Deadline Policy'
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        domain=[('parent_id', '=', False)],
        index='btree_not_null',
        help='Leave empty for a policy of all companies.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        index='btree_not_null',
        help='Looks after this policy: whether the hours are kept, and whether they still fit.',
    )

    # === WHICH TICKETS ===#
    type_ids = fields.Many2many(
        comodel_name='retail.ticket.type',
        relation='retail_sla_policy_type_rel',
        string='Types',
        help='Types of tickets for which it holds. Empty: all.',
    )
    reason_ids = fields.Many2many(
        comodel_name='retail.ticket.reason',
        relation='retail_sla_policy_reason_rel',
        string='Classes',
        help='Complaint classes or sub-causes for which it holds. Empty: all.',
    )
    channel_ids = fields.Many2many(
        comodel_name='retail.channel',
        relation='retail_sla_policy_channel_rel',
        string='Channels',
        help='Channels for which it holds. Empty: all.',
    )
    store_ids = fields.Many2many(
        comodel_name='crm.team',
        relation='retail_sla_policy_store_rel',
        string='Stores',
        domain=[('retail_is_store', '=', True)],
        help='Stores for which it holds. Empty: all, and tickets of no store.',
    )
    team_ids = fields.Many2many(
        comodel_name='retail.ticket.team',
        relation='retail_sla_policy_team_rel',
        string='Teams',
        help='Teams for which it holds. Empty: all.',
    )
    tier_ids = fields.Many2many(
        comodel_name='retail.tier',
        relation='retail_sla_policy_tier_rel',
        string='Tiers',
        help='Tiers of customers for whom it holds. Empty: all customers, members or not.',
    )
    customer_policy_ids = fields.One2many(
        comodel_name='retail.policy',
        inverse_name='sla_policy_id',
        string='Customer Policies',
        readonly=True,
        help='Customer policies that grant these hours. When there are any, it holds for their customers only.',
    )
    order_amount = fields.Float(
        string='Orders From',
        digits='Product Price',
        help='Holds only for tickets about an order of at least this amount before taxes, in the currency of the '
        'company. 0: whatever the order.',
    )

    # === HOURS ===#
    first_hours = fields.Float(
        string='First Answer',
        help='Hours from the request to the first answer of a person. 0: no such target.',
    )
    next_hours = fields.Float(
        string='Next Answers',
        help="Hours from the customer's message to our answer. 0: no such target.",
    )
    solve_hours = fields.Float(
        string='Solved',
        help='Hours from the request until it is solved, without those in which we wait for the customer. 0: no such '
        'target.',
    )
    factor_high = fields.Float(
        string='Share at High Priority',
        default=0.5,
        help='Tickets of high priority get this share of the hours.',
    )
    factor_urgent = fields.Float(
        string='Share at Urgent Priority',
        default=0.25,
        help='Urgent tickets get this share of the hours.',
    )
    first_hours_high = fields.Float(
        string='First Answer, High',
        compute='_compute_hours_high',
        store=True,
        readonly=False,
        help='Hours to the first answer at high priority.',
    )
    next_hours_high = fields.Float(
        string='Next Answers, High',
        compute='_compute_hours_high',
        store=True,
        readonly=False,
        help='Hours to each further answer at high priority.',
    )
    solve_hours_high = fields.Float(
        string='Solved, High',
        compute='_compute_hours_high',
        store=True,
        readonly=False,
        help='Hours until solved at high priority.',
    )
    first_hours_urgent = fields.Float(
        string='First Answer, Urgent',
        compute='_compute_hours_urgent',
        store=True,
        readonly=False,
        help='Hours to the first answer of urgent tickets.',
    )
    next_hours_urgent = fields.Float(
        string='Next Answers, Urgent',
        compute='_compute_hours_urgent',
        store=True,
        readonly=False,
        help='Hours to each further answer of urgent tickets.',
    )
    solve_hours_urgent = fields.Float(
        string='Solved, Urgent',
        compute='_compute_hours_urgent',
        store=True,
        readonly=False,
        help='Hours until urgent tickets are solved.',
    )
    first_wall = fields.Boolean(
        string='First Answer Day and Night',
        help='Counts calendar hours, not working hours, to the first answer.',
    )
    next_wall = fields.Boolean(
        string='Next Answers Day and Night',
        help='Counts calendar hours, not working hours, to further answers.',
    )
    solve_wall = fields.Boolean(
        string='Solved Day and Night',
        help='Counts calendar hours, not working hours, until solved.',
    )
    first_cap_hours = fields.Float(
        string='First Answer at the Latest After',
        help='Calendar hours after which the first answer is due though the working hours would leave more time. '
        '0: no such limit.',
    )
    calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string='Working Hours',
        check_company=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Calendar in which hours are counted. Empty: that of the team, else of its store, else of the company.',
    )
    ticket_count = fields.Integer(
        string='Open Tickets',
        compute='_compute_ticket_count',
        help='Open tickets that were granted these hours.',
    )

    _check_hours = models.Constraint(
        """CHECK(LEAST(first_hours, next_hours, solve_hours, first_hours_high, next_hours_high, solve_hours_high,
            first_hours_urgent, next_hours_urgent, solve_hours_urgent, first_cap_hours, order_amount) >= 0)""",
        'Hours and amounts cannot be negative.',
    )
    _check_factors = models.Constraint(
        'CHECK(factor_high > 0 AND factor_urgent > 0)',
        'Shares of priorities must be greater than 0.',
    )

    @api.depends('first_hours', 'next_hours', 'solve_hours', 'factor_high')
    def _compute_hours_high(self):
        for policy in self:
            for kind in KINDS:
                policy[f'{kind}_hours_high'] = policy[f'{kind}_hours'] * policy.factor_high

    @api.depends('first_hours', 'next_hours', 'solve_hours', 'factor_urgent')
    def _compute_hours_urgent(self):
        for policy in self:
            for kind in KINDS:
                policy[f'{kind}_hours_urgent'] = policy[f'{kind}_hours'] * policy.factor_urgent

    def _compute_ticket_count(self):
        counts = dict(
            self.env['retail.ticket']._read_group(
                [('sla_policy_id', 'in', self.ids), *self._domain_open()],
                ['sla_policy_id'],
                ['__count'],
            )
        )
        for policy in self:
            policy.ticket_count = counts.get(policy, 0)

    @api.model
    def _domain_open(self):
        return [('category', 'in', ('new', 'open', 'waiting', 'on_hold'))]

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        self.env.registry.clear_cache()  # of _rules
        return policies

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for policy, vals in zip(self, vals_list, strict=True):
            if 'name' not in (default or {}):
                vals['name'] = self.env._('%(name)s (copy)', name=policy.name)
        return vals_list

    # === MATCHING ===#

    @api.model
    @ormcache('company_id')
    def _rules(self, company_id):
        """Return the policies of a main company in their order, as plain values. Kept until a policy changes."""
        policies_sudo = self.sudo().search(
            [('active', '=', True), ('company_id', 'in', (False, company_id))]
        )
        return tuple(policy._prepare_rule() for policy in policies_sudo)

    def _prepare_rule(self):
        """Hook: return what decides about one policy: sets of facts (empty: any), and the hours by priority.

        Whoever adds a condition adds it to ``conditions`` here, and the fact of the same name in ``_facts_of``.
        """
        self.ensure_one()
        hours = {}
        for priority in ('0', '1', '2'):
            ending = f'_{FACTORS[priority]}' if priority in FACTORS else ''
            hours[priority] = {
                kind: [
                    round(self[f'{kind}_hours{ending}'] * 3600),
                    self[f'{kind}_wall'],
                    round(self.first_cap_hours * 3600) or None if kind == 'first' else None,
                ]
                for kind in KINDS
                if self[f'{kind}_hours{ending}'] > 0
            }
        return {
            'id': self.id,
            'calendar_id': self.calendar_id.id,
            'order_amount': self.order_amount,
            'conditions': {
                'type': frozenset(self.type_ids.ids),
                'reason': frozenset(self.reason_ids.ids),
                'channel': frozenset(self.channel_ids.ids),
                'store': frozenset(self.store_ids.ids),
                'team': frozenset(self.team_ids.ids),
                'tier': frozenset(self.tier_ids.ids),
                'granted': frozenset(self.ids if self.customer_policy_ids else ()),
            },
            'hours': hours,
        }

    @api.model
    def _match(self, asks):
        """Return the rule that decides about each of ``asks``, or None: the first of the list that fits.

        A fixed number of queries, and none as long as no policy asks for tiers, customers or orders.

        :param asks: list of ``retail.ticket._clock_ask``
        """
        result = [None] * len(asks)
        for company_id in {ask['company'] for ask in asks}:
            places = [place for place, ask in enumerate(asks) if ask['company'] == company_id]
            # sudo: a branch's ticket asks for the rules of its main company
            company_sudo = self.env['res.company'].sudo().browse(company_id)
            rules = self._rules(company_sudo.root_id.id)
            facts = self._facts_of([asks[place] for place in places], company_sudo, rules)
            for place, known in zip(places, facts, strict=True):
                result[place] = next((rule for rule in rules if self._holds(rule, known)), None)
        return result

    @api.model
    def _holds(self, rule, facts):
        """Return whether all conditions of a rule are met by the facts of a ticket."""
        return facts['amount'] >= rule['order_amount'] and all(
            not wanted or wanted & facts[name] for name, wanted in rule['conditions'].items()
        )

    @api.model
    def _facts_of(self, asks, company_sudo, rules):
        """Hook: return the facts of each ask, ``{condition: set of facts}``; looks up only what rules want."""
        wanted = {name for rule in rules for name, values in rule['conditions'].items() if values}
        partners = {ask['partner'] for ask in asks if ask['partner']}
        # sudo: policies hold whoever asks, and only a policy is answered
        partners_sudo = self.env['res.partner'].sudo().browse(partners)
        tiers = self._tiers_of(partners_sudo, company_sudo) if 'tier' in wanted else {}
        granted = self._granted_to(partners_sudo, company_sudo) if 'granted' in wanted else {}
        amounts = any(rule['order_amount'] for rule in rules)
        result = []
        for ask in asks:
            facts = {name: {ask[name]} for name in ('type', 'reason', 'channel', 'store', 'team')}
            if 'reason' in wanted and ask['reason']:
                reason = self.env['retail.ticket.reason'].browse(ask['reason'])
                facts['reason'] |= set(reason.parent_id.ids)
            facts['tier'] = tiers.get(ask['partner'], set())
            facts['granted'] = granted.get(ask['partner'], set())
            facts['amount'] = self._amount_of(ask['order']) if amounts else 0.0
            result.append(facts)
        return result

    @api.model
    def _amount_of(self, order_id):
        """Return the amount of an order before taxes in the company's currency."""
        # sudo: as for the customers
        order_sudo = self.env['sale.order'].sudo().browse(order_id or [])
        return order_sudo.amount_untaxed / (order_sudo.currency_rate or 1.0)

    @api.model
    def _tiers_of(self, partners_sudo, company_sudo):
        """Return ``{contact id: {tier id}}`` of active members and their contacts."""
        members_sudo = self.env['retail.membership'].sudo()  # sudo: as for the customers
        rows = members_sudo.search_fetch(
            [
                ('partner_id', 'in', partners_sudo.commercial_partner_id.ids),
                ('company_id', '=', company_sudo.root_id.id),
                ('state', '=', 'active'),
                ('tier_id', '!=', False),
            ],
            ['partner_id', 'tier_id'],
        )
        tiers = {row.partner_id: {row.tier_id.id} for row in rows}
        return {
            partner.id: tiers.get(partner.commercial_partner_id, set()) for partner in partners_sudo
        }

    @api.model
    def _granted_to(self, partners_sudo, company_sudo):
        """Return ``{contact id: {policy id}}`` as customer policies grant."""
        answers = self.env['retail.policy']._for_customers(
            partners_sudo, company_sudo, ['sla_policy_id']
        )
        return {
            partner_id: set(answer['sla_policy_id'].ids) for partner_id, answer in answers.items()
        }

    # === ACTIONS ===#

    def action_apply(self):
        """Grant the hours of today's policies to all open tickets of one's companies: starts and pauses stay.

        :raise AccessError: for those who are no managers
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(
                self.env._('Only a Retail CRM manager applies policies to open tickets.')
            )
        self.check_access('read')
        tickets = self.env['retail.ticket'].search(
            [('company_id', 'in', self.env.companies.ids), *self._domain_open()], order='id'
        )
        changed = sum(
            len(tickets[start : start + 1000]._clock_rematch())
            for start in range(0, len(tickets), 1000)
        )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._(
                    'Open tickets: %(all)s. With new deadlines: %(changed)s.',
                    all=len(tickets),
                    changed=changed,
                ),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    def action_open_tickets(self):
        """Open the open tickets that were granted these hours."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.name,
            'res_model': 'retail.ticket',
            'view_mode': 'list,kanban,form',
            'domain': [('sla_policy_id', '=', self.id), *self._domain_open()],
        }
