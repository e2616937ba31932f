"""What installing into a shop full of orders costs, against rewriting one column of them.

Deriving is done in a transaction that is undone. Each rewrite has a fresh copy of the database,
with all indexes and foreign keys that Odoo has on orders.
"""

import time
from importlib import import_module

from common import SQL, Bench, Variant, house, ratio_of, timer

REWRITE = """
    ALTER TABLE sale_order ADD COLUMN bench_total numeric;
    UPDATE sale_order
       SET bench_total =
           round(amount_untaxed / COALESCE(NULLIF(currency_rate, 0), 1)::numeric, 2)"""


def derive(env):
    """Run the hooks of the installation, and say what each of them took."""
    hooks = import_module('odoo.addons.retail_crm.hooks')  # found once a registry is loaded
    for hook in (hooks.pre_init_hook, hooks.post_init_hook):
        with timer(env) as timed:
            hook(env)
        house.say(f'    {hook.__name__}: {timed.seconds:.2f} s')


def uninstalled(env):
    """Take away what the hooks make, as before the installation."""
    env.flush_all()
    env.cr.execute('TRUNCATE retail_profile, retail_purchase')
    env.cr.execute('ALTER TABLE res_partner DROP COLUMN retail_customer')


def rewrite(plain):
    """Rewrite a column of all orders in a fresh copy of the database; return the seconds."""
    name = f'{plain}_rewrite'
    house.drop(name)
    house.copy(plain, name)
    start = time.perf_counter()
    house.sql(REWRITE, name)
    spent = time.perf_counter() - start
    house.drop(name)
    return spent


def main():
    bench = Bench('install', __doc__)
    [env] = bench.environments('crm')
    plain = env.cr.dbname.replace('crm', 'plain')
    bench.yardsticks(env)
    title = 'install: pre_init column, purchases and figures of all orders'
    base = Variant('UPDATE sale_order SET one column', env, None)
    ours = Variant('retail_crm hooks', env, lambda _: derive(env), lambda: uninstalled(env))
    house.say(f'{title} ...')
    for _number in range(bench.args.runs):
        base.seconds.append(rewrite(plain))
        base.queries.append(2)
        house.say(f'    rewrite: {base.seconds[-1]:.2f} s')
        ours.measure()
        house.say(f'    hooks: {ours.seconds[-1]:.2f} s')
    for variant in (base, ours):
        bench.record(title, variant, base, sizes=sizes(env))
    bench.check('install: against one rewrite of sale_order', ratio_of(ours, base), 0.5)
    env.cr.rollback()
    with bench.explaining(env, 'install') as wanted:
        if wanted:
            env.cr.execute('TRUNCATE retail_profile, retail_purchase')
            import_module('odoo.addons.retail_crm.hooks').post_init_hook(env)
            env.cr.rollback()
    bench.finish()


def sizes(env):
    """Return the megabytes of heap and indexes of our tables."""
    return {
        table: env.execute_query(
            SQL('SELECT pg_table_size(%s) / 1000000, pg_indexes_size(%s) / 1000000', table, table)
        )[0]
        for table in ('retail_purchase', 'retail_profile', 'sale_order')
    }


if __name__ == '__main__':
    main()
