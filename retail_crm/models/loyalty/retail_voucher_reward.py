from odoo import fields, models


class RetailVoucher(models.Model):
    """Vouchers of services that were redeemed for points: taken back with the points."""

    _inherit = 'retail.voucher'

    taken_back = fields.Boolean(
        readonly=True,
        copy=False,
        help='The order gave its points back, so the system cancelled the voucher. The order can bring a new one.',
    )
