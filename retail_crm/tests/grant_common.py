"""What the tests of granted remedies and returns start from."""

from odoo import fields
from odoo.fields import Command

from .purchase_common import PurchaseCase


class GrantCommon(PurchaseCase):
    """Bob bought three lamps at 100 with 10 % tax on top, invoiced, and asks about them in a ticket."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # programs of demo data would give points and rewards, too
        shipped = cls.env.ref('retail_crm.loyalty_program_remedy')
        (cls.env['loyalty.program'].search([]) - shipped).active = False
        shipped.currency_id = cls.company.currency_id
        cls.tax = cls.env['account.tax'].create(
            {'name': 'Ten', 'amount': 10, 'company_id': cls.company.id}
        )
        cls.lamp = cls._create_product(
            'Lamp', 100.0, taxes_id=[Command.set(cls.tax.ids)], standard_price=40.0
        )
        cls.vase = cls._create_product('Vase', 150.0, standard_price=0.0)
        cls.order = cls._buy(3)
        cls.invoice = cls._create_invoice(cls.order)
        cls.ticket = cls._open_ticket(cls.order)
        cls.kinds = {
            kind.method: kind for kind in cls.env['retail.remedy.kind'].search([], order='id desc')
        }

    @classmethod
    def _buy(cls, pieces, partner=None, product=None, date=None, **values):
        order = cls._create_order(partner or cls.bob, 0, confirm=False, **values)
        order.order_line = [
            Command.clear(),
            Command.create({'product_id': (product or cls.lamp).id, 'product_uom_qty': pieces}),
        ]
        order.action_confirm()
        if date:
            order.date_order = fields.Datetime.to_datetime(date)
        return order

    @classmethod
    def _open_ticket(cls, order, **values):
        return cls.env['retail.ticket'].create(
            {
                'subject': 'Lamps flicker',
                'type_id': cls.env.ref('retail_crm.retail_ticket_type_return').id,
                'partner_id': order.partner_id.id,
                'company_id': order.company_id.id,
                'line_ids': [
                    Command.create({'sale_line_id': line.id}) for line in order.order_line
                ],
                **values,
            }
        )

    @classmethod
    def _remedy(cls, method, ticket=None, goods=True, **values):
        """Return an approved remedy."""
        ticket = ticket or cls.ticket
        return cls.env['retail.remedy'].create(
            {
                'ticket_id': ticket.id,
                'kind_id': cls.kinds[method].id,
                'line_id': ticket.line_ids[:1].id if goods else False,
                'state': 'approved',
                **values,
            }
        )

    @classmethod
    def _granted(cls, method, **values):
        """Return a remedy that was carried out, and its document."""
        remedy = cls._remedy(method, **values)
        remedy._grant()
        if remedy.state != 'granted':
            raise AssertionError(remedy.error)
        return remedy, cls.env[remedy.res_model].browse(remedy.res_id)
