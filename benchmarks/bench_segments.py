"""What computing segments costs, against the same sets written in plain SQL."""

from common import Bench, Variant, house, ratio_of

#: Segments of each benchmark run.
SEGMENTS = 50


def kinds(env, shops):
    """Return ``[(rule, conditions, WHERE of the same customers in plain SQL)]``, of all kinds that are common.

    In the plain SQL ``p`` is the contact, ``f`` his figures, and ``today`` the day of the figures.
    """
    bought = """EXISTS (SELECT FROM (
        SELECT partner_id FROM retail_purchase WHERE counts AND company_id = {company} AND date <= '{today}'
           AND date > '{today}'::date - interval '{months} months' {more}
         GROUP BY partner_id HAVING count(*) >= {count} {having}) AS c WHERE c.partner_id = p.id)"""
    found = []
    for step in range(SEGMENTS // 10):
        count, amount, months = step + 1, 100 * (step + 1), 3 * (step + 1)
        found += [
            (
                f"[('retail_order_count', '=', {count})]",
                [],
                f'f.order_count = {count}',
            ),
            (
                f"[('retail_order_count_12m', '>=', {count})]",
                [],
                f'f.order_count_12m >= {count}',
            ),
            (f"[('retail_spend_12m', '>', {amount})]", [], f'f.spend_12m > {amount}'),
            (
                f"[('retail_lifecycle', 'in', ['new', 'growth']), ('retail_spend_total', '>', {amount})]",
                [],
                f"f.lifecycle IN ('new', 'growth') AND f.spend_total > {amount}",
            ),
            (
                "[('retail_is_high_value', '=', True), ('retail_adviser_id', '=', False), "
                f"('retail_order_count', '>', {count})]",
                [],
                f'f.is_high_value AND p.retail_adviser_id IS NULL AND f.order_count > {count}',
            ),
            (
                f"['|', ('retail_abc_class', '=', 'a'), ('retail_loyalty_score', '>=', {40 + 10 * step})]",
                [],
                f"(f.abc_class = 'a' OR f.loyalty_score >= {40 + 10 * step})",
            ),
            (
                f"[('name', 'ilike', '{step}{step}')]",
                [],
                f"p.name ILIKE '%{step}{step}%'",
            ),
            (
                '[]',
                [{'kind': 'bought', 'months': months, 'min_count': count}],
                bought.format(months=months, count=count, more='', having='', **shops),
            ),
            (
                "[('is_company', '=', False)]",
                [{'kind': 'bought', 'months': months, 'min_amount': amount}],
                'p.is_company IS NOT TRUE AND '
                + bought.format(
                    months=months,
                    count=1,
                    more='',
                    having=f'AND sum(amount) >= {amount}',
                    **shops,
                ),
            ),
            (
                "[('retail_order_count', '>', 0)]",
                [{'kind': 'not_bought', 'months': months}],
                'f.order_count > 0 AND NOT '
                + bought.format(months=months, count=1, more='', having='', **shops),
            ),
        ]
    return found


class Plain:
    """The same sets in plain SQL: one INSERT and one UPDATE per segment, into a table like ours."""

    def __init__(self, env, shops, rules):
        self.cr, self.shops, self.rules = env.cr, shops, rules
        self.cr.execute('DROP TABLE IF EXISTS bench_member')
        self.cr.execute('CREATE TABLE bench_member (LIKE retail_segment_member INCLUDING ALL)')
        self.cr.execute(
            """ALTER TABLE bench_member
                 ADD FOREIGN KEY (segment_id) REFERENCES retail_segment ON DELETE CASCADE,
                 ADD FOREIGN KEY (partner_id) REFERENCES res_partner ON DELETE RESTRICT"""
        )
        self.cr.commit()

    def where(self, where):
        return f"""p.retail_customer AND p.active AND p.commercial_partner_id = p.id AND {where}
            AND (p.company_id IS NULL OR p.company_id = {self.shops['company']})
            AND NOT EXISTS (SELECT FROM retail_consent r WHERE r.is_current AND r.purpose = 'profiling'
                AND r.state = 'withdrawn' AND r.company_id = {self.shops['company']} AND r.partner_id = p.id)"""

    def run(self, segments):
        """Enter and leave: what a hand-written program would do."""
        self.cr.execute("SELECT set_config('jit', 'off', true)")
        for segment_id, (_rule, _conditions, where) in zip(segments.ids, self.rules, strict=True):
            self.cr.execute(
                f"""
                WITH wanted AS MATERIALIZED (
                    SELECT p.id FROM res_partner p
                      LEFT JOIN retail_profile f
                        ON f.partner_id = p.id AND f.company_id = {self.shops['company']}
                     WHERE {self.where(where).replace('%', '%%')}),
                entered AS (
                    INSERT INTO bench_member (segment_id, partner_id, entered_on, entered_reason)
                    SELECT %(segment)s, id, %(today)s, 'rule' FROM wanted WHERE NOT EXISTS (
                        SELECT FROM bench_member m
                         WHERE m.segment_id = %(segment)s AND m.left_on IS NULL AND m.partner_id = wanted.id)),
                gone AS (
                    UPDATE bench_member m SET left_on = %(today)s
                     WHERE m.segment_id = %(segment)s AND m.left_on IS NULL
                       AND NOT EXISTS (SELECT FROM wanted WHERE wanted.id = m.partner_id))
                SELECT count(*) FROM wanted""",
                {'segment': segment_id, 'today': self.shops['today']},
            )

    def differences(self):
        """Return how many rows are in one of the tables only."""
        self.cr.execute(
            """SELECT count(*) FROM bench_member FULL JOIN retail_segment_member ours
                 USING (segment_id, partner_id)
                WHERE ours.id IS NULL OR bench_member.id IS NULL"""
        )
        return self.cr.fetchone()[0]


def main():
    bench = Bench('segments', __doc__)
    [env] = bench.environments('crm')
    env['retail.profile']._refresh()
    env['retail.segment'].search([]).unlink()
    company = env.company.root_id
    shops = {'company': company.id, 'today': company._retail_today()}
    rules = kinds(env, shops)
    segments = env['retail.segment'].create(
        [
            {
                'name': f'Bench {number}',
                'domain': rule,
                'condition_ids': [(0, 0, values) for values in conditions],
            }
            for number, (rule, conditions, _where) in enumerate(rules)
        ]
    )
    env.cr.commit()
    plain = Plain(env, shops, rules)
    bench.yardsticks(env)
    plain.run(segments)
    segments._recompute()
    env.cr.execute('SELECT count(*) FROM retail_segment_member')
    house.say(f'{len(segments)} segments, {env.cr.fetchone()[0]} members')
    bench.check('members in which ours differ from plain SQL', plain.differences(), 0, 'rows')
    env.cr.rollback()
    runs = min(3, bench.args.runs)

    def vacuum():
        env.cr.rollback()
        house.sql('VACUUM retail_segment_member, bench_member, retail_segment', env.cr.dbname)

    base, ours = bench.compare(
        f'{len(segments)} segments, first time',
        [
            Variant('plain SQL', env, lambda _: plain.run(segments)),
            Variant('retail_crm', env, lambda _: segments._recompute()),
        ],
        units=len(segments),
        unit='segment',
        runs=runs,
        after=vacuum,
    )
    bench.check('segments, first time: against plain SQL', ratio_of(ours, base), 1.3)
    # Members that stay, so that nothing has to be written.
    plain.run(segments)
    segments._recompute()
    env.cr.commit()
    house.sql('VACUUM ANALYZE retail_segment_member, bench_member', env.cr.dbname)
    base, ours = bench.compare(
        f'{len(segments)} segments, nothing changed',
        [
            Variant('plain SQL', env, lambda _: plain.run(segments)),
            Variant('retail_crm', env, lambda _: segments._recompute()),
        ],
        units=len(segments),
        unit='segment',
        runs=runs,
    )
    bench.check('segments, nothing changed: against plain SQL', ratio_of(ours, base), 1.3)
    env.cr.execute(
        'SELECT partner_id FROM retail_profile ORDER BY md5(partner_id::text) LIMIT 1000'
    )
    some = env['res.partner'].browse([partner_id for (partner_id,) in env.cr.fetchall()])
    bench.compare(
        f'{len(segments)} segments after a batch of moments (for information)',
        [Variant(f'{len(some)} customers', env, lambda _: segments._recompute(some))],
        units=len(segments),
        unit='segment',
    )
    segments._recompute()
    env.cr.execute(
        """SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
            WHERE relname = 'retail_segment_member'"""
    )
    written = env.cr.fetchone()
    bench.check('nothing changed: members written', written[0] if written else 0, 0, 'rows')
    env.cr.rollback()
    with bench.explaining(env, 'segments, nothing changed') as wanted:
        if wanted:
            segments._recompute()
        env.cr.rollback()
    segments.unlink()
    env.cr.execute('DROP TABLE bench_member')
    env.cr.commit()
    bench.finish()


if __name__ == '__main__':
    main()
