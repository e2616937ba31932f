from pytz import utc

from odoo import api, fields, models

from ._hours import opening, zone_of

#: Earlier follow-ups and last purchases that the form shows.
SHOWN = 5


class RetailFollowupCard(models.Model):
    """The customer beside the follow-up: his card, what he bought, what was said before, and what speaks against it."""

    _name = 'retail.followup'
    _inherit = ['retail.followup', 'retail.card.mixin']

    contact_warning = fields.Char(
        string='Before You Contact',
        compute='_compute_contact_warning',
        help='The customer refused this channel, prefers another one, or it is too early or too late there.',
    )
    phone = fields.Char(
        related='partner_id.phone', string='Phone', help='Number at which the customer is called.'
    )
    earlier_ids = fields.Many2many(
        comodel_name='retail.followup',
        string='Earlier Follow-ups',
        compute='_compute_earlier',
        help='The last follow-ups of the customer, with what came of them.',
    )
    bought_ids = fields.Many2many(
        comodel_name='retail.purchase',
        string='Last Purchases',
        compute='_compute_earlier',
        groups='retail_crm.group_user,retail_crm.group_marketing',
        help='The last orders of the customer, and what was returned of them.',
    )

    def _card_companies(self):
        """Follow-ups are of the main company: whoever works in one of its branches works for it."""
        # sudo: staff of a branch may not see its company
        return self.env.companies | self.env.companies.sudo().root_id

    @api.depends('partner_id', 'channel_id', 'state')
    @api.depends_context('company', 'lang')
    def _compute_contact_warning(self):
        """Ask for all customers of a transport at once."""
        self.contact_warning = False
        waiting = self.filtered(lambda one: one.state in ('planned', 'todo') and one.channel_id)
        for transport, followups in waiting.grouped(lambda one: one.channel_id.transport).items():
            warnings = followups.partner_id._contact_warnings(transport)
            by_id = {partner.id: text for partner, text in warnings.items()}
            for followup in followups:
                words = [by_id.get(followup.partner_id.id), followup._quiet_words()]
                followup.contact_warning = ' '.join(filter(None, words)) or False

    def _quiet_words(self):
        """Return in words that it is not the hour to contact one customer where he is, or nothing."""
        transport = self.channel_id.transport
        if transport == 'letter':
            return ''
        settings = self.company_id.sudo()  # sudo: staff of a branch
        kind = 'call' if transport == 'phone' else 'message'
        zone = zone_of(self.partner_id.sudo().tz, settings._retail_timezone())  # sudo: his hours
        first, last = settings[f'retail_care_{kind}_from'], settings[f'retail_care_{kind}_to']
        now = fields.Datetime.now()
        at = opening(now, zone, first, last)
        if at == now:
            return ''
        local = utc.localize(now).astimezone(zone)
        return self.env._(
            'It is %(time)s where the customer is: not before %(hour)s.',
            time=local.strftime('%H:%M'),
            hour=f'{int(first):02d}:{round(first % 1 * 60):02d}',
        )

    @api.depends('commercial_partner_id', 'company_id')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_earlier(self):
        """Ask once for follow-ups and once for purchases of all customers; as the user may see them."""
        customers = self.sudo().commercial_partner_id._origin.ids
        earlier = self.search(
            [
                ('commercial_partner_id', 'in', customers),
                ('contacted_at', '!=', False),
            ],
            order='contacted_at desc, id desc',
            limit=SHOWN + 1 if len(customers) < 2 else None,
        ).grouped('commercial_partner_id')
        may_read = self.env['retail.purchase'].has_access('read')
        bought = self.env['retail.purchase']
        if may_read:
            bought = bought.search(
                [('partner_id', 'in', customers), ('company_id', 'in', self.company_id.ids)],
                limit=SHOWN if len(customers) < 2 else None,
            )
        by_customer = bought.grouped(lambda row: (row.partner_id.id, row.company_id.id))
        for followup in self:
            customer = followup.sudo().commercial_partner_id._origin
            mine = earlier.get(customer.sudo(False), self.browse()) - followup._origin
            followup.earlier_ids = mine[:SHOWN]
            key = customer.id, followup.company_id.id
            followup.bought_ids = by_customer.get(key, bought.browse())[:SHOWN]

    def action_customer_timeline(self):
        """Open everything that happened with the customer."""
        self.ensure_one()
        self.check_access('read')
        return self.partner_id.action_retail_timeline()
