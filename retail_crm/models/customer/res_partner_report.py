import io

import xlsxwriter

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import html2plaintext

#: Rows that are read at once; what the report needs of memory does not grow with the customer.
BATCH = 500
#: Rows of one sheet; Excel takes a million, nobody reads more than these.
MAX_ROWS = 50_000

_TYPES = ('char', 'text', 'html', 'selection', 'integer', 'float', 'monetary', 'boolean', 'date')
_TYPES += ('datetime', 'many2one')


class ResPartnerReport(models.Model):
    """All that is stored about one customer, for the customer (S-SEC-07): a sheet for each kind of records.

    The kinds are found in the registry, as core's privacy look-up finds them: whatever names the customer. Judgements
    of staff and scores are left out (design 5.1: they never reach the customer).
    """

    _inherit = 'res.partner'

    def action_retail_data_report(self):
        """Download the data of the customer.

        :raise AccessError: for users who are not both manager and in the group of sensitive data
        """
        self.ensure_one()
        self._retail_check_privacy_officer()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_url',
            'url': f'/retail_crm/customer/{self.id}/data',
            'target': 'download',
        }

    def _retail_data_report(self):
        """Return the workbook with the data of the customer; that it was handed out is written down."""
        self.ensure_one()
        self._retail_check_privacy_officer()
        self.check_access('read')
        self.env['retail.access.log']._log('report', self)
        output = io.BytesIO()
        workbook = xlsxwriter.Workbook(
            output, {'constant_memory': True, 'default_date_format': 'yyyy-mm-dd hh:mm'}
        )
        styles = {
            'head': workbook.add_format({'bold': True, 'bg_color': '#e9ecef'}),
            'date': workbook.add_format({'num_format': 'yyyy-mm-dd'}),
            'datetime': workbook.add_format({'num_format': 'yyyy-mm-dd hh:mm'}),
        }
        names = set()
        # sudo: the officer hands out what the shop stores, also from apps that he does not use himself
        for model, ids in self.sudo()._retail_report_rows():
            sheet = workbook.add_worksheet(self._retail_sheet_name(model, names))
            model._retail_fill_sheet(sheet, styles, ids)
        workbook.close()
        return output.getvalue()

    def _retail_report_rows(self):
        """Yield ``(model, ids)`` of all stored records that name the customer or one of his contacts."""
        everybody = self.with_context(active_test=False)
        contacts = everybody | everybody.search([('id', 'child_of', self.ids)])
        yield contacts.browse(), contacts.ids
        skipped = self._retail_report_skip()
        for name in sorted(self.env.registry):
            model = everybody.env[name]
            if name in skipped or model._transient or model._abstract or not model._auto:
                continue
            domain = Domain.OR(
                Domain(field.name, 'in', contacts.ids)
                for field in model._fields.values()
                if field.type == 'many2one' and field.comodel_name == 'res.partner' and field.store
            )
            if domain.is_false():
                continue
            if 'company_id' in model._fields and model._fields['company_id'].store:
                domain &= Domain('company_id', 'parent_of', self.env.companies.ids) | Domain(
                    'company_id', 'in', [*self.env.companies.ids, False]
                )
            if ids := model.search(domain, limit=MAX_ROWS, order='id').ids:
                yield model, ids

    @api.model
    def _retail_report_skip(self):
        """Hook: return the models that are left out of the data of a customer.

        Classes and scores are judgements of ours, not data of the customer; the rest is technical, or says again what
        another sheet says.
        """
        return {
            'res.partner',
            'res.company',
            'retail.access.log',
            'retail.moment',
            'retail.profile',
            'retail.profile.change',
            # technical
            'bus.presence',
            'discuss.channel.member',
            'discuss.channel.rtc.session',
            'mail.followers',
            'mail.message.reaction',
            'mail.notification',
            'mail.push.device',
            'res.users.settings.volumes',
            # lines of invoices and payments, which have sheets of their own
            'account.analytic.line',
            'account.bank.statement.line',
            'account.move.line',
        }

    @api.model
    def _retail_report_skip_fields(self):
        """Hook: return the fields of contacts that are left out: judgements of staff, and what is technical."""
        return {
            'retail_remark',
            'retail_personality',
            'retail_dealing',
            'retail_management',
            'retail_strength',
            'retail_cost_control',
            'retail_sales_situation',
            'retail_cost_recovery',
            'retail_snoozed_until',
            'sale_warn_msg',
            'comment',
            'color',
            'customer_rank',
            'supplier_rank',
            'signup_type',
            'trust',
        }

    @api.model
    def _retail_sheet_name(self, model, names):
        """Return a name for the sheet of a model that Excel accepts and no other sheet has."""
        label = self.env['ir.model'].sudo()._get(model._name).name or model._name
        label = ''.join(' ' if sign in "[]:*?/\\'" else sign for sign in label)[:31].strip()
        while label.lower() in names:
            label = f'{label[:27]} {len(names)}'
        names.add(label.lower())
        return label


class Base(models.AbstractModel):
    """Any model as a sheet of the data of a customer."""

    _inherit = 'base'

    @api.model
    def _retail_report_fields(self):
        """Return the fields of a sheet: what is stored and can be read, without what is technical."""
        skipped = {'id', 'write_uid', 'write_date', 'create_uid', 'company_id', 'access_token'}
        if self._name == 'res.partner':
            skipped |= self._retail_report_skip_fields()
        found = [
            field
            for field in self._fields.values()
            if field.store
            and field.column_type
            and field.type in _TYPES
            and field.name not in skipped
            and not field.name.endswith(('_token', 'sequence'))
            and field.groups != '.'  # readable by nobody
        ]
        if self._name == 'res.partner':
            found += [self._fields[name] for name in ('retail_preference_ids', 'category_id')]
        return found

    @api.model
    def _retail_fill_sheet(self, sheet, styles, ids):
        """Write a head and a row for each record; empty columns stay, so that sheets of customers compare."""
        columns = self._retail_report_fields()
        for column, field in enumerate(columns):
            sheet.write_string(0, column, field._description_string(self.env) or '', styles['head'])
        sheet.set_column(0, len(columns), 22)
        sheet.freeze_panes(1, 0)
        row = 0
        for start in range(0, len(ids), BATCH):
            records = self.browse(ids[start : start + BATCH])
            for record in records:
                row += 1
                for column, field in enumerate(columns):
                    record._retail_write_cell(sheet, styles, row, column, field)
            self.env.invalidate_all()

    def _retail_write_cell(self, sheet, styles, row, column, field):
        """Write one value as a reader wants it; text always as text, so that none of it becomes a formula."""
        value = self[field.name]
        if field.type == 'boolean':
            sheet.write_string(row, column, self.env._('Yes') if value else '')
        elif field.type in ('integer', 'float', 'monetary'):
            if value or field.type == 'monetary':
                sheet.write_number(row, column, value or 0)
        elif not value:
            return
        elif field.type == 'date':
            sheet.write_datetime(row, column, fields.Datetime.to_datetime(value), styles['date'])
        elif field.type == 'datetime':
            local = fields.Datetime.context_timestamp(self, value).replace(tzinfo=None)
            sheet.write_datetime(row, column, local, styles['datetime'])
        else:
            if field.relational:
                text = ', '.join(name or '' for name in value.mapped('display_name'))
            elif field.type == 'selection':
                labels = dict(field._description_selection(self.env))
                text = labels.get(value, value)
            else:
                text = html2plaintext(value) if field.type == 'html' else str(value)
            sheet.write_string(row, column, text[:32000])
