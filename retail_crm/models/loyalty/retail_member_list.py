from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL


class RetailMemberList(models.Model):
    """Members invited to an event (S-LOY-12), or for whom trials of a new product are kept (S-LOY-13).

    "Draw" fills it from the members whose tier brings the privilege, or from a segment; who stands on it stays. Of one
    product a customer gets one trial, on whichever list.
    """

    _name = 'retail.member.list'
    _description = 'Invitation or Trial List'
    _order = 'date desc, id desc'

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        selection=[('event', 'Event'), ('trial', 'Trial of a new product')],
        required=True,
        default='event',
        help='What the members are chosen for.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        default=lambda self: self.env.company.root_id,
        ondelete='restrict',
    )
    date = fields.Date(help='Day of the event, or the day from which the trials are ready.')
    place = fields.Char(help='Where the event takes place, or where the trial is handed over.')
    product_id = fields.Many2one(
        comodel_name='product.product',
        index='btree_not_null',
        ondelete='restrict',
        help='The new product to try.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        ondelete='set null',
        help='Who invites and asks for the opinions.',
    )
    segment_id = fields.Many2one(
        comodel_name='retail.segment',
        domain="[('company_id', '=', company_id)]",
        ondelete='set null',
        help='Choose among the customers of this segment. Empty: among members whose tier brings the privilege.',
    )
    order = fields.Selection(
        selection=[
            ('loyal', 'The most loyal first'),
            ('random', 'By lot'),
        ],
        required=True,
        default='loyal',
        string='Chosen',
        help='By loyalty score and purchases of the last 12 months; or by lot, where the same list always draws the same.',
    )
    only_consent = fields.Boolean(
        string='Only With Consent to Marketing',
        default=True,
        help='On: only customers who agreed to marketing are chosen.',
    )
    places = fields.Integer(help='So many customers in all. 0: everybody who is entitled.')
    opinion_days = fields.Integer(
        string='Ask for the Opinion After (days)',
        default=14,
        help='So many days after a trial was accepted, a task asks the responsible for the opinion.',
    )
    line_ids = fields.One2many(
        comodel_name='retail.member.list.line',
        inverse_name='list_id',
        help='Who was chosen, and what came of it.',
    )
    line_count = fields.Integer(
        string='Chosen Customers', compute='_compute_counts', help='Customers on the list.'
    )
    accepted_count = fields.Integer(
        string='Accepted', compute='_compute_counts', help='Accepted, attended or tried.'
    )
    used_count = fields.Integer(
        string='Attended or Tried', compute='_compute_counts', help='Who came or tried it.'
    )
    without_consent = fields.Integer(
        compute='_compute_without_consent',
        help='Customers on the list who have not agreed to marketing: invite them in person only.',
    )

    _check_places = models.Constraint(
        'CHECK(places >= 0 AND opinion_days >= 0)', 'Places and days cannot be negative.'
    )
    _check_product = models.Constraint(
        "CHECK(kind <> 'trial' OR product_id IS NOT NULL)", 'A trial needs its product.'
    )

    @api.depends('line_ids.state')
    def _compute_counts(self):
        counts = {}
        for list_, state, count in self.env['retail.member.list.line']._read_group(
            [('list_id', 'in', self.ids)], ['list_id', 'state'], ['__count']
        ):
            counts.setdefault(list_.id, {})[state] = count
        for list_ in self:
            found = counts.get(list_.id, {})
            list_.line_count = sum(found.values())
            list_.used_count = found.get('used', 0)
            list_.accepted_count = found.get('accepted', 0) + found.get('used', 0)

    @api.depends('line_ids')
    def _compute_without_consent(self):
        for list_ in self:
            # consents are given to a company: to the one that invites
            lines = self.env['retail.member.list.line'].with_company(list_.company_id)
            list_.without_consent = lines.search_count(
                [
                    ('list_id', 'in', list_.ids),
                    ('partner_id.retail_marketing_consent', '=', False),
                ]
            )

    @api.constrains('segment_id', 'company_id')
    def _check_segment_id(self):
        """Customers are chosen among those of the company that invites."""
        for list_ in self:
            if list_.segment_id and list_.segment_id.company_id != list_.company_id:
                raise ValidationError(
                    self.env._('Choose a segment of the company that invites the customers.')
                )

    def write(self, vals):
        """Refuse to turn a list with customers into one for something else."""
        if {'kind', 'product_id'} & set(vals) and self.line_ids:
            raise UserError(
                self.env._('There are customers on the list: make a new one for something else.')
            )
        return super().write(vals)

    # === DRAWING ===#

    def action_draw(self):
        """Choose customers for the places that are free.

        :raise AccessError: for those who may not change the list
        :raise UserError: when nobody can be chosen
        """
        self.ensure_one()
        self.check_access('write')
        if not (
            self.env.user.has_group('retail_crm.group_lead')
            or self.env.user.has_group('retail_crm.group_marketing')
        ):
            raise AccessError(self.env._('Only leaders and marketing choose customers.'))
        self.segment_id.check_access('read')  # some are for few eyes only
        count = self._draw()
        if not count:
            raise UserError(
                self.env._(
                    'Nobody can be chosen: no further customer fits, or all places are taken.'
                )
            )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._('%(count)s customers were added.', count=count),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def _draw(self):
        """Add customers in one statement and return their number."""
        self.ensure_one()
        free = self.places - len(self.line_ids) if self.places else None
        if free is not None and free <= 0:
            return 0
        self.env.flush_all()
        if self.order == 'loyal':
            order = SQL(
                'COALESCE(profile.loyalty_score, 0) DESC, COALESCE(profile.spend_12m, 0) DESC, customer.id'
            )
        else:
            order = SQL("md5(%s::text || '/' || customer.id::text)", self.id)
        # sudo: customers of the own company by membership or segment; the query names them by itself
        candidates = self.sudo()._candidates()
        table = candidates.table
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO retail_member_list_line (list_id, product_id, partner_id, company_id, state, create_uid,
                                                     write_uid, create_date, write_date)
                SELECT %(list)s, %(product)s, customer.id, %(company)s, 'offered', %(user)s, %(user)s,
                       now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                  FROM (%(candidates)s) AS customer (id)
                  LEFT JOIN retail_profile AS profile
                    ON profile.partner_id = customer.id AND profile.company_id = %(company)s
                 WHERE NOT EXISTS (SELECT FROM retail_member_list_line AS line
                                    WHERE line.partner_id = customer.id
                                      AND (line.list_id = %(list)s OR line.product_id = %(product)s))
                 ORDER BY %(order)s
                 LIMIT %(limit)s
                ON CONFLICT DO NOTHING
                """,
                list=self.id,
                product=self.product_id.id if self.kind == 'trial' else None,
                company=self.company_id.id,
                user=self.env.uid,
                candidates=candidates.select(SQL.identifier(table, 'id')),
                order=order,
                limit=free,
            )
        )
        count = self.env.cr.rowcount
        self.invalidate_recordset()
        self.env['retail.member.list.line'].invalidate_model()
        return count

    def _candidates(self):
        """Return the query of the customers among whom is chosen."""
        partners = self.env['res.partner'].with_company(self.company_id)
        if self.segment_id:
            chosen = Domain(
                'id', 'in', self.segment_id._members().partner_id.commercial_partner_id.ids
            )
        else:
            members = self.env['retail.membership']
            query = members._search(
                members._domain_of_entitled(self.kind)
                & Domain('company_id', '=', self.company_id.id)
            )
            chosen = Domain('id', 'in', query.subselect(SQL.identifier(query.table, 'partner_id')))
        if self.only_consent:
            chosen &= Domain('retail_marketing_consent', '=', True)
        return partners._search(chosen)

    def action_open_lines(self):
        """Open the customers of the list: to invite them, to note who came, to export."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_member_list_line_action'
        )
        return {**action, 'domain': [('list_id', 'in', self.ids)], 'context': {}}
