"""Looking for duplicates: all customers at night, and one who changed, against the plain GROUP BYs.

Each 20th customer has the telephone of the one before, each 50th his e-mail, as shops with a web store have them.
"""

from datetime import date

from common import Bench, Variant, house, ratio_of

# What the nightly search cannot do without: equal keys found by a GROUP BY each.
CUSTOMERS = """active AND retail_customer IS NOT FALSE AND id = commercial_partner_id"""
PLACE = "lower(street) || '|' || lower(COALESCE(zip, city, ''))"
KEYS = {
    'phone': ('phone_sanitized', 'phone_sanitized IS NOT NULL'),
    'email': ('email_normalized', 'email_normalized IS NOT NULL'),
    'birthday': (
        "lower(name) || '|' || retail_birth_month || '|' || retail_birth_day || '|' || retail_birth_year",
        'retail_birth_month IS NOT NULL',
    ),
    'address': (f"lower(name) || '|' || {PLACE}", "street != ''"),
    'household': (
        f"lower(substring(name FROM '\\S+$')) || '|' || {PLACE}",
        "street != '' AND is_company IS NOT TRUE",
    ),
}
SHARED = """
    UPDATE res_partner AS partner SET phone_sanitized = '+1' || 5550000000 + partner.id - (partner.id % 20 = 0)::int,
           email_normalized = 'c' || partner.id - (partner.id % 50 = 0)::int || '@shop.example'
     WHERE email LIKE 'c%@shop.example' AND phone_sanitized IS NULL"""


def plain(env):
    """The GROUP BYs alone, each into a list of ids."""
    for kind, (key, condition) in KEYS.items():
        env.cr.execute(
            f"""CREATE TEMP TABLE bench_{kind} ON COMMIT DROP AS
                SELECT {key} AS key, array_agg(id) AS members FROM res_partner
                 WHERE {CUSTOMERS} AND {condition} GROUP BY 1 HAVING count(*) > 1"""
        )


def look_up(env, partner_id):
    """The same for one customer: three look-ups by index."""
    env.cr.execute(
        'SELECT phone_sanitized, email_normalized, lower(name) FROM res_partner WHERE id = %s',
        [partner_id],
    )
    phone, email, name = env.cr.fetchone()
    for column, value in (
        ('phone_sanitized', phone),
        ('email_normalized', email),
        ('lower(name)', name),
    ):
        env.cr.execute(f'SELECT id FROM res_partner WHERE {column} = %s AND {CUSTOMERS}', [value])
        env.cr.fetchall()


def main():
    bench = Bench('duplicates', __doc__)
    [env] = bench.environments('crm')
    house.say(f'{env.cr.dbname}: {date.today()}')
    duplicates, cr = env['retail.duplicate'], env.cr
    cr.execute(SHARED)
    if cr.rowcount:
        cr.commit()
        house.sql('VACUUM ANALYZE res_partner', cr.dbname)
    cr.execute('DELETE FROM retail_duplicate')
    cr.commit()
    bench.yardsticks(env)

    title = 'nightly search, nothing known'
    bench.compare(
        title,
        [
            Variant('plain GROUP BYs', env, lambda _: plain(env)),
            Variant('retail_crm', env, lambda _: duplicates._search_all()),
        ],
    )
    cr.rollback()
    duplicates._search_all()
    cr.commit()
    cr.execute('SELECT kind, suspicion, count(*) FROM retail_duplicate GROUP BY 1, 2 ORDER BY 1, 2')
    for kind, suspicion, count in cr.fetchall():
        house.say(f'    {count} groups: {kind}, {suspicion}')
    title = 'nightly search, nothing changed'
    floor, ours = bench.compare(
        title,
        [
            Variant('plain GROUP BYs', env, lambda _: plain(env)),
            Variant('retail_crm', env, lambda _: duplicates._search_all()),
        ],
    )
    bench.check(f'{title}: against plain GROUP BYs', ratio_of(ours, floor), 2.5)
    cr.rollback()
    bench.check('idle night: rows written', duplicates._search_all(), 0, 'rows')
    with bench.explaining(env, title) as wanted:
        if wanted:
            duplicates._search_all()
    cr.rollback()

    cr.execute('SELECT partner_id FROM retail_duplicate_partner_rel ORDER BY 1 LIMIT 1')
    [(known,)] = cr.fetchall()
    cr.execute(
        f"""SELECT id FROM res_partner WHERE id % 20 = 10 AND phone_sanitized IS NOT NULL AND {CUSTOMERS}
              LIMIT 1"""
    )
    [(alone,)] = cr.fetchall()
    for what, partner_id in (('without duplicates', alone), ('of a known group', known)):
        bench.compare(
            f'one changed customer {what}',
            [
                Variant('three look-ups', env, lambda _, one=partner_id: look_up(env, one)),
                Variant(
                    'retail_crm', env, lambda _, one=partner_id: duplicates._search_some([one])
                ),
            ],
            runs=bench.args.runs * 10,
            warm=3,
        )
        with bench.explaining(env, f'one changed customer {what}') as wanted:
            if wanted:
                duplicates._search_some([partner_id])
        cr.rollback()
    bench.finish()


if __name__ == '__main__':
    main()
