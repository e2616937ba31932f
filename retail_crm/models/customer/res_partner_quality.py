from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError

from .res_partner import FIGURE_GROUPS, figure
from .retail_profile_quality import BAND, CHECK_DAYS

#: Entries from which the quality of a contact's data follows.
QUALITY_FIELDS = {
    'name',
    'phone',
    'email',
    'is_company',
    'city',
    'zip',
    'retail_birth_month',
    'retail_birth_day',
    'retail_preferred_channel_id',
    'retail_checked_on',
}
#: Entries whose change is announced: those, but for what ``res_partner.py`` announces, and those by which duplicates
#: are found.
ANNOUNCED_FIELDS = (QUALITY_FIELDS - {'is_company'}) | {
    'street',
    'retail_birth_year',
    'retail_birth_lunar',
    'active',
    'company_id',
}
#: Context key of those who announce changed contacts themselves, once, at the end.
IMPORTING = 'retail_crm_announced_later'


class ResPartnerQuality(models.Model):
    """The quality of a customer's data on the contact, and what keeps it up to date."""

    _inherit = 'res.partner'

    retail_checked_on = fields.Date(tracking=True)
    retail_data_quality = figure(
        fields.Integer,
        'data_quality',
        string='Data Quality',
        aggregator='avg',
        help='From 0 to 100: mean of accuracy, completeness and timeliness of what we know of the customer.',
    )
    retail_data_band = figure(
        fields.Selection,
        'data_band',
        selection=BAND,
        string='Data Quality Band',
        help='Poor below 50, good from 80.',
    )
    retail_data_quality_text = fields.Char(
        string='Data Quality, in Words',
        compute='_compute_retail_data_quality_text',
        groups=FIGURE_GROUPS,
        help='What is missing, wrong or out of date.',
    )

    # === COMPUTE ===#

    @api.depends(
        'name',
        'phone',
        'email',
        'city',
        'zip',
        'retail_checked_on',
        'retail_preferred_channel_id',
        'retail_birth_month',
        'retail_birth_day',
        'retail_summary',
    )
    @api.depends_context('company', 'lang')
    def _compute_retail_data_quality_text(self):
        """Say what is wrong with the data of customers; of the contacts of a company nothing is asked."""
        for partner in self.sudo():  # sudo: the field's groups decide who sees it
            remarks = []
            if partner.retail_customer and partner == partner.commercial_partner_id:
                summary = partner.retail_summary or {}
                # both from the summary, and the form reads the other entries: no query more
                remarks = partner._retail_quality_remarks(
                    bool(summary.get('channel')), bool(summary.get('preferences')), self.env.company
                )
            partner.retail_data_quality_text = '; '.join(remarks)

    def _retail_quality_remarks(self, has_channel, has_preference, company):
        """Return what is missing, wrong or out of date with this contact, most important first.

        :param company: whose rules and whose day count
        """
        self.ensure_one()
        return [
            *self._retail_ways_remarks(),
            *(
                text
                for missing, text in (
                    (not self.name, self.env._('no name')),
                    (not self.city and not self.zip, self.env._('no city or postcode')),
                    (
                        not self.is_company
                        and not (self.retail_birth_month and self.retail_birth_day),
                        self.env._('no birthday'),
                    ),
                    (not has_channel, self.env._('no preferred channel')),
                    (not has_preference, self.env._('no preference')),
                )
                if missing
            ),
            *self._retail_age_remarks(company),
        ]

    def _retail_ways_remarks(self):
        """Return what is wrong with telephone and e-mail."""
        if not self.phone and not self.email:
            return [self.env._('neither telephone nor e-mail')]
        remarks = []
        if self.phone and not self.phone_sanitized:
            remarks.append(self.env._('telephone not valid'))
        if self.email and not self.email_normalized:
            remarks.append(self.env._('e-mail not valid'))
        return remarks

    def _retail_age_remarks(self, company):
        """Return whether the data was not confirmed for too long."""
        if not self.retail_checked_on:
            return [self.env._('never confirmed')]
        rules = self.env['retail.classification']._applied_of(company.root_id.id)
        days = rules.get('check_days') or CHECK_DAYS
        if company._retail_today() - self.retail_checked_on <= timedelta(days=days):
            return []
        return [self.env._('not confirmed since %(year)s', year=self.retail_checked_on.year)]

    def _class_ranks(self):
        return {**super()._class_ranks(), 'retail_data_band': [key for key, _label in BAND]}

    # === CRUD ===#

    @api.model
    def _retail_quality_fields(self):
        """Return the stored fields that data quality is read from."""
        return [*QUALITY_FIELDS, 'phone_sanitized', 'email_normalized', 'retail_preference_ids']

    def write(self, vals):
        """Have scores and duplicates follow when one of their entries is written."""
        result = super().write(vals)
        if ANNOUNCED_FIELDS & set(vals) and not self.env.context.get(IMPORTING):
            self._announce_changed()
        return result

    @api.model
    def load(self, fields, data):
        """Announce imported contacts once, whatever their number."""
        result = super(ResPartnerQuality, self.with_context(**{IMPORTING: True})).load(fields, data)
        if result.get('ids'):
            self.browse(result['ids']).with_context(import_file=True)._announce_changed()
        return result

    # === ACTIONS ===#

    def action_retail_checked_today(self):
        """Note that these customers confirmed their data today. For staff.

        :raise AccessError: for anybody else
        """
        if not self.env.user.has_group('retail_crm.group_user'):
            raise AccessError(self.env._('Only Retail CRM staff can note that data was confirmed.'))
        self.check_access('write')
        self.retail_checked_on = self.env.company._retail_today()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._('Noted: %(count)s confirmed today.', count=len(self)),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }
