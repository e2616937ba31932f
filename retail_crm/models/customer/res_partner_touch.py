from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from .res_partner_file import FILE_GROUPS

#: Channels that the Customer page names.
_NAMED_CHANNELS = 3


class ResPartnerTouch(models.Model):
    """Contacts with the customer on his form: logging one in a click, the time line, channels and habits in words."""

    _inherit = 'res.partner'

    retail_channels_used = fields.Char(
        string='Channels Used',
        compute='_compute_retail_habits',
        groups=FILE_GROUPS,
        help='Channels of purchases and contacts of the last 24 months with their number, and the one the customer prefers.',
    )
    retail_top_categories = fields.Char(
        string='Bought Most Often',
        compute='_compute_retail_habits',
        groups=FILE_GROUPS,
        help='The three product categories bought most often in the last 24 months, by number of order lines.',
    )
    retail_usual_guide = fields.Char(
        string='Usually Served By',
        compute='_compute_retail_habits',
        groups=FILE_GROUPS,
        help='Who served most purchases of the last 12 months; of several, who served the last one.',
    )

    @api.depends('retail_summary')
    @api.depends_context('company', 'lang')  # not taken over from the summary by the ORM
    def _compute_retail_habits(self):
        for partner in self:
            summary = partner.retail_summary
            partner.retail_top_categories = ', '.join(summary['top_categories'] or ())
            partner.retail_usual_guide = summary['usual_guide']
            partner.retail_channels_used = self._channels_in_words(
                summary['channels_used'] or (), summary['channel']
            )

    def _channels_in_words(self, used, preferred):
        """Return for example "Mostly Counter (12), WeChat (3); prefers SMS" (S-CHN-17)."""
        names = ', '.join(f'{name} ({count})' for name, count in used[:_NAMED_CHANNELS])
        if names and preferred:
            return self.env._(
                'Mostly %(channels)s; prefers %(preferred)s', channels=names, preferred=preferred
            )
        if names:
            return self.env._('Mostly %(channels)s', channels=names)
        return preferred and self.env._('Prefers %(preferred)s', preferred=preferred)

    def _file_words(self):
        words = super()._file_words()
        # by the summary: who shows the words alone need not ask for channels and shop guide
        if top := (self.retail_summary or {}).get('top_categories'):
            words.append(self.env._('buys most often: %(names)s', names=', '.join(top)))
        return words

    # === SUMMARY ===#

    @api.model
    def _summary_parts(self):
        """Add channels, categories and the shop guide, each read through the index of purchases or contacts."""
        Profile = self.env['retail.profile']
        mine = SQL('customer.commercial_partner_id'), SQL('%s::int', self.env.company.root_id.id)
        return {
            **super()._summary_parts(),
            'channels_used': self._sql_channels_used(*mine),
            'top_categories': SQL(
                '(SELECT jsonb_agg(top.name ORDER BY top.place) FROM (%s) AS top)',
                Profile._sql_top_categories(*mine),
            ),
            'usual_guide': SQL(
                """(SELECT contact.name FROM res_users AS account JOIN res_partner AS contact ON contact.id = account.partner_id
                     WHERE account.id = (%s))""",
                Profile._sql_usual('user_id', *mine),
            ),
        }

    @api.model
    def _summary_flush(self):
        return [
            *super()._summary_flush(),
            *self.env['retail.profile']._habit_sources(),
            (None, 'retail.touch'),
            (['partner_id'], 'res.users'),
        ]

    def _sql_channels_used(self, partner, company):
        """Return the sub-select of ``[[channel, number], ...]`` of the last 24 months, the most used first."""
        Profile = self.env['retail.profile']
        return SQL(
            """
            (SELECT jsonb_agg(jsonb_build_array(%(name)s, used.number) ORDER BY used.number DESC, channel.sequence, channel.id)
               FROM (SELECT event.channel_id, count(*) AS number
                       FROM (SELECT recent.channel_id FROM (%(recent)s) AS recent
                              UNION ALL
                             SELECT touch.channel_id
                               FROM res_partner AS contact
                               JOIN retail_touch AS touch ON touch.partner_id = contact.id
                               JOIN res_company AS company ON company.id = touch.company_id
                              WHERE contact.commercial_partner_id = %(partner)s
                                AND split_part(company.parent_path, '/', 1)::int = %(company)s
                                AND touch.date > %(day)s - interval '24 months') AS event
                      GROUP BY event.channel_id) AS used
               JOIN retail_channel AS channel ON channel.id = used.channel_id)
            """,
            name=self._summary_name('channel'),
            recent=Profile._sql_recent(partner, company, 24),
            partner=partner,
            company=company,
            day=Profile._sql_day(company),
        )

    # === ACTIONS ===#

    def action_retail_log_visit(self):
        """Open the small dialog in which a visit is logged; one click saves it."""
        return self._action_retail_log('visit')

    def action_retail_log_call(self):
        """Open the small dialog in which a call of the customer is logged; one click saves it."""
        return self._action_retail_log('call_in')

    def _action_retail_log(self, kind):
        """Return the dialog in which a contact with this customer is logged.

        :raise AccessError: for those who may not log contacts
        """
        self.ensure_one()
        self.check_access('read')
        self.env['retail.touch'].check_access('create')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Log a Contact'),
            'res_model': 'retail.touch',
            'view_mode': 'form',
            'views': [(self.env.ref('retail_crm.retail_touch_view_form_log').id, 'form')],
            'target': 'new',
            'context': {'default_partner_id': self.id, 'default_kind': kind},
        }

    def action_retail_timeline(self):
        """Open everything that happened with the customer, newest first.

        :raise AccessError: for those who may not see time lines
        """
        self.ensure_one()
        self.check_access('read')
        if not self.env['retail.timeline'].has_access('read'):
            raise AccessError(self.env._('Only Retail CRM staff and marketing may see time lines.'))
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_timeline_action')
        return {
            **action,
            'display_name': self.env._('Time Line of %(customer)s', customer=self.display_name),
            'domain': [('partner_id', '=', self.commercial_partner_id.id)],
            'context': {'retail_timeline_of_one': True},
        }
