"""What deriving figures costs, against the same figures in plain SQL and the usual way."""

from datetime import date
from importlib import import_module

from common import Bench, Variant, house, ratio_of
from dateutil.relativedelta import relativedelta

FIGURES = (
    'first_order_date last_order_date order_count order_count_12m order_count_prev_12m '
    'spend_total spend_12m spend_prev_12m margin_12m spend_trend average_order mean_gap_days '
    'expected_next_date refresh_on'
).split()

# The sums behind the figures, by hand; {d}, {y}, {yy} are today, one year and two years before.
SUMS = """
    SELECT partner_id, company_id,
           min(date) FILTER (WHERE counts AND date <= '{d}') AS first_day,
           max(date) FILTER (WHERE counts AND date <= '{d}') AS last_day,
           count(*) FILTER (WHERE counts AND date <= '{d}') AS n,
           count(*) FILTER (WHERE counts AND date > '{y}' AND date <= '{d}') AS n1,
           count(*) FILTER (WHERE counts AND date > '{yy}' AND date <= '{y}') AS n2,
           COALESCE(sum(amount) FILTER (WHERE date <= '{d}'), 0) AS spent,
           COALESCE(sum(amount) FILTER (WHERE date > '{y}' AND date <= '{d}'), 0) AS spent1,
           COALESCE(sum(amount) FILTER (WHERE date > '{yy}' AND date <= '{y}'), 0) AS spent2,
           COALESCE(sum(margin) FILTER (WHERE date > '{y}' AND date <= '{d}'), 0) AS margin1,
           count(*) FILTER (WHERE occasion AND date <= '{d}') AS days,
           min(date) FILTER (WHERE date > '{d}') AS coming,
           min(date) FILTER (WHERE date > '{y}' AND date <= '{d}') AS oldest1,
           min(date) FILTER (WHERE date > '{yy}' AND date <= '{y}') AS oldest2
      FROM retail_purchase WHERE {only}
     GROUP BY partner_id, company_id"""
USUAL_GAP = """
    (SELECT round(avg((last_day - first_day)::numeric / (days - 1)), 4)
       FROM {sums} AS s JOIN res_partner AS p ON p.id = s.partner_id
        AND p.retail_customer IS NOT FALSE WHERE days > 1)"""
# A day leaves the window of m months on the first day that it is m months back, leap days included.
LEAVES = """({day} + interval '{m} months' + CASE
    WHEN {day} + interval '{m} months' - interval '{m} months' < {day}
    THEN interval '1 day' ELSE interval '0' END)::date"""
FIGURES_SQL = """
    SELECT s.partner_id, s.company_id,
           first_day, last_day, n, n1, n2, spent, spent1, spent2, margin1,
           round((spent1 - spent2) * 100 / NULLIF(greatest(spent2, 0), 0), 1),
           COALESCE(round(spent / NULLIF(n, 0), 2), 0),
           round((last_day - first_day)::numeric / NULLIF(days - 1, 0), 2),
           CASE WHEN days > 0 THEN last_day + round(greatest(7,
               ((last_day - first_day)::numeric + 2 * gap) / (days + 1)))::int END,
           least(coming, {leaves1}, {leaves2})
      FROM {sums} AS s
      JOIN res_partner AS p ON p.id = s.partner_id AND p.retail_customer IS NOT FALSE,
           (SELECT {gap} AS gap) AS usual"""

# The usual add-on, at its best: a few figures and quintiles straight from the orders.
USUAL_WAY = """
    SELECT m.*, ntile(5) OVER (ORDER BY last_order) AS r, ntile(5) OVER (ORDER BY orders) AS f,
           ntile(5) OVER (ORDER BY spend_12m) AS m
      FROM (SELECT p.commercial_partner_id AS partner_id, o.company_id,
                   COALESCE(sum(o.amount_untaxed / COALESCE(NULLIF(o.currency_rate, 0), 1))
                       FILTER (WHERE o.date_order > '{y}'), 0) AS spend_12m,
                   count(*) FILTER (WHERE o.date_order > '{y}') AS orders_12m, count(*) AS orders,
                   min(o.date_order) AS first_order, max(o.date_order) AS last_order
              FROM sale_order AS o JOIN res_partner AS p ON p.id = o.partner_id
             WHERE o.state = 'sale' GROUP BY 1, 2) AS m"""
USUAL_COLUMNS = 'spend_12m orders_12m orders first_order last_order r f m'.split()


def merge(target, source, columns, join=True):
    """Return the statement that writes what differs, with or without a first look at old rows."""
    names = ', '.join(columns)
    new, old = (', '.join(f'{alias}.{name}' for name in columns) for alias in ('new', 'old'))
    excluded = ', '.join(f'excluded.{name}' for name in columns)
    differs = f"""LEFT JOIN {target} AS old USING (partner_id, company_id)
        WHERE ({old}) IS DISTINCT FROM ({new})"""
    update = f'ON CONFLICT (partner_id, company_id) DO UPDATE SET ({names}) = ROW({excluded})'
    if not join:
        differs, update = (
            '',
            update
            + f' WHERE ({names.replace(", ", f", {target}.")}) IS DISTINCT FROM ({excluded})',
        )
        update = update.replace(f'WHERE ({columns[0]}', f'WHERE ({target}.{columns[0]}')
    return f"""INSERT INTO {target} (partner_id, company_id, {names})
        SELECT new.partner_id, new.company_id, {new}
          FROM ({source}) AS new (partner_id, company_id, {names}) {differs} {update}"""


class Limit:
    """The same figures in plain SQL, into a table with a key only and into one like ours."""

    def __init__(self, env):
        self.env, self.today = env, env.company._retail_today()
        self.days = {
            'd': self.today,
            'y': self.today - relativedelta(months=12),
            'yy': self.today - relativedelta(months=24),
        }
        self.gap = str(env.company.root_id.retail_gap_days)
        cr = env.cr
        cr.execute(
            """DROP TABLE IF EXISTS bench_keyed, bench_like, bench_usual;
            CREATE TABLE bench_like (LIKE retail_profile INCLUDING ALL);
            CREATE SEQUENCE IF NOT EXISTS bench_like_seq;
            ALTER TABLE bench_like ALTER id SET DEFAULT nextval('bench_like_seq'),
                ADD FOREIGN KEY (partner_id) REFERENCES res_partner,
                ADD FOREIGN KEY (company_id) REFERENCES res_company;
            CREATE TABLE bench_keyed AS SELECT * FROM retail_profile WITH NO DATA;
            ALTER TABLE bench_keyed DROP id, ADD PRIMARY KEY (partner_id, company_id);
            CREATE TABLE bench_usual (
                partner_id int, company_id int, spend_12m numeric, orders_12m int, orders int,
                first_order timestamp, last_order timestamp, r int, f int, m int,
                PRIMARY KEY (partner_id, company_id))"""
        )
        for target in ('bench_keyed', 'bench_like'):
            self.full(target)
            cr.execute('DROP TABLE bench_sums')
        self.usual()
        cr.execute('DROP TABLE bench_fresh; ANALYZE bench_keyed, bench_like, bench_usual')
        cr.commit()

    def figures(self, sums, gap):
        leaves = {f'leaves{n}': LEAVES.format(day=f'oldest{n}', m=12 * n) for n in (1, 2)}
        return FIGURES_SQL.format(sums=sums, gap=gap, **leaves)

    def full(self, target):
        """All customers: sums into a temporary table in parallel, then figures and merge."""
        cr = self.env.cr
        sums = SUMS.format(only='true', **self.days)
        cr.execute(f'CREATE TEMP TABLE bench_sums ON COMMIT DROP AS {sums}')
        cr.execute('ANALYZE bench_sums')
        figures = self.figures('bench_sums', USUAL_GAP.format(sums='bench_sums'))
        cr.execute(merge(target, figures, FIGURES))

    def some(self, target, ids):
        """Some customers: one upsert, the usual gap is known. For many a look at the old rows pays."""
        sums = SUMS.format(only=f'partner_id = ANY(ARRAY{list(ids)})', **self.days)
        figures = self.figures(f'({sums})', self.gap)
        self.env.cr.execute(merge(target, figures, FIGURES, join=len(ids) > 100))

    def usual(self):
        cr = self.env.cr
        cr.execute(
            f'CREATE TEMP TABLE bench_fresh ON COMMIT DROP AS {USUAL_WAY.format(**self.days)}'
        )
        cr.execute('ANALYZE bench_fresh')
        cr.execute(merge('bench_usual', 'SELECT * FROM bench_fresh', USUAL_COLUMNS))

    def differences(self):
        """Return the number of rows in which our figures and those of the limit differ."""
        names = ', '.join(['partner_id', 'company_id', *FIGURES])
        self.env.cr.execute(
            f"""
            WITH ours AS (SELECT {names} FROM retail_profile),
            limits AS (SELECT {names} FROM bench_keyed)
            SELECT (SELECT count(*) FROM (TABLE ours EXCEPT TABLE limits) AS more)
                 + (SELECT count(*) FROM (TABLE limits EXCEPT TABLE ours) AS less)"""
        )
        return self.env.cr.fetchone()[0]

    def drop(self):
        self.env.cr.execute(
            'DROP TABLE bench_keyed, bench_like, bench_usual; DROP SEQUENCE bench_like_seq'
        )
        self.env.cr.commit()


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
