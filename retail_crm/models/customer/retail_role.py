from odoo import api, fields, models


class RetailRole(models.Model):
    """What an employee does in the shop, and which groups that takes: one choice instead of many boxes.

    Changed by those who administer users only, because a role gives rights. The users of a role always have its
    groups; groups that were given by hand stay untouched.
    """

    _name = 'retail.role'
    _description = 'Retail Role'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    description = fields.Text(translate=True, help='Who has this role and what it lets him see.')
    group_ids = fields.Many2many(
        comodel_name='res.groups',
        string='Groups',
        help='Given to each user of this role. A change reaches the users who have it already.',
    )
    currency_id = fields.Many2one(
        comodel_name='res.currency',
        compute='_compute_currency_id',
    )
    is_goodwill_unlimited = fields.Boolean(
        string='Goodwill Without Limit', help='May promise any amount as goodwill.'
    )
    goodwill_limit = fields.Monetary(
        help='Up to which amount one may promise goodwill for one case without asking. 0: nothing.'
    )
    capacity = fields.Integer(
        string='Running Tickets',
        aggregator=None,
        help='How many tickets one handles at the same time. 0: no limit.',
    )
    user_ids = fields.One2many(
        comodel_name='res.users',
        inverse_name='retail_role_id',
        string='Users',
        help='Who has this role.',
    )
    user_count = fields.Integer(
        string='Number of Users',
        compute='_compute_user_count',
        help='How many users have this role.',
    )

    _check_goodwill = models.Constraint(
        'CHECK(goodwill_limit >= 0)', 'A limit of goodwill cannot be below zero.'
    )
    _check_capacity = models.Constraint(
        'CHECK(capacity >= 0)', 'A number of tickets cannot be below zero.'
    )

    @api.depends_context('company')
    def _compute_currency_id(self):
        self.currency_id = self.env.company.currency_id

    def _compute_user_count(self):
        # sudo: how many employees have a role is no secret; a manager may belong to fewer companies than they
        counts = dict(
            self.env['res.users']
            .sudo()
            ._read_group([('retail_role_id', 'in', self.ids)], ['retail_role_id'], ['__count'])
        )
        for role in self:
            role.user_count = counts.get(role, 0)

    def write(self, vals):
        """Hand a change of the groups on to the users of the role."""
        result = super().write(vals)
        if 'group_ids' in vals:
            self.with_context(active_test=False).user_ids._retail_follow_role()
        return result

    def action_open_users(self):
        """Open the users of a role."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('base.action_res_users')
        return {**action, 'domain': [('retail_role_id', '=', self.id)], 'context': {}}
