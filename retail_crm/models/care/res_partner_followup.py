from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL, format_date

from ..customer.res_partner_file import FILE_GROUPS


class ResPartnerFollowup(models.Model):
    """The follow-ups of a customer, in words on the card; read with the summary, in no query more (S-FUP-17)."""

    _inherit = 'res.partner'

    retail_followup_text = fields.Char(
        string='Care',
        compute='_compute_retail_followup_text',
        groups=FILE_GROUPS,
        help='The next and the last follow-up of the customer, in the current company.',
    )
    retail_followup_count = fields.Integer(
        string='Follow-ups',
        compute='_compute_retail_followup_text',
        groups=FILE_GROUPS,
        help='All follow-ups of the customer in the current company, without those of restricted complaints.',
    )
    retail_followup_open_count = fields.Integer(
        string='Follow-ups to Do',
        compute='_compute_retail_followup_text',
        groups=FILE_GROUPS,
        help='Follow-ups of the customer that wait for an employee.',
    )

    @api.depends('retail_summary')
    @api.depends_context('company', 'lang')
    def _compute_retail_followup_text(self):
        # sudo: only reads the summary; the groups of these fields are the same
        for partner, known_sudo in zip(self, self.sudo(), strict=True):
            found = (known_sudo.retail_summary or {}).get('followups') or {}
            partner.retail_followup_count = found.get('all') or 0
            partner.retail_followup_open_count = found.get('todo') or 0
            partner.retail_followup_text = known_sudo._followup_words(found)

    def _followup_words(self, found):
        """Return for example "next on 3 May, last on 1 March (reached)", or an empty text."""
        words = []
        if found.get('next'):
            day = format_date(self.env, fields.Date.to_date(found['next']))
            words.append(self.env._('next on %(day)s', day=day))
        if found.get('last'):
            last = found['last']
            results = dict(
                self.env['retail.followup']._fields['result']._description_selection(self.env)
            )
            day = format_date(self.env, fields.Date.to_date(last['date']))
            words.append(
                self.env._('last on %(day)s (%(result)s)', day=day, result=results[last['result']])
                if last['result'] in results
                else self.env._('last on %(day)s', day=day)
            )
        return ', '.join(words)

    # === SUMMARY ===#

    @api.model
    def _summary_parts(self):
        """Add the follow-ups of the customer and, for a company, of its contacts, in the current main company."""
        return {
            **super()._summary_parts(),
            'followups': SQL(
                """
                (SELECT jsonb_build_object(
                            'all', count(*),
                            'todo', count(*) FILTER (WHERE followup.state = 'todo'),
                            'next', min(followup.due_on) FILTER (
                                        WHERE followup.state = 'todo'
                                           OR followup.state = 'planned' AND followup.is_control IS NOT TRUE),
                            'last', (array_agg(jsonb_build_object(
                                        'date', followup.contacted_at::date, 'result', followup.result)
                                        ORDER BY followup.contacted_at DESC, followup.id DESC)
                                     FILTER (WHERE followup.contacted_at IS NOT NULL))[1])
                   FROM retail_followup AS followup
                  WHERE followup.commercial_partner_id = customer.commercial_partner_id
                    AND followup.company_id = %s
                    AND followup.is_restricted IS NOT TRUE AND followup.blocked_user_id IS NULL
                 HAVING count(*) > 0)
                """,
                self.env.company.sudo().root_id.id,  # sudo: staff of a branch
            ),
        }

    @api.model
    def _summary_flush(self):
        return [
            *super()._summary_flush(),
            (
                [
                    'partner_id',
                    'commercial_partner_id',
                    'company_id',
                    'state',
                    'due_on',
                    'contacted_at',
                    'result',
                    'is_restricted',
                    'blocked_user_id',
                ],
                'retail.followup',
            ),
        ]

    # === ACTIONS ===#

    def action_retail_followups(self):
        """Open the follow-ups of the customer; of a company, those of all its contacts."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_followup_action')
        return {
            **action,
            'domain': [('commercial_partner_id', '=', self.commercial_partner_id.id)],
            'context': {},
        }

    def action_retail_contact(self):
        """Contact customers: open the dialog with template, channel and what speaks against it (S-FUP-10).

        :raise AccessError: for those who may not contact customers; several at once are marketing's
        """
        self.check_access('read')
        self.env['retail.followup.contact']._check_contacts(self)
        return self._action_retail_contact()

    def _action_retail_contact(self, document=None):
        """Return the dialog in which these are contacted, about a document perhaps."""
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Contact'),
            'res_model': 'retail.followup.contact',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_partner_ids': [Command.set(self.ids)],
                **(
                    {'default_res_model': document._name, 'default_res_id': document.id}
                    if document
                    else {}
                ),
            },
        }
