"""What the tests of classes start from."""

from datetime import date

from odoo import fields
from odoo.fields import Command
from odoo.tests import new_test_user

from .test_customer_profile import HistoryCase

#: Rows of the history as the tests compare them.
LOGGED = ('date', 'classification', 'old_class', 'new_class', 'direction', 'reason')


def day_of(text):
    """A day of 2026 written as ``'03-11'``, or any day in full."""
    return fields.Date.to_date(text if len(text) > 5 else f'2026-{text}')


class ClassCase(HistoryCase):
    """A shop whose only regular customer comes every 10 days and spends more than all others.

    That is the usual gap; and everybody else is C, no star and of no high value.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.action_cancel()
        cls._process()
        cls._no_rebuild()
        cls.changes = cls.env['retail.profile.change']
        cls.rules = cls.env['retail.classification']._of_companies(cls.shop.ids)
        cls.regular = cls._customer('Regular')
        cls._buy(cls.regular, ('2026-01-01', 500_000), ('2026-01-11', 500_000))
        cls.profiles._refresh(as_of=date(2026, 2, 1))
        cls.dora = cls._customer('Dora')
        cls.clerk = new_test_user(
            cls.env,
            login='retail_clerk',
            groups='retail_crm.group_user',
            company_id=cls.shop.id,
            company_ids=[Command.set(cls.shop.ids)],
        )
        cls._forget()

    @classmethod
    def _customer(cls, name):
        return cls.env['res.partner'].create({'name': name})

    @classmethod
    def _buy(cls, partner, *purchases):
        """Give a customer purchases ``(day, amount)`` without refreshing figures; return the orders."""
        orders = cls._insert_orders(
            [(partner.id, day_of(day), amount) for day, amount in purchases]
        )
        cls.purchases._sync({'sale.order': orders.ids})
        return orders

    @classmethod
    def _give_back(cls, order):
        """Credit all of an order, without refreshing figures."""
        note = cls._credit({order: order.amount_untaxed})
        cls.purchases._sync(cls.purchases._with_original_documents({'account.move': note.ids}))
        cls._forget()

    @classmethod
    def _forget(cls):
        """Forget what waits to be told."""
        cls.env.flush_all()
        cls.moments.search([('state', '=', 'pending')]).sudo().unlink()
        cls._end_transaction()

    def _refresh(self, partners, *days):
        """Refresh some customers on one day after the other."""
        for day in days:
            self.profiles._refresh(partners, as_of=day_of(day))

    def _log(self, partner, *classifications):
        """Return the history of a customer in the shop, oldest first, as tuples; dates as ``mm-dd`` in 2026."""
        domain = [('partner_id', '=', partner.id), ('company_id', '=', self.shop.id)]
        if classifications:
            domain.append(('classification', 'in', classifications))
        rows = []
        for change in self.changes.search(domain, order='date, id'):
            text = str(change.date).removeprefix('2026-')
            keys = [
                key and key.removeprefix(f'{change.classification}.')
                for key in (change.old_class, change.new_class)
            ]
            rows.append((text, change.classification, *keys, change.direction, change.reason))
        return rows

    def _said(self, partner, *kinds):
        """Return the kinds of moments of a customer that nobody was told of yet, and forget them."""
        self.env.flush_all()
        moments = self.moments.search(
            [('state', '=', 'pending'), ('partner_id', '=', partner.id)], order='id'
        )
        found = moments.mapped('kind')
        self._forget()
        return [kind for kind in found if not kinds or kind in kinds]

    def _walk(self, partner, until):
        """Refresh a customer on each of his own refresh dates up to a day, as the nightly action does."""
        profile = self._profile_of(partner)
        while profile.refresh_on and profile.refresh_on <= day_of(until):
            self.profiles._refresh(partner, as_of=profile.refresh_on)
