import secrets
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, format_date

from .retail_membership import _barcode_image

#: Letters and digits that nobody mistakes for another.
_LETTERS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
_CODE_LENGTH = 10

STATES = [
    ('open', 'Open'),
    ('rendered', 'Rendered'),
    ('expired', 'Expired'),
    ('cancelled', 'Cancelled'),
]


class RetailVoucher(models.Model):
    """A special service or gift that a customer is owed: code, until when, and whether staff have rendered it (S-LOY-05).

    Issued by privileges, by rewards of later areas (``_issue``), or by leaders by hand with a reason. It changes by its
    actions only and is rendered once.
    """

    _name = 'retail.voucher'
    _description = 'Service Voucher'
    _order = 'date desc, id desc'
    _rec_name = 'code'

    code = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: self._new_code(),
        help='Code on the voucher, to scan or to type.',
    )
    name = fields.Char(
        string='Service or Gift', required=True, help='What staff render, as the customer reads it.'
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        index=True,
        ondelete='restrict',
        help='Who may use it.',
    )
    membership_id = fields.Many2one(
        comodel_name='retail.membership',
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Membership by which the customer has it.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.company.root_id,
        ondelete='restrict',
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    privilege_id = fields.Many2one(
        comodel_name='retail.privilege',
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Privilege that brought it. Empty: issued by hand or as a reward.',
    )
    value = fields.Monetary(help='What it is worth, for information.', aggregator=None)
    date = fields.Date(
        string='Issued On',
        required=True,
        readonly=True,
        default=lambda self: self.env.company.root_id._retail_today(),
    )
    valid_until = fields.Date(help='Last day on which it is rendered. Empty: without end.')
    state = fields.Selection(
        selection=STATES, required=True, readonly=True, default='open', copy=False, index=True
    )
    reason = fields.Char(help='Why it was issued by hand.')
    rendered_on = fields.Datetime(readonly=True, copy=False, help='When it was rendered.')
    rendered_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Who rendered it.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Store in which it was rendered.',
    )
    note = fields.Char(readonly=True, copy=False, help='What staff noted when they rendered it.')
    res_model = fields.Char(
        string='Document Model', readonly=True, help='Kind of document it comes from.'
    )
    res_id = fields.Many2oneReference(
        string='Document',
        model_field='res_model',
        readonly=True,
        help='Document it comes from, such as an order.',
    )
    barcode = fields.Html(
        string='Bar Code',
        compute='_compute_barcode',
        sanitize=False,
        help='The code to print or to scan from the screen.',
    )

    _code_uniq = models.UniqueIndex('(code)', 'Codes of vouchers are unique.')

    @api.depends('code')
    def _compute_barcode(self):
        for voucher in self:
            voucher.barcode = voucher.code and Markup('<img src="%s" alt="%s"/>') % (
                _barcode_image(voucher.code),
                voucher.code,
            )

    def _barcode_src(self):
        """Return the picture of the bar code, as the source of an image."""
        self.ensure_one()
        return _barcode_image(self.code)

    @api.depends('code', 'name')
    def _compute_display_name(self):
        for voucher in self:
            voucher.display_name = ' '.join(filter(None, (voucher.code, voucher.name)))

    @api.model
    def _new_code(self):
        return ''.join(secrets.choice(_LETTERS) for _place in range(_CODE_LENGTH))

    # === ISSUING ===#

    @api.model_create_multi
    def create(self, vals_list):
        """By hand only what leaders fill in counts, and the reason is asked for.

        :raise UserError: without a reason
        """
        if not self.env.su:
            entered = ('partner_id', 'name', 'value', 'valid_until', 'reason')
            vals_list = [
                {name: vals[name] for name in entered if name in vals} for vals in vals_list
            ]
            if any(not (vals.get('reason') or '').strip() for vals in vals_list):
                raise UserError(self.env._('Say why the voucher is issued by hand.'))
        return super().create(vals_list)

    @api.model
    def _issue(self, vals_list):
        """Make vouchers for the system: of privileges, and of rewards of the kind "service".

        Values: ``partner_id``, ``name``, ``company_id`` (main company); optional ``membership_id``, ``privilege_id``,
        ``value``, ``valid_until``, ``res_model`` and ``res_id`` of the document it comes from.
        """
        return self.sudo().create(vals_list)  # sudo: only leaders may make them by hand

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        raise UserError(self.env._('Vouchers are never deleted: cancel them instead.'))

    # === AT THE COUNTER ===#

    @api.model
    def _find(self, code):
        """Return the voucher of a code that was scanned or typed, or an empty one."""
        return self.search([('code', '=', (code or '').strip().upper())], limit=1)

    def action_render(self):
        """Note that the service was rendered or the gift handed over, now and by this employee.

        :raise AccessError: for those who are no staff
        :raise UserError: when it was rendered already, is expired or was cancelled
        """
        self._render()

    def _render(self, note=None):
        """See ``action_render``."""
        if not self.env.user.has_group('retail_crm.group_user'):
            raise AccessError(self.env._('Only Retail CRM staff may render vouchers.'))
        self.check_access('read')
        for voucher in self:
            if problem := voucher._problem():
                raise UserError(problem)
        store = self.env.user.sale_team_id
        # sudo: checked above; vouchers change by their actions only
        self.sudo().write(
            {
                'state': 'rendered',
                'rendered_on': fields.Datetime.now(),
                'rendered_by': self.env.uid,
                'store_id': store.id if store.retail_is_store else False,
                'note': note or False,
            }
        )

    def _problem(self):
        """Return why this voucher cannot be rendered, or None."""
        self.ensure_one()
        # sudo: who rendered it may have left
        voucher = self.sudo()
        if voucher.state == 'rendered':
            return self.env._(
                'Voucher %(code)s was rendered on %(day)s by %(user)s.',
                code=voucher.code,
                day=format_date(self.env, voucher.rendered_on),
                user=voucher.rendered_by.name or '',
            )
        if voucher.state == 'cancelled':
            return self.env._('Voucher %(code)s was cancelled.', code=voucher.code)
        today = voucher.company_id._retail_today()
        if voucher.state == 'expired' or (voucher.valid_until and voucher.valid_until < today):
            return self.env._(
                'Voucher %(code)s was valid until %(day)s.',
                code=voucher.code,
                day=format_date(self.env, voucher.valid_until),
            )
        return None

    def _check_lead(self):
        if not self.env.user.has_group('retail_crm.group_lead'):
            raise AccessError(
                self.env._('Only team leaders and managers may cancel or reopen vouchers.')
            )
        self.check_access('read')

    def action_cancel(self):
        """Take open vouchers back.

        :raise AccessError: for those who are no team leaders
        :raise UserError: when one is not open
        """
        self._check_lead()
        if any(voucher.state != 'open' for voucher in self):
            raise UserError(self.env._('Only open vouchers can be cancelled.'))
        self.sudo().write({'state': 'cancelled'})  # sudo: checked above

    def action_reopen(self):
        """Take a rendering or cancelling back that was a mistake; who took it back stays in the note. Others stay.

        :raise AccessError: for those who are no team leaders
        """
        self._check_lead()
        note = self.env._('Reopened by %(user)s.', user=self.env.user.name)
        done = self.sudo().filtered(  # sudo: checked above
            lambda voucher: voucher.state in ('rendered', 'cancelled')
        )
        for voucher in done:
            voucher.write(
                {
                    'state': 'open',
                    'rendered_on': False,
                    'rendered_by': False,
                    'store_id': False,
                    'note': ' '.join(filter(None, (voucher.note, note))),
                }
            )

    def action_open_partner(self):
        """Open the customer."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }

    # === PORTAL AND TIME ===#

    @api.model
    def _portal_vouchers(self, partner):
        """Return the vouchers of a customer in the current company for his own eyes, open ones first.

        As superuser: the portal shows ``code``, ``name``, ``state``, ``valid_until`` and ``barcode`` of them.
        """
        # sudo: the customer's own vouchers
        customer = partner.sudo().commercial_partner_id
        vouchers = self.sudo().search(
            [
                ('partner_id', 'in', (partner | customer).ids),
                ('company_id', '=', self.env.company.sudo().root_id.id),
            ]
        )
        return vouchers.sorted(lambda voucher: voucher.state != 'open')

    @api.model
    def _expire(self):
        """Have open vouchers expire whose last day has passed, in one statement; return their number."""
        self.flush_model(['state', 'valid_until', 'company_id'])
        number = 0
        for company in self.env['res.company']._retail_roots():
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE retail_voucher SET state = 'expired', write_date = now() AT TIME ZONE 'UTC'
                     WHERE state = 'open' AND company_id = %s AND valid_until <= %s
                    """,
                    company.id,
                    company._retail_today() - timedelta(days=1),
                )
            )
            number += self.env.cr.rowcount
        self.invalidate_model(['state'])
        return number
