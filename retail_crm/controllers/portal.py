from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import CustomerPortal

from ..models.customer.retail_yearly_mixin import MONTHS
from ..wizard.retail_registration import FIRST_BIRTH_YEAR

#: Longest form of address.
MAX_SALUTATION = 64


class RetailPortal(CustomerPortal):
    """Pages on which customers see and change what is theirs: profile, interests and consents.

    A customer reaches his own contact only, whatever the form says; what staff noted about him never appears.
    """

    def _prepare_portal_layout_values(self):
        """Tell the home page whether to invite to the profile: until the customer looked at it."""
        values = super()._prepare_portal_layout_values()
        is_on = self._retail_portal_is_on()
        # sudo: the user's own contact
        partner_sudo = request.env.user.partner_id.sudo()
        values['retail_portal'] = is_on
        values['retail_profile_hint'] = is_on and not partner_sudo.retail_checked_on
        return values

    def _retail_portal_is_on(self):
        return request.env.user.has_group('retail_crm.group_block_portal')

    # === ROUTES ===#

    @route('/my/profile', type='http', auth='user', website=True, methods=['GET', 'POST'])
    def retail_profile(self, **post):
        """Show the profile of the signed-in customer, or store what he changed."""
        if not self._retail_portal_is_on():
            return request.not_found()
        # sudo: the customer's own contact; only what this page offers is read and written
        partner_sudo = request.env.user.partner_id.sudo()
        errors, form = {}, self._retail_form_of(partner_sudo)
        if request.httprequest.method == 'POST':
            form, values, errors = self._retail_read_form(partner_sudo, request.httprequest.form)
            if not errors:
                errors = self._retail_store(partner_sudo, form, values)
            if not errors:
                return request.redirect('/my/profile?saved=1')
        return request.render(
            'retail_crm.portal_my_profile',
            self._retail_page_values(partner_sudo, form, errors, saved=post.get('saved')),
        )

    @route('/my/profile/withdraw', type='http', auth='user', website=True, methods=['POST'])
    def retail_withdraw(self, **_post):
        """Withdraw all consents of the signed-in customer at once: nothing is asked of what he agreed to."""
        if not self._retail_portal_is_on():
            return request.not_found()
        Consent = request.env['retail.consent']
        # sudo: the customer's own contact
        partner_sudo = request.env.user.partner_id.sudo()
        Consent._record(partner_sudo, dict.fromkeys(Consent._questions(), False), 'portal')
        return request.redirect('/my/profile?saved=withdrawn')

    # === READING ===#

    def _retail_form_of(self, partner_sudo):
        """Return what the form shows, as it would be typed in."""
        return {
            'salutation': partner_sudo.retail_salutation or '',
            'channel': str(partner_sudo.retail_preferred_channel_id.id or ''),
            'birth_day': str(partner_sudo.retail_birth_day or ''),
            'birth_month': partner_sudo.retail_birth_month or '',
            'birth_year': str(partner_sudo.retail_birth_year or ''),
            'birth_lunar': partner_sudo.retail_birth_lunar,
            'preferences': set(partner_sudo.retail_preference_ids.ids),
            'decisions': {
                self._retail_key(*asked): answer.choice
                for asked, answer in request.env['retail.consent']._answers(partner_sudo).items()
            },
        }

    def _retail_key(self, purpose, channel):
        """Return the name of a question in the form."""
        return f'consent-{purpose}-{channel.id or 0}'

    def _retail_preferences(self):
        """Return the preferences that customers choose from; special needs are noted by staff."""
        # sudo: names that every customer may choose from
        return request.env['retail.preference'].sudo().search([('kind', '!=', 'need')])

    def _retail_channels(self):
        # sudo: as before
        return request.env['retail.channel'].sudo().search([('transport', '!=', 'none')])

    def _retail_page_values(self, partner_sudo, form, errors, saved=None):
        """Return the values of the page: what is offered, what was typed, what is wrong."""
        answers = request.env['retail.consent']._answers(partner_sudo)
        return {
            **self._prepare_portal_layout_values(),
            'page_name': 'retail_profile',
            'partner': partner_sudo,
            'form': form,
            'errors': errors,
            'saved': saved,
            'months': partner_sudo._fields['retail_birth_month']._description_selection(
                request.env
            ),
            'channels': self._retail_channels(),
            'preferences': self._retail_preferences(),
            'purposes': self._retail_purposes(form, answers),
        }

    def _retail_purposes(self, form, answers):
        """Return what the customer is asked, by purpose, with his answers."""
        Text = request.env['retail.consent.text'].sudo()  # sudo: what customers are asked
        purposes = []
        for purpose, label in Text._fields['purpose']._description_selection(request.env):
            text = Text._current(purpose, request.env.company.sudo())
            questions = []
            for (of_purpose, channel), answer in answers.items():
                if of_purpose != purpose:
                    continue
                key = self._retail_key(purpose, channel)
                questions.append(
                    {
                        'key': key,
                        'label': channel.name or label,
                        'choice': form['decisions'].get(key),
                        'date': answer.row.date,
                        'is_outdated': answer.is_outdated,
                        'mark': answer.mark,
                    }
                )
            purposes.append({'label': label, 'text': text.text, 'questions': questions})
        return purposes

    # === STORING ===#

    def _retail_read_form(self, partner_sudo, data):
        """Return ``(what was typed, values of the contact, errors by field)``."""
        env = request.env
        names = ('salutation', 'channel', 'birth_day', 'birth_month', 'birth_year')
        form = {name: (data.get(name) or '').strip() for name in names}
        form['birth_lunar'] = bool(data.get('birth_lunar'))
        form['preferences'] = {
            row.id
            for row in self._retail_preferences()
            if str(row.id) in data.getlist('preferences')
        }
        errors = {}
        form['decisions'] = self._retail_read_decisions(partner_sudo, data, errors)
        birthday = self._retail_read_birthday(form, errors)
        if len(form['salutation']) > MAX_SALUTATION:
            errors['salutation'] = env._(
                'Keep the form of address below %(count)s letters.', count=MAX_SALUTATION
            )
        channel = self._retail_channels().filtered(lambda row: str(row.id) == form['channel'])
        if form['channel'] and not channel:
            errors['channel'] = env._('Choose one of the channels.')
        values = {
            **birthday,
            'retail_salutation': form['salutation'],
            'retail_preferred_channel_id': channel.id,
        }
        return form, values, errors

    def _retail_read_decisions(self, partner_sudo, data, errors):
        """Return the answers by question, or note that something else is in force or asked than the page showed.

        Such a question shows what is there now: nobody agrees to what he did not see.
        """
        decisions = {}
        for asked, answer in request.env['retail.consent']._answers(partner_sudo).items():
            key = self._retail_key(*asked)
            choice = {'yes': True, 'no': False}.get(data.get(key), answer.choice)
            if choice is not answer.choice and data.get(f'shown-{key}') != answer.mark:
                errors['consent'] = request.env._(
                    'In the meantime a decision or a text has changed. Please look at your answers again.'
                )
                choice = answer.choice
            decisions[key] = choice
        return decisions

    def _retail_read_birthday(self, form, errors):
        """Return the values of the birthday that was typed, or note what is wrong; the contact checks the rest."""
        numbers = {}
        for name in ('birth_day', 'birth_year'):
            typed = form[name]
            if typed and not (typed.isascii() and typed.isdecimal() and len(typed) <= 4):
                errors['birthday'] = request.env._('Write day and year of the birthday as numbers.')
                return {}
            numbers[name] = int(typed or 0)
        if numbers['birth_year'] and numbers['birth_year'] < FIRST_BIRTH_YEAR:
            errors['birthday'] = request.env._(
                'Write the year of birth with four digits, %(year)s or later.',
                year=FIRST_BIRTH_YEAR,
            )
        if form['birth_month'] and form['birth_month'] not in dict(MONTHS):
            errors['birthday'] = request.env._('There is no such month.')
        return {
            'retail_birth_day': numbers['birth_day'],
            'retail_birth_month': form['birth_month'] or False,
            'retail_birth_year': numbers['birth_year'],
            'retail_birth_lunar': form['birth_lunar'],
        }

    def _retail_store(self, partner_sudo, form, values):
        """Store what the customer entered, all or nothing, and return errors by field."""
        offered = self._retail_preferences()
        kept = partner_sudo.retail_preference_ids - offered  # special needs are noted by staff
        chosen = offered.browse(form['preferences'])
        if partner_sudo.retail_preference_ids != kept | chosen:
            values['retail_preference_ids'] = (kept | chosen).ids
        Consent = request.env['retail.consent']
        # what the page showed and the customer left as it was is no new decision
        decisions = {
            asked: form['decisions'][self._retail_key(*asked)]
            for asked, answer in Consent._answers(partner_sudo).items()
            if form['decisions'][self._retail_key(*asked)] is not answer.choice
        }
        try:
            with request.env.cr.savepoint():
                partner_sudo.write({**values, 'retail_checked_on': fields.Date.today()})
        except ValidationError as error:
            return {'birthday': str(error)}
        try:
            with request.env.cr.savepoint():
                Consent._record(partner_sudo, decisions, 'portal')
        except UserError as error:
            return {'consent': str(error)}
        self._retail_register(partner_sudo)
        return {}

    def _retail_register(self, partner_sudo):
        """Note the registration of a customer who fills in his profile for the first time."""
        env = request.env
        touches = env['retail.touch'].sudo()  # sudo: of the customer's own contact
        company = env.company.sudo().root_id
        known = [
            ('partner_id', '=', partner_sudo.id),
            ('kind', '=', 'registration'),
            ('company_id', 'child_of', company.id),
        ]
        if touches.search_count(known, limit=1):
            return
        channel = env.ref('retail_crm.retail_channel_web', raise_if_not_found=False)
        touches.create(
            {
                'partner_id': partner_sudo.id,
                'kind': 'registration',
                'channel_id': channel and channel.id,
                'user_id': False,
            }
        )
        source = env.ref('retail_crm.utm_source_web', raise_if_not_found=False)
        if source and not partner_sudo.retail_source_id:
            partner_sudo.retail_source_id = source
