from odoo import api, fields, models
from odoo.exceptions import UserError

from . import _tiers

#: What a row is about.
_PLACE = {'preview_id', 'tier_id'}


class RetailTierPreviewThreshold(models.Model):
    """Thresholds of a tier in a preview, and how many members would hold it.

    One row for each tier, made with the preview. Thresholds change only while it is a draft; counts are the system's.
    """

    _name = 'retail.tier.preview.threshold'
    _description = 'Proposed Thresholds'
    _order = 'preview_id, sequence, id'

    preview_id = fields.Many2one(
        comodel_name='retail.tier.preview',
        required=True,
        index=True,
        ondelete='cascade',
        help='Preview to which the thresholds belong.',
    )
    company_id = fields.Many2one(related='preview_id.company_id', store=True)
    currency_id = fields.Many2one(related='preview_id.currency_id')
    tier_id = fields.Many2one(
        comodel_name='retail.tier',
        required=True,
        ondelete='cascade',
        help='Tier that these thresholds would lead to.',
    )
    sequence = fields.Integer(related='tier_id.sequence', store=True)
    is_base = fields.Boolean(related='tier_id.is_base')
    is_used = fields.Boolean(
        string='In Use',
        default=True,
        help='Off: the tier has no thresholds on that day, and gets none.',
    )
    amount = fields.Monetary(
        help='Amount, net of tax and returns, that would reach the tier. 0: not used.',
        aggregator=None,
    )
    count = fields.Integer(
        string='Number of Purchases',
        help='Number of purchases that would reach the tier. 0: not used.',
        aggregator=None,
    )
    keeps_differently = fields.Boolean(
        string='Keeping Is Different',
        help='Off: the tier is kept by what reaches it.',
    )
    keep_amount = fields.Monetary(
        string='Amount to Keep',
        help='Amount that would keep the tier. 0: not used.',
        aggregator=None,
    )
    keep_count = fields.Integer(
        string='Purchases to Keep',
        help='Number of purchases that would keep the tier. 0: not used.',
        aggregator=None,
    )
    present_text = fields.Char(
        string='Present Thresholds',
        compute='_compute_present_text',
        help='Thresholds that hold without the change on that day.',
    )
    held_count = fields.Integer(
        string='Hold It Before',
        readonly=True,
        copy=False,
        help='Members who hold the tier on the eve of the change, as own tier.',
    )
    present_count = fields.Integer(
        string='By Present Rules',
        readonly=True,
        copy=False,
        help='Members who hold the tier after their present validity, if nothing changes.',
    )
    proposed_count = fields.Integer(
        string='By These Rules',
        readonly=True,
        copy=False,
        help='Members who hold the tier after their present validity, by the rules of this preview.',
    )

    _tier_uniq = models.Constraint(
        'UNIQUE(preview_id, tier_id)', 'A tier has one row in a preview.'
    )
    _check_thresholds = models.Constraint(
        'CHECK(LEAST(amount, count, keep_amount, keep_count) >= 0)',
        'Thresholds of a preview cannot be negative.',
    )

    @api.depends('tier_id', 'preview_id.as_of')
    @api.depends_context('lang')
    def _compute_present_text(self):
        for row in self:
            version = (
                row.tier_id._version_on(row.preview_id.as_of) if row.preview_id.as_of else None
            )
            row.present_text = (
                self.env._('Enrolment')
                if row.tier_id.is_base
                else version._threshold_text()
                if version
                else False
            )

    @api.depends('tier_id')
    def _compute_display_name(self):
        for row in self:
            row.display_name = row.tier_id.name

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse rows for a preview that is no draft."""
        rows = super().create(vals_list)
        rows._refuse_decided()
        if any(row.tier_id.programme_id != row.preview_id.programme_id for row in rows):
            raise UserError(self.env._('The tier belongs to another programme.'))
        return rows

    def write(self, vals):
        """Refuse other thresholds in a preview that is no draft."""
        self._refuse_decided()
        if {'held_count', 'present_count', 'proposed_count'} & set(vals) and not self.env.su:
            raise UserError(self.env._('What a preview found is computed.'))
        if any(row[name].id != vals[name] for row in self for name in _PLACE & set(vals)):
            raise UserError(self.env._('Thresholds stay with their preview and tier.'))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_decided(self):
        self._refuse_decided()

    def _refuse_decided(self):
        """Refuse to touch rows of a preview that is no draft.

        :raise UserError: saying so
        """
        if not self.env.su:
            self.preview_id._refuse_decided()

    @api.model
    def _prepare_present(self, tier, day):
        """Return the values of a row with the thresholds that hold on a day."""
        version = tier._version_on(day)
        names = ('amount', 'count', 'keeps_differently', 'keep_amount', 'keep_count')
        return {
            'tier_id': tier.id,
            'is_used': bool(version),
            **{name: version[name] for name in names},
        }

    def _prepare_version(self):
        """Return the values of the version that the row would become."""
        self.ensure_one()
        return {
            'tier_id': self.tier_id.id,
            'date_from': self.preview_id.as_of,
            'amount': self.amount,
            'count': self.count,
            'keeps_differently': self.keeps_differently,
            'keep_amount': self.keep_amount if self.keeps_differently else 0,
            'keep_count': self.keep_count if self.keeps_differently else 0,
        }

    def _is_change(self):
        """Return whether the row differs from the thresholds that hold on its day."""
        self.ensure_one()
        if self.tier_id.is_base or not self.is_used:
            return False
        version = self.tier_id._version_on(self.preview_id.as_of)
        if not version:
            return True
        before, after = version._to_engine(), self._to_engine()
        return any(before.thresholds(keep) != after.thresholds(keep) for keep in (False, True))

    def _to_engine(self):
        """Return the row as a version for the engine."""
        programme = self.preview_id.programme_id
        own = self.keeps_differently
        return _tiers.Version(
            date_from=self.preview_id.as_of,
            amount=programme._to_cents(self.amount),
            count=self.count,
            keep_amount=programme._to_cents(self.keep_amount) if own else None,
            keep_count=self.keep_count if own else None,
        )

    def _threshold_text(self):
        """Return the thresholds in words, as the preview connects them."""
        self.ensure_one()
        preview = self.preview_id
        return preview.programme_id._threshold_words(
            self.currency_id.format(self.amount) if self.amount else False,
            self.count,
            criteria=preview.criteria,
        )
