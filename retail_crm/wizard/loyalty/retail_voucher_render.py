from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailVoucherRender(models.TransientModel):
    """At the counter: scan or type the code of a voucher, see what it is for, and note that it was rendered."""

    _name = 'retail.voucher.render'
    _description = 'Render a Voucher'

    code = fields.Char(help='Scan the bar code or type the code.')
    voucher_id = fields.Many2one(
        comodel_name='retail.voucher',
        compute='_compute_voucher',
        help='The voucher of this code.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        compute='_compute_voucher',
    )
    service = fields.Char(
        string='Service or Gift', compute='_compute_voucher', help='What is to be rendered.'
    )
    valid_until = fields.Date(compute='_compute_voucher', help='Last day on which it is rendered.')
    problem = fields.Char(compute='_compute_voucher', help='Why it cannot be rendered.')
    note = fields.Char(help='What should be remembered about it.')

    @api.depends('code')
    def _compute_voucher(self):
        for dialog in self:
            voucher = self.env['retail.voucher']._find(dialog.code)
            dialog.voucher_id = voucher
            dialog.partner_id = voucher.partner_id
            dialog.service = voucher.name
            dialog.valid_until = voucher.valid_until
            dialog.problem = (
                voucher._problem()
                if voucher
                else dialog.code and self.env._('There is no voucher with this code.')
            )

    def action_render(self):
        """Note that the service was rendered.

        :raise AccessError: for those who are no staff
        :raise UserError: for an unknown code, or a voucher that cannot be rendered any more
        """
        self.ensure_one()
        voucher = self.env['retail.voucher']._find(self.code)
        if not voucher:
            raise UserError(self.env._('There is no voucher with this code.'))
        voucher._render(self.note)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._(
                    '%(service)s for %(customer)s: rendered.',
                    service=voucher.name,
                    customer=voucher.partner_id.display_name,
                ),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
