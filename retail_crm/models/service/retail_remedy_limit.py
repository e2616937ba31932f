from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import ValidationError

WHO = [
    ('staff', 'Staff'),
    ('store', 'Store managers and team leaders'),
    ('complaint', 'Complaint unit'),
    ('area', 'Area manager of the store'),
    ('director', 'Managers'),
    ('role', 'One role'),
]


class Limit(NamedTuple):
    """What somebody may promise as goodwill without asking; 0 is "no such limit" but for the amount."""

    is_unlimited: bool = False
    amount: float = 0.0
    share: float = 0.0
    customer_amount: float = 0.0
    window_days: int = 0
    points: float = 0.0


class RetailRemedyLimit(models.Model):
    """How much goodwill somebody may promise without asking: per case, per line, per customer, in points (S-TKT-23).

    Kept by managers. Who has a role for which there is a row gets that; everybody else the best row of what he is, with
    the amount of his role, if he has one. A row of a company takes the place of the one for all companies.
    """

    _name = 'retail.remedy.limit'
    _description = 'Limit of Goodwill'
    _order = 'sequence, id'
    _rec_name = 'who'

    sequence = fields.Integer(default=10)
    who = fields.Selection(
        selection=WHO,
        string='Whose',
        required=True,
        default='role',
        help='To whom it applies: by what somebody may do, by what he leads, or by his role.',
    )
    role_id = fields.Many2one(
        comodel_name='retail.role',
        index='btree_not_null',
        ondelete='cascade',
        help='Role that it applies to.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        domain=[('parent_id', '=', False)],
        help='Main company in which it applies. Empty: in all that have no row of their own.',
    )
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_currency_id')
    is_unlimited = fields.Boolean(
        string='Without Limit',
        help='May promise any amount; more than the price paid still needs legal advice.',
    )
    amount = fields.Monetary(
        string='Per Case',
        help='Up to which amount in one case. 0: nothing. Who has a role gets the amount of the role instead, unless '
        'this row is for his role.',
    )
    share = fields.Float(
        string='Of the Line (%)',
        help='Up to which part of the price paid for the goods, in percent. 0: up to all of it.',
    )
    customer_amount = fields.Monetary(
        string='Per Customer',
        help='Up to which amount for one customer within the number of days. 0: no such limit.',
    )
    window_days = fields.Integer(
        string='Within (Days)',
        default=90,
        aggregator=None,
        help='Number of days for which amounts per customer are added up, backwards from today.',
    )
    points = fields.Float(help='Up to how many points in one case. 0: no such limit.')

    _who_uniq = models.UniqueIndex(
        '(who, COALESCE(role_id, 0), COALESCE(company_id, 0))',
        'There is a limit for them already.',
    )
    _check_numbers = models.Constraint(
        'CHECK(amount >= 0 AND share >= 0 AND share <= 100 AND customer_amount >= 0'
        ' AND window_days > 0 AND points >= 0)',
        'Limits cannot be below zero, a share not above 100 %, and days are at least one.',
    )

    @api.depends('company_id')
    @api.depends_context('company')
    def _compute_currency_id(self):
        for limit in self:
            limit.currency_id = (limit.company_id or self.env.company).currency_id

    @api.constrains('who', 'role_id')
    def _check_role(self):
        if any((limit.who == 'role') != bool(limit.role_id) for limit in self):
            raise ValidationError(
                self.env._('Name the role, if and only if the limit is for one role.')
            )

    @api.depends('who', 'role_id')
    def _compute_display_name(self):
        names = dict(self._fields['who']._description_selection(self.env))
        for limit in self:
            limit.display_name = limit.role_id.name or names.get(limit.who)

    def _as_limit(self, **changes):
        return Limit(
            self.is_unlimited,
            self.amount,
            self.share,
            self.customer_amount,
            self.window_days,
            self.points,
        )._replace(**changes)

    @api.model
    def _of(self, user, ticket, company=None):
        """Return the ``Limit`` of a user in a ticket: that of his role, else the best of what he is there.

        :param company: that of the ticket where there is none yet
        """
        # sudo: limits, roles and who leads what decide; nothing of them is shown
        ticket_sudo, user_sudo = ticket.sudo(), user.sudo()
        rows = {}
        root = (company or ticket_sudo.company_id).root_id
        domain = [('company_id', 'in', (False, root.id))]
        for row in self.sudo().search(domain).sorted(lambda one: bool(one.company_id)):
            rows[row.who, row.role_id] = row
        role = user_sudo.retail_role_id
        if role and ('role', role) in rows:
            return rows['role', role]._as_limit()
        changes = {}
        if role:
            changes = {'amount': role.goodwill_limit, 'is_unlimited': role.is_goodwill_unlimited}
        found = [
            rows[who, role.browse()]._as_limit(**changes)
            for who in self._who_is(user_sudo, ticket_sudo)
            if (who, role.browse()) in rows
        ]
        return max(
            found,
            key=lambda one: (one.is_unlimited, one.amount, one.share or 100, one.customer_amount),
            default=Limit(),
        )

    @api.model
    def _who_is(self, user_sudo, ticket_sudo):
        """Hook: return what a user is in a ticket, as keys of ``WHO``."""
        group = user_sudo.has_group
        store, team = ticket_sudo.store_id, ticket_sudo.team_id
        result = ['staff'] if group('retail_crm.group_user') else []
        leads = store.user_id + store.retail_deputy_id + team.user_id + team.deputy_id
        if user_sudo in leads or group('retail_crm.group_lead'):
            result.append('store')
        if group('retail_crm.group_complaint'):
            result.append('complaint')
        if user_sudo == store.retail_area_id.manager_id:
            result.append('area')
        if group('retail_crm.group_manager'):
            result.append('director')
        return result
