"""What the tests of segments start from."""

from datetime import datetime

from odoo import fields
from odoo.fields import Command
from odoo.tests import freeze_time

from .common import RetailCrmCommon

#: Today of these tests, at noon.
NOW = datetime(2026, 6, 15, 12)


class SegmentCase(RetailCrmCommon):
    """A shop with two stores, goods in a tree of categories and customers whose purchases the tests know."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(NOW))
        cls.company.resource_calendar_id.tz = 'UTC'
        cls._no_rebuild()
        cls.segments = cls.env['retail.segment']
        cls.segments.search([]).active = False  # each test says itself who belongs to what
        cls.members = cls.env['retail.segment.member']
        Category = cls.env['product.category']
        cls.drinks = Category.create({'name': 'Drinks'})
        cls.coffee = Category.create({'name': 'Coffee', 'parent_id': cls.drinks.id})
        cls.books = Category.create({'name': 'Books'})
        cls.espresso = cls._create_product('Espresso', 10, categ_id=cls.coffee.id)
        cls.juice = cls._create_product('Juice', 5, categ_id=cls.drinks.id)
        cls.novel = cls._create_product('Novel', 20, categ_id=cls.books.id)
        cls.app, cls.till = cls.env['retail.channel'].create(
            [{'name': 'App', 'code': 'seg_app'}, {'name': 'Till', 'code': 'seg_till'}]
        )
        cls.north, cls.south = cls.env['crm.team'].create(
            [
                {'name': 'North', 'retail_is_store': True, 'retail_channel_id': cls.till.id},
                {'name': 'South', 'retail_is_store': True, 'retail_channel_id': cls.app.id},
            ]
        )
        cls._no_rebuild()
        cls.text = cls.env['retail.consent.text'].create(
            {'version': 'seg', 'purpose': 'marketing', 'text': '<p>We write to you.</p>'}
        )
        cls.people = cls.env['res.partner'].create(
            [{'name': f'Segment {letter}', 'ref': 'seg'} for letter in 'ABCDEFGH']
        )
        cls._process()

    @classmethod
    def _sell(cls, partner, day, *lines, store=None):
        """Return a confirmed order of lines ``(product, amount, discount)`` on a day."""
        return cls._create_order(
            partner,
            0,
            f'{day} 10:00:00',
            team_id=(store or cls.north).id,
            order_line=[
                Command.create(
                    {
                        'product_id': product.id,
                        'product_uom_qty': 1,
                        'price_unit': amount,
                        'discount': discount,
                    }
                )
                for product, amount, discount in lines
            ],
        )

    @classmethod
    def _segment(cls, domain='[]', *conditions, **values):
        """Return a segment of the people of these tests, computed."""
        segment = cls.segments.create(
            {
                'name': 'Test',
                'domain': domain,
                'condition_ids': [Command.create(condition) for condition in conditions],
                **values,
            }
        )
        segment._recompute()
        return segment

    @classmethod
    def _in(cls, segment):
        """Return the customers of a segment that the tests know."""
        known = cls.people | cls.bob | cls.acme | cls.ann
        return segment._members().partner_id & known

    def _rows(self, segment, partner):
        """Return the history of a customer in a segment, oldest first, as tuples."""
        rows = self.members.search(
            [('segment_id', '=', segment.id), ('partner_id', '=', partner.id)], order='id'
        )
        return [
            (
                str(row.entered_on),
                row.entered_reason,
                row.left_on and str(row.left_on),
                row.left_reason,
            )
            for row in rows
        ]

    def _written(self, table='retail_segment_member'):
        """Return how many rows of a table this transaction has written."""
        self.env.flush_all()
        self.env.cr.execute(
            'SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables WHERE relname = %s',
            [table],
        )
        return self.env.cr.fetchone()[0]

    @staticmethod
    def _day(text):
        return fields.Date.to_date(text)
