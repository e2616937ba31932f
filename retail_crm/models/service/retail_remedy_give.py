from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError


class RetailRemedyGive(models.Model):
    """What all ways to carry out a remedy have in common: for whom, until when, and what it costs us."""

    _inherit = 'retail.remedy'

    def _receiver(self):
        """Return the contact who gets one remedy: of the ticket, while he belongs to the customer of the remedy.

        :raise UserError: when nobody is known
        """
        # sudo: the customer of a remedy that is being carried out
        contact_sudo = self.ticket_id.sudo().partner_id
        if contact_sudo.commercial_partner_id != self.sudo().partner_id:
            contact_sudo = self.sudo().partner_id
        if not contact_sudo:
            raise UserError(
                self.env._(
                    '%(ticket)s has no customer yet. Choose or register the customer first.',
                    ticket=self.ticket_id.display_name,
                )
            )
        return contact_sudo

    def _last_day(self):
        """Return the last day on which the customer can use one remedy, or none."""
        if self.valid_until or not self.kind_id.default_days:
            return self.valid_until
        return self.company_id._retail_today() + timedelta(days=self.kind_id.default_days)

    def _cost_at_margin(self, amount):
        """Return what goods worth ``amount`` at retail cost us, by the usual margin of the company."""
        margin = self.company_id.root_id.retail_margin_percent / 100
        return self.currency_id.round(amount * (1 - margin))

    def _cost_of_goods(self, product, quantity, worth):
        """Return what goods cost us: their cost where it is known, else by the usual margin."""
        # sudo: costs are hidden from staff, and so is the field that gets them
        cost = product.sudo().with_company(self.company_id).standard_price
        return self.currency_id.round(cost * quantity) or self._cost_at_margin(worth)

    def _retail_price(self, product, quantity):
        """Return what goods cost in the shop with tax, in the company currency."""
        product = product.with_company(self.company_id)
        price = product.currency_id._convert(
            product.lst_price, self.currency_id, self.company_id, fields.Date.today()
        )
        # sudo: taxes are no secret
        taxes = product.sudo().taxes_id._filter_taxes_by_company(self.company_id)
        total = taxes.compute_all(price, self.currency_id, quantity, product=product)
        return self.currency_id.round(total['total_included'])

    def _note_worth(self, worth, cost):
        """Note what one remedy is worth, where nobody has said so, and what it costs us."""
        # sudo: remedies are written by their methods only
        self.sudo().write({'amount': self.amount or worth, 'cost': cost})
