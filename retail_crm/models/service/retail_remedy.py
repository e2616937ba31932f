from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL
from odoo.tools.misc import clean_context

BASES = [('goodwill', 'Goodwill'), ('legal', 'Legal right')]
STATES = [
    ('draft', 'Draft'),
    ('waiting', 'Waits for approval'),
    ('approved', 'Approved'),
    ('granted', 'Granted'),
    ('failed', 'Failed'),
    ('refused', 'Refused'),
    ('cancelled', 'Cancelled'),
    ('reversed', 'Reversed'),
]
#: What counts against limits: asked for, and neither refused nor taken back.
COUNTED = ('waiting', 'approved', 'failed', 'granted')
#: What may be carried out.
READY = ('approved', 'failed')


class RetailRemedy(models.Model):
    """What a customer gets because something went wrong: a document with reason, worth, cost and who allowed it.

    Written by its methods only: ``_request`` asks for it, ``_approve`` and ``_refuse`` decide what is above the
    authority of who asks, ``_grant`` carries it out once, ``_reverse`` takes it back. What granting does in the ERP is
    in ``_grant_<method>`` and ``_reverse_<method>``, in files of their own. Invariants: a granted remedy was requested
    within somebody's authority or approved by somebody else than who asked; it is granted once, whoever clicks twice.
    """

    _name = 'retail.remedy'
    _description = 'Remedy'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _check_company_auto = True
    _mail_post_access = 'read'

    name = fields.Char(
        string='Number', required=True, readonly=True, copy=False, default='/', index='trigram'
    )
    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        check_company=True,
        help='Ticket in which it is given.',
    )
    company_id = fields.Many2one(
        related='ticket_id.company_id', store=True, precompute=True, index=True
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Customer, or company of the contact, who gets it. Limits per customer count by it.',
    )
    kind_id = fields.Many2one(
        comodel_name='retail.remedy.kind',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        tracking=True,
        help='What is offered.',
    )
    method = fields.Selection(
        related='kind_id.method',
        string='Done By',
        store=True,
        precompute=True,
        help='What the system does when it is granted.',
    )
    basis = fields.Selection(
        selection=BASES,
        required=True,
        readonly=True,
        default='goodwill',
        tracking=True,
        help='A legal right of the customer has no limit, but needs the receipt and a verdict. Goodwill is ours to give.',
    )
    line_id = fields.Many2one(
        comodel_name='retail.ticket.line',
        string='Goods',
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Goods for which it is given.',
    )
    quantity = fields.Float(
        digits='Product Unit', readonly=True, help='For how many pieces of the goods.'
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        string='Article Given',
        readonly=True,
        check_company=True,
        index='btree_not_null',
        ondelete='restrict',
        help='What the customer gets: the article exchanged for, or the gift.',
    )
    amount = fields.Monetary(
        string='Worth',
        readonly=True,
        tracking=True,
        help='What it is worth to the customer, with tax. This counts against limits.',
    )
    points = fields.Float(readonly=True, tracking=True, help='Points that the customer gets.')
    cost = fields.Monetary(readonly=True, help='What it costs us.', groups='retail_crm.group_lead')
    valid_until = fields.Date(
        readonly=True, help='Last day on which the customer can use what he gets.'
    )
    store_id = fields.Many2one(
        related='ticket_id.store_id', store=True, precompute=True, index='btree_not_null'
    )
    cause_id = fields.Many2one(
        related='ticket_id.cause_id', store=True, precompute=True, index='btree_not_null'
    )
    description = fields.Text(
        readonly=True, help='What exactly, and why. The customer may read it.'
    )
    state = fields.Selection(
        selection=STATES, required=True, readonly=True, default='draft', index=True, tracking=True
    )
    requested_by = fields.Many2one(
        comodel_name='res.users', readonly=True, index='btree_not_null', help='Who asked for it.'
    )
    requested_at = fields.Datetime(string='Requested', readonly=True, help='When it was asked for.')
    approver_id = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        index='btree_not_null',
        tracking=True,
        help='Who is asked to approve it.',
    )
    approve_until = fields.Datetime(
        readonly=True,
        help='Until when it has to be decided; then somebody else is asked.',
    )
    approved_by = fields.Many2one(
        comodel_name='res.users', string='Decided By', readonly=True, help='Who decided.'
    )
    approved_at = fields.Datetime(string='Decided', readonly=True, help='When it was decided.')
    exceeded_text = fields.Char(
        string='Above the Authority',
        readonly=True,
        help='Which limits of the person who asked it exceeds.',
    )
    decision_note = fields.Text(
        string='Reason of the Decision',
        readonly=True,
        tracking=True,
        help='Why it was approved or refused.',
    )
    granted_by = fields.Many2one(
        comodel_name='res.users', readonly=True, index='btree_not_null', help='Who carried it out.'
    )
    granted_at = fields.Datetime(
        string='Granted', readonly=True, index='btree_not_null', help='When it was carried out.'
    )
    reversed_by = fields.Many2one(comodel_name='res.users', readonly=True, help='Who took it back.')
    reversed_at = fields.Datetime(string='Reversed', readonly=True, help='When it was taken back.')
    reversal_note = fields.Text(
        readonly=True,
        tracking=True,
        help='Why it was taken back, and what could not be taken back.',
    )
    error = fields.Text(readonly=True, help='Why it could not be carried out.')
    res_model = fields.Char(
        string='Model of the Document', readonly=True, help='Document that it made.'
    )
    res_id = fields.Many2oneReference(
        string='Document ID', model_field='res_model', readonly=True, help='Document that it made.'
    )

    _check_amounts = models.Constraint(
        'CHECK(amount >= 0 AND points >= 0 AND quantity >= 0)',
        'Worth, points and quantity of a remedy cannot be below zero.',
    )

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        """Number them, and note for whom they are; what the client puts into the context decides nothing."""
        # keywords would add to the context: it is replaced
        self = self.with_context(clean_context(self.env.context))  # pylint: disable=context-overridden
        vals_list = [dict(vals) for vals in vals_list]
        tickets = self.env['retail.ticket'].browse({vals['ticket_id'] for vals in vals_list})
        # sudo: the customer of a ticket that may be written, and the counter of numbers
        customers = {ticket.id: ticket.commercial_partner_id.id for ticket in tickets.sudo()}
        sequence_sudo = self.env['ir.sequence'].sudo()
        for vals in vals_list:
            vals.setdefault('partner_id', customers[vals['ticket_id']])
            if vals.get('name', '/') == '/':
                vals['name'] = sequence_sudo.next_by_code('retail.remedy') or '/'
        remedies = super().create(vals_list)
        remedies.ticket_id._remedies_changed()
        return remedies

    def write(self, vals):
        """Have tickets know where their remedies stand."""
        before = self.ticket_id
        result = super().write(vals)
        if {'state', 'ticket_id', 'amount'} & set(vals):
            (before | self.ticket_id)._remedies_changed()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_requested(self):
        if any(remedy.state not in ('draft', 'cancelled') for remedy in self):
            raise UserError(self.env._('Remedies that were asked for are kept.'))

    @api.depends('name', 'kind_id')
    def _compute_display_name(self):
        for remedy in self:
            remedy.display_name = ' '.join(filter(None, (remedy.name, remedy.kind_id.name)))

    # === ASKING ===#

    def _request(self):
        """Ask for drafts: approved at once within the authority of the user, else they wait for approval.

        :raise UserError: with what is missing, or not allowed
        """
        drafts = self.filtered(lambda remedy: remedy.state == 'draft')
        for remedy in drafts:
            remedy._settle_terms()
        drafts._check_request()
        drafts._take_turns()
        for remedy in drafts:  # one after the other: each counts for the next
            exceeded = remedy._exceeded(self.env.user)
            remedy.write(
                {
                    'state': 'waiting' if exceeded else 'approved',
                    'requested_by': self.env.uid,
                    'requested_at': fields.Datetime.now(),
                    'exceeded_text': '; '.join(exceeded),
                }
            )
            if exceeded:
                remedy._ask_approver()

    def _cancel(self):
        """Drop what was not carried out yet."""
        open_ones = self.filtered(lambda remedy: remedy.state in ('draft', 'waiting', *READY))
        open_ones._close_approval()
        open_ones.write({'state': 'cancelled', 'approve_until': False})

    # === CARRYING OUT ===#

    def _lock(self):
        """Let others who work on these remedies wait until this transaction is over, and read them as they are."""
        self.flush_recordset()
        self.env.cr.execute(
            SQL('SELECT id FROM retail_remedy WHERE id = ANY(%s) ORDER BY id FOR UPDATE', self.ids)
        )
        self.invalidate_recordset()

    def _grant(self):
        """Carry out approved remedies, each once; what fails says why and can be tried again.

        :raise UserError: for what is not approved
        """
        # keywords would add to the context: it is replaced
        self = self.with_context(clean_context(self.env.context))  # pylint: disable=context-overridden
        self._lock()
        for remedy in self:
            if remedy.state == 'granted':
                continue  # a second click, or another worker
            if remedy.state not in READY:
                raise UserError(
                    self.env._('%(remedy)s is not approved.', remedy=remedy.display_name)
                )
            if remedy._is_for_somebody():
                remedy._grant_one()

    def _grant_one(self):
        """Carry out one remedy; nothing is left of an attempt that fails but its error."""
        try:
            with self.env.cr.savepoint():
                document = getattr(self, f'_grant_{self.method}')()
                self.write(
                    {
                        'state': 'granted',
                        'granted_by': self.env.uid,
                        'granted_at': fields.Datetime.now(),
                        'error': False,
                        'res_model': document._name if document else False,
                        'res_id': document.id if document else False,
                    }
                )
                self.flush_recordset()
            self._plan_telling()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise  # the whole transaction is lost and repeated
        except (UserError, AccessError) as error:
            self.invalidate_recordset()
            self.write({'state': 'failed', 'error': str(error)})

    def _reverse(self, why):
        """Take back granted remedies, with a reason.

        :return: what could not be taken back, in words; empty when everything was
        """
        self._lock()
        left = []
        for remedy in self.filtered(lambda remedy: remedy.state == 'granted'):
            rest = getattr(remedy, f'_reverse_{remedy.method}')() or ''
            left.append(rest)
            remedy.write(
                {
                    'state': 'reversed',
                    'reversed_by': self.env.uid,
                    'reversed_at': fields.Datetime.now(),
                    'reversal_note': '\n'.join(filter(None, (why, rest))),
                }
            )
        return '\n'.join(filter(None, left))

    # === WHAT IS DONE ===#

    def _nothing(self):
        """Words need no document."""
        self.ensure_one()
        return self.browse()

    # Hooks: carry out one remedy and return the record that was made, or none; raise UserError when it cannot be done
    def _grant_apology(self):
        return self._nothing()

    def _grant_explanation(self):
        return self._nothing()

    def _grant_other(self):
        return self._nothing()

    def _grant_repair(self):
        return self._nothing()

    def _grant_exchange(self):
        return self._nothing()

    def _grant_refund(self):
        return self._nothing()

    def _grant_voucher(self):
        return self._nothing()

    def _grant_points(self):
        return self._nothing()

    def _grant_gift(self):
        return self._nothing()

    # Hooks: take one remedy back and return in words what could not be taken back, or nothing
    def _reverse_apology(self):
        return ''

    def _reverse_explanation(self):
        return ''

    def _reverse_other(self):
        return ''

    def _reverse_repair(self):
        return ''

    def _reverse_exchange(self):
        return ''

    def _reverse_refund(self):
        return ''

    def _reverse_voucher(self):
        return ''

    def _reverse_points(self):
        return ''

    def _reverse_gift(self):
        return ''

    # === WORDS ===#

    def _words(self):
        """Return what one remedy is, in the words for a customer: ``Voucher: 20.00``."""
        what = self.kind_id.name
        if self.method == 'points':
            how_much = self.env._('%(points)s points', points=f'{self.points:g}')
        elif self.amount:
            how_much = self.currency_id.format(self.amount)
        else:
            how_much = self.product_id.sudo().name  # sudo: a name
        return self.env._('%(what)s: %(much)s', what=what, much=how_much) if how_much else what

    # === ACTIONS ===#

    def _check_handler(self):
        """Remedies are handled by whoever may write the ticket, until it is filed."""
        self.check_access('read')
        self.ticket_id.check_access('write')
        self.env['retail.ticket.part']._check_not_filed(self.ticket_id)

    def action_request(self):
        """Ask for drafts."""
        self._check_handler()
        self.sudo()._request()  # sudo: checked; nobody writes remedies but by their methods

    def action_grant(self):
        """Carry out approved remedies, or try failed ones again."""
        self._check_handler()
        self.sudo()._grant()  # sudo: as above

    def action_cancel(self):
        """Drop remedies that were not carried out."""
        self._check_handler()
        self.sudo()._cancel()  # sudo: as above

    def action_open_ticket(self):
        """Open the ticket of one remedy."""
        self.ensure_one()
        self.check_access('read')
        return self.ticket_id.get_formview_action()

    def action_open_document(self):
        """Open the document that one remedy made, for those who may read it."""
        self.ensure_one()
        self.check_access('read')
        if not self.res_id or self.res_model not in self.env:
            return False
        document = self.env[self.res_model].browse(self.res_id).exists()
        document.check_access('read')
        return bool(document) and document.get_formview_action()
