import re

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Separators that are typed in numbers and mean nothing.
_SEPARATORS = re.compile(r'[\s\-./()]+')
_PHONE = re.compile(r'\+?\d{7,15}')
#: A shorter text is never looked up as a number of a card.
_SHORTEST_NUMBER = 6


class ResPartnerCounter(models.Model):
    """Whoever is asked for a customer (a list, an order) finds him by card or telephone: type or scan the number."""

    _inherit = 'res.partner'

    @api.model
    def _search_display_name(self, operator, value):
        """Find the member whose card was scanned, and nobody else; else also by the whole telephone number."""
        domain = super()._search_display_name(operator, value)
        text = _text_of(operator, value)
        # who may not see member numbers learns nothing by searching for them
        if not text or not self._has_field_access(self._fields['retail_member_number'], 'read'):
            return domain
        number = _SEPARATORS.sub('', text)
        if len(number) >= _SHORTEST_NUMBER and any(map(str.isdigit, number)):
            if partner_ids := self._partner_ids_of_card(number):
                return Domain('id', 'in', partner_ids)
        if _PHONE.fullmatch(number):
            # two indexed look-ups: as it was typed in this country, and as it is
            numbers = {self.env.company._phone_format(number=number), number} - {False, None}
            domain = Domain(domain) | Domain('phone_sanitized', 'in', sorted(numbers))
        return domain

    @api.model
    def _partner_ids_of_card(self, number):
        """Return the customer with a member number in the current company, also of a card from before a merge."""
        # the flush is what makes the query see cards of this transaction
        self.env['retail.membership'].flush_model(['number', 'former_numbers', 'partner_id'])
        rows = self.env.execute_query(self._sql_card(number))
        return [partner_id for (partner_id,) in rows]

    @api.model
    def _sql_card(self, number):
        """Return the query for the customer of a card: by index, whatever the number of members."""
        return SQL(
            """
            SELECT partner_id FROM retail_membership WHERE number = ANY(%(numbers)s) AND company_id = %(company)s
            UNION
            SELECT partner_id FROM retail_membership
             WHERE company_id = %(company)s AND former_numbers IS NOT NULL
               AND string_to_array(former_numbers, ' ') && %(numbers)s
            """,
            # scanners send an EAN-13 that begins with 0 as the twelve digits of a UPC
            numbers=[number, f'0{number}'] if len(number) == 12 else [number],
            company=self.env.company.root_id.id,
        )


def _text_of(operator, value):
    """Return the one text that is searched for, or nothing."""
    if operator == 'in' and not isinstance(value, str):
        values = list(value)
        value = values[0] if len(values) == 1 else None
    if operator in ('ilike', '=', '=ilike', 'in', 'like') and isinstance(value, str):
        return value.strip()
    return None
