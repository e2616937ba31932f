from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import email_normalize


class RetailPartnerAddress(models.Model):
    """Another address from which a customer writes, or somebody of the household: mails from there are the customer's.

    Written by staff, usually with "Same Household" on a ticket. One address belongs to one customer.
    """

    _name = 'retail.partner.address'
    _description = 'Additional E-mail Address'
    _order = 'email'
    _rec_name = 'email'

    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        index=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
    )
    email = fields.Char(string='E-mail', required=True, help='The address, in small letters.')
    note = fields.Char(help='Whose address it is, for example the spouse.')

    _email_uniq = models.Constraint('UNIQUE(email)', 'This address belongs to a customer already.')

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._normalize(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._normalize(vals))

    @api.model
    def _normalize(self, vals):
        """:raise ValidationError: when it is no address"""
        if 'email' not in vals:
            return vals
        email = email_normalize(vals['email'])
        if not email:
            raise ValidationError(
                self.env._('%(email)s is no e-mail address.', email=vals['email'] or '')
            )
        return {**vals, 'email': email}

    @api.model
    def _find(self, email, company):
        """Return the customer to whom an address belongs, for a company."""
        partner = self.sudo().search([('email', '=', email)], limit=1).partner_id
        return (
            partner
            if partner.company_id in (company, partner.company_id.browse())
            else partner.browse()
        )

    @api.model
    def _retail_contact_columns(self):
        """Addresses of customers leave in no export unmasked (S-SEC-09)."""
        return (*super()._retail_contact_columns(), 'email')
