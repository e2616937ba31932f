from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from . import _tiers

#: What a version says: none of it changes once it has begun.
_RULES = {
    'tier_id',
    'date_from',
    'amount',
    'count',
    'keeps_differently',
    'keep_amount',
    'keep_count',
}


class RetailTierVersion(models.Model):
    """The thresholds of a tier from a day on. Members were told so: what has begun is never changed (S-LOY-28).

    Other thresholds are another version with a later day. While the programme is a draft everything may be changed.
    """

    _name = 'retail.tier.version'
    _description = 'Thresholds of a Tier'
    _order = 'tier_id, date_from desc'
    _rec_name = 'date_from'

    tier_id = fields.Many2one(
        comodel_name='retail.tier',
        required=True,
        ondelete='cascade',
        index=True,
        help='Tier that these thresholds lead to.',
    )
    company_id = fields.Many2one(related='tier_id.company_id', store=True)
    currency_id = fields.Many2one(related='tier_id.currency_id')
    date_from = fields.Date(
        string='Valid From',
        required=True,
        default=lambda self: fields.Date.add(fields.Date.context_today(self), days=1),
        help='First day of these thresholds; they hold until the next version begins.',
    )
    amount = fields.Monetary(
        help='Amount, net of tax and returns, that reaches the tier. 0: not used.'
    )
    count = fields.Integer(
        string='Number of Purchases', help='Number of purchases that reaches the tier. 0: not used.'
    )
    keeps_differently = fields.Boolean(
        string='Keeping Is Different',
        help='Off: the tier is kept by what reaches it.',
    )
    keep_amount = fields.Monetary(
        string='Amount to Keep', help='Amount that keeps the tier. 0: not used.'
    )
    keep_count = fields.Integer(
        string='Purchases to Keep', help='Number of purchases that keeps the tier. 0: not used.'
    )
    has_begun = fields.Boolean(
        compute='_compute_has_begun',
        help='Members were told these thresholds: enter a new version instead of changing them.',
    )

    _day_uniq = models.Constraint(
        'UNIQUE(tier_id, date_from)', 'A tier has one version from a day on.'
    )
    _check_thresholds = models.Constraint(
        'CHECK(LEAST(amount, count, keep_amount, keep_count) >= 0)',
        'Thresholds cannot be negative.',
    )

    @api.depends('date_from', 'tier_id.programme_id.state')
    def _compute_has_begun(self):
        for version in self:
            programme = version.tier_id.programme_id
            version.has_begun = bool(
                programme.state == 'running'
                and version.date_from
                and version.date_from <= programme.company_id._retail_today()
            )

    @api.constrains('tier_id')
    def _check_tier_id(self):
        if any(version.tier_id.is_base for version in self):
            raise ValidationError(
                self.env._("The lowest tier is everybody's: it has no thresholds.")
            )

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse versions that would have begun: what was decided stays."""
        versions = super().create(vals_list)
        versions._refuse_begun()
        return versions

    def write(self, vals):
        if _RULES & set(vals):
            self._refuse_begun()
        result = super().write(vals)
        if 'date_from' in vals:
            self._refuse_begun()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_begun(self):
        self._refuse_begun()

    def _refuse_begun(self):
        """Refuse to touch what has begun.

        :raise UserError: asking for a version of a later day
        """
        # An approved change of the rules may begin today; only the system's own code is superuser and says so.
        if self.env.su and self.env.context.get('retail_crm_rule_change'):
            return
        if any(version.has_begun for version in self):
            raise UserError(
                self.env._(
                    'Thresholds that have begun stay as they are, and none begin in the past: '
                    'enter a version from tomorrow or later.'
                )
            )

    def _thresholds(self):
        """Return the values of the thresholds, as they are written."""
        self.ensure_one()
        names = ('amount', 'count', 'keeps_differently', 'keep_amount', 'keep_count')
        return {name: self[name] for name in names}

    def _threshold_text(self):
        """Return the thresholds in words."""
        self.ensure_one()
        return self.tier_id.programme_id._threshold_words(
            self.currency_id.format(self.amount) if self.amount else False, self.count
        )

    def _to_engine(self):
        """Return the version for the engine."""
        programme = self.tier_id.programme_id
        own = self.keeps_differently
        return _tiers.Version(
            date_from=self.date_from,
            amount=programme._to_cents(self.amount),
            count=self.count,
            keep_amount=programme._to_cents(self.keep_amount) if own else None,
            keep_count=self.keep_count if own else None,
            id=self.id,
        )
