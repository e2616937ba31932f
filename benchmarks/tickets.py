"""Databases with many tickets: ours, and the same number in OCA's helpdesk, each beside the other modules alike.

python3 benchmarks/tickets.py --scale 0.01
"""

import subprocess

from common import FOLDER, house, options
from generate import comment, set_comment

TICKETS, CUSTOMERS = 200_000, 1000
WHEELS = ('odoo-addon-helpdesk-mgmt==19.0.1.3.2', 'odoo-addon-helpdesk-mgmt-sla==19.0.1.0.0.4')
OCA = ('helpdesk_mgmt', 'helpdesk_mgmt_sla')

# A team with an address and working hours, deadlines, customers, and a ticket of each state to multiply.
COMMON = """
domain = env['mail.alias.domain'].search([], limit=1) or env['mail.alias.domain'].create({'name': 'bench.test'})
env.company.write({'alias_domain_id': domain.id, 'email': 'shop@bench.test'})
partners = env['res.partner'].create([
    {'name': f'Bench Customer {n}', 'email': f'bench.customer{n}@example.com'} for n in range(%(customers)d)])
env.cr.commit()
"""
PRELUDES = {
    'oca': """
team = env['helpdesk.ticket.team'].create({
    'name': 'Bench team', 'use_sla': True, 'alias_name': 'service', 'user_ids': [(4, env.uid)],
    'resource_calendar_id': env.company.resource_calendar_id.id})
env['helpdesk.sla'].create({'name': 'Two days', 'days': 2, 'team_ids': [(4, team.id)],
    'stage_id': env.ref('helpdesk_mgmt.helpdesk_ticket_stage_done').id})
tickets = env['helpdesk.ticket'].create([{
    'name': 'Bench', 'description': '<p>It hums, but nothing turns.</p>' * 3, 'partner_id': partners[0].id,
    'team_id': team.id, 'partner_email': 'bench.customer0@example.com'} for _n in range(4)])
""",
    'crm': """
team = env['retail.ticket.team'].create({
    'name': 'Bench team', 'kind': 'hotline', 'alias_name': 'service', 'sequence': 1,
    'calendar_id': env.company.resource_calendar_id.id, 'member_ids': [(0, 0, {'user_id': env.uid})]})
kind = env.ref('retail_crm.retail_ticket_type_enquiry')
tickets = env['retail.ticket'].create([{
    'subject': 'Bench', 'description': '<p>It hums, but nothing turns.</p>' * 3, 'partner_id': partners[0].id,
    'team_id': team.id, 'type_id': kind.id, 'result': 'Done'} for _n in range(4)])
""",
}
END = """
for ticket in tickets:
    ticket.message_post(body='It hums', author_id=partners[0].id, message_type='comment',
                        subtype_xmlid='mail.mt_comment')
    ticket.message_subscribe(partners[0].ids)
%(move)s
env.cr.execute("DELETE FROM mail_mail")
env.cr.commit()
print('IDS', ','.join(map(str, tickets.ids)))
"""
# After the messages: a customer's message opens a solved ticket again.
MOVES = {
    'oca': """
stages = ('done', 'new', 'in_progress', 'awaiting')
for ticket, stage in zip(tickets, stages):
    ticket.stage_id = env.ref(f'helpdesk_mgmt.helpdesk_ticket_stage_{stage}')
""",
    'crm': """
for ticket, category in zip(tickets, ('solved', 'new', 'open', 'waiting')):
    if category != 'new':
        ticket._set_stage(category)
""",
}


def oca_addons():
    """Return the folder with OCA's add-ons, fetched from the package index once."""
    folder = FOLDER / f'oca-{house.digest(WHEELS)}'
    if not (folder / 'odoo/addons' / OCA[-1]).exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetch = '-m pip install --no-deps --no-compile --only-binary=:all: --target'.split()
        command = [house.python(), *fetch, folder, *WHEELS]
        subprocess.run(command, env=house.environment(), check=True, stdout=subprocess.DEVNULL)
    return folder / 'odoo/addons'


def addons_path():
    """Return the add-on folders of both databases: one process opens both."""
    return ','.join(map(str, [house.HERE, oca_addons(), *house.odoo_addons()]))


def database(kind, scale):
    """Return the name of the database with tickets of 'crm' or 'oca'; made again when the add-on changes."""
    name = f'b_tickets_{kind}_{scale:g}'.replace('.', '_')
    parts = [
        PRELUDES[kind],
        COMMON,
        END,
        MOVES[kind],
        __doc__,
        scale,
        WHEELS,
        open(__file__).read(),
    ]
    if kind == 'crm':
        files = [path for path in sorted((house.HERE / 'retail_crm').rglob('*')) if path.is_file()]
        parts += [(str(path), path.read_bytes()) for path in files if '.pyc' not in path.name]
    stamp = house.digest(parts)
    if comment(name) == stamp:
        return name
    house.drop(name)
    house.copy(house.template(house.dependencies(), False), name)
    modules = ','.join(OCA) if kind == 'oca' else 'retail_crm'
    path = f'--addons-path={addons_path()}'
    house.odoo_run(name, f'install {modules}', '--no-http', path, '-i', modules)
    script = (COMMON % {'customers': CUSTOMERS}) + PRELUDES[kind] + END % {'move': MOVES[kind]}
    command = [*house.shell_command(name), path]
    done = subprocess.run(
        command, env=house.environment(), input=script, capture_output=True, text=True
    )
    if done.returncode or 'IDS ' not in done.stdout:
        raise SystemExit(done.stderr[-3000:])
    ids = [int(one) for one in done.stdout.split('IDS ')[1].split()[0].split(',')]
    with house.step(f'{name}: {scale * TICKETS:,.0f} tickets'):
        multiply(name, 'helpdesk_ticket' if kind == 'oca' else 'retail_ticket', ids, scale)
    set_comment(name, stamp)
    return name


def multiply(name, table, ids, scale):
    """Copy one closed and three open tickets, with all that belongs to them, spread over two years.

    95 % are closed; the newest 5 % are in the three open states. All dates of a copy move together.
    """
    count = round(TICKETS * scale)
    ours = table == 'retail_ticket'
    own = {
        'name': "'B' || lpad(n::text, 8, '0')" if ours else "'Problem number ' || n",
        'subject': "'Problem number ' || n",
        'number': "'B' || lpad(n::text, 8, '0')",
        'partner_id': 'partner',
        'commercial_partner_id': 'partner',
        'priority': f'(n::bigint * 7919 % {3 if ours else 4})::text',
        'user_id': 'CASE WHEN n % 7 > 0 THEN 2 END',
        'access_token': 'NULL',
    }
    base = int(house.sql(f'SELECT max(id) FROM {table}', name)[0][0])
    house.sql(
        f"""CREATE UNLOGGED TABLE bench_copy AS
            SELECT {base} + n AS id, n, partner[1 + n % {CUSTOMERS}] AS partner,
                   CASE WHEN n <= {count} * 0.95 THEN {ids[0]} ELSE (ARRAY{ids[1:]})[1 + n % 3] END AS pattern,
                   now() AT TIME ZONE 'UTC' - ({count} - n) * (interval '730 days' / {count}) AS made
              FROM generate_series(1, {count}) AS n,
                   (SELECT array_agg(id ORDER BY id) AS partner FROM res_partner WHERE email LIKE 'bench.customer%') AS p""",
        name,
    )
    copy_rows(name, table, 'id', own)
    for child, link, condition in children(name, table):
        copy_rows(name, child, link, {link: 'bench_copy.id'}, condition, skip=('id',))
    model = table.replace('_', '.')
    for child in ('mail_message', 'mail_followers'):
        key = 'model' if child == 'mail_message' else 'res_model'
        values = {'res_id': 'bench_copy.id', 'author_id': 'partner', 'partner_id': 'partner'}
        values['message_id'] = "'<' || bench_copy.id || '.' || source.id || '@bench>'"
        condition = f"source.{key} = '{model}'"
        if child == 'mail_followers':
            condition += ' AND source.partner_id IN (SELECT id FROM res_partner WHERE email LIKE '
            condition += "'bench.customer%')"
        copy_rows(name, child, 'res_id', values, condition, skip=('id',))
    house.sql(f"SELECT setval('{table}_id_seq', {base + count})", name)
    house.sql('DROP TABLE bench_copy', name)
    house.sql('VACUUM ANALYZE', name)


def children(name, table):
    """Return ``(table, column, condition)`` of what belongs to tickets by a cascading key."""
    return [
        (child, link, 'true')
        for child, link in house.sql(
            f"""SELECT conrelid::regclass::text, attname FROM pg_constraint
                  JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
                 WHERE contype = 'f' AND confdeltype = 'c' AND confrelid = '{table}'::regclass
                   AND conrelid::regclass::text NOT LIKE '%_rel'""",
            name,
        )
    ]


def copy_rows(name, table, link, own, condition='true', skip=()):
    """Insert the copies of a table's rows that belong to the patterns; dates move with the ticket."""
    columns = house.sql(
        f"""SELECT column_name, data_type FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = '{table}' AND is_generated = 'NEVER'""",
        name,
    )
    values = {}
    for column, kind in columns:
        if column in skip:
            continue
        if column in own:
            values[column] = own[column]
        elif column == 'id':
            values[column] = 'bench_copy.id'
        elif kind == 'timestamp without time zone':
            values[column] = (
                f"source.{column} + (made - date_trunc('second', now() AT TIME ZONE 'UTC'))"
            )
        else:
            values[column] = f'source.{column}'
    names = ', '.join(f'"{column}"' for column in values)
    house.sql(
        f"""INSERT INTO {table} ({names}) SELECT {', '.join(values.values())}
              FROM bench_copy JOIN {table} AS source ON source.{link} = pattern AND {condition}
             ORDER BY bench_copy.id""",
        name,
    )


if __name__ == '__main__':
    scale = options(__doc__).scale
    for kind in ('oca', 'crm'):
        database(kind, scale)
