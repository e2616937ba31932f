"""What the tests of purchases start from."""

from odoo.fields import Command

from .common import RetailCrmCommon

COLUMNS = (
    'company_id',
    'partner_id',
    'date',
    'amount',
    'margin',
    'returned',
    'counts',
    'store_id',
    'channel_id',
    'user_id',
    'rate_missing',
)


class PurchaseCase(RetailCrmCommon):
    """A company that counts in UTC with a margin of 30 %, and a EUR that changed its rate."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.company.chart_template:
            cls.env['account.chart.template'].try_loading('generic_coa', cls.company)
        cls.company.resource_calendar_id.tz = 'UTC'
        cls.company.retail_margin_percent = 30
        cls.company.retail_purchase_basis = 'order'
        cls.eur = cls.setup_other_currency('EUR', rates=[('2020-01-01', 0.5), ('2024-06-01', 0.8)])
        cls.euros = cls.env['product.pricelist'].create(
            {'name': 'Euros', 'currency_id': cls.eur.id}
        )

    @classmethod
    def _create_lines(cls, partner, *lines, date=None, **values):
        """Return a confirmed order of lines ``(product, price)``."""
        order = cls._create_order(partner, 0, confirm=False, **values)
        order.order_line = [
            Command.clear(),
            *(
                Command.create({'product_id': product.id, 'price_unit': price})
                for product, price in lines
            ),
        ]
        order.action_confirm()
        if date:
            order.date_order = date
        return order

    @classmethod
    def _create_invoice_on(cls, order, day):
        """Return the invoice of an order, posted with that date."""
        invoice = order._create_invoices()
        invoice.invoice_date = day
        invoice.action_post()
        return invoice

    @classmethod
    def _create_refund_on(cls, invoice, day, amount=None):
        """Return the credit note of an invoice, posted with that date."""
        reversal = cls.env['account.move.reversal'].with_context(
            active_model='account.move', active_ids=invoice.ids
        )
        wizard = reversal.create({'journal_id': invoice.journal_id.id, 'date': day})
        wizard.refund_moves()
        refund = wizard.new_move_ids
        if amount is not None:
            refund.invoice_line_ids.write({'quantity': 1, 'price_unit': amount})
        refund.action_post()
        return refund

    @classmethod
    def _create_note(cls, amount, sale_lines=None, day=None, **values):
        """Return a posted credit note of one line that somebody typed in."""
        line = {'product_id': cls.goods.id, 'quantity': 1, 'price_unit': amount, 'tax_ids': False}
        if sale_lines:
            line['sale_line_ids'] = [Command.set(sale_lines.ids)]
        note = cls.env['account.move'].create(
            {
                'move_type': 'out_refund',
                'partner_id': cls.bob.id,
                'invoice_date': day or '2024-03-20',
                'invoice_line_ids': [Command.create(line)],
                **values,
            }
        )
        note.action_post()
        return note

    @classmethod
    def _create_ewallet(cls, partner, points):
        """Return a program whose cards pay, with the product that tops one up and a card of
        ``points``.
        """
        top_up = cls._create_product('Top-up', 50)
        program = cls.env['loyalty.program'].create(
            {
                'name': 'Wallet',
                'program_type': 'ewallet',
                'trigger': 'auto',
                'applies_on': 'future',
                'reward_ids': [
                    Command.create(
                        {'reward_type': 'discount', 'discount_mode': 'per_point', 'discount': 1}
                    )
                ],
                'rule_ids': [
                    Command.create(
                        {
                            'reward_point_amount': '1',
                            'reward_point_mode': 'money',
                            'product_ids': top_up.ids,
                        }
                    )
                ],
                'trigger_product_ids': top_up.ids,
            }
        )
        card = cls.env['loyalty.card'].create(
            {'program_id': program.id, 'partner_id': partner.id, 'points': points}
        )
        return program, top_up, card

    @classmethod
    def _pay_by_card(cls, order, card):
        """Apply the card to the order as far as it goes."""
        order._update_programs_and_rewards()
        order._apply_program_reward(card.program_id.reward_ids, card)

    def _facts_of(self, document):
        """Return what a derivation of everything says about a document."""
        self.purchases._flush_sources()
        self.env.cr.execute(self.purchases._sql_purchase_facts())
        names = [column.name for column in self.env.cr.description]
        rows = [dict(zip(names, row, strict=True)) for row in self.env.cr.fetchall()]
        key = (document._name, document.id)
        return [
            {name: row[name] for name in COLUMNS}
            for row in rows
            if (row['res_model'], row['res_id']) == key
        ]

    def _assert_purchase(self, document, **expected):
        """Check the row of a document, and that deriving everything would give the same row."""
        self._process()
        row = self._purchase_of(document)
        self.assertEqual(len(row), 1, 'exactly one row for the document')
        for name, value in expected.items():
            if isinstance(value, float):
                self.assertAlmostEqual(row[name], value, places=6, msg=name)
            else:
                self.assertEqual(row[name], value, name)
        self.env.cr.execute(
            f'SELECT {", ".join(COLUMNS)} FROM retail_purchase WHERE id = %s', [row.id]
        )
        stored = dict(zip(COLUMNS, self.env.cr.fetchone(), strict=True))
        self.assertEqual([stored], self._facts_of(document))

    def _assert_no_purchase(self, document):
        """Check that a document has no row, and would get none by deriving everything."""
        self._process()
        self.assertFalse(self._purchase_of(document))
        self.assertFalse(self._facts_of(document))
