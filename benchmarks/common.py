"""What the benchmarks share: databases, a timer that counts queries, variants side by side, tables.

Times of a shared machine mean nothing by themselves. So the variants of one measure take turns,
round by round, and what counts is the median of the ratios of the rounds.
"""

import argparse
import contextlib
import gc
import importlib.machinery
import importlib.util
import json
import os
import re
import statistics
import sys
import time
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

HERE = Path(__file__).resolve().parent


def load_house():
    """Return the program ./dev as a module: it knows the databases, the server and the venv."""
    loader = importlib.machinery.SourceFileLoader('house', str(HERE.parent / 'dev'))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('house', loader))
    loader.exec_module(module)
    return module


house = load_house()
if 'RETAIL_CRM_CHECKOUT' not in os.environ or Path(sys.executable).parent != house.venv() / 'bin':
    # called directly instead of by ./dev bench: start again with Odoo's Python and its environment
    house.setup('odoo')
    os.execve(house.python(), [house.python(), *sys.argv], house.environment())

from odoo import api, sql_db  # noqa: E402
from odoo.modules.registry import Registry  # noqa: E402
from odoo.service.server import load_server_wide_modules  # noqa: E402
from odoo.tools import SQL, config  # noqa: E402

FOLDER = house.CACHE / 'benchmarks'
EXPLAINED = re.compile(r'\s*(CREATE TEMP|INSERT|DELETE|UPDATE|WITH|SELECT)', re.I)


def options(description):
    """Read the options; ./dev bench has none, so each has an environment variable as well."""
    get = os.environ.get
    parser = argparse.ArgumentParser(description=description.strip().splitlines()[0])
    parser.add_argument('--scale', type=float, default=get('RETAIL_CRM_BENCH_SCALE', 1))
    parser.add_argument('--runs', type=int, default=get('RETAIL_CRM_BENCH_RUNS', 5))
    parser.add_argument('--only', default=get('RETAIL_CRM_BENCH_ONLY', ''), help='parts, by commas')
    parser.add_argument(
        '--explain', action='store_true', default=bool(get('RETAIL_CRM_BENCH_EXPLAIN'))
    )
    parser.add_argument(
        '--strict', action='store_true', default=bool(get('RETAIL_CRM_BENCH_STRICT'))
    )
    return parser.parse_args()


class Variant:
    """One way to do the measured work.

    :param run: function of what ``setup`` returned; only its time counts
    :param setup: function called before each run in the same transaction
    """

    def __init__(self, label, env, run, setup=None):
        self.label, self.env, self.run, self.setup = label, env, run, setup
        self.seconds, self.cpu, self.queries = [], [], []

    def measure(self, keep=True):
        """Run once with an empty cache in a transaction that is rolled back."""
        env = self.env
        env.cr.rollback()
        env.transaction.reset()
        given = self.setup() if self.setup else None
        env.flush_all()
        env.invalidate_all()
        gc.collect()
        with timer(env) as timed:
            self.run(given)
        env.cr.rollback()
        if keep:
            self.keep(timed)

    def keep(self, timed):
        self.seconds.append(timed.seconds)
        self.cpu.append(timed.cpu)
        self.queries.append(timed.queries)


def ratio_of(variant, base, what='seconds'):
    """Return the median of the rounds' ratios, of seconds or of processor time."""
    pairs = zip(getattr(variant, what), getattr(base, what), strict=True)
    return statistics.median(a / b for a, b in pairs)


def calm_ratio(variant, base):
    """Return the ratio of processor time in the least disturbed tenth of many short runs."""
    tenths = [statistics.quantiles(one.cpu, n=10)[0] for one in (variant, base)]
    return tenths[0] / tenths[1]


class timer:
    """Count queries, seconds and processor seconds of a block, with what a commit would write.

    Processor time is that of this process and its database server process: other programs on the
    machine hardly change it. Parallel workers are not in it, so it is not for big statements.
    """

    def __init__(self, env):
        self.env, self.backend = env, f'/proc/{env.cr._cnx.info.backend_pid}/schedstat'

    def processor(self):
        with contextlib.suppress(OSError), open(self.backend) as file:
            return time.process_time() + int(file.read().split()[0]) / 1e9
        return time.perf_counter()  # the server is on another machine

    def __enter__(self):
        self.cpu = self.processor()
        self.count, self.start = sql_db.sql_counter, time.perf_counter()
        return self

    def __exit__(self, *error):
        if not error[0]:
            self.env.cr.flush()  # also runs the hooks before a commit
        self.seconds = time.perf_counter() - self.start
        self.cpu = self.processor() - self.cpu
        self.queries = sql_db.sql_counter - self.count


class Bench:
    """One benchmark: its databases, its measures and its report."""

    def __init__(self, name, description):
        self.name, self.args = name, options(description)
        self.rows, self.checks = [], []
        self.started = datetime.now()
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.stem = FOLDER / f'{self.started:%Y%m%d-%H%M%S}-{name}-{self.args.scale:g}'
        self.opened = []

    def wants(self, part):
        """Tell whether a part of the benchmark was asked for; without --only all are."""
        return not self.args.only or part in self.args.only.split(',')

    # --- databases ---

    def environments(self, *kinds):
        """Return environments in filled databases: 'plain' is without the add-on, 'crm' with it."""
        from generate import database

        names = {kind: database(kind, self.args.scale) for kind in ('crm', 'plain')}
        self.opened = [environment_of(names[kind]) for kind in kinds]
        return self.opened

    # --- measuring ---

    def compare(self, title, variants, units=1, unit='run', runs=None, warm=1, after=None):
        """Run the variants in turns and record them; the others are compared with the first.

        :param after: function called after each round, outside the measure (for example a VACUUM)
        """
        house.say(f'{title} ...')
        for number in range(warm + (runs or self.args.runs)):
            turn = number % len(variants)
            for variant in variants[turn:] + variants[:turn]:
                variant.measure(keep=number >= warm)
            if after:
                after()
        for variant in variants:
            self.record(title, variant, variants[0], units, unit)
        return variants

    def record(self, title, variant, base, units=1, unit='run', **more):
        """Keep the result of a variant; its ratio is the median of the rounds' ratios."""
        ratios = [a / b for a, b in zip(variant.seconds, base.seconds, strict=True)]
        cpu = ratio_of(variant, base, 'cpu') if variant.cpu and base.cpu else None
        self.rows.append(
            {
                'bench': self.name,
                'at': f'{self.started:%Y-%m-%d %H:%M}',
                'scale': self.args.scale,
                'title': title,
                'variant': variant.label,
                'runs': len(variant.seconds),
                'units': units,
                'unit': unit,
                'seconds': [round(second, 6) for second in variant.seconds],
                'queries': statistics.median(variant.queries) / units,
                'ratio': statistics.median(ratios),
                'cpu': [round(second, 6) for second in variant.cpu],
                'cpu_ratio': cpu,
                'ratios': [round(ratio, 4) for ratio in ratios],
                'load': os.getloadavg()[0],
                **more,
            }
        )
        with open(f'{self.stem}.jsonl', 'a') as output:
            output.write(json.dumps(self.rows[-1]) + '\n')
        house.say(f'    {self.line(self.rows[-1])}')

    def check(self, budget, measured, allowed, unit='x'):
        """Compare a figure with its budget."""
        self.checks.append((budget, measured, allowed, unit))
        with open(f'{self.stem}.jsonl', 'a') as output:
            row = {'bench': self.name, 'scale': self.args.scale, 'budget': budget}
            row.update(measured=measured, allowed=allowed, unit=unit, ok=measured <= allowed)
            output.write(json.dumps(row) + '\n')

    def yardsticks(self, env):
        """Measure how fast the machine is now: bare records, and a scan of all orders."""
        industry = env['res.partner.industry']
        self.compare(
            'yardstick: bare ORM record in batch',
            [
                Variant(
                    'create',
                    env,
                    lambda _: industry.create([{'name': f'{n}'} for n in range(1000)]),
                )
            ],
            units=1000,
            unit='record',
        )
        scan = """SELECT count(*), sum(amount_untaxed), max(date_order)
                    FROM sale_order WHERE state = 'sale'"""
        self.compare(
            'yardstick: scan of sale_order',
            [Variant('SELECT', env, lambda _: env.cr.execute(scan))],
        )

    # --- plans ---

    @contextlib.contextmanager
    def explaining(self, env, title):
        """Keep the plan of each statement of the block; each is run twice and undone once."""
        if not self.args.explain:
            yield False
            return
        plans, cursor = [], type(env.cr)
        execute = cursor.execute

        def explain(cr, query, params=None, log_exceptions=True):
            text = query.code if isinstance(query, SQL) else query
            if EXPLAINED.match(text) and 'advisory' not in text:
                statement = (
                    SQL('EXPLAIN (ANALYZE, BUFFERS) %s', query) if isinstance(query, SQL) else None
                )
                execute(cr, 'SAVEPOINT explained')
                execute(
                    cr,
                    statement or f'EXPLAIN (ANALYZE, BUFFERS) {query}',
                    None if statement else params,
                )
                plan = '\n'.join(line for (line,) in cr._obj.fetchall())
                execute(cr, 'ROLLBACK TO SAVEPOINT explained')
                plans.append(f'{cr.mogrify(query, params).decode()[:6000]}\n\n{plan}\n')
            return execute(cr, query, params, log_exceptions)

        with patch.object(cursor, 'execute', explain):
            yield True
        with open(f'{self.stem}.explain.txt', 'a') as output:
            output.write(f'\n===== {title} (scale {self.args.scale:g})\n\n')
            output.write('\n-----\n'.join(plans))

    # --- report ---

    def line(self, row):
        """Return a result as a line of the Markdown table."""
        median = statistics.median(row['seconds'])
        low, high = min(row['seconds']), max(row['seconds'])
        cpu = f'{row["cpu_ratio"]:.3f}' if row['cpu_ratio'] else ''
        return (
            f'| {row["title"]} | {row["variant"]} | {row["runs"]} '
            f'| {median:.4g} | {low:.4g}–{high:.4g} '
            f'| {median * 1000 / row["units"]:.4g} / {row["unit"]} | {row["queries"]:.4g} '
            f'| {row["ratio"]:.3f} ({min(row["ratios"]):.2f}–{max(row["ratios"]):.2f}) | {cpu} |'
        )

    def finish(self):
        """Print the tables, keep them beside the raw results, and end the program."""
        text = [
            f'\n## {self.name}: scale {self.args.scale:g}, {self.started:%Y-%m-%d %H:%M}\n',
            '| measure | variant | runs | median s | min–max s | ms | queries '
            '| ratio to the first (min–max) | CPU |',
            '|---|---|---:|---:|---:|---:|---:|---:|---:|',
            *map(self.line, self.rows),
        ]
        if self.checks:
            text += ['\n| budget | allowed | measured | |', '|---|---:|---:|---|']
        for budget, measured, allowed, unit in self.checks:
            verdict = 'pass' if measured <= allowed else '**MISSED**'
            text.append(f'| {budget} | {allowed:g} {unit} | {measured:.3g} {unit} | {verdict} |')
        text = '\n'.join(text) + '\n'
        Path(f'{self.stem}.md').write_text(text)
        print(text, flush=True)
        for env in self.opened:
            env.cr.close()
        house.say(f'kept as {self.stem}.*')
        missed = [budget for budget, measured, allowed, _unit in self.checks if measured > allowed]
        sys.exit(1 if missed and self.args.strict else 0)


def environment_of(name):
    """Return an environment of the administrator, in English, in a registry of the database."""
    if not config.get('retail_crm_bench'):
        filestore = FOLDER / 'data/filestore'
        filestore.mkdir(parents=True, exist_ok=True)
        config.parse_config(
            [
                '-c',
                str(house.config_of(name)),
                '--no-http',
                '--log-level=warn',
                f'--data-dir={FOLDER / "data"}',
            ],
            setup_logging=True,
        )
        load_server_wide_modules()
        config['retail_crm_bench'] = True
    link = FOLDER / 'data/filestore' / name
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(house.folder_of(name) / 'data/filestore' / name)
    env = api.Environment(Registry(name).cursor(), api.SUPERUSER_ID, {})
    admin = env.ref('base.user_admin')
    return api.Environment(env.cr, admin.id, {'lang': 'en_US', 'tz': 'UTC'})
