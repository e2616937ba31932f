"""What evaluating and previewing tiers costs: by those for whom something is due, and by the member."""

import json
from datetime import timedelta

from common import Bench, Variant, house, ratio_of

from odoo import Command

#: Thresholds that part the customers of the generated shop: ``(name, amount)``.
LADDER = (('Member', 0), ('Silver', 2000), ('Gold', 6000), ('Diamond', 20000))


def open_programme(env):
    """Have all customers with purchases be members as of a year ago, evaluated up to yesterday; return the programme.

    Kept in the database: filling it takes longer than measuring.
    """
    company = env.company.root_id
    programme = env['retail.programme'].search([('company_id', '=', company.id)])
    programme = programme or env['retail.programme'].create(
        {'name': 'Bench', 'company_id': company.id}
    )
    today = company._retail_today()
    if programme.state == 'draft':
        programme.tier_ids.unlink()
        programme.write(
            {
                'date_start': today - timedelta(days=365),
                'tier_ids': [
                    Command.create(
                        {
                            'name': name,
                            'sequence': place,
                            'version_ids': [
                                Command.create({'date_from': '2000-01-01', 'amount': amount})
                            ]
                            if amount
                            else [],
                        }
                    )
                    for place, (name, amount) in enumerate(LADDER)
                ],
            }
        )
        programme.action_start()
        with house.step('opening of the programme'):
            while env['retail.membership']._evaluate_batch():
                env.cr.execute('DELETE FROM retail_moment')  # nobody listens here
                env.cr.commit()
        house.sql(
            'VACUUM ANALYZE retail_membership, retail_tier_move, retail_moment', env.cr.dbname
        )
    while env['retail.membership']._evaluate_batch():
        env.cr.commit()
    return programme


def some_partners(env, programme, share):
    """Return the customers of a part of the members, spread evenly."""
    env.cr.execute(
        """SELECT partner_id FROM retail_membership
            WHERE programme_id = %s AND state = 'active' ORDER BY md5(id::text)""",
        [programme.id],
    )
    ids = [partner_id for (partner_id,) in env.cr.fetchall()]
    return ids[: max(int(len(ids) * share), 1)], len(ids)


def make_due(env, partner_ids):
    """Have members be due today."""
    env.cr.execute(
        """UPDATE retail_membership SET next_on = (now() AT TIME ZONE 'UTC')::date - 1
            WHERE partner_id = ANY(%s)""",
        [partner_ids],
    )
    env.invalidate_all(flush=False)


def alone(env, programme, partner_ids):
    """Take all other members and their purchases away, in this transaction: a small shop with the same customers."""
    cr = env.cr
    cr.execute(
        'CREATE TEMP TABLE bench_kept ON COMMIT DROP AS SELECT unnest(%s) AS id', [partner_ids]
    )
    for table in ('retail_membership', 'retail_purchase'):
        # A table of the same name that is found first, with the same keys and indexes.
        cr.execute(
            f"""CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP;
                INSERT INTO {table} SELECT * FROM public.{table}
                 WHERE partner_id IN (SELECT id FROM bench_kept);
                ANALYZE {table}"""
        )


def evaluation(bench, env, programme):
    """1 % of the members are dirty, or due: in the whole population, and alone in a small one."""
    partner_ids, total = some_partners(env, programme, 0.01)
    members = env['retail.membership']
    partners = env['res.partner'].browse(partner_ids)
    house.say(f'{len(partner_ids)} of {total} members')

    def due_work(_given):
        while members._evaluate_batch():
            pass

    def dirty_work(_given):
        members._evaluate(partners, quiet=True)

    for title, work, prepare in (
        ('dirty', dirty_work, lambda: None),
        ('due', due_work, lambda: make_due(env, partner_ids)),
    ):

        def small(prepare=prepare):
            alone(env, programme, partner_ids)
            prepare()

        base, ours = bench.compare(
            f'1 % of the members are {title}',
            [
                Variant('these members alone', env, work, small),
                Variant('among all members', env, work, prepare),
            ],
            units=len(partner_ids),
            unit='member',
        )
        bench.check(f'1 % {title}: among all against alone', ratio_of(ours, base, 'cpu'), 2)
    with bench.explaining(env, 'due members') as wanted:
        if wanted:
            make_due(env, partner_ids)
            due_work(None)
        env.cr.rollback()


def preview(bench, env, programme):
    """All members by other thresholds, in batches, against reading and evaluating them once."""
    members, company = env['retail.membership'], programme.company_id
    day = company._retail_today()
    all_ids, total = some_partners(env, programme, 1)
    all_ids.sort()

    def read(_given):
        """The half of it that every evaluation needs: all is read, and gone by one set of rules."""
        from odoo.addons.retail_crm.models.loyalty import _tiers

        rules = programme._rules()
        for place in range(0, len(all_ids), 5000):
            for case in members._read_cases(programme, all_ids[place : place + 5000]):
                _tiers.advance(case.before, case.documents, rules, day)

    def draft():
        one = env['retail.tier.preview']._of_programme(programme)
        for row in one.threshold_ids.filtered(lambda row: not row.is_base):
            row.amount *= 1.25
        return one.sudo()

    def compute(one):
        if not one._start('result'):
            while one._work_batch():
                env.flush_all()

    base, ours = bench.compare(
        'preview of all members',
        [
            Variant('evaluate all, write nothing', env, read),
            Variant('preview', env, compute, draft),
        ],
        units=total,
        unit='member',
        runs=min(3, bench.args.runs),
    )
    bench.check('preview against evaluating all without writing', ratio_of(ours, base, 'cpu'), 6)
    one = draft()
    compute(one)
    house.say(json.dumps({'up': one.up_count, 'down': one.down_count, 'same': one.same_count}))
    wrong = abs(one.up_count + one.down_count + one.same_count - total)
    bench.check('preview: members that are in no count', wrong, 0, 'members')
    env.cr.rollback()


def main():
    bench = Bench('tiers', __doc__)
    [env] = bench.environments('crm')
    programme = open_programme(env)
    env.cr.commit()
    bench.yardsticks(env)
    if bench.wants('evaluation'):
        evaluation(bench, env, programme)
    if bench.wants('preview'):
        preview(bench, env, programme)
    bench.finish()


if __name__ == '__main__':
    main()
