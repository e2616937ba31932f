from odoo import api, fields, models

from ..models.customer.res_partner_file import SENSITIVE_FIELDS, SENSITIVE_GROUP


class RetailSensitive(models.TransientModel):
    """The dialog that shows and changes income and funds of one customer.

    Opening it and changing something in it is written to ``retail.access.log``. It stores no value itself.
    """

    _name = 'retail.sensitive'
    _description = 'Sensitive Data of a Customer'
    _rec_name = 'partner_id'

    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    currency_id = fields.Many2one(related='partner_id.retail_currency_id')
    annual_income = fields.Monetary(
        compute='_compute_values',
        inverse='_inverse_annual_income',
        groups=SENSITIVE_GROUP,
        help='Yearly income in the company currency, as far as the customer told it.',
    )
    funds = fields.Selection(
        selection=lambda self: self.env['res.partner']._fields['retail_funds'].selection,
        compute='_compute_values',
        inverse='_inverse_funds',
        groups=SENSITIVE_GROUP,
        help='How much the customer can spend.',
    )

    @api.depends('partner_id.retail_annual_income', 'partner_id.retail_funds')
    def _compute_values(self):
        for dialog in self:
            dialog.annual_income = dialog.partner_id.retail_annual_income
            dialog.funds = dialog.partner_id.retail_funds

    def _inverse_annual_income(self):
        self._change('retail_annual_income', 'annual_income')

    def _inverse_funds(self):
        self._change('retail_funds', 'funds')

    def _change(self, name, source):
        """Write what was entered to the customer, and that it was changed to the log."""
        for dialog in self:
            dialog.partner_id.write({name: dialog[source]})
            self.env['retail.access.log']._log('change', dialog.partner_id, [name])

    @api.model_create_multi
    def create(self, vals_list):
        """Write down who opens the data before it is shown, whichever way the dialog is made."""
        dialogs = super().create(vals_list)
        dialogs._log_opening()
        return dialogs

    def write(self, vals):
        """Take another customer for what it is: opening the data of another one."""
        result = super().write(vals)
        if 'partner_id' in vals:
            self._log_opening()
        return result

    def _log_opening(self):
        for dialog in self:  # one: a person opens one customer at a time
            dialog.partner_id.check_access('read')
            self.env['retail.access.log']._log('reveal', dialog.partner_id, SENSITIVE_FIELDS)
