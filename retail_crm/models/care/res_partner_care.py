from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..customer.res_partner_file import FILE_GROUPS


class ResPartnerCare(models.Model):
    """Pauses of contacts on the customer, read with the summary in no query more, and the question "why (not)?"."""

    _inherit = 'res.partner'

    retail_pause_text = fields.Char(
        string='Contacts Pause',
        compute='_compute_retail_pause_text',
        groups=FILE_GROUPS,
        help='Until when the customer is left in peace, of what, and why.',
    )

    @api.model
    def _summary_parts(self):
        """Add the pauses of the customer, or of whom a contact belongs to, that hold today."""
        company = self.env.company.sudo().root_id  # sudo: staff of a branch
        return {
            **super()._summary_parts(),
            'pauses': SQL(
                """
                (SELECT jsonb_agg(jsonb_build_object(
                            'until', pause.until, 'reason', pause.reason, 'scope', pause.scope,
                            'family', pause.family, 'rule', %(rule)s) ORDER BY pause.until DESC, pause.id)
                   FROM retail_care_pause AS pause
                   LEFT JOIN retail_care_rule AS rule ON rule.id = pause.rule_id
                  WHERE pause.partner_id IN (customer.id, customer.commercial_partner_id)
                    AND pause.company_id = %(company)s AND pause.until >= %(today)s)
                """,
                rule=self._summary_name('rule'),
                company=company.id,
                today=company._retail_today(),
            ),
        }

    @api.model
    def _summary_flush(self):
        return [*super()._summary_flush(), (None, 'retail.care.pause')]

    @api.depends('retail_summary')
    @api.depends_context('company', 'lang')
    def _compute_retail_pause_text(self):
        for partner in self:
            pauses = (partner.retail_summary or {}).get('pauses') or ()
            partner.retail_pause_text = '; '.join(map(partner._pause_words, pauses)) or False

    def _pause_words(self, pause):
        """Return a running pause in words: ``Birthday until 3 May (asked for it)``."""
        families = self.env['retail.care.pause']._fields['family']
        names = {
            'all': self.env._('all contacts by rule'),
            'family': dict(families._description_selection(self.env)).get(pause['family']),
            'rule': pause['rule'],
        }
        return self.env._(
            '%(what)s until %(day)s (%(reason)s)',
            what=names[pause['scope']],
            day=format_date(self.env, fields.Date.to_date(pause['until'])),
            reason=pause['reason'],
        )

    # === ACTIONS ===#

    def action_retail_pause(self):
        """Ask for how long and why the customer is left in peace.

        :raise AccessError: for those who may not make pauses
        """
        self.ensure_one()
        self.check_access('read')
        return self._action_retail_pause()

    def _action_retail_pause(self):
        """Return the dialog of a new pause; further defaults come with the context."""
        self.env['retail.care.pause'].check_access('create')
        defaults = {
            key: value for key, value in self.env.context.items() if key.startswith('default_')
        }
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Pause Contacts'),
            'res_model': 'retail.care.pause',
            'view_mode': 'form',
            'views': [(self.env.ref('retail_crm.retail_care_pause_view_form_dialog').id, 'form')],
            'target': 'new',
            'context': {**defaults, 'default_partner_id': self.id},
        }

    def action_retail_pauses(self):
        """Open the pauses of the customer, ended ones too."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_care_pause_action'
        )
        return {
            **action,
            'domain': list(Domain('partner_id', 'in', (self | self.commercial_partner_id).ids)),
            'context': {'default_partner_id': self.id},
        }

    def action_retail_why(self):
        """Show for every rule whether the customer was contacted, and why not.

        :raise AccessError: for those who may not see follow-ups
        """
        self.ensure_one()
        self.check_access('read')
        self.env['retail.care.why'].check_access('create')
        return self.env['retail.care.why']._open(self)

    def _retail_anonymise_rows(self):
        """What a customer said about contacts goes with him."""
        # sudo: the officer's rights were checked
        self.env['retail.care.pause'].sudo().search([('partner_id', 'in', self.ids)]).unlink()
        return super()._retail_anonymise_rows()
