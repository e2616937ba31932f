from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import email_normalize, single_email_re

from ..models.customer.res_partner_consent import RECORD_GROUPS
from ..models.customer.retail_yearly_mixin import MONTHS

#: Customers named in the warning of duplicates, at most.
MAX_DUPLICATES = 5
#: Nobody who registers was born before.
FIRST_BIRTH_YEAR = 1900


class RetailRegistration(models.TransientModel):
    """The form with which a clerk registers a customer at the counter, in seconds.

    It makes one contact, whatever the number of clicks, with a contact of the kind "registration" and the consents
    that were ticked. What is wrong is told before anything is made: the form stays as it was filled in.
    """

    _name = 'retail.registration'
    _description = 'Register Customer'

    name = fields.Char(string='Customer Name', required=True)
    phone = fields.Char(help='With the country code, or as dialled in the country of the company.')
    email = fields.Char(string='E-mail', help='Stored in small letters.')
    salutation = fields.Char(
        string='Form of Address',
        help='How the customer is addressed, for example "Ms Chen" or "Dr Li".',
    )
    birth_day = fields.Char(string='Birthday: Day', size=2, help='Day of the month.')
    birth_month = fields.Selection(
        selection=MONTHS, string='Birthday: Month', help='Month of the birthday.'
    )
    birth_year = fields.Char(
        string='Birthday: Year', size=4, help='May stay empty: the customer need not tell.'
    )
    birth_lunar = fields.Boolean(
        string='Lunar Birthday', help='Day and month are of the lunar calendar.'
    )
    preference_ids = fields.Many2many(
        comodel_name='retail.preference',
        string='Preferences',
        help='What the customer likes or needs.',
    )
    preferred_channel_id = fields.Many2one(
        comodel_name='retail.channel',
        domain=[('transport', '!=', 'none')],
        help='How the customer wants to be reached.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        domain=[('retail_is_store', '=', True)],
        default=lambda self: self._default_store_id(),
        help='Store in which the customer registers.',
    )
    referrer_id = fields.Many2one(
        comodel_name='res.partner',
        string='Referred By',
        help='The customer who recommended us.',
    )
    source_id = fields.Many2one(
        comodel_name='utm.source',
        default=lambda self: self.env.ref('retail_crm.utm_source_shop', raise_if_not_found=False),
        help='Where the customer came from.',
    )
    consent_channel_ids = fields.Many2many(
        comodel_name='retail.channel',
        relation='retail_registration_consent_channel_rel',
        string='Channels of Consents',
        compute='_compute_consent_channel_ids',
        help='Channels on which consent is asked.',
    )
    service_channel_ids = fields.Many2many(
        comodel_name='retail.channel',
        relation='retail_registration_service_channel_rel',
        string='Service',
        domain="[('id', 'in', consent_channel_ids)]",
        help='Channels on which the customer agrees to be contacted about what was bought.',
    )
    marketing_channel_ids = fields.Many2many(
        comodel_name='retail.channel',
        relation='retail_registration_marketing_channel_rel',
        string='Marketing',
        domain="[('id', 'in', consent_channel_ids)]",
        help='Channels on which the customer agrees to receive offers.',
    )
    profiling = fields.Boolean(
        help='The customer agrees that purchases are used to choose fitting offers.'
    )
    text = fields.Html(
        string='Texts',
        compute='_compute_text',
        help='What the customer should read, or hear from you, before agreeing.',
    )
    duplicate_text = fields.Html(
        string='Possible Duplicates',
        compute='_compute_duplicate_text',
        sanitize=False,  # made below of escaped parts; the sanitizer would drop the new tab
        help='Customers with this phone number, this e-mail address, or this name and birthday.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        readonly=True,
        ondelete='set null',
        help='The contact that was made.',
    )

    @api.model
    def _default_store_id(self):
        team = self.env.user.sale_team_id
        return team if team.retail_is_store else False

    # === COMPUTE ===#

    def _compute_consent_channel_ids(self):
        self.consent_channel_ids = self.env['retail.consent']._consent_channels().sudo(False)

    def _compute_text(self):
        self.text = self.env['retail.consent.text']._html_of(self.env.company)

    @api.depends('name', 'phone', 'email', 'birth_month', 'birth_day')
    def _compute_duplicate_text(self):
        for registration in self:
            reasons = [
                Markup('<li><a href="/odoo/res.partner/%s" target="_blank">%s</a> (%s)</li>')
                % (partner.id, partner.display_name, reason)
                for partner, reason in registration._duplicates().items()
            ]
            registration.duplicate_text = reasons and Markup('<ul class="mb-0">%s</ul>') % (
                Markup('').join(reasons)
            )

    def _duplicates(self):
        """Return ``{customer: why it may be the same}``, the surest first; by indexed searches as the clerk may see."""
        self.ensure_one()
        found = {}
        criteria = []
        if phone := self._phone_of('E164'):
            criteria.append(
                (Domain('phone_sanitized', '=', phone), self.env._('same phone number'))
            )
        if email := self._email():
            criteria.append((Domain('email_normalized', '=', email), self.env._('same e-mail')))
        day = self._number(self.birth_day)
        if self._clean_name() and self.birth_month and day:
            born = Domain('retail_birth_month', '=', self.birth_month)
            born &= Domain('retail_birth_day', '=', day)
            names = Domain('name', 'in', [self._clean_name(), self._clean_name().title()])
            criteria.append((names & born, self.env._('same name and birthday')))
        for domain, reason in criteria:
            for partner in self.env['res.partner'].search(domain, limit=MAX_DUPLICATES):
                found.setdefault(partner, reason)
        return found

    # === CHECK ===#

    @api.onchange('phone')
    def _onchange_phone(self):
        self.phone = self._phone_of('INTERNATIONAL') or self.phone

    def _phone_of(self, form):
        """Return the number in a form of ``_phone_format``, or False when it is none."""
        return self.phone and self.env['res.partner']._phone_format(
            number=self.phone.strip(), country=self.env.company.country_id, force_format=form
        )

    def _email(self):
        """Return the address in small letters, or False when it is none."""
        email = (self.email or '').strip()
        return bool(single_email_re.match(email)) and email_normalize(email)

    def _number(self, typed):
        """Return what was typed as a number, 0 for nothing, or False when it is none."""
        typed = (typed or '').strip()
        return int(typed or 0) if typed.isdecimal() or not typed else False

    def _clean_name(self):
        return ' '.join((self.name or '').split())

    def _check_input(self):
        """Refuse what cannot be right, before anything is made.

        :raise ValidationError: saying what to correct
        """
        if not self._clean_name():
            raise ValidationError(self.env._('Enter the name of the customer.'))
        if (self.phone or '').strip() and not self._phone_of('E164'):
            raise ValidationError(
                self.env._(
                    '"%(phone)s" is no phone number: write it with the country code, for example +41 44 123 45 67.',
                    phone=self.phone,
                )
            )
        if (self.email or '').strip() and not self._email():
            raise ValidationError(
                self.env._('"%(email)s" is no e-mail address.', email=self.email.strip())
            )
        day, year = self._number(self.birth_day), self._number(self.birth_year)
        if day is False or year is False:
            raise ValidationError(self.env._('Write day and year of the birthday as numbers.'))
        if year and year < FIRST_BIRTH_YEAR:
            raise ValidationError(
                self.env._(
                    'Write the year of birth with four digits, %(year)s or later.',
                    year=FIRST_BIRTH_YEAR,
                )
            )

    # === ACTIONS ===#

    def action_register(self):
        """Register the customer and open the form of the contact.

        :raise AccessError: for those who may not register customers
        :raise ValidationError: saying what to correct
        """
        partner = self._register_once()
        return {
            'type': 'ir.actions.act_window',
            'name': partner.display_name,
            'res_model': 'res.partner',
            'res_id': partner.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
        }

    def action_register_next(self):
        """Register the customer and open an empty form for the next one, in the same store.

        :raise AccessError: for those who may not register customers
        :raise ValidationError: saying what to correct
        """
        self._register_once()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_registration_action'
        )
        context = {'default_store_id': self.store_id.id, 'default_source_id': self.source_id.id}
        return {**action, 'context': context}

    def _register_once(self):
        """Return the contact of this form, made now or by the click before."""
        self.ensure_one()
        if not self.env.user.has_groups(RECORD_GROUPS):
            raise AccessError(self.env._('Only staff and sales people register customers.'))
        if not self.partner_id:
            self._check_input()
            # a second click at the same time waits here, is repeated by Odoo and finds the contact
            self.partner_id = self._create_customer()
        return self.partner_id

    def _create_customer(self):
        """Make the contact with its registration and consents."""
        # sudo: sales people may register customers here (checked above), also where they may not make contacts
        partner = self.env['res.partner'].sudo().create(self._prepare_partner_values())
        self.env['retail.touch'].create(self._prepare_touch_values(partner))
        self.env['retail.consent']._record(partner, self._decisions(), 'shop')
        return partner.sudo(False)

    def _prepare_partner_values(self):
        """Hook: return the values of the contact."""
        return {
            'name': self._clean_name(),
            'phone': self._phone_of('INTERNATIONAL'),
            'email': self._email(),
            'retail_salutation': (self.salutation or '').strip(),
            'retail_birth_day': self._number(self.birth_day),
            'retail_birth_month': self.birth_month,
            'retail_birth_year': self._number(self.birth_year),
            'retail_birth_lunar': self.birth_lunar,
            'retail_preference_ids': self.preference_ids.ids,
            'retail_preferred_channel_id': self.preferred_channel_id.id,
            'retail_referrer_id': self.referrer_id.id,
            'retail_source_id': self.source_id.id,
            'retail_checked_on': fields.Date.context_today(self),
        }

    def _prepare_touch_values(self, partner):
        """Hook: return the values of the contact of the kind "registration"."""
        counter = self.env.ref('retail_crm.retail_channel_counter', raise_if_not_found=False)
        return {
            'partner_id': partner.id,
            'kind': 'registration',
            'channel_id': counter and counter.id,
            'store_id': self.store_id.id,
        }

    def _decisions(self):
        """Return what was ticked, as ``retail.consent._record`` takes it; the rest was not asked."""
        decisions = {('service', channel): True for channel in self.service_channel_ids}
        decisions |= {('marketing', channel): True for channel in self.marketing_channel_ids}
        if self.profiling:
            decisions['profiling', self.env['retail.channel']] = True
        return decisions
