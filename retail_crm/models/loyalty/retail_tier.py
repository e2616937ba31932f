from odoo import api, fields, models
from odoo.exceptions import UserError

from .retail_programme import tier_order


class RetailTier(models.Model):
    """A tier of a programme. The lowest one is everybody's and has no thresholds; the others have versions of them.

    Once the programme runs the order of the tiers stays, and a tier that somebody has or had cannot be deleted.
    """

    _name = 'retail.tier'
    _description = 'Tier'
    _order = 'programme_id, sequence, id'

    name = fields.Char(required=True, translate=True)
    programme_id = fields.Many2one(
        comodel_name='retail.programme',
        required=True,
        ondelete='cascade',
        index=True,
        help='Programme to whose ladder the tier belongs.',
    )
    company_id = fields.Many2one(related='programme_id.company_id', store=True)
    currency_id = fields.Many2one(related='programme_id.currency_id')
    sequence = fields.Integer(default=10)
    color = fields.Integer(help='Colour of the tier wherever it is shown.')
    is_base = fields.Boolean(
        string='Lowest',
        compute='_compute_place',
        store=True,
        help='The tier that every member has at least, without threshold and without end.',
    )
    is_top = fields.Boolean(
        string='Highest',
        compute='_compute_place',
        store=True,
        help='The highest tier of the ladder: its members are high-value customers.',
    )
    version_ids = fields.One2many(
        comodel_name='retail.tier.version',
        inverse_name='tier_id',
        copy=True,
        help='Thresholds, each from a day on.',
    )
    privilege_ids = fields.Many2many(
        comodel_name='retail.privilege',
        relation='retail_privilege_tier_rel',
        column1='tier_id',
        column2='privilege_id',
        domain="[('programme_id', '=', programme_id)]",
        copy=False,
        help='What members of the tier enjoy.',
    )
    threshold_text = fields.Char(
        string='Reached By',
        compute='_compute_threshold_text',
        help='Thresholds that hold today.',
    )
    member_count = fields.Integer(
        string='Members', compute='_compute_member_count', help='Members who hold the tier today.'
    )

    @api.depends('programme_id.tier_ids.sequence')
    def _compute_place(self):
        for programme, tiers in self.grouped('programme_id').items():
            ladder = programme.tier_ids.sorted(tier_order)
            for tier in tiers:
                tier.is_base = tier == ladder[:1]
                tier.is_top = len(ladder) > 1 and tier == ladder[-1:]

    @api.depends(
        'is_base',
        'version_ids.date_from',
        'version_ids.amount',
        'version_ids.count',
        'programme_id.criteria',
    )
    @api.depends_context('lang')
    def _compute_threshold_text(self):
        for tier in self:
            version = tier._version_on(tier.company_id._retail_today()) if tier.company_id else None
            tier.threshold_text = (
                self.env._('Enrolment')
                if tier.is_base
                else version._threshold_text()
                if version
                else False
            )

    def _compute_member_count(self):
        counts = dict(
            self.env['retail.membership']._read_group(
                [('tier_id', 'in', self.ids)], ['tier_id'], ['__count']
            )
        )
        for tier in self:
            tier.member_count = counts.get(tier, 0)

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse a new lowest tier in a running programme."""
        tiers = super().create(vals_list)
        for programme, added in tiers.grouped('programme_id').items():
            if programme.state == 'running' and any(tier.is_base for tier in added):
                raise UserError(self.env._('The programme is running: its lowest tier stays.'))
        return tiers

    def write(self, vals):
        """Refuse another order of the tiers once the programme runs: members would rise and fall without a reason."""
        if {'sequence', 'programme_id'} & set(vals):
            for tier in self:
                moved = any(
                    name in vals
                    and self._fields[name].convert_to_write(tier[name], tier) != vals[name]
                    for name in ('sequence', 'programme_id')
                )
                if moved and tier.programme_id.state == 'running':
                    raise UserError(
                        self.env._('The programme is running: the order of its tiers stays.')
                    )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if any(tier.programme_id.state == 'running' for tier in self):
            raise UserError(
                self.env._(
                    'The programme is running: let a tier end by a version that nobody reaches instead of deleting it.'
                )
            )

    def _versions(self):
        """Return the versions for the engine, in order of time."""
        return tuple(
            version._to_engine()
            for version in self.version_ids.sorted(lambda version: version.date_from)
        )

    def _version_on(self, day):
        """Return the version in force on a day, or an empty one."""
        return self.version_ids.filtered(
            lambda version: version.date_from and version.date_from <= day
        ).sorted('date_from')[-1:]
