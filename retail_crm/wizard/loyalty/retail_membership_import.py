from base64 import b64decode, b64encode

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from . import _opening_csv

#: Rows that the screen shows; the file to download has all that failed.
SHOWN_ROWS = 100


class RetailMembershipImport(models.TransientModel):
    """Takes members with their tiers over from another scheme: a file, a check of each row, and all or nothing.

    What the rows mean is in docs/tiers.md, *Opening tiers from a file*. The check writes nothing. The import checks again
    and writes either everything or, with any bad row, nothing, unless bad rows are to be left out.
    """

    _name = 'retail.membership.import'
    _description = 'Opening Tiers'

    programme_id = fields.Many2one(
        comodel_name='retail.programme',
        required=True,
        default=lambda self: self.env['retail.programme'].search(
            [('company_id', '=', self.env.company.root_id.id)], limit=1
        ),
        help='Programme that the customers take part in; it must be running.',
    )
    file = fields.Binary(
        string='CSV File',
        help='Columns: Customer (member number, internal reference, e-mail, phone, or "id 123"), Tier, Since, '
        'Valid Until, Member Number, Note. UTF-8; separated by comma, semicolon or tab.',
    )
    filename = fields.Char(help='Name of the file.')
    default_until = fields.Date(
        string='Valid Until, Where Empty',
        help='First day on which a tier no longer holds, for rows that do not say.',
    )
    skip_bad = fields.Boolean(
        string='Leave Out Bad Rows',
        help='Off: with any bad row nothing is imported. On: the good rows are, and the others are in the file of errors.',
    )
    state = fields.Selection(
        selection=[('upload', 'File'), ('checked', 'Checked'), ('done', 'Imported')],
        default='upload',
        readonly=True,
    )
    row_count = fields.Integer(string='Rows', readonly=True, help='Rows of the file.')
    ok_count = fields.Integer(
        string='To Import', readonly=True, help='Good rows that change something.'
    )
    unchanged_count = fields.Integer(
        string='Nothing to Do', readonly=True, help='Rows that say what holds already.'
    )
    error_count = fields.Integer(
        string='Bad Rows', readonly=True, help='Rows that cannot be imported.'
    )
    summary = fields.Char(compute='_compute_summary', help='What the check or the import did.')
    result = fields.Html(readonly=True, help='What the check found, bad rows first.')
    error_file = fields.Binary(
        string='Bad Rows to Download',
        readonly=True,
        help='Rows that cannot be imported, each with the reason. Correct them and take this file.',
    )
    error_filename = fields.Char(
        string='Name of the File of Bad Rows', readonly=True, help='Made from that of the file.'
    )
    template_file = fields.Binary(
        string='File to Begin With', compute='_compute_template_file', help='A file with headers.'
    )

    @api.depends('state', 'row_count', 'ok_count', 'unchanged_count', 'error_count')
    @api.depends_context('lang')
    def _compute_summary(self):
        for wizard in self:
            values = {
                'rows': wizard.row_count,
                'good': wizard.ok_count,
                'same': wizard.unchanged_count,
                'bad': wizard.error_count,
            }
            if wizard.state == 'done':
                wizard.summary = self.env._(
                    'Imported: %(good)s. Nothing to do: %(same)s. Left out: %(bad)s.', **values
                )
            elif wizard.error_count:
                wizard.summary = self.env._(
                    '%(bad)s of %(rows)s rows are bad. Nothing was imported. Correct them, or choose to leave them out.',
                    **values,
                )
            else:
                wizard.summary = self.env._(
                    'All %(rows)s rows are good; %(same)s of them change nothing. Nothing is imported yet.',
                    **values,
                )

    def _compute_template_file(self):
        for wizard in self:
            tiers = wizard.programme_id.tier_ids.sorted('sequence')
            today = fields.Date.context_today(wizard)
            example = (
                'C0001',
                tiers[-1:].name or '',
                str(today.replace(month=1, day=1)),
                f'{today.year + 1}-12-31',
                '',
                '',
            )
            wizard.template_file = b64encode(_opening_csv.write([_opening_csv.TEMPLATE, example]))

    @api.onchange('file')
    def _onchange_file(self):
        """What was found is about another file."""
        self.state = 'upload'

    # === ACTIONS ===#

    def _check_manager(self):
        """Refuse whoever may not import members.

        :raise AccessError: saying so
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager takes over members.'))
        self.programme_id.check_access('read')

    def action_template(self):
        """Download the file to begin with."""
        self.ensure_one()
        self._check_manager()
        return self._download('template_file', 'opening-tiers.csv')

    def action_errors(self):
        """Download the bad rows with the reason of each."""
        self.ensure_one()
        self._check_manager()
        return self._download('error_file', self.error_filename or 'errors.csv')

    def _download(self, field, filename):
        return {
            'type': 'ir.actions.act_url',
            'url': f'/web/content/{self._name}/{self.id}/{field}/{filename}?download=true',
            'target': 'download',
        }

    def action_check(self):
        """Check each row and write nothing.

        :raise AccessError: for those who are no managers
        :raise UserError: for a file that cannot be read
        """
        self.ensure_one()
        self._check_manager()
        self._show(*self._checked(), state='checked')
        return self._reopen()

    def action_import(self):
        """Check again, and import all rows, or none when any is bad (but with *Leave Out Bad Rows*).

        :raise AccessError: for those who are no managers
        :raise UserError: for a file that cannot be read, and while others change memberships
        """
        self.ensure_one()
        self._check_manager()
        header, delimiter, rows = self._checked()
        bad = [row for row in rows if row.error]
        if bad and not self.skip_bad:
            self._show(header, delimiter, rows, state='checked')
            return self._reopen()
        openings = [row.opening() for row in rows if not row.error and not row.unchanged]
        if openings:
            # Nothing half-done whatever fails, also for somebody who catches it.
            with self.env.cr.savepoint():
                note = self.env._('Opening tiers: %(file)s', file=self.filename or 'CSV')
                self.env['retail.membership']._open(self.programme_id.sudo(), openings, note)
        self._show(header, delimiter, rows, state='done')
        return self._reopen()

    def _reopen(self):
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Opening Tiers'),
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
            'target': 'new',
        }

    def action_open_members(self):
        """Open the members."""
        self._check_manager()
        return self.programme_id.action_open_members()

    # === STEPS ===#

    def _checked(self):
        """Return ``(header, delimiter, checked rows)`` of the file.

        :raise UserError: for a file that cannot be read, and for a programme that does not run
        """
        if self.programme_id.state != 'running':
            raise UserError(self.env._('Start the programme before you take over members.'))
        if not self.file:
            raise UserError(self.env._('Choose a file.'))
        try:
            delimiter, header, columns, rows = _opening_csv.read(b64decode(self.file))
        except _opening_csv.BadFile as error:
            raise UserError(self._file_errors()[error.args[0]]) from error
        return header, delimiter, self._check_rows(columns, rows)

    def _file_errors(self):
        """Return why a file cannot be read, in words."""
        return {
            'size': self.env._(
                'The file is too big: at most %(rows)s rows.', rows=_opening_csv.MAX_ROWS
            ),
            'empty': self.env._('The file has no rows.'),
            'encoding': self.env._(
                'The file is no text in UTF-8. In the spreadsheet, save it as "CSV UTF-8".'
            ),
            'csv': self.env._('The file is no CSV: a quotation mark is not closed, perhaps.'),
            'twice': self.env._('Two columns of the file have one meaning.'),
            'columns': self.env._(
                'The first row must name the columns: at least Customer (or Phone, Email, Internal Reference, '
                'Database ID) and Tier.'
            ),
        }

    def _show(self, header, delimiter, rows, state):
        """Write what was found into the wizard."""
        bad = [row for row in rows if row.error]
        report = [[*header, self.env._('Line'), self.env._('Reason')]]
        report += [[*row.cells, row.line, row.error] for row in bad]
        name = (self.filename or 'opening-tiers.csv').rsplit('.', 1)[0]
        self.write(
            {
                'state': state,
                'row_count': len(rows),
                'error_count': len(bad),
                'unchanged_count': sum(row.unchanged for row in rows),
                'ok_count': sum(not row.error and not row.unchanged for row in rows),
                'result': self._result_html(rows),
                'error_file': b64encode(_opening_csv.write(report, delimiter)) if bad else False,
                'error_filename': f'{name}-errors.csv',
            }
        )

    def _result_html(self, rows):
        """Return a table of the first rows, bad ones first."""
        shown = sorted(rows, key=lambda row: (not row.error, row.line))[:SHOWN_ROWS]
        head = (
            self.env._('Line'),
            self.env._('Customer'),
            self.env._('Tier'),
            self.env._('Result'),
        )
        body = Markup().join(
            Markup('<tr class="%s"><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>')
            % (
                'table-danger' if row.error else '',
                row.line,
                row.customer,
                row.tier_name,
                row.error or (self.env._('Nothing to do') if row.unchanged else self.env._('Good')),
            )
            for row in shown
        )
        table = Markup(
            '<table class="table table-sm"><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr>%s</table>'
        ) % (*head, body)
        if len(rows) > SHOWN_ROWS:
            table += Markup('<p>%s</p>') % self.env._(
                'The first %(shown)s of %(count)s rows.', shown=SHOWN_ROWS, count=len(rows)
            )
        return table
