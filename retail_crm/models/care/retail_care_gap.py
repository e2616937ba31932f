from odoo import fields, models

from ._care import FAMILIES


class RetailCareGap(models.Model):
    """Least days between two contacts of one kind to a customer, whatever the rules: one row per company and kind.

    Without a row there is no gap. Contacts that customers expect neither wait for it nor are counted.
    """

    _name = 'retail.care.gap'
    _description = 'Gap Between Contacts'
    _order = 'company_id, family'
    _rec_name = 'family'

    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company.sudo().root_id,  # sudo: staff of a branch
        domain=[('parent_id', '=', False)],
        ondelete='cascade',
    )
    family = fields.Selection(
        selection=FAMILIES, required=True, help='Kind of contact, as the rules name it.'
    )
    days = fields.Integer(
        required=True,
        default=7,
        help='So many days after a contact of this kind the next one may follow. 0: no gap.',
    )

    _family_uniq = models.Constraint(
        'UNIQUE(company_id, family)', 'There is a gap for this kind of contact already.'
    )
    _check_days = models.Constraint('CHECK(days >= 0)', 'Days cannot be negative.')
