from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, is_html_empty

_BATCH = 50


class RetailProblemMessage(models.Model):
    """One message to all customers of a problem, each in the thread of his own ticket and in his language (R-svc E 8).

    Sent by a scheduled action in batches, by each customer's channel (``_tell``). Invariant: each complaint has one row
    per message and is told once; row and message are written in one transaction, so that a run that is killed goes on
    where it stopped.
    """

    _name = 'retail.problem.message'
    _description = 'Message to All Customers of a Problem'
    _order = 'id desc'
    _rec_name = 'subject'

    problem_id = fields.Many2one(
        comodel_name='retail.problem',
        required=True,
        index=True,
        ondelete='cascade',
        help='Problem whose customers are told.',
    )
    company_id = fields.Many2one(
        related='problem_id.company_id', store=True, precompute=True, index=True
    )
    subject = fields.Char(required=True, translate=True, help='Subject of mails.')
    body = fields.Html(
        string='Message',
        translate=True,
        help='What customers are told. Translate it into the languages of the customers; where there is no '
        'translation they get it as it is written here. Salutation and signature are added.',
    )
    scope = fields.Selection(
        selection=[('open', 'Open complaints'), ('all', 'Open and solved complaints')],
        required=True,
        default='open',
        help='Whose customers are told. Filed, cancelled, merged and restricted complaints are never written to.',
    )
    state = fields.Selection(
        selection=[('draft', 'Draft'), ('sending', 'Being sent'), ('done', 'Sent')],
        required=True,
        readonly=True,
        default='draft',
        copy=False,
        index=True,
    )
    line_ids = fields.One2many(
        comodel_name='retail.problem.message.line',
        inverse_name='message_id',
        string='Recipients',
        readonly=True,
        help='Complaints whose customers are told.',
    )
    to_send_count = fields.Integer(
        string='Will Be Told',
        compute='_compute_preview',
        help='How many complaints are answered, or are still to be.',
    )
    left_out_count = fields.Integer(
        string='Left Out',
        compute='_compute_preview',
        help='Complaints of the problem that are filed, cancelled, merged or restricted, or not chosen.',
    )
    languages = fields.Char(
        compute='_compute_preview', help='Languages of the customers who will be told.'
    )
    preview = fields.Html(
        compute='_compute_preview', help='What the first customer gets, in his language.'
    )
    sent_count = fields.Integer(
        string='Told', compute='_compute_sent_count', help='How many were told.'
    )
    phrase_warning = fields.Text(
        compute='_compute_phrase_warning', help='Expressions that should not be written.'
    )
    sent_by = fields.Many2one(
        comodel_name='res.users', readonly=True, copy=False, help='Who had it sent.'
    )
    sent_at = fields.Datetime(
        string='Begun On', readonly=True, copy=False, help='When sending began.'
    )

    @api.depends('problem_id', 'scope', 'subject', 'body', 'state', 'line_ids.state')
    def _compute_preview(self):
        for message in self:
            # sudo: numbers, languages and the first text; names of customers are in the preview only for those who
            # may read that complaint
            tickets_sudo = message._recipients().sudo()
            if message.state != 'draft':
                waiting = message.line_ids.filtered(lambda line: line.state == 'waiting')
                tickets_sudo = waiting.sudo().ticket_id
            message.to_send_count = len(tickets_sudo)
            message.left_out_count = message.problem_id.sudo().ticket_count - len(
                tickets_sudo if message.state == 'draft' else message.line_ids
            )
            langs = {ticket._customer_lang() for ticket in tickets_sudo}
            names = dict(self.env['res.lang'].get_installed())
            message.languages = ', '.join(sorted(names.get(lang, lang) for lang in langs))
            first = tickets_sudo.sudo(False)._filtered_access('read')[:1]
            message.preview = message._render(first) if first and message._origin else message.body

    @api.depends('line_ids.state')
    def _compute_sent_count(self):
        counts = dict(
            self.env['retail.problem.message.line']
            .sudo()  # sudo: a number
            ._read_group(
                [('message_id', 'in', self.ids), ('state', '=', 'sent')],
                ['message_id'],
                ['__count'],
            )
        )
        for message in self:
            message.sent_count = counts.get(message._origin, 0)

    @api.depends('body', 'subject')
    def _compute_phrase_warning(self):
        for message in self:
            words = f'{message.subject or ""} {message.body or ""}'
            message.phrase_warning = self.env['retail.phrase']._warning_of(words)

    def write(self, vals):
        """What is being sent is not changed any more."""
        if not self.env.su and any(message.state != 'draft' for message in self):
            raise UserError(self.env._('The message is being sent or was sent already.'))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        if any(message.state != 'draft' for message in self):
            raise UserError(self.env._('A message that was sent is kept.'))

    def _recipients(self):
        """Return the complaints of one message whose customers may be told (sudo)."""
        categories = ['new', 'open', 'waiting', 'on_hold']
        if self.scope == 'all':
            categories.append('solved')
        # sudo: a message of the house to all concerned, whoever handles each complaint
        return (
            self.env['retail.ticket']
            .sudo()
            .search(
                [
                    ('problem_id', '=', self.problem_id._origin.id or self.problem_id.id),
                    ('category', 'in', categories),
                    ('merged_into_id', '=', False),
                    ('is_restricted', '=', False),
                    ('is_internal', '=', False),
                ],
                order='id',
            )
        )

    def _template(self):
        """Return the template that frames the message with salutation and signature (sudo)."""
        # sudo: a text of the house
        return (
            self.env.ref('retail_crm.mail_template_ticket_problem')
            .sudo()
            .with_context(retail_crm_problem_message=self.id)
        )

    def _render(self, ticket):
        """Return what the customer of one ticket gets."""
        return self._template()._render_field('body_html', ticket.ids, compute_lang=True)[ticket.id]

    # === SENDING ===#

    def action_send(self):
        """Begin to send: recipients are fixed now, the scheduled action tells them in batches.

        :raise UserError: when there is nothing to send, or nobody to send it to
        """
        self.check_access('write')
        self.problem_id.check_access('write')
        for message in self.filtered(lambda message: message.state == 'draft'):
            if is_html_empty(message.body):
                raise UserError(self.env._('Write the message first.'))
            tickets = message._recipients()
            if not tickets:
                raise UserError(self.env._('The problem has no complaint that can be answered.'))
            # sudo: checked above; recipients and state are written here only
            message_sudo = message.sudo()
            message_sudo.line_ids.create(
                [
                    {'message_id': message.id, 'ticket_id': ticket.id}
                    for ticket in tickets - message_sudo.line_ids.ticket_id
                ]
            )
            message_sudo.write(
                {
                    'state': 'sending',
                    'sent_by': self.env.uid,
                    'sent_at': fields.Datetime.now(),
                }
            )
            message.problem_id.message_post(
                body=self.env._(
                    'Message "%(subject)s" to %(count)s customers.',
                    subject=message.subject,
                    count=len(tickets),
                )
            )
        self.env['retail.ticket']._wake_cron('retail_crm.ir_cron_problem_messages')

    @api.model
    def _cron_send(self):
        """Tell customers what waits to be told, a batch at a time; goes on where a killed run stopped."""
        cron = self.env['ir.cron']
        lines = self.env['retail.problem.message.line']
        cron._commit_progress(remaining=lines.search_count([('state', '=', 'waiting')]))
        while batch := self._next_lines():
            batch._send()
            if not cron._commit_progress(len(batch)):
                break

    @api.model
    def _next_lines(self):
        """Return the next rows that wait, locked; those that another worker holds are left to him."""
        self.env['retail.problem.message.line'].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM retail_problem_message_line
                 WHERE state = 'waiting' ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
                """,
                _BATCH,
            )
        )
        return self.env['retail.problem.message.line'].browse([line_id for (line_id,) in rows])
