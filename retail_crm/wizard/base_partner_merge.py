from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..models.customer.res_partner_quality import IMPORTING

#: Entered texts of which none may be lost: what the others say is added.
_JOINED_FIELDS = {
    'retail_special_need': '; ',
    'retail_remark': '; ',
    'retail_family': '\n',
    'retail_network': '\n',
}
#: A birthday is taken as a whole, not month from one and day from another.
_BIRTH_FIELDS = (
    'retail_birth_month',
    'retail_birth_day',
    'retail_birth_year',
    'retail_birth_lunar',
)


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        """Refuse what would mix companies or revive the anonymised, merge, and close groups of duplicates.

        :raise UserError: before anything changes, when the contacts belong to different companies or one of them was
            anonymised
        """
        partners = self.env['res.partner'].browse(partner_ids).exists()
        self._retail_check_companies(partners)
        self._retail_check_anonymised(partners)
        result = super()._merge(partner_ids, dst_partner, extra_checks)
        self.env['retail.duplicate']._note_merged(partners.exists())
        return result

    @api.model
    def _retail_check_companies(self, partners):
        """Refuse to merge contacts that are bound to different companies.

        Documents of one company would belong to a contact of the other, which its staff may not see.
        """
        # sudo: names companies of contacts that the user is about to merge
        companies = partners.sudo().company_id.root_id
        if len(companies) > 1:
            raise UserError(
                self.env._(
                    'These contacts belong to different companies (%(companies)s) and cannot be merged. '
                    'Nothing was changed.',
                    companies=', '.join(companies.mapped('name')),
                )
            )

    @api.model
    def _retail_check_anonymised(self, partners):
        """Refuse to merge anonymised customers: nobody knows any more who they were, so nobody can be the same.

        Their purchases would tell who it was, or the living one would look anonymised.
        """
        # sudo: names contacts that the user is about to merge
        anonymised = partners.sudo().filtered('retail_anonymised_on')
        if anonymised:
            raise UserError(
                self.env._(
                    'Anonymised customers cannot be merged: %(names)s. Nothing was changed.',
                    names=', '.join(anonymised.mapped('name')),
                )
            )

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Merge our rows before core moves foreign keys: it would abort, or delete them, on our unique keys."""
        for model in self._retail_unique_models():
            self.env[model]._merge_partners(src_partners, dst_partner)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        self._retail_drop_equal_dates(dst_partner)
        # Documents now name the destination: its purchases are derived again from them.
        # Quietly: nobody bought anything.
        moments = self.env['retail.moment'].with_context(retail_crm_quiet=True)
        moments._emit('partner_changed', dst_partner)
        return result

    @api.model
    def _retail_unique_models(self):
        """Hook: return the models of ours with a unique key on a customer; each has ``_merge_partners(src, dst)``."""
        return ['retail.profile', 'retail.consent', 'retail.segment.member']

    @api.model
    def _retail_drop_equal_dates(self, partner):
        """Keep one of the named dates that the merged contacts both had: nobody is greeted twice."""
        self.env['retail.occasion.date'].flush_model()
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM retail_occasion_date AS twin USING retail_occasion_date AS kept
                 WHERE twin.partner_id = %s AND kept.partner_id = twin.partner_id AND kept.id < twin.id
                   AND (kept.kind, kept.month, kept.day, COALESCE(kept.year, 0), COALESCE(kept.is_lunar, false),
                        COALESCE(kept.name, ''))
                     = (twin.kind, twin.month, twin.day, COALESCE(twin.year, 0), COALESCE(twin.is_lunar, false),
                        COALESCE(twin.name, ''))
                """,
                partner.id,
            )
        )
        self.env['retail.occasion.date'].invalidate_model()

    # === ENTERED DATA ===#

    @api.model
    def _update_values(self, src_partners, dst_partner):
        """Keep what was entered about any of them, whatever the user may see of it.

        Core takes each value by itself, and only of the fields that the user may read. So all of them get the merged
        values first, and whatever core picks is the same.
        """
        # sudo: who may merge contacts merges all of them, also what he may not read
        partners = (dst_partner | src_partners).sudo().with_context(**{IMPORTING: True})
        is_shared = not all(partner.company_id for partner in partners)
        is_customer = any(partner.retail_customer for partner in partners)
        partners.with_context(tracking_disable=True).write(self._retail_merged_values(partners))
        result = super()._update_values(src_partners, dst_partner)
        destination = partners[0]
        if is_shared and destination.company_id:
            # it has documents of other companies, perhaps
            destination.company_id = False
        if is_customer and destination.partner_share and not destination.retail_customer:
            destination.retail_customer = True
        return result

    @api.model
    def _retail_merged_values(self, partners):
        """Return the values of our entered fields for the first of these contacts, completed from the others."""
        values = {}
        for name, field in partners._fields.items():
            if (
                name.startswith('retail_')
                and field.store
                and not field.compute
                and field.type not in ('one2many', 'many2many')
            ):
                given = [partner[name] for partner in partners if partner[name]]
                if name in _JOINED_FIELDS:
                    values[name] = _JOINED_FIELDS[name].join(dict.fromkeys(given)) or False
                else:
                    value = given[0] if given else False
                    values[name] = value.id if isinstance(value, models.BaseModel) else value
        with_day = partners.filtered('retail_birth_month')
        best = (with_day.filtered('retail_birth_year') if self._is_one_day(with_day) else with_day)[
            :1
        ] or with_day[:1]
        values.update({name: best[name] for name in _BIRTH_FIELDS})
        # whoever looked last looked at the entries of one of them; a pause was meant for the one who remains
        values['retail_checked_on'] = max(
            filter(None, partners.mapped('retail_checked_on')), default=False
        )
        values['retail_snoozed_until'] = partners[0].retail_snoozed_until
        # nobody is referred by himself, which both being one would make him
        family = partners.commercial_partner_id | partners
        referrers = partners.retail_referrer_id.filtered(
            lambda one: one.commercial_partner_id not in family
        )
        values['retail_referrer_id'] = referrers[:1].id
        return values

    @api.model
    def _is_one_day(self, partners):
        """Return whether the birthdays of these contacts are on one day, so that one may tell the year of the other."""
        days = {
            tuple(partner._yearly()[:2]) + (partner.retail_birth_lunar,) for partner in partners
        }
        return len(days) == 1
