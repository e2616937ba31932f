"""Make the databases of the benchmarks: a big shop without the add-on, and a copy with it.

python3 benchmarks/generate.py --scale 0.1
"""

import subprocess
import time

from common import house, options

CUSTOMERS, ORDERS, LINES, RETURNS = 1_000_000, 5_000_000, 1_000_000, 20_000

# What SQL should not make: products with their templates, and teams that may become stores.
PRELUDE = """
env['product.product'].create([
    {'name': f'Goods {n}', 'default_code': f'BENCH{n}', 'list_price': 10 + n, 'type': 'consu',
     'taxes_id': False, 'invoice_policy': 'order'} for n in range(20)
])
env['crm.team'].create([{'name': f'Bench store {n}'} for n in range(8)])
env.cr.commit()
"""


def database(kind, scale):
    """Return the name of the database of this kind and scale; make or update it when needed."""
    name = f'b_{kind}_{scale:g}'.replace('.', '_')
    filled = house.digest((house.HERE / 'benchmarks/generate.sql').read_text(), PRELUDE, scale)
    if kind == 'plain':
        if comment(name) != filled:
            fill(name, scale)
            set_comment(name, filled)
        return name
    plain = database('plain', scale)
    files = [path for path in sorted((house.HERE / 'retail_crm').rglob('*')) if path.is_file()]
    sources = house.digest(
        [(str(path), path.read_bytes()) for path in files if '.pyc' not in path.name]
    )
    stamp = f'{filled} {sources}'
    if comment(name) == stamp:
        return name
    if (comment(name) or '').startswith(filled):
        house.odoo_run(name, 'update retail_crm', '--no-http', '-u', 'retail_crm')
    else:
        house.drop(name)
        with house.step(f'database {name}: copy of {plain}'):
            house.copy(plain, name)
        start = time.monotonic()
        house.odoo_run(name, 'install retail_crm', '--no-http', '-i', 'retail_crm')
        house.say(f'install into {scale * ORDERS:,.0f} orders: {time.monotonic() - start:.1f} s')
        house.sql('VACUUM ANALYZE res_partner, retail_purchase, retail_profile', name)
    set_comment(name, stamp)
    return name


def fill(name, scale):
    """Make a database without the add-on and fill it."""
    house.drop(name)
    house.copy(house.template(house.dependencies(), False), name)
    house.config_of(name)
    house.shell_script(name, PRELUDE)
    sizes = {'customers': CUSTOMERS, 'orders': ORDERS, 'lines': LINES, 'returns': RETURNS}
    values = [f'{key}={round(value * scale)}' for key, value in sizes.items()]
    variables = [text for value in values for text in ('-v', value)]
    with house.step(f'{name}: {", ".join(values)}'):
        subprocess.run(
            ['psql', '-X', '-q', *variables, '-f', house.HERE / 'benchmarks/generate.sql', name],
            env=house.environment(),
            check=True,
        )


def comment(name):
    """Return what a complete database of ours says about itself."""
    rows = house.sql(
        f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{name}'"
    )
    return rows[0][0] if rows else None


def set_comment(name, text):
    house.sql(f'COMMENT ON DATABASE "{name}" IS \'{text}\'')


if __name__ == '__main__':
    database('crm', options(__doc__).scale)
