from odoo import fields, models

from .retail_programme import tier_order


class RetailProgramme(models.Model):
    _inherit = 'retail.programme'

    privilege_ids = fields.One2many(
        comodel_name='retail.privilege',
        inverse_name='programme_id',
        help='The catalogue of what members enjoy.',
    )
    birthdays_on = fields.Date(
        string='Birthdays Looked at On',
        readonly=True,
        copy=False,
        help='Last night in which birthday gifts were issued; nights missed since are made up for.',
    )

    def action_use_ladder(self):
        """Give the privileges to the new tiers, level by level: the third tier's to the third."""
        places = [
            (
                privilege,
                [
                    place
                    for place, tier in enumerate(self.tier_ids.sorted(tier_order))
                    if tier in privilege.tier_ids
                ],
            )
            for privilege in self.with_context(active_test=False).privilege_ids
        ]
        result = super().action_use_ladder()
        ladder = self.tier_ids.sorted(tier_order)
        for privilege, levels in places:
            privilege.tier_ids = ladder.filtered(
                lambda tier, levels=levels: ladder.ids.index(tier.id) in levels
            )
        return result
