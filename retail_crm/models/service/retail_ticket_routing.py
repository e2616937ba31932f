from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import html2plaintext


class RetailTicketRouting(models.Model):
    """Who should take a ticket: team by policy, adviser as suggestion, channels of team members (S-SRV-23, S-ROL-10).

    Only suggestions: nobody is assigned here.
    """

    _inherit = 'retail.ticket'

    suggested_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Suggested Owner',
        compute='_compute_suggested_user_id',
        help="The customer's adviser, unless the complaint is about him.",
    )
    is_for_me = fields.Boolean(
        string='For Me',
        compute='_compute_is_for_me',
        search='_search_is_for_me',
        help='Of a team of mine (or of none), on a channel and of a type that I handle.',
    )

    @api.depends('partner_id', 'blocked_user_id')
    def _compute_suggested_user_id(self):
        # sudo: who looks after the customer is no secret for who handles his request
        for ticket in self:
            ticket_sudo = ticket.sudo()
            adviser = ticket_sudo.partner_id.commercial_partner_id.retail_adviser_id
            fits = (
                adviser.active
                and adviser != ticket_sudo.blocked_user_id
                and ticket.company_id in adviser.company_ids
            )
            ticket.suggested_user_id = adviser if fits else False

    def action_assign_suggested(self):
        """Give tickets to the advisers of their customers."""
        self.check_access('write')
        for user, tickets in self.grouped('suggested_user_id').items():
            if user:
                tickets.write({'user_id': user.id})

    def _compute_is_for_me(self):
        mine = self.filtered_domain(self._for_me_domain())
        for ticket in self:
            ticket.is_for_me = ticket in mine

    @api.model
    def _search_is_for_me(self, operator, value):
        if operator != 'in':
            return NotImplemented
        domain = self._for_me_domain()
        return domain if True in value else ~domain

    @api.model
    def _for_me_domain(self):
        """Return the domain of the tickets that the user may take: his teams, his channels, his types.

        Tickets without a team are everybody's; a leader or deputy takes everything of his team.
        """
        # sudo: the user's own memberships
        env = self.env
        members_sudo = env['retail.ticket.team.member'].sudo().search([('user_id', '=', env.uid)])
        led_sudo = (
            env['retail.ticket.team']
            .sudo()
            .search(['|', ('user_id', '=', env.uid), ('deputy_id', '=', env.uid)])
        )
        domains = [Domain('team_id', '=', False), Domain('team_id', 'in', led_sudo.ids)]
        for member in members_sudo:
            domain = Domain('team_id', '=', member.team_id.id)
            if member.channel_ids:
                domain &= Domain('channel_id', 'in', member.channel_ids.ids)
            if member.type_ids:
                domain &= Domain('type_id', 'in', member.type_ids.ids)
            domains.append(domain)
        return Domain.OR(domains)

    # === TEAM BY POLICY ===#

    def _fill_teams(self, vals_list):
        """Requests of customers for whom a policy names a service team go to that team; complaints go by their class."""
        if self.env['retail.policy']._names_teams():
            self._fill_teams_by_policy(vals_list)
        return super()._fill_teams(vals_list)

    def _fill_teams_by_policy(self, vals_list):
        """Ask the policies once per company for the customers of a batch."""
        Type, Company = self.env['retail.ticket.type'], self.env['res.company']
        wanted = {}
        for vals in vals_list:
            kind = Type.browse(vals['type_id'])
            if vals.get('partner_id') and not vals.get('team_id') and not kind.is_complaint:
                if kind.team_kind in ('desk', 'hotline') and not kind.is_internal:
                    company_id = vals.get('company_id') or self.env.company.id
                    wanted.setdefault(company_id, []).append(vals)
        for company_id, of_company in wanted.items():
            partners = self.env['res.partner'].browse({vals['partner_id'] for vals in of_company})
            answers = self.env['retail.policy']._for_customers(
                partners, Company.browse(company_id), ['service_team_id']
            )
            for vals in of_company:
                # sudo: the id only
                team_sudo = answers[vals['partner_id']]['service_team_id'].sudo()
                company = Company.browse(company_id)
                if team_sudo and team_sudo.company_id in company.parent_ids:
                    vals['team_id'] = team_sudo.id
                    vals.setdefault('company_id', company_id)

    # === FROM A CHAT ===#

    @api.model
    def _from_chat(self, transcript, partner=None, subject=None, **values):
        """Return the ticket of a message left in a chat, or of the transcript of one (S-CHN-06).

        For add-ons that bring a chat: who talked to us becomes the customer, what was said the description.

        :param transcript: HTML (``Markup``) or plain text of the conversation
        :param partner: the customer, when he is known
        :param str subject: what it is about; default: the first words
        :param values: further values of the ticket, for example ``partner_name``, ``partner_email``, ``team_id``
        """
        channel = self.env.ref('retail_crm.retail_channel_chat', raise_if_not_found=False)
        return self.create(
            {
                'subject': subject or self._first_words(transcript) or self.env._('Chat'),
                'description': transcript,
                'partner_id': partner.id if partner else False,
                'channel_id': (channel or self._default_channel_id()).id,
                **values,
            }
        )

    @api.model
    def _first_words(self, text):
        """Return the beginning of a text as a subject."""
        lines = [line.strip() for line in html2plaintext(text or '').splitlines()]
        return next((line for line in lines if line), '')[:80]
