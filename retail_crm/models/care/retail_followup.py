from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from . import _care

#: What a person may say of a follow-up: everything else is recorded by the system (``_stamp``).
WORK_FIELDS = {
    'user_id',
    'opinion',
    'satisfaction',
    'needs',
    'promise',
    'promise_until',
    'next_step',
    'result',
    'reason_text',
}
#: What a person says of a follow-up by hand when it is made, besides.
HAND_FIELDS = {
    'partner_id',
    'company_id',
    'store_id',
    'purpose',
    'family',
    'due_on',
    'channel_id',
    'subject',
    'body',
    'res_model',
    'res_id',
}


class RetailFollowup(models.Model):
    """A contact with a customer that was planned, sent or not: the one ledger that says why.

    Rows are written by the planning of a rule (one INSERT), by sending, and by staff through their work. Invariants:
    at most one row per rule, customer and occurrence; ``counted_on`` is set in the transaction in which the message
    was queued or the task was opened; no process opens a closed row again, only a person does (``action_reopen``), within
    a day or as a leader. State and record are written by ``_stamp`` only.
    """

    _name = 'retail.followup'
    _description = 'Follow-Up'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'due_on desc, id desc'
    _rec_names_search = ('partner_id', 'rule_id')
    _mail_post_access = 'read'

    name = fields.Char(compute='_compute_name')
    rule_id = fields.Many2one(
        comodel_name='retail.care.rule',
        ondelete='restrict',
        readonly=True,
        help='Rule that planned it. Empty: planned by hand.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        index=True,
        ondelete='restrict',
    )
    commercial_partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer in the Books',
        compute='_compute_commercial_partner_id',
        store=True,
        precompute=True,
        index=True,
        ondelete='restrict',
        help='Company of the contact, or the contact: limits count for it.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company.root_id,
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    store_id = fields.Many2one(
        comodel_name='crm.team',
        ondelete='set null',
        index='btree_not_null',
        help='Store of the customer or of the document.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Owner',
        domain=[('share', '=', False)],
        ondelete='set null',
        tracking=True,
    )
    purpose = fields.Selection(
        selection=_care.PURPOSES,
        required=True,
        default='service',
        help='Which consent the customer must have given.',
    )
    family = fields.Selection(
        selection=_care.FAMILIES,
        required=True,
        default='other',
        help='Follow-ups of one family keep a distance from each other.',
    )
    is_expected = fields.Boolean(
        string='Expected',
        default=True,
        help='The customer expects it: contact limits neither stop nor count it.',
    )
    # --- occasion
    occurrence = fields.Char(
        readonly=True, copy=False, help='Which occasion it is for: once for each of them.'
    )
    anchor_on = fields.Date(
        string='Day of the Occasion',
        readonly=True,
        copy=False,
        help='Day from which the days are counted.',
    )
    res_model = fields.Char(string='Document Model', readonly=True, copy=False)
    res_id = fields.Many2oneReference(
        string='Document', model_field='res_model', readonly=True, copy=False
    )
    due_on = fields.Date(
        string='Due',
        required=True,
        default=lambda self: self.env.company._retail_today(),
        help='Day on which the customer should be contacted.',
    )
    try_at = fields.Datetime(
        string='Next Try', readonly=True, copy=False, help='Looked at again from then on.'
    )
    hard_date = fields.Boolean(readonly=True, help='Not later than due.')
    is_control = fields.Boolean(
        string='In the Control Group',
        readonly=True,
        copy=False,
        help='Goes through all checks like the others, and is left out at the very end to compare with.',
    )
    # --- state
    state = fields.Selection(
        selection=_care.STATES,
        required=True,
        default='planned',
        readonly=True,
        copy=False,
        tracking=True,
    )
    reason = fields.Selection(
        selection=_care.REASONS,
        readonly=True,
        copy=False,
        help='Why it was not sent, or what it waits for.',
    )
    reason_text = fields.Char(string='Explanation', copy=False, help='The reason in words.')
    # --- contact
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        ondelete='restrict',
        help='How the customer was or will be contacted.',
    )
    contacted_at = fields.Datetime(
        string='Contacted',
        readonly=True,
        copy=False,
        help='When the message left, or when an employee acted.',
    )
    counted_on = fields.Date(
        string='Counts On',
        readonly=True,
        copy=False,
        help='Day on which it counts for the limits. Empty: it does not count.',
    )
    email_normalized = fields.Char(
        string='Sent To', readonly=True, copy=False, help='Address to which the e-mail went.'
    )
    subject = fields.Char(copy=False, help='Subject as it was sent.')
    body = fields.Html(copy=False, help='Text as it was sent.')
    mail_mail_id = fields.Many2one(
        comodel_name='mail.mail',
        string='E-mail',
        ondelete='set null',
        index='btree_not_null',
        readonly=True,
        copy=False,
        help='The e-mail as it was queued.',
    )
    # --- work
    done_at = fields.Datetime(readonly=True, copy=False, help='When it was closed.')
    done_by = fields.Many2one(
        comodel_name='res.users',
        ondelete='set null',
        readonly=True,
        copy=False,
        help='Who closed it.',
    )
    result = fields.Selection(
        selection=_care.RESULTS, copy=False, tracking=True, help='What came out of the contact.'
    )
    opinion = fields.Text(copy=False, help='What the customer said.')
    satisfaction = fields.Integer(
        copy=False,
        aggregator='avg',
        help='From 1 (very dissatisfied) to 5 (very satisfied). 0: not asked.',
    )
    needs = fields.Text(copy=False, help='What the customer needs or is looking for.')
    promise = fields.Char(copy=False, help='What was promised to the customer.')
    promise_until = fields.Date(copy=False, help='Day until which the promise is kept.')
    next_step = fields.Char(copy=False, help='What happens next.')
    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        ondelete='set null',
        index='btree_not_null',
        readonly=True,
        copy=False,
        help='Ticket that was opened from this contact.',
    )
    outcome = fields.Selection(
        selection=_care.OUTCOMES,
        readonly=True,
        copy=False,
        help='Whether a customer who was about to leave stayed.',
    )
    # --- reaction
    reaction = fields.Selection(
        selection=_care.REACTIONS,
        readonly=True,
        copy=False,
        help='Most telling thing that the customer did afterwards.',
    )
    reacted_at = fields.Datetime(
        string='Reacted', readonly=True, copy=False, help='When the customer reacted.'
    )
    order_id = fields.Many2one(
        comodel_name='sale.order',
        ondelete='set null',
        index='btree_not_null',
        readonly=True,
        copy=False,
        help='First order within the days of reaction.',
    )
    revenue = fields.Monetary(
        readonly=True,
        copy=False,
        help='Purchases of the customer within the days of reaction, net.',
    )

    _occurrence_uniq = models.UniqueIndex(
        '(rule_id, partner_id, occurrence)',
        'This customer has a follow-up of this rule for the same occasion already.',
    )
    _check_satisfaction = models.Constraint(
        'CHECK(satisfaction IS NULL OR satisfaction BETWEEN 0 AND 5)',
        'Satisfaction is between 1 and 5.',
    )
    _try_idx = models.Index("(try_at) WHERE state = 'planned'")
    _counted_idx = models.Index('(commercial_partner_id, counted_on) WHERE counted_on IS NOT NULL')
    _todo_idx = models.Index("(user_id, due_on) WHERE state = 'todo'")
    _anchor_idx = models.Index('(rule_id, partner_id, anchor_on)')
    _document_idx = models.Index('(res_model, res_id) WHERE res_id IS NOT NULL')

    # === COMPUTE ===#

    @api.depends('rule_id.name', 'partner_id.display_name')
    def _compute_name(self):
        for followup in self:
            # sudo: who may read the follow-up may read which rule it is of
            rule = followup.rule_id.sudo().name or self.env._('Contact by hand')
            customer = followup.partner_id.sudo().display_name or ''
            followup.name = f'{rule}: {customer}'

    @api.depends('partner_id.commercial_partner_id')
    def _compute_commercial_partner_id(self):
        for followup in self:
            followup.commercial_partner_id = followup.partner_id.commercial_partner_id

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_written(vals, WORK_FIELDS | HAND_FIELDS)
        now = fields.Datetime.now()
        # nothing would ever look at what is planned without a time
        followups = super().create(
            [
                {'try_at': now, **vals} if vals.get('state', 'planned') == 'planned' else vals
                for vals in vals_list
            ]
        )
        if not self.env.su:
            followups._check_named()
        return followups

    def _check_named(self):
        """Refuse follow-ups of customers or about documents that the user may not read, or of another company.

        :raise AccessError, UserError: naming what is wrong
        """
        self.partner_id.check_access('read')
        for followup in self:
            own = followup.partner_id.company_id.sudo()  # sudo: only compares companies
            if own and own.root_id != followup.company_id.sudo().root_id:
                raise UserError(
                    self.env._(
                        '%(customer)s is a customer of another company.',
                        customer=followup.partner_id.display_name,
                    )
                )
        for model, followups in (
            self.filtered(lambda one: one.res_model or one.res_id).grouped('res_model').items()
        ):
            ids = set(followups.mapped('res_id'))
            if model not in self.env or not all(ids) or self.env[model]._abstract:
                raise UserError(self.env._('This document does not exist.'))
            documents = self.env[model].browse(ids)
            if len(documents.exists()) < len(ids):
                raise UserError(self.env._('This document does not exist.'))
            documents.check_access('read')

    def write(self, vals):
        self._check_written(vals, WORK_FIELDS)
        return super().write(vals)

    @api.model
    def _check_written(self, vals, allowed):
        """Refuse what nobody may say of a follow-up: it is recorded by what really happened.

        :raise AccessError: naming the fields
        """
        if self.env.su:
            return
        own = {name for name in vals if name in self._fields and not self._is_social(name)}
        if refused := own - allowed - self._work_fields():
            raise AccessError(
                self.env._(
                    'What happened to a follow-up is recorded by the system: %(fields)s.',
                    fields=', '.join(sorted(refused)),
                )
            )

    @api.model
    def _work_fields(self):
        """Hook: return the names of the fields of others that a person may write."""
        return set()

    def _is_social(self, name):
        """Return whether a field is one of messages and activities, which have rights of their own."""
        return name.startswith(('message_', 'activity_'))

    def _stamp(self, values):
        """Record what happened; what the caller checked is nobody's to write directly."""
        # sudo: see the docstring of the class
        return self.sudo().write(values)
