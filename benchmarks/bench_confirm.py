"""What confirming an order costs more with the add-on: one by one, and 200 in a batch.

Three variants take turns order by order: a database without the add-on, the add-on with its
announcement switched off in this process, and the add-on as it is.
"""

import statistics
from unittest.mock import patch

from common import Bench, Variant, ratio_of, timer

ORDERS = 200


def drafts(env):
    """Make 200 draft orders of one line for people, or find those of an earlier run."""
    found = env['sale.order'].search(
        [('origin', '=', 'bench'), ('state', '=', 'draft')], order='id'
    )
    if len(found) >= ORDERS:
        return found[:ORDERS].ids
    env['sale.order'].search([('origin', '=', 'bench')]).unlink()
    goods = env['product.product'].search([('default_code', '=', 'BENCH1')])
    env.cr.execute(
        """SELECT id FROM res_partner
            WHERE parent_id IS NULL AND NOT is_company AND customer_rank > 0
            ORDER BY md5(id::text) LIMIT %s""",
        [ORDERS],
    )
    people = [partner_id for (partner_id,) in env.cr.fetchall()]
    line = {'product_id': goods.id, 'product_uom_qty': 2}
    orders = env['sale.order'].create(
        [
            {'partner_id': person, 'origin': 'bench', 'order_line': [(0, 0, line)]}
            for person in people
        ]
    )
    env.cr.commit()
    return orders.ids


def silent(env):
    """Return a patch that keeps the add-on in this process from announcing anything."""
    moments = type(env['retail.moment'])
    return patch.object(moments, '_emit', lambda self, kind, records: self.browse())


class Confirm(Variant):
    """Confirm orders in transactions that are undone, so that the drafts stay."""

    def __init__(self, label, env, silenced=False):
        super().__init__(label, env, lambda _: self.confirm(self.orders))
        self.silenced, self.orders = silenced, drafts(env)

    def confirm(self, ids):
        self.env['sale.order'].browse(ids).action_confirm()

    def measure(self, keep=True):
        with silent(self.env) if self.silenced else patch.dict({}):
            super().measure(keep)

    def one(self, order_id):
        """Confirm a single order as a request of its own would; return what was counted."""
        env = self.env
        env.cr.rollback()
        env.invalidate_all()
        with silent(env) if self.silenced else patch.dict({}), timer(env) as timed:
            self.confirm([order_id])
        env.cr.rollback()
        return timed


def one_by_one(variants, ids):
    """Confirm each order in all variants before the next one; keep the medians of this round."""
    spent = [[] for _variant in variants]
    for number, order_id in enumerate(ids):
        turn = number % len(variants)
        for index in (*range(turn, len(variants)), *range(turn)):
            spent[index].append(variants[index].one(order_id))
    for variant, all_timed in zip(variants, spent, strict=True):
        variant.seconds.append(statistics.median(timed.seconds for timed in all_timed) * len(ids))
        variant.cpu.append(statistics.median(timed.cpu for timed in all_timed) * len(ids))
        variant.queries.append(sum(timed.queries for timed in all_timed))


def main():
    bench = Bench('confirm', __doc__)
    plain, crm = bench.environments('plain', 'crm')
    bench.yardsticks(crm)

    def variants():
        return [
            Confirm('without add-on', plain),
            Confirm('add-on, emission off', crm, silenced=True),
            Confirm('add-on', crm),
        ]

    title = f'confirm {ORDERS} orders one by one'
    three = variants()
    for number in range(1 + bench.args.runs):
        one_by_one(three, three[0].orders)
        if not number:
            three = variants()  # the first round only warms up
    for variant in three:
        bench.record(title, variant, three[0], ORDERS, 'order')
    without, off, ours = three
    judge(bench, 'one by one', 2, without, off, ours)

    three = bench.compare(f'confirm {ORDERS} orders in a batch', variants(), ORDERS, 'order')
    without, off, ours = three
    judge(bench, 'batch', 0.1, without, off, ours)
    bench.finish()


def judge(bench, how, queries, without, off, ours):
    """Check our share against both yardsticks; time has a budget one by one only."""
    for base, label in ((off, 'emission off'), (without, 'without add-on')):
        more = (statistics.median(ours.queries) - statistics.median(base.queries)) / ORDERS
        bench.check(f'confirm, {how}: queries an order against {label}', more, queries, 'queries')
        allowed = 5 if how == 'one by one' else float('inf')
        share = (ratio_of(ours, base, 'cpu') - 1) * 100
        bench.check(f'confirm, {how}: processor time against {label}', share, allowed, '%')


if __name__ == '__main__':
    main()
