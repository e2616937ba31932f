"""What planning a care rule costs, against the same INSERT written by hand."""

from datetime import timedelta

from common import Bench, Variant, house, ratio_of


def happen(env, day):
    """Have every customer come back on a day, told already: what the rule is about."""
    env.cr.execute(
        """INSERT INTO retail_moment (kind, partner_id, company_id, res_model, res_id, date, state, attempts)
           SELECT 'came_back', id, %s, 'res.partner', id, %s, 'done', 0
             FROM res_partner WHERE retail_customer AND active""",
        [env.company.id, f'{day} 09:00:00'],
    )
    env.cr.commit()
    house.sql('VACUUM ANALYZE retail_moment', env.cr.dbname)


class Plain:
    """The same rows by hand: what somebody would type into psql."""

    def __init__(self, env, rule, day):
        self.cr, self.rule, self.day = env.cr, rule, day
        self.company = rule.company_id

    def anti_join(self):
        return """NOT EXISTS (SELECT FROM retail_followup f WHERE f.rule_id = %(rule)s
                     AND f.partner_id = m.partner_id AND f.occurrence = 'came_back:res.partner:' || m.res_id || ':' || d.day)"""

    def sources(self):
        return """FROM retail_moment m
             CROSS JOIN LATERAL (SELECT (m.date AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date AS day) d
             JOIN res_partner p ON p.id = m.partner_id
             JOIN res_partner c ON c.id = p.commercial_partner_id
            WHERE m.kind = 'came_back' AND m.state = 'done' AND d.day BETWEEN %(first)s AND %(last)s
              AND p.active AND c.active AND c.retail_customer AND (c.company_id IS NULL OR c.company_id = %(company)s)"""

    def values(self):
        return {
            'rule': self.rule.id,
            'company': self.company.id,
            'zone': self.company._retail_timezone(),
            'first': self.day - timedelta(days=self.rule.late_days),
            'last': self.day,
        }

    def insert(self):
        """Write them."""
        self.cr.execute("SELECT set_config('jit', 'off', true)")
        self.cr.execute(
            f"""INSERT INTO retail_followup (rule_id, partner_id, commercial_partner_id, company_id, purpose, family,
                       is_expected, hard_date, occurrence, anchor_on, res_model, res_id, due_on, try_at, state,
                       create_uid, write_uid, create_date, write_date)
                SELECT %(rule)s, p.id, p.commercial_partner_id, %(company)s, 'service', 'other', false, false,
                       'came_back:res.partner:' || m.res_id || ':' || d.day, d.day, m.res_model, m.res_id, d.day,
                       (d.day + interval '10 hours') AT TIME ZONE %(zone)s AT TIME ZONE 'UTC', 'planned', 1, 1, now(), now()
                {self.sources()} AND {self.anti_join()}
                ON CONFLICT DO NOTHING""",
            self.values(),
        )

    def look(self):
        """Find that nothing is to be written."""
        self.cr.execute("SELECT set_config('jit', 'off', true)")
        self.cr.execute(
            f'SELECT count(*) {self.sources()} AND {self.anti_join()}',
            self.values(),
        )


def main():
    bench = Bench('followups', __doc__)
    [env] = bench.environments('crm')
    company = env.company.root_id
    day = company._retail_today()
    rules = env['retail.care.rule']
    env.cr.execute('DELETE FROM retail_followup')
    env.cr.execute("DELETE FROM retail_moment WHERE kind = 'came_back'")
    rule = rules.create(
        {
            'name': 'Bench',
            'company_id': company.id,
            'trigger': 'moment',
            'moment_kind': 'came_back',
        }
    )
    rule._set_previewed()
    rule.action_start()
    happen(env, day)
    bench.yardsticks(env)
    plain = Plain(env, rule, day)

    def vacuum():
        env.cr.rollback()
        house.sql('VACUUM retail_followup', env.cr.dbname)

    runs = min(3, bench.args.runs)
    base, ours = bench.compare(
        'planning one rule for all customers',
        [
            Variant('INSERT by hand', env, lambda _: plain.insert()),
            Variant('retail_crm', env, lambda _: rule._plan(day)),
        ],
        runs=runs,
        after=vacuum,
    )
    bench.check('planning: against the same INSERT', ratio_of(ours, base), 1.3)
    bench.check('planning: queries of one run', ours.queries[-1], 30, 'queries')
    with bench.explaining(env, 'planning') as wanted:
        if wanted:
            rule._plan(day)
        env.cr.rollback()
    plain.insert()
    env.cr.execute('SELECT count(*) FROM retail_followup WHERE rule_id = %s', [rule.id])
    [(by_hand,)] = env.cr.fetchall()
    env.cr.rollback()
    planned = rule._plan(day)
    env.cr.commit()
    house.say(f'{planned} follow-ups')
    bench.check(
        'follow-ups in which ours differ from those by hand', abs(planned - by_hand), 0, 'rows'
    )
    house.sql('VACUUM ANALYZE retail_followup', env.cr.dbname)
    base, ours = bench.compare(
        'planning the same again',
        [
            Variant('anti-join by hand', env, lambda _: plain.look()),
            Variant('retail_crm', env, lambda _: rule._plan(day)),
        ],
        runs=runs,
    )
    bench.check('planning again: against the anti-join', ratio_of(ours, base), 2)
    with bench.explaining(env, 'planning again') as wanted:
        if wanted:
            rule._plan(day)
        env.cr.rollback()
    # what the listener does for one customer
    env.cr.execute(
        'SELECT id FROM retail_moment WHERE kind = %s ORDER BY id LIMIT 1', ['came_back']
    )
    moment = env['retail.moment'].browse(env.cr.fetchone()[0])
    bench.compare(
        'planning when one moment is told (for information)',
        [Variant('one customer', env, lambda _: rules._on_any(moment))],
    )
    env.cr.execute('DELETE FROM retail_followup')
    env.cr.execute("DELETE FROM retail_moment WHERE kind = 'came_back'")
    rule.unlink()
    env.cr.commit()
    bench.finish()


if __name__ == '__main__':
    main()
