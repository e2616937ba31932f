"""The scheduled action of deadlines with 100,000 open tickets, of which 10 are due: what it reads, and how long it takes.

Beside it: the same 10 with a hundredth of the tickets, and a look at every open ticket, as helpdesks without an index on
the next event do it.
"""

import tickets
from common import Bench, Variant, environment_of, house, ratio_of

DUE = 10

OPEN = """
UPDATE retail_ticket SET category = 'open', stage_id = (SELECT stage_id FROM retail_ticket WHERE category = 'open' LIMIT 1)
 WHERE category != 'open';
UPDATE retail_ticket SET next_event_at = now() AT TIME ZONE 'UTC' + interval '1 year';
UPDATE retail_ticket SET next_event_at = now() AT TIME ZONE 'UTC' - interval '1 minute', user_id = 2
 WHERE id IN (SELECT ticket_id FROM retail_ticket_target WHERE kind = 'solve' AND met_at IS NULL AND NOT is_breached
               ORDER BY ticket_id DESC LIMIT %d);
"""


def database(scale):
    """Return a database in which all tickets are open and ten are due, made from the one of bench_tickets."""
    source = tickets.database('crm', scale)
    name = f'{source}_open'
    house.drop(name)
    house.copy(source, name)
    house.sql(OPEN % DUE, name)
    house.sql('VACUUM (FULL, ANALYZE) retail_ticket', name)
    return name


def read_of(env):
    """Return how many rows of tickets this transaction has read so far."""
    env.cr.execute(
        'SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables'
        " WHERE relname = 'retail_ticket'"
    )
    return env.cr.fetchone()[0]


def run(env, rows=None):
    """Do what the scheduled action does, in one batch; note what the search for due tickets and all of it read."""

    def work(_given):
        before = read_of(env)
        due = env['retail.ticket']._clock_due_tickets()
        assert len(due) == DUE, due
        found = read_of(env) - before
        due._clock_fire()
        while notices := env['retail.escalation.notice']._due():
            notices._send()
        env.flush_all()
        if rows is not None:
            rows.append((found, read_of(env) - before))

    return work


def look_at_all(env):
    """Ask every open ticket for its deadlines."""

    def work(_given):
        found = env['retail.ticket'].search([('category', 'in', ('new', 'open', 'on_hold'))])
        for start in range(0, len(found), 1000):
            found[start : start + 1000].fetch(['deadline', 'next_event_at', 'clock_kept'])
            env.invalidate_all()

    return work


def main():
    bench = Bench('escalation', __doc__)
    # of few tickets fewer than ten are open to begin with
    sizes = (bench.args.scale / 2, max(bench.args.scale / 200, 0.002))
    names = [database(scale) for scale in sizes]
    bench.opened = [environment_of(name) for name in names]
    many, few = bench.opened
    counts = [f'{env["retail.ticket"].search_count([]):,}' for env in bench.opened]
    rows = []
    variants = [
        Variant(f'{counts[1]} open, {DUE} due', few, run(few)),
        Variant(f'{counts[0]} open, {DUE} due', many, run(many, rows)),
        Variant(f'every one of {counts[0]} looked at', many, look_at_all(many)),
    ]
    bench.compare('a run of the scheduled action', variants, DUE, 'due ticket')
    searched, all_read = max(rows)
    bench.check(f'{counts[0]} open: tickets read to find what is due', searched, DUE, 'rows')
    bench.check('tickets read in all, per due one', all_read / DUE, 12, 'rows')
    bench.check('a hundred times the tickets: time', ratio_of(variants[1], variants[0], 'cpu'), 1.3)
    bench.finish()


if __name__ == '__main__':
    main()
