from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

#: Days ahead in which points that end are summed up: those of the first notice.
POINTS_DAYS = 30
TICKET_KINDS = (
    'ticket_opened',
    'ticket_answered',
    'ticket_solved',
    'ticket_reopened',
    'ticket_archived',
    'ticket_breached',
)


class RetailCareRuleFilter(models.Model):
    """Of which tickets, points and deliveries a rule is: what happens to a document is only sometimes an occasion."""

    _inherit = 'retail.care.rule'

    ticket_filter = fields.Selection(
        selection=[('complaint', 'Complaints only'), ('other', 'All but complaints')],
        string='Tickets',
        help='Of which tickets the rule is. Empty: of all. Tasks of the team itself and merged ones never count.',
    )
    reason_ids = fields.Many2many(
        comodel_name='retail.ticket.reason',
        relation='retail_care_rule_reason_rel',
        column1='rule_id',
        column2='reason_id',
        string='Classes of Complaints',
        help='Only complaints of these classes and of those below them. Empty: all classes.',
    )
    guidance_only = fields.Boolean(
        string='Goods That Need Explaining',
        help='Only deliveries with goods of categories that are ticked "Needs Explaining".',
    )

    @api.constrains('ticket_filter', 'trigger', 'moment_kind')
    def _check_ticket_filter(self):
        for rule in self:
            if rule.ticket_filter and (
                rule.trigger != 'moment' or rule.moment_kind not in TICKET_KINDS
            ):
                raise ValidationError(
                    self.env._('Only rules about what happens to tickets tell tickets apart.')
                )

    def _definition_fields(self):
        return super()._definition_fields() | {'ticket_filter', 'reason_ids', 'guidance_only'}

    def _sql_audience(self, company):
        """Leave out tickets of another kind, points that are too few, and goods that need no explaining.

        Besides contact and customer the occasion is in scope, as ``anchor``.
        """
        conditions = super()._sql_audience(company)
        if self.trigger == 'moment' and self.moment_kind in TICKET_KINDS:
            conditions.append(self._sql_of_tickets())
        elif self.trigger == 'moment' and self.moment_kind == 'points_expiring' and self.minimum:
            conditions.append(self._sql_of_points())
        elif self.trigger == 'delivery' and self.guidance_only:
            conditions.append(self._sql_of_guidance())
        return conditions

    def _sql_of_tickets(self):
        """Return the condition on tickets: of this kind and class, no internal and no merged ones."""
        is_complaint = {
            'complaint': SQL('AND ticket.is_complaint'),
            'other': SQL('AND ticket.is_complaint IS NOT TRUE'),
        }.get(self.ticket_filter, SQL())
        reasons = SQL()
        if self.reason_ids:
            reasons = SQL(
                """AND EXISTS (SELECT FROM retail_ticket_reason AS reason WHERE reason.id = ticket.reason_id
                       AND (reason.id = ANY(%(ids)s) OR reason.parent_id = ANY(%(ids)s)))""",
                ids=self.reason_ids.ids,
            )
        return SQL(
            """EXISTS (SELECT FROM retail_ticket AS ticket
                WHERE ticket.id = anchor.res_id AND anchor.res_model = 'retail.ticket'
                  AND ticket.is_internal IS NOT TRUE AND ticket.merged_into_id IS NULL %s %s)""",
            is_complaint,
            reasons,
        )

    def _sql_of_points(self):
        """Return the condition that so many points of a card end soon."""
        return SQL(
            """(SELECT COALESCE(SUM(entry.remaining), 0) FROM retail_points_entry AS entry
                 WHERE entry.card_id = anchor.res_id AND entry.state = 'available' AND entry.remaining > 0
                   AND entry.expires_on BETWEEN anchor.anchor_on AND anchor.anchor_on + %s) >= %s""",
            POINTS_DAYS,
            self.minimum,
        )

    def _sql_of_guidance(self):
        """Return the condition that goods of the order need explaining."""
        return SQL(
            """EXISTS (SELECT FROM sale_order_line AS line
                 JOIN product_product AS product ON product.id = line.product_id
                 JOIN product_template AS template ON template.id = product.product_tmpl_id
                 JOIN product_category AS category ON category.id = template.categ_id
                WHERE anchor.res_model = 'sale.order' AND line.order_id = anchor.res_id
                  AND line.display_type IS NULL AND line.product_uom_qty > 0
                  AND category.retail_needs_guidance)"""
        )
