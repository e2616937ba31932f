from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

KINDS = [
    ('earn', 'Earned'),
    ('burn', 'Redeemed'),
    ('expire', 'Expired'),
    ('reverse_earn', 'Taken back'),
    ('reverse_burn', 'Given back'),
    ('adjust', 'Adjusted'),
    ('migrate', 'Opening balance'),
    ('merge', 'Contacts merged'),
]
STATES = [('pending', 'Pending'), ('available', 'Available'), ('void', 'Void')]

#: What may still change on an entry, and only by the system: its life, never its points.
_LIVING_FIELDS = {'state', 'remaining', 'valid_from', 'expires_on', 'notice_days'}
#: Set by our own methods when they change the life of entries.
POSTING = 'retail_crm_points_posting'
#: Types of core's programs that have a ledger; coupons and gift cards are bearer papers of their own.
LEDGER_TYPES = ('loyalty', 'ewallet')


class RetailPointsEntry(models.Model):
    """The ledger of points: one row for each movement on a loyalty card or eWallet.

    Written by ``_post`` and the scheduled actions only, in the transaction that changes the card. Invariants: the points
    of a card are the sum of its available rows, and also the sum of what remains of them; points of a row never change,
    rows are never deleted; ``key`` makes each movement of a document happen once.
    """

    _name = 'retail.points.entry'
    _description = 'Points Entry'
    _order = 'date desc, id desc'
    _rec_name = 'kind'

    kind = fields.Selection(
        selection=KINDS, required=True, readonly=True, help='What happened to the points.'
    )
    state = fields.Selection(
        selection=STATES,
        required=True,
        readonly=True,
        default='available',
        help='Waiting points are seen but cannot be spent yet. Void ones never came into force.',
    )
    points = fields.Float(
        required=True,
        readonly=True,
        help='Points added (above 0) or taken (below 0).',
    )
    remaining = fields.Float(
        readonly=True,
        help='Of points added: what is not spent yet. Below 0: taken without there being any; the next points settle it.',
    )
    card_id = fields.Many2one(
        comodel_name='loyalty.card',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help='Loyalty card or eWallet of the points.',
    )
    program_id = fields.Many2one(
        comodel_name='loyalty.program',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help='Loyalty or eWallet program of the card.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='restrict'
    )
    date = fields.Date(required=True, readonly=True)
    res_model = fields.Char(string='Document Model', readonly=True)
    res_id = fields.Many2oneReference(string='Document', model_field='res_model', readonly=True)
    line_id = fields.Integer(
        string='Document Line', readonly=True, help='Line of the document. 0: all of it.'
    )
    document = fields.Char(
        string='Document Name',
        compute='_compute_document',
        help='Order or request that the entry comes from.',
    )
    # no monetary field: its currency would cost each order a query
    base_amount = fields.Float(
        readonly=True,
        aggregator=None,
        help="Amount on which points were earned, in the program's currency.",
    )
    factor = fields.Float(
        readonly=True,
        default=1.0,
        aggregator=None,
        help='Tier factor times the best campaign factor by which these points were multiplied.',
    )
    tier_factor = fields.Float(
        readonly=True,
        default=1.0,
        aggregator=None,
        help="Factor of the customer's tier at that time.",
    )
    tier_id = fields.Many2one(
        comodel_name='retail.tier',
        string='Tier Then',
        readonly=True,
        ondelete='set null',
        help='Tier that the customer held when he earned the points.',
    )
    award_id = fields.Many2one(
        comodel_name='retail.points.entry',
        string='Of the Points',
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Entry that had added the points which this one takes or gives back.',
    )
    valid_from = fields.Date(readonly=True, help='Waiting points can be spent from this day.')
    expires_on = fields.Date(readonly=True, help='Last day on which these points can be spent.')
    notice_days = fields.Integer(
        readonly=True,
        aggregator=None,
        help='How many days before the end the customer was last told. 0: not yet.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users', readonly=True, ondelete='set null', help='Who did it.'
    )
    reason = fields.Char(readonly=True, help='Kind of the reason.')
    note = fields.Char(readonly=True, help='The reason in words.')
    key = fields.Char(
        required=True, readonly=True, copy=False, help='Makes each movement happen once.'
    )

    _key_uniq = models.UniqueIndex('(card_id, key)', 'This movement of points was entered already.')
    _source_idx = models.Index('(res_model, res_id)')
    _lots_idx = models.Index("(card_id, expires_on) WHERE remaining <> 0 AND state = 'available'")
    _expiry_idx = models.Index("(expires_on) WHERE remaining > 0 AND state = 'available'")
    _pending_idx = models.Index("(id) WHERE state = 'pending'")
    _company_date_idx = models.Index('(company_id, date)')

    @api.depends('res_model', 'res_id')
    def _compute_document(self):
        """Name documents that the user may read, one query per model."""
        self.document = False
        for model, entries in self.filtered('res_id').grouped('res_model').items():
            if model not in self.env:
                continue
            found = self.env[model].search_fetch([('id', 'in', entries.mapped('res_id'))])
            names = {record.id: record.display_name for record in found}
            for entry in entries:
                entry.document = names.get(entry.res_id, False)

    @api.depends('kind', 'points', 'date')
    def _compute_display_name(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for entry in self:
            entry.display_name = f'{entry.date or ""} {kinds.get(entry.kind)} {entry.points:g}'

    # === APPEND-ONLY ===#

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse entries that do not come with the movement of a card.

        :raise UserError: for everything but our own methods
        """
        self.check_access('create')
        if not (self.env.su and self.env.context.get(POSTING)):
            raise UserError(
                self.env._('Points are moved by orders, returns and adjustments, not by hand.')
            )
        return super().create(vals_list)

    def write(self, vals):
        """Refuse: only the life of an entry changes, by our own methods.

        :raise UserError: for everything else
        """
        self.check_access('write')
        if not (self.env.su and self.env.context.get(POSTING)) or set(vals) - _LIVING_FIELDS:
            raise UserError(self.env._('Entries of the points ledger are never changed.'))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_ledger(self):
        raise UserError(self.env._('Entries of the points ledger cannot be deleted.'))

    @api.model
    def _posting(self):
        """Return the model as the system that may write the ledger."""
        # sudo: nobody may write the ledger; what it says is decided by the movements of cards
        return self.sudo().with_context(**{POSTING: True}, tracking_disable=True)

    # === SUMS ===#

    @api.model
    def _sums(self, cards):
        """Return ``{card id: (available, pending)}`` of cards."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT card_id, COALESCE(sum(points) FILTER (WHERE state = 'available'), 0),
                       COALESCE(sum(points) FILTER (WHERE state = 'pending'), 0)
                  FROM retail_points_entry WHERE card_id = ANY(%s) GROUP BY card_id
                """,
                cards.ids,
            )
        )
        return {card_id: (available, pending) for card_id, available, pending in rows}

    # === ACTIONS ===#

    def action_open_document(self):
        """Open the document that moved the points, where there is one still.

        :raise AccessError: when the user may not read it
        """
        self.ensure_one()
        self.check_access('read')
        document = self.env[self.res_model].browse(self.res_id).exists() if self.res_model else None
        if not document:
            return False
        if not document.has_access('read'):
            raise AccessError(self.env._('You may not see the document of this entry.'))
        return {
            'type': 'ir.actions.act_window',
            'res_model': self.res_model,
            'res_id': self.res_id,
            'view_mode': 'form',
        }
