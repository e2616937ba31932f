from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

#: Customers, tickets and purchases that the form shows, each at most.
SHOWN = 8


class RetailTicketCall(models.TransientModel):
    """The form of the hotline: who calls, what is open, what was bought last; then file, ticket or new customer.

    A number that nobody has makes a potential purchaser: a contact and the call that was taken (S-CHN-09).
    """

    _name = 'retail.ticket.call'
    _description = 'Caller'
    _rec_name = 'phone'

    phone = fields.Char(string='Number of the Caller', help='As shown or dialled.')
    partner_ids = fields.Many2many(
        comodel_name='res.partner',
        string='Customers',
        compute='_compute_found',
        help='Customers with this number.',
    )
    ticket_ids = fields.Many2many(
        comodel_name='retail.ticket',
        string='Open Tickets',
        compute='_compute_found',
        help='Tickets of these customers that are not solved yet.',
    )
    purchase_ids = fields.Many2many(
        comodel_name='retail.purchase',
        string='Last Purchases',
        compute='_compute_found',
        help='What these customers bought last.',
    )
    is_unknown = fields.Boolean(
        compute='_compute_found', help='The number is one, and no customer has it.'
    )
    name = fields.Char(
        string='Name of the Caller', help='May stay empty: the number stands for it.'
    )
    note = fields.Char(string='What About', help='What the caller wants, in a few words.')
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        readonly=True,
        ondelete='set null',
        help='The contact that was made of an unknown caller.',
    )

    @api.depends('phone')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_found(self):
        Ticket, Purchase = self.env['retail.ticket'], self.env['retail.purchase']
        for call in self:
            partners = call._callers()
            customers = partners.sudo().commercial_partner_id.ids  # sudo: only ids, to search by
            of_customers = Domain('commercial_partner_id', 'in', customers)
            is_open = Domain('category', 'in', ('new', 'open', 'waiting', 'on_hold'))
            call.partner_ids = partners
            call.ticket_ids = Ticket.search(
                of_customers & is_open & Domain('is_internal', '=', False), limit=SHOWN
            )
            call.purchase_ids = Purchase.search(
                [
                    ('partner_id', 'in', customers),
                    ('company_id', '=', self.env.company.root_id.id),
                ],
                limit=SHOWN,
            )
            call.is_unknown = bool(call._number()) and not partners

    def _number(self, form='E164'):
        """Return the number in a form of ``_phone_format``, or False when it is none."""
        return self.phone and self.env['res.partner']._phone_format(
            number=self.phone.strip(), country=self.env.company.country_id, force_format=form
        )

    def _callers(self):
        """Return the customers with the number; by index, as the user may see them."""
        partners = self.env['res.partner']
        # also as typed: contacts whose number is none where they live are kept as they were written
        numbers = {self._number(), (self.phone or '').strip()} - {False, None, ''}
        if not numbers:
            return partners
        return partners.search([('phone_sanitized', 'in', sorted(numbers))], limit=SHOWN)

    # === ACTIONS ===#

    def action_new_ticket(self):
        """Open the form of a new ticket, of the customer with this number or of a new one.

        :raise UserError: without a number, or while several customers have it
        """
        self.ensure_one()
        self.env['retail.ticket'].check_access('create')
        partner = self.partner_id or self._caller()
        context = {
            'default_partner_phone': self.phone,
            'default_subject': self.note,
            'retail_crm_call': True,
        }
        return partner.with_context(**context)._action_retail_new_ticket()

    def _caller(self):
        """Return the one customer who calls, made now when nobody has the number."""
        partners = self._callers()
        if not partners and not self._number():
            raise UserError(
                self.env._('Write the number with the country code, or as dialled in this country.')
            )
        if len(partners) > 1:
            raise UserError(
                self.env._('Several customers have this number: choose the one who calls.')
            )
        if not partners:
            partners = self.partner_id = self._create_caller()
        return partners

    def _create_caller(self):
        """Make the contact and log the call, by which it becomes a potential purchaser."""
        # sudo: who takes calls registers callers, also where he may not make contacts (as quick registration does)
        partner = self.env['res.partner'].sudo().create(self._prepare_partner_values())
        self.env['retail.touch'].create(
            {'partner_id': partner.id, 'kind': 'call_in', 'note': self.note}
        )
        return partner.sudo(False)

    def _prepare_partner_values(self):
        """Hook: return the values of the contact of an unknown caller."""
        number = self._number('INTERNATIONAL')
        return {
            'name': ' '.join((self.name or '').split()) or number,
            'phone': number,
            'retail_checked_on': fields.Date.context_today(self),
        }
