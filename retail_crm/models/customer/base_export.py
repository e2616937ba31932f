from odoo import api, models, tools
from odoo.exceptions import UserError

from . import _mask

#: Columns that hold contact data without being fields of the customer or related to them.
EXTRA_COLUMNS = {
    'account.move': ('invoice_source_email',),
    'mail.blacklist': ('email',),
    'mail.gateway.allowed': ('email', 'email_normalized'),
    'mail.guest': ('email',),
    'mail.mail': ('email_to', 'email_cc'),
    'mail.message': ('email_from', 'incoming_email_cc', 'incoming_email_to', 'outgoing_email_to'),
    'mail.notification': ('mail_email_address', 'sms_number'),
    'payment.transaction': ('partner_email', 'partner_phone'),
    'phone.blacklist': ('number',),
    'res.users': ('login',),
    'sms.sms': ('number',),
    'survey.user_input': ('email',),
}
#: Keys of the context with which names of customers tell more than the name.
_TELLING_KEYS = ('show_address', 'show_email')
#: Parts of the names of the customer's fields that hold contact data, and how they are masked.
_MASKS = {'phone': _mask.mask_phone, 'mobile': _mask.mask_phone, 'email': _mask.mask_email}


class Base(models.AbstractModel):
    """Exports of any model: contact data of customers comes out masked, and exports of customers are logged.

    Excel and CSV from lists, JSON-2 and XML-RPC all go through ``_export_rows``, which calls itself for each relation:
    what is masked on the customer is masked on the way from an order to its customer as well (S-SEC-09).
    """

    _inherit = 'base'

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        """Mask contact data for those who may not take it out, and write down who took out customers.

        :raise UserError: on an export for a later import of what would come out masked
        """
        if self.env.su:
            return super()._export_rows(fields, _is_toplevel_call=_is_toplevel_call)
        if _is_toplevel_call and self._retail_exports_customers(fields):
            paths = ['/'.join(path) for path in fields]
            self.env['retail.access.log']._log('export', self, paths)
        masks = self._retail_export_masks()
        columns = {
            index: masks[path[0]]
            for index, path in enumerate(fields)
            if len(path) == 1 and path[0] in masks
        }
        is_masked = self._retail_masks_contacts()
        if _is_toplevel_call and is_masked and self.env.context.get('import_compat', True):
            if any(name for _model, name in self._retail_contact_paths(fields)):
                self._retail_refuse_import_compatible()
        if is_masked and any(map(self.env.context.get, _TELLING_KEYS)):
            # the client chooses the context; records of relations take it over
            self = self.with_context(**dict.fromkeys(_TELLING_KEYS, False))
        lines = super()._export_rows(fields, _is_toplevel_call=_is_toplevel_call)
        # employees' own addresses are no customers' data
        # sudo: a fact about the accounts, not about the persons
        if (
            not columns
            or not is_masked
            or self._name == 'res.users'
            and not any(self.sudo().mapped('share'))
        ):
            return lines
        if self.env.context.get('import_compat', True):
            self._retail_refuse_import_compatible()
        for line in lines:
            for index, mask in columns.items():
                # a value may already be masked: a relation to another customer in the same column
                if isinstance(line[index], str) and line[index] and '***' not in line[index]:
                    line[index] = mask(line[index])
        return lines

    def _retail_refuse_import_compatible(self):
        raise UserError(
            self.env._(
                'You may export telephone numbers and e-mail addresses only in masked form, and masked values must '
                'never be imported again. Untick "I want to update data (import-compatible export)" or leave out '
                'these columns.'
            )
        )

    @api.model
    def _retail_masks_contacts(self):
        """Return whether contact data is masked for the current user."""
        # sudo: a setting for everybody
        parameter = self.env['ir.config_parameter'].sudo().get_param('retail_crm.mask_contacts')
        return parameter != 'False' and not self.env.user.has_group('retail_crm.group_sensitive')

    @api.model
    @tools.ormcache('self._name')
    def _retail_export_masks(self):
        """Return ``{field: function}`` of this model's fields that hold contact data of customers."""
        masks = {}
        for name, field in self._fields.items():
            if field.type not in ('char', 'text') or name.endswith('_masked'):
                continue
            source, source_name = self._name, name
            while field.related:
                *path, source_name = field.related.split('.')
                model = self.env[source]
                for step in path:
                    model = self.env[model._fields[step].comodel_name]
                source, field = model._name, model._fields[source_name]
            if source == 'res.partner' or source_name in self.env[source]._retail_contact_columns():
                kinds = [part for part in _MASKS if part in source_name]
                if kinds:
                    masks[name] = _MASKS[kinds[0]]
        for name in self._retail_contact_columns():
            is_number = 'phone' in name or 'number' in name
            masks.setdefault(name, _mask.mask_phone if is_number else _mask.mask_email)
        return masks

    @api.model
    def _retail_contact_columns(self):
        """Hook: return the names of further fields of this model that hold contact data of customers."""
        return EXTRA_COLUMNS.get(self._name, ())

    @api.model
    def _retail_contact_paths(self, fields):
        """Yield ``(model, field)`` of each path: on which model it ends; field is empty where it holds no contact data."""
        for path in fields:
            model = self
            for step, name in enumerate(path):
                field = model._fields.get(name)
                is_last = step == len(path) - 1
                if is_last or field is None or not field.comodel_name:
                    is_contact = field is not None and name in model._retail_export_masks()
                    yield model, name if is_contact else ''
                    break
                model = self.env[field.comodel_name]

    @api.model
    def _retail_exports_customers(self, fields):
        """Return whether such an export takes out data of customers: lists of them, ours about them, or their contact data."""
        if self._name == 'res.partner':
            return True
        if self._name.startswith('retail.') and 'partner_id' in self._fields:
            return True
        return any(
            model._name == 'res.partner' or name
            for model, name in self._retail_contact_paths(fields)
        )
