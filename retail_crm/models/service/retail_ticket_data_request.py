from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from .retail_ticket_flow import DONE_CATEGORIES

#: Calendar days within which a request about personal data is answered (defaults 8, law).
DATA_REQUEST_DAYS = 15


class RetailTicketDataRequest(models.Model):
    """Requests of customers about their own data: see it, correct it, have it erased (S-SEC-07).

    Nothing is handed out or erased before somebody checked that the customer is who he says; who did is kept.
    """

    _inherit = 'retail.ticket'

    data_request = fields.Selection(
        selection=[
            ('access', 'See the data'),
            ('correction', 'Correct the data'),
            ('deletion', 'Erase the data'),
        ],
        string='Asked For',
        tracking=True,
        help='What the customer asks about his personal data.',
    )
    data_due_on = fields.Date(
        string='Answer Until',
        compute='_compute_data_due_on',
        store=True,
        precompute=True,
        help='Last day on which the law allows to answer, in calendar days from receipt.',
    )
    identity_checked_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        index='btree_not_null',
        help='Who made sure that the customer is who he says.',
    )
    identity_checked_at = fields.Datetime(
        string='Identity Checked', readonly=True, copy=False, help='When that was.'
    )

    @api.depends('received_at', 'type_id')
    def _compute_data_due_on(self):
        for ticket in self:
            received = ticket.received_at and fields.Datetime.context_timestamp(
                ticket.with_context(tz=ticket.company_id.sudo()._retail_timezone()),
                ticket.received_at,
            )
            is_request = ticket.type_id.code == 'data_request'
            ticket.data_due_on = (
                received and is_request and received.date() + timedelta(days=DATA_REQUEST_DAYS)
            )

    def _check_stage_move(self, stage, vals):
        """A request about data is answered only to the person whose data it is."""
        result = super()._check_stage_move(stage, vals)
        if stage.category in DONE_CATEGORIES:
            for ticket in self.filtered(lambda ticket: ticket.type_id.code == 'data_request'):
                if not ticket.identity_checked_by and ticket.category not in DONE_CATEGORIES:
                    raise UserError(
                        self.env._(
                            'Check first that %(customer)s is who asks, and press "Identity Checked".',
                            customer=ticket.partner_id.display_name or ticket.name,
                        )
                    )
        return result

    # === ACTIONS ===#

    def action_data_identity(self):
        """Note that the user checked who asks."""
        self.check_access('write')
        for ticket in self:
            ticket._check_data_request(checked=False)
        self._stamp(
            {'identity_checked_by': self.env.uid, 'identity_checked_at': fields.Datetime.now()}
        )

    def action_data_report(self):
        """Download all data of the customer; for managers who may see sensitive data.

        :raise AccessError: for all others
        """
        self._check_data_request()
        return self.partner_id.action_retail_data_report()

    def action_data_anonymise(self):
        """Open the dialog that anonymises the customer and keeps totals; for managers who may see sensitive data.

        :raise AccessError: for all others
        """
        self._check_data_request()
        return self.partner_id.action_retail_anonymise()

    def action_data_correct(self):
        """Open the customer's file to correct it."""
        self._check_data_request()
        return self.partner_id.action_retail_file()

    def _check_data_request(self, checked=True):
        """Refuse what has no customer, is no request about data, or of whom nobody checked the identity."""
        self.ensure_one()
        self.check_access('read')
        if self.type_id.code != 'data_request' or not self.partner_id:
            raise UserError(
                self.env._('This is for requests about the personal data of a known customer.')
            )
        if checked and not self.identity_checked_by:
            raise UserError(
                self.env._(
                    'Check first that %(customer)s is who asks, and press "Identity Checked".',
                    customer=self.partner_id.display_name,
                )
            )
