import re
from collections import OrderedDict

from odoo import api, models
from odoo.tools.mail import _normalize_email, email_split

#: Switches the normalisation of new and changed contact data off when it is '0'.
PARAMETER = 'retail_crm.normalise'
#: What is normalised when it is written.
NORMAL_FIELDS = ('name', 'email', 'phone')
#: International numbers of the last time and what they are for a machine: core asks for that next.
_REMEMBERED = 20_000
_e164 = OrderedDict()
#: A single address and nothing else, as nearly all of them are.
_SINGLE_ADDRESS = re.compile(r'[\w.+-]+@[\w.-]+', re.ASCII)
#: What may stand beside an address in a field; whatever else does belongs to the address.
_BESIDE_ADDRESS = r'\s<>,;:"()\[\]'
#: A telephone number and nothing else: digits, what separates them (of full width, too), and perhaps an extension.
#: The parser would drop any words beside the number and read letters as digits.
_PLAIN_PHONE = re.compile(
    r'[+＋]?[\d\s()（）./\-‐-―－]+(?:(?:ext\.?|extension|x|#)\s*\d+)?', re.IGNORECASE
)


def normal_name(name):
    """Return a name without white space around it, and with single spaces in it, whatever spaces they were."""
    return ' '.join(name.split())


def normal_email(email):
    """Return an e-mail field trimmed and with its addresses in lower case; what has no address stays as it is.

    Names beside the address and several addresses in the field stay what they are.
    """
    text = email.strip()
    if _SINGLE_ADDRESS.fullmatch(text):
        return text.lower()
    addresses = [address for address in email_split(text) if '@' in address]
    if not addresses:
        return email
    # whole addresses only: one may be the end of another
    found = '|'.join(map(re.escape, sorted(addresses, key=len, reverse=True)))
    return re.sub(
        f'(?<![^{_BESIDE_ADDRESS}])(?:{found})(?![^{_BESIDE_ADDRESS}])',
        lambda match: _normalize_email(match[0]),
        text,
    )


def is_plain_phone(phone):
    """Return whether a text is a telephone number and nothing else, so that no word is lost by formatting it."""
    return bool(_PLAIN_PHONE.fullmatch(phone.strip()))


class ResPartnerNormal(models.Model):
    """Contact data in one form, so that it can be searched for and compared: names, e-mail addresses, telephone numbers.

    Of all contacts, whoever writes them, and only of what is written: nothing that is there is touched. Users log in
    by their login, which is another field. What cannot be understood stays as it was typed and is reported by the
    data quality instead.
    """

    _inherit = 'res.partner'

    @api.model_create_multi
    def create(self, vals_list):
        """Normalise what is written, with one look-up of countries for all of them."""
        if self._retail_normalises():
            country_of = self._normal_countries(vals_list)
            vals_list = [self._normal_values(vals, country_of(vals)) for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        """Normalise what is written; a telephone number by the country of these contacts, where they have one only."""
        if any(vals.get(name) for name in NORMAL_FIELDS) and self._retail_normalises():
            country = self.env['res.country']
            if vals.get('phone'):
                country = self._normal_country(vals)
            vals = self._normal_values(vals, country)
        return super().write(vals)

    @api.model
    def _retail_normalises(self):
        """Return whether contact data is normalised (Settings > Retail CRM)."""
        # sudo: a switch that everybody's entries depend on
        return self.env['ir.config_parameter'].sudo().get_param(PARAMETER, '1') != '0'

    def _normal_country(self, vals):
        """Return the country in which a number of these contacts is to be read; none when they are of several."""
        countries = self.env['res.country'].browse(vals.get('country_id') or ())
        if not countries:
            # sudo: a country is no secret to those who write the telephone number
            countries = self.sudo().country_id or self.sudo().parent_id.country_id
        if not countries:
            companies = self.env['res.company'].sudo().browse(vals.get('company_id') or ())
            countries = (companies or self.sudo().company_id or self.env.company).country_id
        return countries if len(countries) == 1 else countries.browse()

    @api.model
    def _normal_countries(self, vals_list):
        """Return the function that tells the country of the values of a new contact."""
        Partner, Company = self.env['res.partner'].sudo(), self.env['res.company'].sudo()
        # sudo: countries are no secret; browsed together, so that they are read together
        parents = Partner.browse({vals['parent_id'] for vals in vals_list if vals.get('parent_id')})
        companies = Company.browse(
            {vals['company_id'] for vals in vals_list if vals.get('company_id')}
        )
        parents, companies = parents.grouped('id'), companies.grouped('id')
        Country = self.env['res.country']
        usual = self.env.company.country_id

        def country_of(vals):
            if not vals.get('phone'):
                return Country
            if vals.get('country_id'):
                return Country.browse(vals['country_id'])
            parent = parents.get(vals.get('parent_id'), Partner)
            company = companies.get(vals.get('company_id'), Company)
            return parent.country_id or company.country_id or usual

        return country_of

    @api.model
    def _normal_values(self, vals, country):
        """Return the values with what is given of name, e-mail and telephone number in normal form."""
        changes = {}
        for name, normalise in (('name', normal_name), ('email', normal_email)):
            if isinstance(vals.get(name), str) and vals[name]:
                changes[name] = normalise(vals[name]) or vals[name]
        if isinstance(vals.get('phone'), str) and vals['phone'].strip():
            phone = vals['phone'].strip()
            number = is_plain_phone(phone) and self._phone_format_number(
                phone, country, force_format='INTERNATIONAL'
            )
            changes['phone'] = number or phone
        return {**vals, **changes} if changes else vals

    @api.onchange('phone', 'country_id', 'company_id')
    def _onchange_phone_validation(self):
        """Leave words beside the number in the form, too, where core formats it as it is typed."""
        if self.phone and not is_plain_phone(self.phone):
            return None
        return super()._onchange_phone_validation()

    def _phone_format_number(self, number, country, force_format='E164', raise_exception=False):
        """Answer from memory what follows from a number that was just normalised: parsing it takes long."""
        if force_format == 'E164' and number in _e164:
            return _e164[number]
        result = super()._phone_format_number(number, country, force_format, raise_exception)
        if force_format == 'INTERNATIONAL' and result:
            # its digits are the number for a machine, unless an extension follows
            digits = result[1:].replace(' ', '').replace('-', '')
            if result.startswith('+') and digits.isdigit() and digits.isascii():
                _e164[result] = f'+{digits}'
                if len(_e164) > _REMEMBERED:
                    _e164.popitem(last=False)
        return result
