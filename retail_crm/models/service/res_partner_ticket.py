from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..customer.res_partner_file import FILE_GROUPS


class ResPartnerTicket(models.Model):
    """How many tickets and complaints the customer has, on card, form and file; read with the summary, in no query more.

    Who is complained about learns nothing of it here either: tickets name the person they are about, and are not
    counted for that person.
    """

    _inherit = 'res.partner'

    retail_ticket_text = fields.Char(
        string='Open Tickets',
        compute='_compute_retail_ticket_text',
        groups=FILE_GROUPS,
        help='Open tickets and complaints of the customer in the current company, and the last complaint.',
    )
    retail_ticket_count = fields.Integer(
        string='Tickets',
        compute='_compute_retail_ticket_text',
        groups=FILE_GROUPS,
        help='All tickets of the customer in the current company.',
    )
    retail_ticket_open_count = fields.Integer(
        string='Tickets Open',
        compute='_compute_retail_ticket_text',
        groups=FILE_GROUPS,
        help='Tickets of the customer that are neither solved nor filed nor cancelled.',
    )
    retail_complaint_open_count = fields.Integer(
        string='Complaints Open',
        compute='_compute_retail_ticket_text',
        groups=FILE_GROUPS,
        help='Complaints of the customer that are not solved yet.',
    )

    @api.depends('retail_summary')
    @api.depends_context('company', 'lang', 'uid')
    def _compute_retail_ticket_text(self):
        uid = self.env.uid
        # sudo: only reads the summary; the groups of these fields are the same
        for partner, known_sudo in zip(self, self.sudo(), strict=True):
            tickets = known_sudo._ticket_counts(uid)
            partner.retail_ticket_text = known_sudo._ticket_words(uid)
            partner.retail_ticket_count = tickets['all']
            partner.retail_ticket_open_count = tickets['open']
            partner.retail_complaint_open_count = tickets['complaints']

    def _ticket_counts(self, uid):
        """Return the numbers of one customer's tickets that a user may know of."""
        found = (self.retail_summary or {}).get('tickets') or {}
        hidden = [row for row in found.get('blocked') or () if row['user'] == uid]
        return {
            'all': (found.get('all') or 0) - len(hidden),
            'open': (found.get('open') or 0) - sum(row['open'] for row in hidden),
            'complaints': (found.get('complaints') or 0) - sum(row['open'] for row in hidden),
            'last': found.get('last_complaint'),
        }

    def _ticket_words(self, uid):
        """Return for example "2 open tickets, 1 complaint; last complaint on 3 May", or an empty text."""
        tickets = self._ticket_counts(uid)
        words = []
        if tickets['open']:
            words.append(self.env._('%(count)s open', count=tickets['open']))
        if tickets['complaints']:
            words.append(self.env._('%(count)s of them complaints', count=tickets['complaints']))
        if tickets['last']:
            day = format_date(self.env, fields.Date.to_date(tickets['last']))
            words.append(self.env._('last complaint on %(day)s', day=day))
        return ', '.join(words)

    # === SUMMARY ===#

    @api.model
    def _summary_parts(self):
        """Add the tickets of the customer and, for a company, of its contacts, in the current company and its branches."""
        return {
            **super()._summary_parts(),
            'tickets': SQL(
                """
                (SELECT jsonb_build_object(
                            'all', count(*),
                            'open', count(*) FILTER (WHERE %(open)s),
                            'complaints', count(*) FILTER (WHERE %(open)s AND ticket.is_complaint),
                            'last_complaint', max(ticket.received_at) FILTER (
                                WHERE ticket.is_complaint AND ticket.blocked_user_id IS NULL)::date,
                            'blocked', jsonb_agg(jsonb_build_object(
                                'user', ticket.blocked_user_id,
                                'open', CASE WHEN %(open)s THEN 1 ELSE 0 END))
                                FILTER (WHERE ticket.blocked_user_id IS NOT NULL))
                   FROM retail_ticket AS ticket
                   JOIN res_company AS branch ON branch.id = ticket.company_id
                  WHERE ticket.commercial_partner_id = customer.commercial_partner_id
                    AND split_part(branch.parent_path, '/', 1)::int = %(company)s
                    AND ticket.is_internal IS NOT TRUE AND ticket.merged_into_id IS NULL
                 HAVING count(*) > 0)
                """,
                open=SQL("ticket.category IN ('new', 'open', 'waiting', 'on_hold')"),
                company=self.env.company.sudo().root_id.id,  # sudo: staff of a branch
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
                    'category',
                    'is_complaint',
                    'is_internal',
                    'received_at',
                    'blocked_user_id',
                    'merged_into_id',
                ],
                'retail.ticket',
            ),
        ]

    # === ACTIONS ===#

    def action_retail_tickets(self):
        """Open the tickets of the customer; of a company, those of all its contacts."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_ticket_action')
        return {
            **action,
            'domain': [
                ('commercial_partner_id', '=', self.commercial_partner_id.id),
                ('is_internal', '=', False),
            ],
            'context': {'default_partner_id': self.id, 'search_default_open': 1},
        }

    def action_retail_new_ticket(self):
        """Open the form of a new ticket of this customer.

        :raise AccessError: for those who may not make tickets
        """
        self.ensure_one()
        self.check_access('read')
        return self._action_retail_new_ticket()

    def _action_retail_new_ticket(self):
        """Return the form of a new ticket; further defaults come with the context, also that somebody is on the phone."""
        self.env['retail.ticket'].check_access('create')
        defaults = {
            key: value for key, value in self.env.context.items() if key.startswith('default_')
        }
        phone = self.env.context.get('retail_crm_call') and self.env.ref(
            'retail_crm.retail_channel_phone', raise_if_not_found=False
        )
        if phone:
            defaults['default_channel_id'] = phone.id
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('New Ticket'),
            'res_model': 'retail.ticket',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'context': {**defaults, 'default_partner_id': self.id},
        }
