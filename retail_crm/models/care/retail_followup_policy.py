from odoo import api, fields, models


class RetailFollowupPolicy(models.Model):
    """What the policy of a customer adds to a follow-up: the channel (S-FUP-14); and the enquiry before the order."""

    _inherit = 'retail.followup'

    enquiry_id = fields.Many2one(
        comodel_name='retail.ticket',
        string='Enquiry Before the Order',
        compute='_compute_enquiry_id',
        help='Last request of the customer about such goods before the order that this is about.',
    )
    product_text = fields.Text(
        string='About the Product',
        compute='_compute_product_text',
        help='What the product says about its refill or maintenance.',
    )

    @api.depends('res_model', 'res_id')
    def _compute_enquiry_id(self):
        self.enquiry_id = False
        about = self.filtered(lambda one: one.res_model == 'sale.order' and one.res_id)
        # sudo: which request it was; who may not read requests sees none
        orders_sudo = self.env['sale.order'].sudo().browse(about.mapped('res_id')).exists()
        tickets = orders_sudo.retail_enquiry_id.sudo(False)._filtered_access('read')
        by_order = {order.id: order.retail_enquiry_id.id for order in orders_sudo}
        for followup in about:
            ticket_id = by_order.get(followup.res_id)
            followup.enquiry_id = ticket_id if ticket_id in tickets.ids else False

    @api.depends('occurrence')
    @api.depends_context('lang')
    def _compute_product_text(self):
        """The product of a refill stands in its occasion: refill:<product>:<day of purchase>:<number>."""
        numbers = {}
        for followup in self:
            word, *parts = (followup.occurrence or '').split(':')
            if word == 'refill' and len(parts) == 3 and parts[0].isdigit():
                numbers[followup.id] = int(parts[0])
        # sudo: a text of a product says nothing of a customer
        products = self.env['product.template'].sudo().browse(set(numbers.values())).exists()
        texts = {product.id: product.retail_contact_text for product in products}
        for followup in self:
            followup.product_text = texts.get(numbers.get(followup.id)) or False

    def _channel_orders(self):
        """Put the channel of the policy first where neither the customer nor the rule says one."""
        orders = super()._channel_orders()
        # sudo: rules, preferences and policies decide, whoever asks
        open_sudo = self.sudo().filtered(
            lambda one: (
                one.rule_id.channel_mode == 'preferred'
                and not one.partner_id.retail_preferred_channel_id
            )
        )
        policies = self.env['retail.policy']
        for company, followups in open_sudo.grouped('company_id').items():
            answers = policies._for_customers(followups.partner_id, company, ['care_channel_id'])
            for followup in followups:
                first = answers[followup.partner_id.id]['care_channel_id'].sudo()
                if not first:
                    continue
                order = (first | self._fallback_channels()).filtered('active')
                if followup.channel_id in order:
                    order = order[order.ids.index(followup.channel_id.id) :]
                orders[followup.id] = order
        return orders
