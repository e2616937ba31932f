from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache


class RetailPointsCampaign(models.Model):
    """Days on which purchases earn more points: all goods, or those of some categories. The best campaign holds."""

    _name = 'retail.points.campaign'
    _description = 'Points Campaign'
    _order = 'date_from desc, id desc'

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company.root_id,
        ondelete='cascade',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        default=lambda self: self.env.user,
        help='Who answers for the campaign.',
    )
    date_from = fields.Date(
        string='First Day',
        required=True,
        default=fields.Date.context_today,
        help='First day on which purchases earn more.',
    )
    date_to = fields.Date(
        string='Last Day',
        required=True,
        default=fields.Date.context_today,
        help='Last day on which purchases earn more.',
    )
    factor = fields.Float(
        required=True,
        default=2.0,
        aggregator=None,
        help='Points are multiplied by it. Of several campaigns the highest factor counts, not their product.',
    )
    category_ids = fields.Many2many(
        comodel_name='product.category',
        string='Product Categories',
        help='Only goods of these categories earn more. Empty: all goods.',
    )
    program_ids = fields.Many2many(
        comodel_name='loyalty.program',
        string='Loyalty Programs',
        domain=[('program_type', '=', 'loyalty')],
        help='Only points of these programs are more. Empty: of all loyalty programs.',
    )

    _check_factor = models.Constraint('CHECK(factor >= 1)', 'The factor is 1 or more.')

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        """A campaign ends on or after its first day."""
        if any(campaign.date_from > campaign.date_to for campaign in self):
            raise ValidationError(self.env._('A campaign ends on or after its first day.'))

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()  # of _of_company
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()  # of _of_company
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()  # of _of_company
        return super().unlink()

    @api.model
    @ormcache('root_id')
    def _of_company(self, root_id):
        """Return ``((first day, last day, factor, category ids or None, program ids or None), ...)`` of a company."""
        # sudo: whoever sells gives the points of campaigns
        campaigns = self.sudo().search([('company_id', '=', root_id)])
        return tuple(
            (
                campaign.date_from,
                campaign.date_to,
                campaign.factor,
                frozenset(campaign.category_ids.ids) or None,
                frozenset(campaign.program_ids.ids) or None,
            )
            for campaign in campaigns
        )

    @api.model
    def _best_factor(self, company, day, program, category=None):
        """Return the best factor of a day for goods of a category, or (None) for what belongs to no goods."""
        above = (
            {int(part) for part in (category.parent_path or '').split('/') if part}
            if category
            else set()
        )
        return max(
            (
                factor
                for first, last, factor, category_ids, program_ids in self._of_company(
                    company.root_id.id
                )
                if first <= day <= last
                and (category_ids is None or category_ids & above)
                and (program_ids is None or program.id in program_ids)
            ),
            default=1.0,
        )
