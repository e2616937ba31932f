from odoo import api, fields, models
from odoo.tools import SQL

#: Dimension -> field of the alert that names its value.
VALUE_FIELDS = {
    'product': 'product_id',
    'lot': 'lot',
    'category': 'categ_id',
    'store': 'store_id',
    'class': 'class_id',
    'reason': 'reason_id',
    'cause': 'cause_id',
}
_NUMBERS = ('recent', 'before', 'expected', 'sold', 'rate', 'chance')


class RetailSpikeAlert(models.Model):
    """A rule rang for a value: so many complaints, so many expected (R-svc E 8).

    Written by the evaluation of rules; closed by a person, or when its problem is solved. Invariant: one open alert per
    rule, company and value, whatever runs beside; after closing, only later complaints can open another.
    """

    _name = 'retail.spike.alert'
    _description = 'Complaint Spike'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'state desc, id desc'

    rule_id = fields.Many2one(
        comodel_name='retail.spike.rule',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        help='Rule that rang.',
    )
    dimension = fields.Selection(
        related='rule_id.dimension', help='What complaints are counted by.'
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, index=True, ondelete='cascade'
    )
    value_key = fields.Char(
        string='Value', required=True, readonly=True, help='By which it is known that it rang.'
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        readonly=True,
        index='btree_not_null',
        ondelete='cascade',
        help='Product complained about.',
    )
    lot = fields.Char(string='Lot or Serial Number', readonly=True, help='Lot complained about.')
    categ_id = fields.Many2one(
        comodel_name='product.category',
        string='Product Category',
        readonly=True,
        ondelete='cascade',
        help='Category of the products complained about.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        readonly=True,
        ondelete='cascade',
        help='Store complained about.',
    )
    class_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Main Class',
        readonly=True,
        ondelete='cascade',
        help='Class of the complaints.',
    )
    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Sub-Cause',
        readonly=True,
        ondelete='cascade',
        help='Sub-cause of the complaints.',
    )
    cause_id = fields.Many2one(
        comodel_name='retail.ticket.cause',
        string='Root Cause',
        readonly=True,
        ondelete='cascade',
        help='Root cause of the complaints.',
    )
    recent = fields.Integer(
        string='Complaints', readonly=True, help='Complaints in the window of the rule.'
    )
    before = fields.Integer(
        string='Complaints Before', readonly=True, help='Complaints in the days before the window.'
    )
    expected = fields.Float(
        digits=(16, 2), readonly=True, help='Complaints that were to be expected in the window.'
    )
    sold = fields.Float(
        string='Pieces or Orders Sold',
        readonly=True,
        help='Sold in the window and the days before. 0: not known.',
    )
    rate = fields.Float(
        string='Complaints per 1,000',
        digits=(16, 2),
        readonly=True,
        aggregator='avg',
        help='Complaints of the window per 1,000 pieces or orders sold.',
    )
    chance = fields.Float(
        string='Probability',
        digits=(16, 6),
        readonly=True,
        aggregator='min',
        help='How probable so many complaints are by chance.',
    )
    state = fields.Selection(
        selection=[('open', 'Open'), ('closed', 'Closed')],
        required=True,
        readonly=True,
        default='open',
        help='It can ring again after it was closed, for later complaints.',
    )
    opened_at = fields.Datetime(string='Rang', readonly=True, help='When it rang.')
    checked_at = fields.Datetime(
        string='Last Seen', readonly=True, help='When its numbers were found the last time.'
    )
    closed_at = fields.Datetime(string='Closed On', readonly=True, help='When it was closed.')
    closed_by = fields.Many2one(comodel_name='res.users', readonly=True, help='Who closed it.')
    problem_id = fields.Many2one(
        comodel_name='retail.problem',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help='Problem that was opened for it.',
    )

    _open_uniq = models.UniqueIndex(
        "(rule_id, company_id, value_key) WHERE state = 'open'", 'It rings already.'
    )
    _closed_idx = models.Index("(rule_id, company_id, value_key) WHERE state = 'closed'")

    @api.depends('rule_id', 'value_key')
    def _compute_display_name(self):
        for alert in self:
            alert.display_name = alert._value_name() or alert.rule_id.name

    def _value_name(self):
        """Return the name of what one alert is about."""
        name = VALUE_FIELDS.get(self.rule_id.dimension)
        if name == 'lot':
            return self.env._(
                '%(product)s, lot %(lot)s', product=self.product_id.display_name, lot=self.lot
            )
        return self[name].display_name if name else ''

    def write(self, vals):
        """Alerts are written by the evaluation; people close them, and do what is to be done."""
        if not self.env.su:
            vals = {
                name: value
                for name, value in vals.items()
                if name.startswith(('activity_', 'message_'))
            }
        return super().write(vals)

    # === OPENING ===#

    @api.model
    def _open(self, rule, found):
        """Open alerts of a rule, refresh the numbers of those that are open, and return the new ones.

        :param list found: values of ``_judge``
        """
        now = fields.Datetime.now()
        known = {
            (alert.company_id.id, alert.value_key): alert
            for alert in self.search([('rule_id', '=', rule.id), ('state', '=', 'open')])
        }
        ids = []
        for values in found:
            if alert := known.get((values['company_id'], values['value_key'])):
                alert.write({**{name: values[name] for name in _NUMBERS}, 'checked_at': now})
                continue
            row = {
                **values,
                'rule_id': rule.id,
                'state': 'open',
                'opened_at': now,
                'checked_at': now,
                'create_uid': self.env.uid,
                'write_uid': self.env.uid,
                'create_date': now,
                'write_date': now,
            }
            # another worker may be opening it now: one of both does
            ids += self.env.execute_query(
                SQL(
                    """
                    INSERT INTO retail_spike_alert (%s) VALUES %s
                    ON CONFLICT (rule_id, company_id, value_key) WHERE state = 'open' DO NOTHING
                    RETURNING id
                    """,
                    SQL(', ').join(map(SQL.identifier, row)),
                    tuple(row.values()),
                )
            )
        self.invalidate_model()
        return self.browse([alert_id for (alert_id,) in ids])

    # === WHAT IS DONE ===#

    def _act(self):
        """Do what the rules of new alerts say: tell somebody, bundle the complaints, propose an improvement."""
        told, Problem = [], self.env['retail.problem']
        for alert in self:
            if alert.rule_id.action != 'alert':
                alert.problem_id = Problem._of_alert(alert)
            users = alert._who_is_told()
            told += [(alert, user) for user in users]
            if alert.rule_id.action == 'improve':
                alert.problem_id._propose_improvement(users, alert._words())
        activity_type = self.env.ref('mail.mail_activity_data_todo', raise_if_not_found=False)
        IrModel = self.env['ir.model']
        # sudo: tasks for those responsible are the system's to make
        self.env['mail.activity'].sudo().create(
            [
                {
                    'res_model_id': IrModel._get_id(record._name),
                    'res_id': record.id,
                    'user_id': user.id,
                    'activity_type_id': activity_type.id if activity_type else False,
                    'summary': alert._words(),
                    'date_deadline': fields.Date.context_today(self),
                }
                for alert, user in told
                if alert.rule_id.action != 'improve'
                for record in [alert.problem_id or alert]
            ]
        )

    def _words(self):
        """Return what one alert says in a line."""
        return self.env._(
            'Complaints rise: %(value)s, %(count)s in %(days)s days (expected %(expected)s)',
            value=self.display_name,
            count=self.recent,
            days=self.rule_id.window_days,
            expected=round(self.expected, 1),
        )

    def _who_is_told(self):
        """Hook: return who is told of one alert: the responsible, else quality; who answers for the product, too.

        Who was alarmed by a major case on the same goods already is not told a second time.
        """
        company = self.company_id
        team = self.env['retail.ticket.team'].search(
            [('code', '=', 'quality'), ('company_id', 'parent_of', company.id)], limit=1
        )
        users = (self.rule_id.user_id or team._leader()) | self.product_id._retail_responsible()
        users = users.filtered(lambda user: user.active and company in user.company_ids.root_id)
        tickets = self._tickets()
        if any(ticket.is_major and ticket._is_open() for ticket in tickets):
            alarmed = tickets._who_is_alarmed(company)
            users = (users - alarmed) or users[:1]
        return users

    def _tickets(self):
        """Return the complaints of one alert that may be named: of the window, or open, neither restricted nor merged."""
        since = fields.Datetime.subtract(
            self.opened_at or fields.Datetime.now(), days=self.rule_id.window_days
        )
        domain = [
            ('company_id', '=', self.company_id.id),
            ('received_at', '>', since),
            ('ticket_id', '!=', False),
        ]
        if self.rule_id.dimension == 'lot':
            domain.append(('product_id', '=', self.product_id.id))
        name = VALUE_FIELDS[self.rule_id.dimension]
        value = self[name]
        domain.append((name, '=', value if name == 'lot' else value.id))
        return self.env['retail.complaint.rate'].search(domain).ticket_id

    # === ACTIONS ===#

    def action_close(self):
        """Close alerts: they ring again only for later complaints."""
        self.check_access('write')
        self._close()

    def _close(self):
        """Close those of these alerts that are open."""
        # sudo: written here only
        self.sudo().filtered(lambda alert: alert.state == 'open').write(
            {'state': 'closed', 'closed_at': fields.Datetime.now(), 'closed_by': self.env.uid}
        )

    def action_open_tickets(self):
        """Open the complaints of an alert; who may not read one does not see it."""
        self.ensure_one()
        self.check_access('read')
        # sudo: the rows of the report are for leaders; tickets are shown by the reader's own rights
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Complaints'),
            'res_model': 'retail.ticket',
            'view_mode': 'list,form',
            'domain': [('id', 'in', self.sudo()._tickets().ids)],
        }

    def action_open_problem(self):
        """Open the problem of an alert; without one, open a new one with its complaints."""
        self.ensure_one()
        self.check_access('write')
        if not self.problem_id:
            self.env['retail.problem'].check_access('create')
            # sudo: links are the system's to write
            self.sudo().problem_id = self.env['retail.problem'].sudo()._of_alert(self.sudo())
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.problem',
            'res_id': self.problem_id.id,
            'view_mode': 'form',
        }
