from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, float_compare

#: Days after confirmation in which an order can still be taken for delivered by it: older ones are only being edited.
FRESH_DAYS = 7
#: Days before an order in which an enquiry may have led to it.
ENQUIRY_DAYS = 90


class ResCompany(models.Model):
    """Whether what is sold over the counter is delivered with it."""

    _inherit = 'res.company'

    retail_sold_is_delivered = fields.Boolean(
        string='Sold Is Delivered',
        default=True,
        help='Orders whose deliveries nobody records (all quantities by hand, none entered) count as delivered when they '
        'are confirmed.',
    )

    @api.model
    def _get_company_root_delegated_field_names(self):
        return [*super()._get_company_root_delegated_field_names(), 'retail_sold_is_delivered']


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_sold_is_delivered = fields.Boolean(
        related='company_id.retail_sold_is_delivered', readonly=False
    )


class SaleOrder(models.Model):
    """Orders know when their goods were delivered, announce it once, and the enquiry that came before (S-SRV-07).

    Invariant: ``retail_delivered_at`` is set once. The moment ``delivered`` goes with it, never with the confirmation
    itself: what counts as delivered by being sold is found when the purchase is told.
    """

    _inherit = 'sale.order'

    retail_delivered_at = fields.Datetime(
        string='Delivered',
        readonly=True,
        copy=False,
        groups='retail_crm.group_user',
        help='When all goods of the order were delivered.',
    )
    retail_enquiry_id = fields.Many2one(
        comodel_name='retail.ticket',
        string='Enquiry Before',
        readonly=True,
        copy=False,
        ondelete='set null',
        index='btree_not_null',
        groups='retail_crm.group_user',
        help='Last request of the customer about such goods before the order.',
    )

    _retail_delivered_idx = models.Index(
        '(retail_delivered_at) WHERE retail_delivered_at IS NOT NULL'
    )

    # === DELIVERED ===#

    def _retail_goods_lines(self):
        """Return the lines that are delivered: goods, or services where there is nothing else."""
        self.ensure_one()
        lines = self.order_line.filtered(
            lambda line: not line.display_type and not line.reward_id and line.product_uom_qty > 0
        )
        return lines.filtered(lambda line: line.product_id.type != 'service') or lines

    def _retail_all_delivered(self):
        """Return whether all that was ordered is delivered."""
        lines = self._retail_goods_lines()
        return bool(lines) and all(
            float_compare(
                line.qty_delivered,
                line.product_uom_qty,
                precision_rounding=line.product_uom_id.rounding or 0.01,
            )
            >= 0
            for line in lines
        )

    def _retail_nobody_records(self):
        """Return whether nobody records what of this order is delivered."""
        lines = self._retail_goods_lines()
        return bool(lines) and all(
            line.qty_delivered_method == 'manual' and not line.qty_delivered for line in lines
        )

    def _retail_check_delivered(self):
        """Mark those of these orders whose last goods were delivered now."""
        # sudo: whoever delivers need not be allowed to write orders
        waiting_sudo = self.sudo().filtered(
            lambda order: order.state == 'sale' and not order.retail_delivered_at
        )
        done_sudo = waiting_sudo.filtered(lambda order: order._retail_all_delivered())
        done_sudo._retail_mark_delivered(fields.Datetime.now())

    def _retail_mark_delivered(self, when):
        """Record when these orders were delivered and announce it; replacements of a remedy are announced, too."""
        if self:
            self.retail_delivered_at = when
            self.env['retail.moment']._emit('delivered', self)

    # === LISTENING ===#

    @api.model
    def _on_purchase(self, moments):
        """Take orders for delivered by being sold where the company says so and nobody records deliveries."""
        fresh = moments.filtered(
            lambda moment: moment.res_model == 'sale.order' and not moment.quiet
        )
        limit = fields.Datetime.now() - timedelta(days=FRESH_DAYS)
        orders_sudo = self.sudo().browse(fresh.mapped('res_id')).exists()  # sudo: system process
        sold_sudo = orders_sudo.filtered(
            lambda order: (
                order.state == 'sale'
                and not order.retail_delivered_at
                and order.date_order >= limit
                and order.company_id.root_id.retail_sold_is_delivered
                and order._retail_nobody_records()
            )
        )
        for when, group in sold_sudo.grouped('date_order').items():
            group._retail_mark_delivered(when)

    _on_purchase_changed = _on_purchase

    @api.model
    def _on_delivered(self, moments):
        """Link the last enquiry of the customer about such goods to the orders."""
        order_ids = moments.filtered(lambda one: one.res_model == 'sale.order').mapped('res_id')
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE sale_order SET retail_enquiry_id = found.ticket_id
                  FROM (SELECT DISTINCT ON (ordered.id) ordered.id AS order_id, ticket.id AS ticket_id
                          FROM sale_order AS ordered
                          JOIN res_partner AS buyer ON buyer.id = ordered.partner_id
                          JOIN res_partner AS asker ON asker.commercial_partner_id = buyer.commercial_partner_id
                          JOIN retail_ticket AS ticket ON ticket.partner_id = asker.id
                          JOIN res_company AS desk ON desk.id = ticket.company_id
                          JOIN res_company AS shop ON shop.id = ordered.company_id
                           AND split_part(shop.parent_path, '/', 1) = split_part(desk.parent_path, '/', 1)
                         WHERE ordered.id = ANY(%(orders)s) AND ordered.retail_enquiry_id IS NULL
                           AND ticket.received_at <= ordered.date_order
                           AND ticket.received_at > ordered.date_order - %(days)s * interval '1 day'
                           AND ticket.is_complaint IS NOT TRUE AND ticket.is_internal IS NOT TRUE
                           AND ticket.is_restricted IS NOT TRUE AND ticket.merged_into_id IS NULL
                           AND (NOT EXISTS (SELECT FROM retail_ticket_line AS line
                                             WHERE line.ticket_id = ticket.id AND line.product_id IS NOT NULL)
                                OR EXISTS (SELECT FROM retail_ticket_line AS line
                                     JOIN product_product AS asked ON asked.id = line.product_id
                                     JOIN product_template AS about ON about.id = asked.product_tmpl_id
                                     JOIN sale_order_line AS item ON item.order_id = ordered.id
                                     JOIN product_product AS bought ON bought.id = item.product_id
                                     JOIN product_template AS goods ON goods.id = bought.product_tmpl_id
                                    WHERE line.ticket_id = ticket.id
                                      AND (goods.id = about.id OR goods.categ_id = about.categ_id)))
                         ORDER BY ordered.id, ticket.received_at DESC, ticket.id DESC) AS found
                 WHERE sale_order.id = found.order_id
                """,
                orders=order_ids,
                days=ENQUIRY_DAYS,
            )
        )
        self.invalidate_model(['retail_enquiry_id'])


class SaleOrderLine(models.Model):
    """Deliveries are entered by hand, or computed by whatever records them."""

    _inherit = 'sale.order.line'

    def write(self, vals):
        result = super().write(vals)
        if 'qty_delivered' in vals:
            self.order_id._retail_check_delivered()
        return result

    def _compute_field_value(self, field):
        """Look at orders whose delivered quantities were computed: stored computed fields do not pass through ``write``."""
        result = super()._compute_field_value(field)
        if field.name == 'qty_delivered':
            moved = self.filtered(
                lambda line: (
                    isinstance(line.id, int) and line.qty_delivered and line.state == 'sale'
                )
            )
            moved.order_id._retail_check_delivered()
        return result


class RetailMoment(models.Model):
    """Orders listen to what they are told of: which of them are delivered with it."""

    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        listeners = super()._listeners()
        for kind in ('purchase', 'purchase_changed', 'delivered'):
            listeners.setdefault(kind, []).append('sale.order')
        return listeners
