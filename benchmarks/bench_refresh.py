"""What deriving figures and classes costs, against the same in plain SQL and the usual way."""

from datetime import date
from importlib import import_module

from common import Bench, Variant, house, ratio_of
from limit_refresh import Limit


def rows_written(env):
    """Return ``{table: rows}`` written so far in this transaction."""
    env.cr.execute(
        """SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
            WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
              AND relname NOT LIKE 'retail\\_profile\\_%'"""
    )
    return dict(env.cr.fetchall())


def full(bench, env, limit):
    """All customers: into the empty table, and on a night on which nothing changed."""
    profiles, cr = env['retail.profile'], env.cr

    def empty(*tables):
        return lambda: cr.execute(f'TRUNCATE {", ".join(tables)}')

    def install(_given):
        hooks = import_module('odoo.addons.retail_crm.hooks')  # found once a registry is loaded
        with hooks._filled_in_bulk(env, 'retail_profile', unique=True):
            profiles._refresh()

    def variants(emptied):
        ours, keyed, like, usual = (
            empty(table) if emptied else None
            for table in ('retail_profile', 'bench_keyed', 'bench_like', 'bench_usual')
        )
        return [
            Variant('plain SQL, table like ours', env, lambda _: limit.full('bench_like'), like),
            Variant(
                'plain SQL, table with a key only', env, lambda _: limit.full('bench_keyed'), keyed
            ),
            Variant('retail_crm', env, lambda _: profiles._refresh(), ours),
            Variant('usual way: 5 figures, 3 quintiles', env, lambda _: limit.usual(), usual),
            *([Variant('retail_crm at installation', env, install, ours)] if emptied else []),
        ]

    for emptied in (True, False):
        title = 'full refresh, empty table' if emptied else 'full refresh, nothing to change'
        like, keyed, ours, *_more = bench.compare(title, variants(emptied))
        bench.check(f'{title}: against plain SQL, table like ours', ratio_of(ours, like), 1.3)
        note = 'against plain SQL into a table with a key only (for information)'
        bench.check(f'{title}: {note}', ratio_of(ours, keyed), float('inf'))
    cr.rollback()
    profiles._refresh()
    env.cr.flush()
    written = rows_written(env)
    house.say(f'rows written by an idle night: {written}')
    bench.check(
        'idle night: rows written in retail_profile', written.get('retail_profile', 0), 0, 'rows'
    )
    bench.check('idle night: rows written in res_partner', written.get('res_partner', 0), 0, 'rows')
    cr.rollback()
    with bench.explaining(env, 'full refresh, nothing to change') as wanted:
        if wanted:
            profiles._refresh()
        cr.rollback()
    with bench.explaining(env, 'full refresh, empty table') as wanted:
        if wanted:
            cr.execute('TRUNCATE retail_profile')
            profiles._refresh()
        cr.rollback()
    with bench.explaining(env, 'limit, nothing to change') as wanted:
        if wanted:
            limit.full('bench_like')
        cr.rollback()


def weekly(bench, env):
    """For information: a full refresh for which the population figures moved, so that classes are derived twice."""
    profiles, cr = env['retail.profile'], env.cr

    def move():
        cr.execute(
            """UPDATE retail_classification
                  SET applied = jsonb_set(applied, '{gap_days}', to_jsonb((applied->>'gap_days')::numeric + 0.5))"""
        )

    def move_everybody():
        """As a week before: expected dates and amounts of all buyers were made with another usual gap."""
        move()
        cr.execute(
            """UPDATE retail_profile
                  SET interval_days = interval_days + 0.1, clv_next_12m = clv_next_12m + 0.01,
                      potential_12m = potential_12m + 0.01"""
        )

    def vacuum():
        cr.rollback()
        house.sql('VACUUM retail_profile', env.cr.dbname)

    idle, *others = bench.compare(
        'weekly run',
        [
            Variant('nothing moved', env, lambda _: profiles._refresh()),
            Variant('usual gap moved, rows are right', env, lambda _: profiles._refresh(), move),
            Variant(
                'usual gap moved, all rows differ',
                env,
                lambda _: profiles._refresh(),
                move_everybody,
            ),
        ],
        runs=min(3, bench.args.runs),  # a change of all rows takes long to prepare
        after=vacuum,
    )
    for one in others:
        title = f'weekly run: {one.label}, against nothing moved (for information)'
        bench.check(title, ratio_of(one, idle), float('inf'))
    with bench.explaining(env, 'weekly run: usual gap moved, all rows differ') as wanted:
        if wanted:
            move_everybody()
            profiles._refresh()
        cr.rollback()
    vacuum()


def backtest(bench, env):
    """For information: customers classed as of a year ago, and what became of them."""
    check = env['retail.profile.backtest']._check
    bench.compare('check against the past', [Variant('12 months', env, lambda _: check(12))])
    env.cr.rollback()
    with bench.explaining(env, 'check against the past, 12 months') as wanted:
        if wanted:
            check(12)
        env.cr.rollback()


def some(bench, env, limit, count):
    """Some customers whose figures changed: all of them are written."""
    profiles, cr = env['retail.profile'], env.cr
    cr.execute(
        'SELECT partner_id FROM retail_profile ORDER BY md5(partner_id::text) LIMIT %s', [count]
    )
    ids = [partner_id for (partner_id,) in cr.fetchall()]
    count = len(ids)

    def stale(table):
        return lambda: cr.execute(
            f'UPDATE {table} SET spend_total = spend_total + 1 WHERE partner_id = ANY(%s)', [ids]
        )

    def vacuum():
        cr.rollback()
        house.sql('VACUUM retail_profile, bench_keyed, bench_like', env.cr.dbname)

    partners = env['res.partner'].browse(ids)
    cr.execute('DELETE FROM bench_keyed WHERE partner_id = ANY(%s)', [ids])
    limit.some('bench_keyed', ids)
    note = f'rows of {count} customers in which our figures differ from plain SQL'
    bench.check(note, limit.differences(ids), 0, 'rows')
    vacuum()
    titles = {
        True: f'refresh of {count} dirty customers, all differ',
        False: f'refresh of {count} dirty customers, none differs',
    }
    for differ, title in titles.items():
        like, _keyed, ours = bench.compare(
            title,
            [
                Variant(
                    'plain SQL upsert, table like ours',
                    env,
                    lambda _: limit.some('bench_like', ids),
                    stale('bench_like') if differ else None,
                ),
                Variant(
                    'plain SQL upsert, table with a key only',
                    env,
                    lambda _: limit.some('bench_keyed', ids),
                    stale('bench_keyed') if differ else None,
                ),
                Variant(
                    'retail_crm',
                    env,
                    lambda _: profiles._refresh(partners),
                    stale('retail_profile') if differ else None,
                ),
            ],
            units=count,
            unit='customer',
            runs=bench.args.runs * (10 if count == 1 else 1),
            warm=3,
            after=None if count == 1 else vacuum,
        )
        budget, what = (2.5, 'cpu') if count == 1 else (1.4, 'seconds')
        bench.check(f'{title}: against plain SQL upsert', ratio_of(ours, like, what), budget)
    cr.rollback()
    with bench.explaining(env, f'{count} dirty customers') as wanted:
        if wanted:
            stale('retail_profile')()
            profiles._refresh(partners)
        cr.rollback()
    with bench.explaining(env, f'limit, {count} dirty customers') as wanted:
        if wanted:
            stale('bench_like')()
            limit.some('bench_like', ids)
        cr.rollback()


def documents(bench, env, count):
    """For information: what a listener or the repair does for so many orders, the newest ones."""
    purchases, cr = env['retail.purchase'], env.cr
    cr.execute('SELECT id FROM sale_order ORDER BY id DESC LIMIT %s', [count])
    ids = [order_id for (order_id,) in cr.fetchall()]

    def lose(_given=None):
        cr.execute(
            """DELETE FROM retail_purchase
                WHERE res_model = 'sale.order' AND res_id = ANY(%s)""",
            [ids],
        )

    def derive(_given=None):
        purchases._sync_documents({'sale.order': ids})

    bench.compare(
        f'purchases of {len(ids)} orders derived again, then their customers',
        [Variant('nothing changed', env, derive), Variant('all new', env, derive, lose)],
        units=len(ids),
        unit='order',
    )
    cr.rollback()
    with bench.explaining(env, f'{len(ids)} orders derived again, all new') as wanted:
        if wanted:
            lose()
            derive()
    cr.rollback()
    house.sql('VACUUM retail_profile, retail_purchase', cr.dbname)


def main():
    bench = Bench('refresh', __doc__)
    [env] = bench.environments('crm')
    house.say(f'{env.cr.dbname}: {date.today()}')
    env['retail.profile']._refresh()
    env.cr.commit()
    bench.yardsticks(env)
    limit = Limit(env)
    bench.check('rows in which our figures differ from plain SQL', limit.differences(), 0, 'rows')
    if bench.wants('full'):
        full(bench, env, limit)
    if bench.wants('weekly'):
        weekly(bench, env)
    if bench.wants('backtest'):
        backtest(bench, env)
    if bench.wants('some'):
        some(bench, env, limit, round(10_000 * min(1, bench.args.scale)))
        some(bench, env, limit, 1)
    if bench.wants('documents'):
        for count in (1, 1000, round(50_000 * min(1, bench.args.scale))):
            documents(bench, env, count)
    env.cr.rollback()
    limit.drop()
    bench.finish()


if __name__ == '__main__':
    main()
