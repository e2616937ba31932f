from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailAnonymise(models.TransientModel):
    """The question before customers are anonymised: who, why, and what will happen. It cannot be undone."""

    _name = 'retail.anonymise'
    _description = 'Anonymise Customers'
    _rec_name = 'reason'

    partner_ids = fields.Many2many(
        comodel_name='res.partner',
        string='Customers',
        required=True,
        help='They and all their contacts and addresses are anonymised.',
    )
    reason = fields.Char(
        required=True, help='Written to the access log, for example the request of the customer.'
    )
    is_sure = fields.Boolean(
        string='I know that this cannot be undone', help='Asked for once more.'
    )
    contact_count = fields.Integer(
        string='Contacts',
        compute='_compute_consequences',
        help='Customers with all their contacts and addresses.',
    )
    order_count = fields.Integer(
        string='Orders Kept', compute='_compute_consequences', help='Orders that stay as they are.'
    )
    obstacles = fields.Text(
        compute='_compute_consequences', help='Why some of them cannot be anonymised now.'
    )

    @api.depends('partner_ids')
    def _compute_consequences(self):
        for wizard in self:
            partners = wizard.partner_ids._origin
            partners._retail_check_privacy_officer()
            family = partners._retail_family_sudo()
            wizard.contact_count = len(family)
            wizard.order_count = family.env['sale.order'].search_count(
                [('partner_id', 'in', family.ids)]
            )
            wizard.obstacles = '\n'.join(partners._retail_anonymise_obstacles())

    def action_anonymise(self):
        """Anonymise the customers.

        :raise AccessError: for users who are not both manager and in the group of sensitive data
        """
        self.ensure_one()
        self.partner_ids._retail_check_privacy_officer()
        if not self.is_sure:
            raise UserError(self.env._('Tick that you know that this cannot be undone.'))
        self.partner_ids._retail_anonymise(self.reason)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._(
                    '%(count)s contacts are anonymised.', count=self.contact_count
                ),
                # a soft one would leave the old conversation on the screen
                'next': {'type': 'ir.actions.client', 'tag': 'reload'},
            },
        }
