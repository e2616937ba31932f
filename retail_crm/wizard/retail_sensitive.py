from odoo import api, fields, models

from ..models.customer.res_partner_file import SENSITIVE_FIELDS, SENSITIVE_GROUP


class RetailSensitive(models.TransientModel):
    """The dialog that shows and changes income and funds of one customer.

    Opening it is written to ``retail.access.log``; so is changing something in it, as every change of the customer's
    fields. It stores no value itself, and shows some only once it is saved: while it is made nobody has written down
    yet who opens it, and for whom.
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
    @api.depends_context('uid')
    def _compute_values(self):
        for dialog in self:
            # what was written down: that its maker opened the data of this customer
            is_own = self.env.su or dialog._origin.create_uid == self.env.user
            is_logged = is_own and dialog._origin.partner_id == dialog.partner_id._origin
            customer = dialog._origin.partner_id if is_logged else self.env['res.partner']
            dialog.annual_income = customer.retail_annual_income
            dialog.funds = customer.retail_funds

    def _inverse_annual_income(self):
        self._change('retail_annual_income', 'annual_income')

    def _inverse_funds(self):
        self._change('retail_funds', 'funds')

    def _change(self, name, source):
        """Write what was entered to the customer, who logs it."""
        for dialog in self:
            dialog.partner_id.write({name: dialog[source]})

    @api.model_create_multi
    def create(self, vals_list):
        """Write down who opens the data before it is shown, whichever way the dialog is made.

        A form that is not saved shows nothing: its empty fields do not empty those of the customer.
        """
        vals_list = [
            {name: value for name, value in vals.items() if value or name == 'partner_id'}
            for vals in vals_list
        ]
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
