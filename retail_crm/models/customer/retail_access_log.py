from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailAccessLog(models.Model):
    """Who opened, changed, took out or erased protected data of customers, and when (S-SEC-06).

    Written by ``_log`` only, in the transaction of what it tells about; append-only: nobody changes or deletes a row.
    """

    _name = 'retail.access.log'
    _description = 'Access to Customer Data'
    _order = 'date desc, id desc'
    _rec_name = 'kind'

    date = fields.Datetime(
        required=True, readonly=True, index=True, default=fields.Datetime.now, help='When it was.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help='Who did it. Users who are named here can be archived, not deleted.',
    )
    kind = fields.Selection(
        selection=[
            ('reveal', 'Sensitive data opened'),
            ('change', 'Sensitive data changed'),
            ('export', 'Export'),
            ('report', 'Data of a customer handed out'),
            ('anonymise', 'Anonymised'),
        ],
        required=True,
        readonly=True,
        help='What was done.',
    )
    res_model = fields.Char(
        string='Technical Model', readonly=True, help='Technical name of the kind of records.'
    )
    model_label = fields.Char(
        string='Records Of', compute='_compute_model_label', help='Which kind of records.'
    )
    record_count = fields.Integer(
        string='Number of Records', readonly=True, help='How many records were concerned.'
    )
    field_names = fields.Text(
        string='Technical Fields', readonly=True, help='Technical names of the fields.'
    )
    field_labels = fields.Text(
        string='Fields', compute='_compute_field_labels', help='Which fields were concerned.'
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',  # a cascade would hide the row from the privacy look-up
        help='The customer, when only one was concerned.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', readonly=True, help='Company in which the user worked.'
    )
    note = fields.Char(string='Reason', readonly=True, help='Why it was done, where it was asked.')

    @api.depends('res_model')
    @api.depends_context('lang')
    def _compute_model_label(self):
        for row in self:
            # sudo: names of models are no secret, managers of shops are no administrators
            row.model_label = row.res_model and self.env['ir.model'].sudo()._get(row.res_model).name

    @api.depends('res_model', 'field_names')
    @api.depends_context('lang')
    def _compute_field_labels(self):
        for row in self:
            # what an uninstalled app called a field is not known any more: its technical name stays
            known = self.env[row.res_model]._fields if row.res_model in self.env else {}
            row.field_labels = ', '.join(
                known[name]._description_string(self.env) if name in known else name
                for name in (row.field_names or '').split(', ')
            )

    @api.model
    def _log(self, kind, records, field_names=(), note=False):
        """Write down one act on records: of a single customer by name, of many by their number.

        :return: the new row
        """
        partner_id = False
        if len(records) == 1:
            # sudo: a customer whom the user sees through the record may be out of his own list
            record_sudo = records.sudo()
            if records._name == 'res.partner':
                partner_id = records.id
            elif 'partner_id' in records and records._fields['partner_id'].type == 'many2one':
                is_partner = records._fields['partner_id'].comodel_name == 'res.partner'
                partner_id = is_partner and record_sudo.partner_id.id
        # sudo: whoever acts is written down; rows are nobody's to write otherwise
        return self.sudo().create(
            {
                'kind': kind,
                'user_id': self.env.uid,
                'res_model': records._name,
                'record_count': len(records),
                'field_names': ', '.join(field_names),
                'partner_id': partner_id,
                'company_id': self.env.company.id,
                'note': note,
            }
        )

    def write(self, vals):
        """Refuse: what was done stays written.

        :raise UserError: whatever is to be changed
        """
        self.check_access('write')
        if vals:
            raise UserError(self.env._('The access log is never changed.'))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        raise UserError(self.env._('The access log cannot be deleted.'))
