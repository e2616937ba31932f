from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ._offer import COUPON_TYPES, KINDS, STATES


class RetailOffer(models.Model):
    """What is offered to whom: information, reward, channel and time, and who is entitled to it (S-MKT-03, S-MKT-14).

    Marketing and managers write offers. Staff see them, and propose them on quotations to customers who are entitled.
    Invariants: an offer is open while it runs and within its dates; a coupon is made once for each customer.
    """

    _name = 'retail.offer'
    _description = 'Offer'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'date_from desc, id desc'

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        selection=KINDS, required=True, default='promotion', help='What the offer is about.'
    )
    information = fields.Html(translate=True, help='What customers are told, in their language.')
    program_id = fields.Many2one(
        comodel_name='loyalty.program',
        string='Reward',
        ondelete='restrict',
        index='btree_not_null',
        help='What the customer gets: of coupons, each entitled customer gets one when the message leaves. '
        'Empty: information only.',
    )
    coupon_days = fields.Integer(
        string='Coupon Valid (Days)',
        help='Days until a coupon ends. 0: the last day of the offer, or without end.',
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        ondelete='restrict',
        help='Channel of the announcement. Empty: the preferred one of each customer.',
    )
    date_from = fields.Date(
        string='From',
        required=True,
        default=lambda self: self.env.company.root_id._retail_today(),
        help='First day of the offer.',
    )
    date_to = fields.Date(string='Until', help='Last day of the offer. Empty: until it is ended.')
    segment_ids = fields.Many2many(
        comodel_name='retail.segment',
        relation='retail_offer_segment_rel',
        column1='offer_id',
        column2='segment_id',
        string='Segments',
        help='Only customers of at least one of these.',
    )
    tier_ids = fields.Many2many(
        comodel_name='retail.tier',
        relation='retail_offer_tier_rel',
        column1='offer_id',
        column2='tier_id',
        string='Tiers',
        help='Only members of at least one of these tiers.',
    )
    class_key = fields.Selection(
        selection='_selection_class_key', string='Class', help='Only customers of this class.'
    )
    product_ids = fields.Many2many(
        comodel_name='product.product',
        relation='retail_offer_product_rel',
        column1='offer_id',
        column2='product_id',
        string='Products',
        help='What the offer is about.',
    )
    category_ids = fields.Many2many(
        comodel_name='product.category',
        relation='retail_offer_category_rel',
        column1='offer_id',
        column2='category_id',
        string='Product Categories',
        help='What the offer is about.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        domain=[('parent_id', '=', False)],
        default=lambda self: self.env.company.root_id,
        index=True,
        ondelete='restrict',
        help='Company that makes the offer, with all its branches.',
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    contact_cost = fields.Monetary(
        string='Cost per Contact', help='What it costs to tell one customer: paper, stamp, time.'
    )
    reward_cost = fields.Monetary(
        string='Cost per Reward', help='What one reward that is used costs us.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        ondelete='set null',
        help='Looks after this offer.',
    )
    state = fields.Selection(
        selection=STATES, required=True, default='draft', readonly=True, copy=False, tracking=True
    )
    rule_ids = fields.One2many(
        comodel_name='retail.care.rule',
        inverse_name='offer_id',
        string='Care Rules',
        readonly=True,
        help='Rules that tell customers of it.',
    )
    told_count = fields.Integer(
        string='Customers Told',
        compute='_compute_counts',
        help='Contacts by which customers were told of the offer.',
    )
    coupon_count = fields.Integer(
        string='Coupons', compute='_compute_counts', help='Coupons made for customers.'
    )

    _check_dates = models.Constraint(
        'CHECK(date_to IS NULL OR date_to >= date_from)', 'An offer ends after it has begun.'
    )
    _check_costs = models.Constraint(
        'CHECK(COALESCE(contact_cost, 0) >= 0 AND COALESCE(reward_cost, 0) >= 0'
        ' AND COALESCE(coupon_days, 0) >= 0)',
        'Costs and days cannot be negative.',
    )

    @api.model
    def _selection_class_key(self):
        return self.env['retail.policy']._selection_class_key()

    @api.depends_context('uid')
    def _compute_counts(self):
        """Two grouped queries for any number of offers."""
        told = dict(
            self.env['retail.followup']._read_group(
                [('offer_id', 'in', self.ids), ('contacted_at', '!=', False)],
                ['offer_id'],
                ['__count'],
            )
        )
        # sudo: how many there are, for those who may read the offer
        coupons = dict(
            self.env['loyalty.card']
            .sudo()
            ._read_group([('retail_offer_id', 'in', self.ids)], ['retail_offer_id'], ['__count'])
        )
        for offer in self:
            offer.told_count = told.get(offer, 0)
            offer.coupon_count = coupons.get(offer.sudo(), 0)

    @api.constrains('company_id', 'program_id', 'segment_ids', 'tier_ids')
    def _check_company(self, *args, **kwargs):
        """What the offer is made of belongs to its company."""
        for offer in self.sudo():  # sudo: only compares companies
            company = offer.company_id
            company._retail_check_main(
                self.env._('An offer is of a company with all its branches: choose the main one.')
            )
            others = (
                offer.program_id.company_id.root_id
                | offer.segment_ids.company_id
                | offer.tier_ids.programme_id.company_id
            )
            if others - company:
                raise ValidationError(
                    self.env._(
                        'Reward, segments and tiers of %(offer)s belong to another company.',
                        offer=offer.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        """The state is changed by the actions."""
        if not self.env.su:
            vals_list = [{k: v for k, v in vals.items() if k != 'state'} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            vals = {name: value for name, value in vals.items() if name != 'state'}
        return super().write(vals)

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for offer, vals in zip(self, vals_list, strict=True):
            if 'name' not in (default or {}):
                vals['name'] = self.env._('%(name)s (copy)', name=offer.name)
        return vals_list

    # === ACTIONS ===#

    def action_start(self):
        """Let the offer run: it is open within its dates.

        :raise AccessError: for those who may not write offers
        """
        self._set_state('running')

    def action_end(self):
        """End the offer: nobody is entitled to it any more, and no coupon is made."""
        self._set_state('ended')

    def _set_state(self, state):
        self.check_access('write')
        self.sudo().write({'state': state})  # sudo: checked above; the state is the system's

    def action_announce(self):
        """Open the care rule that tells those who are entitled, and make it when there is none (S-FUP-06, S-MKT-12).

        The rule is previewed and started there. Whom it tells comes from segments, tiers and classes of the system.

        :raise UserError: when the offer names nobody
        """
        self.ensure_one()
        self.check_access('write')
        rules = self.env['retail.care.rule']
        rules.check_access('create')
        rule = self.rule_ids.filtered(lambda one: one.trigger in ('promotion', 'new_product'))[:1]
        if not rule:
            if not (self.segment_ids or self.tier_ids or self.class_key):
                raise UserError(
                    self.env._('Say who is entitled first: a segment, a tier or a class.')
                )
            rule = rules.create(self._prepare_rule())
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.care.rule',
            'res_id': rule.id,
            'view_mode': 'form',
        }

    def _prepare_rule(self):
        """Hook: return the values of the care rule that announces this offer."""
        self.ensure_one()
        is_new = self.kind == 'new_product'
        values = {
            'name': self.name,
            'company_id': self.company_id.id,
            'user_id': (self.user_id or self.env.user).id,
            'purpose': 'marketing',
            'family': 'product' if is_new else 'promotion',
            'is_expected': False,
            'trigger': 'new_product' if is_new else 'promotion',
            'segment_ids': self.segment_ids.ids,
            'tier_ids': self.tier_ids.ids,
            'category_ids': self.category_ids.ids,
            'domain': self._class_domain(),
            'offer_id': self.id,
            'text': '{name}, {offer}',
        }
        if self.channel_id:
            values['channel_mode'] = 'listed'
            values['channel_line_ids'] = [(0, 0, {'channel_id': self.channel_id.id})]
        return values

    def _class_domain(self):
        """Return the class as a domain over contacts, as text."""
        column, _dot, value = (self.class_key or '').partition('.')
        name = f'retail_{column}'
        if not column or name not in self.env['res.partner']._fields:
            return '[]'
        return repr([(name, '=', True if value == 'true' else value)])

    def action_open_followups(self):
        """List who was told, when and how, and what came of it."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_followup_action')
        return {**action, 'domain': [('offer_id', 'in', self.ids)], 'context': {}, 'path': False}

    def action_open_effect(self):
        """Show the effect of this offer against the control group."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_care_effect_action'
        )
        return {**action, 'domain': [('offer_id', 'in', self.ids)], 'context': {}, 'path': False}

    def action_use(self):
        """Put the reward of the offer on the quotation from which the offers were opened.

        :raise AccessError: for those who may not write the quotation
        :raise UserError: when the customer is not entitled, or nothing can be used
        """
        self.ensure_one()
        self.check_access('read')
        order = self.env['sale.order'].browse(self.env.context.get('retail_order_id')).exists()
        if not order:  # opened elsewhere: show what it is
            return {
                'type': 'ir.actions.act_window',
                'res_model': self._name,
                'res_id': self.id,
                'view_mode': 'form',
            }
        order.check_access('write')
        customer = order.partner_id
        if self not in self._entitled(customer)[customer.id]:
            raise UserError(
                self.env._(
                    '%(customer)s is not entitled to %(offer)s.',
                    customer=customer.display_name,
                    offer=self.name,
                )
            )
        if not (code := self._code_for(customer)):
            # sudo: only asks what kind of reward it is
            if self.sudo().program_id.program_type in COUPON_TYPES:
                raise UserError(self.env._("The customer's coupon of this offer was withdrawn."))
            raise UserError(
                self.env._('%(offer)s needs no code: it is used by itself.', offer=self.name)
            )
        dialogs = self.env['sale.loyalty.coupon.wizard']
        if not dialogs.has_access('create'):
            raise AccessError(self.env._('Only sales people may use coupons.'))
        return dialogs.create({'order_id': order.id, 'coupon_code': code}).action_apply()

    def _code_for(self, customer):
        """Return the code by which a customer uses the offer, or nothing; makes his coupon when there is none."""
        program_sudo = self.sudo().program_id  # sudo: codes of those who are entitled
        if program_sudo.program_type in COUPON_TYPES:
            return self._coupons_for(customer)[customer.commercial_partner_id.id].code
        return program_sudo.rule_ids.filtered(lambda rule: rule.mode == 'with_code')[:1].code
