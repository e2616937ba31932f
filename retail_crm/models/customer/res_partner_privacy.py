from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from . import _mask
from ._evidence import names_of_evidence
from .res_partner_file import FILE_GROUPS, SENSITIVE_FIELDS, SENSITIVE_GROUP


class ResPartnerPrivacy(models.Model):
    """Who sees how much of a customer: masked contact data, and sensitive fields that open with a written trace."""

    _inherit = 'res.partner'

    retail_phone_masked = fields.Char(
        string='Phone (masked)',
        compute='_compute_retail_masked',
        groups=FILE_GROUPS,
        help='The telephone number with its middle hidden. Shown in lists to those who may not take out contact data; '
        'searching by the number works all the same.',
    )
    retail_email_masked = fields.Char(
        string='Email (masked)',
        compute='_compute_retail_masked',
        groups=FILE_GROUPS,
        help='The e-mail address with its name hidden. Shown in lists to those who may not take out contact data.',
    )
    retail_anonymised_on = fields.Date(
        string='Anonymised On',
        readonly=True,
        copy=False,
        groups=FILE_GROUPS,
        help='When all that could tell who the customer was has been removed. Purchases and totals stayed.',
    )

    @api.depends('phone', 'email')
    @api.depends_context('uid')
    def _compute_retail_masked(self):
        is_masked = self._retail_masks_contacts()
        for partner in self:
            phone, email = partner.phone or '', partner.email or ''
            partner.retail_phone_masked = _mask.mask_phone(phone) if is_masked else phone
            partner.retail_email_masked = _mask.mask_email(email) if is_masked else email

    @api.model_create_multi
    def create(self, vals_list):
        """Write down who enters sensitive data, whichever way the contacts are made."""
        partners = super().create(vals_list)
        if any(name in vals for vals in vals_list for name in SENSITIVE_FIELDS):
            partners._retail_log_sensitive({})
        return partners

    def write(self, vals):
        """Write down who changes sensitive data: in the dialog, by an import, a merge or a call from outside."""
        if not any(name in vals for name in SENSITIVE_FIELDS):
            return super().write(vals)
        before = self._retail_sensitive_values()
        result = super().write(vals)
        self._retail_log_sensitive(before)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        if names := names_of_evidence(self):
            raise UserError(
                self.env._(
                    'This contact cannot be deleted, something is written down about it: %(what)s. '
                    'Archive or anonymise it instead.',
                    what=', '.join(names),
                )
            )

    def _retail_sensitive_values(self):
        """Return ``{contact id: its sensitive values}``."""
        # sudo: only compared; who may write contacts as the system does may not read these
        return {
            partner.id: [partner[name] or False for name in SENSITIVE_FIELDS]
            for partner in self.sudo()
        }

    def _retail_log_sensitive(self, before):
        """Write one row about the sensitive fields that differ from ``before``, and none where none does."""
        empty = [False] * len(SENSITIVE_FIELDS)
        changed, names = [], set()
        for partner_id, values in self._retail_sensitive_values().items():
            pairs = zip(SENSITIVE_FIELDS, before.get(partner_id, empty), values, strict=True)
            if differing := {name for name, old, new in pairs if old != new}:
                changed.append(partner_id)
                names |= differing
        if changed:
            self.env['retail.access.log']._log('change', self.browse(changed), sorted(names))

    def copy_data(self, default=None):
        """Leave sensitive data out of copies, and what the user may not read: core would refuse the copy."""
        hidden = {
            name
            for name, field in self._fields.items()
            if name in SENSITIVE_FIELDS
            or (field.groups and field.copy and not self._has_field_access(field, 'read'))
        } - set(default or {})
        vals_list = super().copy_data({**(default or {}), **dict.fromkeys(hidden, False)})
        return [
            {name: value for name, value in vals.items() if name not in hidden}
            for vals in vals_list
        ]

    def action_retail_reveal(self):
        """Open the sensitive data of a customer in a dialog; that is written down first.

        :raise AccessError: for users without the group
        """
        self.ensure_one()
        self._retail_check_sensitive()
        self.check_access('read')
        dialog = self.env['retail.sensitive'].create({'partner_id': self.id})
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Sensitive Data'),
            'res_model': 'retail.sensitive',
            'res_id': dialog.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
        }

    @api.model
    def _retail_check_sensitive(self):
        if not self.env.user.has_group(SENSITIVE_GROUP):
            raise AccessError(
                self.env._('Only users of the group "Retail CRM: Sensitive Data" may open this.')
            )

    @api.model
    def _retail_check_privacy_officer(self):
        """Refuse those who may not answer for the data of customers.

        :raise AccessError: unless the user is a manager and may see sensitive data
        """
        user = self.env.user
        if not (user.has_group('retail_crm.group_manager') and user.has_group(SENSITIVE_GROUP)):
            raise AccessError(
                self.env._(
                    'Only managers who are in the group "Retail CRM: Sensitive Data" may hand out or erase the data '
                    'of a customer.'
                )
            )
