from odoo import api, fields, models


class RetailProgramme(models.Model):
    """What customers are told about the programme in the portal, and whether they can join there."""

    _inherit = 'retail.programme'

    portal_join = fields.Boolean(
        string='Customers Can Join in the Portal',
        default=True,
        tracking=True,
        help='On: customers become members and leave by themselves. Off: staff enrol them; leaving stays possible.',
    )
    portal_text = fields.Html(
        string='About the Programme',
        translate=True,
        help='What customers read before they join.',
    )
    join_text = fields.Html(
        string='What Customers Agree To',
        translate=True,
        help='What customers agree to when they join. Empty: that purchases are recorded for their tier.',
    )

    @api.model
    def _portal_programmes(self):
        """Return the running programmes that the user meets in the portal, for the system's use; none while loyalty is off."""
        staff = self.env.ref('base.group_user').sudo()  # sudo: a setting
        if self.env.ref('retail_crm.group_block_loyalty') not in staff.all_implied_ids:
            return self.sudo().browse()
        # sudo: customers of a branch take part in the programme of its main company
        return self._running(self.env.companies.sudo())

    def _portal_tiers(self):
        """Return ``[(tier, privileges)]`` as customers read the ladder, of the tiers that there are today."""
        self.ensure_one()
        day = self.company_id._retail_today()
        return [
            (tier, tier.privilege_ids.filtered('active'))
            for tier in self.tier_ids.sorted('sequence')
            if tier.is_base or tier._version_on(day)
        ]
