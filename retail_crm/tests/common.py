"""What the tests of all areas start from. No demo data is relied on."""

from odoo import fields
from odoo.fields import Command

from odoo.addons.base.tests.common import BaseCommon


class RetailCrmCommon(BaseCommon):
    """Two companies, one user per group, a portal user, a company with a contact, a person, goods of fixed prices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(
            context={**cls.env.context, 'tracking_disable': True, 'mail_notrack': True}
        )
        cls.company = cls.env.company
        cls.company_2 = cls.env['res.company'].create(
            {'name': 'Second Company', 'currency_id': cls.company.currency_id.id}
        )
        cls.users = cls._create_users(
            user='retail_crm.group_user',
            lead='retail_crm.group_lead',
            manager='retail_crm.group_manager',
            marketing='retail_crm.group_marketing',
            complaint='retail_crm.group_complaint',
            sensitive='retail_crm.group_sensitive',
            sales='sales_team.group_sale_salesman',
            internal='base.group_user',
            portal='base.group_portal',
        )
        Partner = cls.env['res.partner']
        # customers of demo data are potential customers of every company as long as they have interests
        interested = Partner.with_context(active_test=False).search(
            [('retail_preference_ids', '!=', False)]
        )
        interested.retail_preference_ids = [Command.clear()]
        cls.acme = Partner.create({'name': 'Acme', 'is_company': True})
        cls.ann = Partner.create({'name': 'Ann', 'parent_id': cls.acme.id})
        cls.bob = Partner.create({'name': 'Bob'})
        cls.goods = cls._create_product('Goods', 10.0)
        cls.moments = cls.env['retail.moment']
        cls.purchases = cls.env['retail.purchase']
        cls.profiles = cls.env['retail.profile']
        cls._process()

    @classmethod
    def _create_users(cls, **groups):
        """Return a user per group, as of ``new_test_user``, made at once: one by one takes three times as long."""
        users = cls.env['res.users'].create(
            [
                {
                    'name': f'retail_{name} ({group})',
                    'login': f'retail_{name}',
                    'password': f'retail_{name}',
                    'email': 'r.r@example.com',
                    'group_ids': [Command.set(cls.env.ref(group).ids)],
                }
                for name, group in groups.items()
            ]
        )
        return dict(zip(groups, users, strict=True))

    @classmethod
    def _create_product(cls, name, price, **values):
        return cls.env['product.product'].create(
            {
                'name': name,
                'list_price': price,
                'type': 'service',
                'invoice_policy': 'order',
                'taxes_id': False,
                **values,
            }
        )

    @classmethod
    def _no_rebuild(cls):
        """Take back the rebuild that a changed zone or store asked for: until it is done there is no history."""
        cls.env['res.company'].search([]).retail_rebuild_pending = False

    @classmethod
    def _create_order(cls, partner, amount, date=None, confirm=True, **values):
        """Return an order of one line over ``amount`` (its currency), confirmed on ``date`` (a date or datetime)."""
        order = cls.env['sale.order'].create(
            {
                'partner_id': partner.id,
                'order_line': [
                    Command.create(
                        {'product_id': cls.goods.id, 'product_uom_qty': 1, 'price_unit': amount}
                    )
                ],
                **values,
            }
        )
        if confirm:
            order.action_confirm()
            if date:
                order.date_order = fields.Datetime.to_datetime(date)
        return order

    @classmethod
    def _create_invoice(cls, order):
        """Return the posted invoice of what is left to invoice of an order."""
        invoice = order._create_invoices()
        invoice.action_post()
        return invoice

    @classmethod
    def _create_refund(cls, invoice, amount=None):
        """Return the posted credit note of an invoice, over ``amount`` (net) of its first line or over all of it."""
        wizard = (
            cls.env['account.move.reversal']
            .with_context(active_model='account.move', active_ids=invoice.ids)
            .create({'journal_id': invoice.journal_id.id})
        )
        wizard.refund_moves()
        refund = wizard.new_move_ids
        if amount is not None:
            line = refund.invoice_line_ids.filtered(lambda item: item.display_type == 'product')[:1]
            line.write({'quantity': 1, 'price_unit': amount})
        refund.action_post()
        return refund

    @classmethod
    def _end_transaction(cls):
        """Forget what the transaction has announced, as its commit would."""
        cls.env.flush_all()
        data = cls.env.cr.precommit.data
        for key in [key for key in data if key.startswith('retail_crm.')]:
            del data[key]  # ours only: other modules' hooks still wait for theirs

    @classmethod
    def _process(cls):
        """Let all listeners work on what happened, without the commits of the scheduled action."""
        cls._end_transaction()
        while moments := cls.env['retail.moment']._next_batch():
            cls.env['retail.moment']._process_batch(moments)

    @classmethod
    def _purchase_of(cls, document):
        """Return the purchase row of an order or invoice."""
        return cls.env['retail.purchase'].search(
            [('res_model', '=', document._name), ('res_id', '=', document.id)]
        )

    @classmethod
    def _profile_of(cls, partner, company=None):
        """Return the profile of a customer in a company (default: the current one)."""
        return cls.env['retail.profile'].search(
            [
                ('partner_id', '=', partner.id),
                ('company_id', '=', (company or cls.env.company).root_id.id),
            ]
        )
