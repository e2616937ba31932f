from odoo import api, fields, models


class RetailPolicy(models.Model):
    """What the customers of a class are offered."""

    _inherit = 'retail.policy'

    offer_id = fields.Many2one(
        comodel_name='retail.offer',
        index='btree_not_null',
        ondelete='restrict',
        check_company=True,
        help='What these customers are offered when a rule leaves it to the policy. Empty: this policy says nothing.',
    )

    @api.model
    def _attributes(self):
        return [*super()._attributes(), 'offer_id']
