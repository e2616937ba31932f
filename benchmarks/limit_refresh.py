"""What a refresh is measured against: the same figures and classes by hand, for one shop with the shipped rules."""

from datetime import date

from dateutil.relativedelta import relativedelta

# === SUMS, of customers only; {d}, {y}, {yy} are the day, one year and two years before ===

# Of the contact p: ways to reach it that are given and valid, entries filled and asked for, when it was confirmed.
GIVEN = "COALESCE(p.{} != '', false)"
CONTACT = """
    {phone}::int + {email}::int AS ways,
    ({phone} AND p.phone_sanitized IS NOT NULL)::int
        + ({email} AND p.email_normalized IS NOT NULL)::int AS valid,
    {name}::int + ({phone} OR {email})::int + ({city} OR {zip})::int
        + (p.retail_preferred_channel_id IS NOT NULL)::int
        + (p.is_company IS NOT TRUE AND p.retail_birth_month IS NOT NULL AND COALESCE(p.retail_birth_day > 0, false))::int
        + EXISTS (SELECT FROM res_partner_retail_preference_rel AS liking WHERE liking.res_partner_id = p.id)::int
        AS filled,
    CASE WHEN p.is_company THEN 5 ELSE 6 END AS asked, p.retail_checked_on AS checked""".format(
    **{name: GIVEN.format(name) for name in ('phone', 'email', 'name', 'city', 'zip')}
)

SUMS = """
    SELECT sums.*, true AS contact, {person}
      FROM (SELECT partner_id,
                   min(date) FILTER (WHERE counts AND date <= '{d}') AS first_day,
                   max(date) FILTER (WHERE counts AND date <= '{d}') AS last_day,
                   max(previous_date) FILTER (WHERE occasion AND date <= '{d}') AS day_before,
                   count(*) FILTER (WHERE counts AND date <= '{d}') AS n,
                   count(*) FILTER (WHERE counts AND date > '{y}' AND date <= '{d}') AS n1,
                   count(*) FILTER (WHERE counts AND date > '{yy}' AND date <= '{y}') AS n2,
                   count(*) FILTER (WHERE occasion AND date <= '{d}') AS days,
                   count(*) FILTER (WHERE occasion AND date > '{y}' AND date <= '{d}') AS days1,
                   count(*) FILTER (WHERE occasion AND date > '{yy}' AND date <= '{d}') AS days12,
                   COALESCE(sum(amount) FILTER (WHERE date <= '{d}'), 0) AS spent,
                   COALESCE(sum(amount) FILTER (WHERE date > '{y}' AND date <= '{d}'), 0) AS spent1,
                   COALESCE(sum(amount) FILTER (WHERE date > '{yy}' AND date <= '{y}'), 0) AS spent2,
                   COALESCE(sum(margin) FILTER (WHERE date <= '{d}'), 0) AS margin,
                   COALESCE(sum(margin) FILTER (WHERE date > '{y}' AND date <= '{d}'), 0) AS margin1,
                   min(date) FILTER (WHERE date > '{d}') AS coming,
                   min(date) FILTER (WHERE date > '{y}' AND date <= '{d}') AS oldest1,
                   min(date) FILTER (WHERE date > '{yy}' AND date <= '{y}') AS oldest2
              FROM retail_purchase WHERE company_id = {company} AND {only}
             GROUP BY partner_id) AS sums
      JOIN res_partner AS p ON p.id = partner_id AND p.retail_customer IS NOT FALSE
     UNION ALL
    SELECT partner_id, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, bool_or(contact), {person}
      FROM (SELECT c.commercial_partner_id AS partner_id, true AS contact
              FROM sale_order AS o JOIN res_partner AS c ON c.id = o.partner_id
             WHERE o.state IN ('draft', 'sent', 'cancel')
             UNION ALL
            SELECT c.commercial_partner_id, false
              FROM res_users AS u JOIN res_partner AS c ON c.id = u.partner_id
             WHERE u.share AND u.active) AS signal
      JOIN res_partner AS p ON p.id = partner_id AND p.retail_customer IS NOT FALSE
     WHERE {only} AND partner_id NOT IN ({nobody})
       AND NOT EXISTS (SELECT FROM retail_purchase AS bought
                        WHERE bought.partner_id = signal.partner_id AND bought.company_id = {company})
     GROUP BY partner_id, p.id"""

# === WHAT CUSTOMERS ARE COMPARED WITH ===

MEASURED = """
    SELECT round(avg((last_day - first_day)::numeric / (days - 1)) FILTER (WHERE days > 1), 4) AS gap_days,
           percentile_disc(0.6) WITHIN GROUP (ORDER BY spent1)
               FILTER (WHERE n1 > 0 AND spent1 > 0) AS mature_amount,
           percentile_disc(ARRAY[0.1, 0.3]) WITHIN GROUP (ORDER BY margin1 DESC)
               FILTER (WHERE n1 > 0) AS margins
      FROM bench_sums"""
CUTS = """
    SELECT min(value) FILTER (WHERE part >= 0.2), min(value) FILTER (WHERE part >= 0.4),
           min(value) FILTER (WHERE part >= 0.6), min(value) FILTER (WHERE part >= 0.8)
      FROM (SELECT {value} AS value, percent_rank() OVER (ORDER BY {value}) AS part
              FROM bench_sums WHERE days > 0) AS ranked"""
SCORES = {'recency': 'last_day', 'frequency': 'days12', 'monetary': 'spent1 + spent2'}
ABC_LIMITS = """
    SELECT min(abc_index) FILTER (WHERE before < 0.7 * total),
           min(abc_index) FILTER (WHERE before < 0.9 * total)
      FROM (SELECT abc_index,
                   sum(abc_index) OVER (ORDER BY abc_index DESC ROWS UNBOUNDED PRECEDING) - abc_index AS before
              FROM bench_fresh WHERE abc_index > 0) AS added,
           (SELECT sum(abc_index) AS total FROM bench_fresh WHERE abc_index > 0) AS whole"""

# === FIGURES AND CLASSES; the own interval is s / c days, in whole numbers ===

# A day leaves the window of m months on the first day that it is m months back, leap days included.
LEAVES = """({day} + interval '{m} months' + CASE
    WHEN {day} + interval '{m} months' - interval '{m} months' < {day}
    THEN interval '1 day' ELSE interval '0' END)::date"""
GRID = """'{
    {dormant, hibernating, slipping, treasured, treasured},
    {hibernating, hibernating, slipping, slipping, treasured},
    {fading, fading, attention, regular, regular},
    {promising, promising, rising, regular, regular},
    {recent, promising, rising, champion, champion}}'::varchar[]"""
SCORE_PARTS = """
    COALESCE(100 * valid / NULLIF(ways, 0), 0) AS accuracy,
    round(100.0 * filled / asked)::int AS completeness,
    CASE WHEN checked >= '{d}'::date - 365 THEN 100 WHEN checked >= '{d}'::date - 730 THEN 50 ELSE 0 END AS timeliness"""
FRESH = """
    SELECT *, CASE WHEN days > 0 THEN (spent1 * 70 + potential_12m * 30) / 100 END AS abc_index
      FROM (
    SELECT partner_id, days, {scores},
           first_day, last_day, n, n1, n2, spent, spent1, spent2, margin1,
           round((spent1 - spent2) * 100 / NULLIF(greatest(spent2, 0), 0), 1) AS spend_trend,
           COALESCE(round(spent / NULLIF(n, 0), 2), 0) AS average_order,
           round((last_day - first_day)::numeric / NULLIF(days - 1, 0), 2) AS mean_gap_days,
           round(s::numeric / c, 4) AS interval_days,
           last_day + ((2 * s + c) / (2 * c))::int AS expected_next_date,
           watch_on, alert_on, lapse_on, lost_on, is_falling, lifecycle,
           CASE WHEN elapsed * c >= 3 * s THEN 'alert'
                WHEN elapsed * c * 2 >= 3 * s THEN 'watch' ELSE 'none' END AS churn_level,
           r, f, m,
           n1 > 0 AND margin1 > 0 AND margin1 >= {high_margin} IS TRUE AS is_high_value,
           loyalty,
           CASE WHEN is_falling OR lifecycle IN ('at_risk', 'lapsed', 'lost') THEN 'decline'
                WHEN lifecycle IN ('prospect', 'new') THEN 'introduction'
                WHEN lifecycle = 'mature' THEN 'maturity' ELSE 'growth' END AS lifecycle_stage,
           CASE WHEN n1 >= 4 THEN 'loyal' WHEN days > 0 THEN 'purchaser'
                WHEN contact THEN 'prospect' ELSE 'potential' END AS ladder,
           CASE WHEN n1 >= 4 THEN 'loyal' WHEN days > 0 THEN 'ordinary' ELSE 'potential' END AS coarse_class,
           r::text || f || m AS rfm_code,
           ({grid})[r][(f + m + 1) / 2] AS rfm_group,
           margin,
           round(COALESCE(margin * 365 * years * c / (days * s), 0), 2) AS clv_next_12m,
           round(COALESCE(spent * 365 * years * c / (days * s), 0), 2) AS potential_12m,
           CASE WHEN days = 0 THEN NULL
                WHEN n1 > 0 AND margin1 > 0 AND margin1 >= {star_margin}
                THEN CASE WHEN loyalty >= 60 THEN 'gold' ELSE 'meteor' END
                WHEN loyalty >= 60 THEN 'small_star'
                WHEN margin1 < 0 THEN 'burden' END AS star_class,
           least(coming, {leaves1}, {leaves2},
                 CASE WHEN watch_on > '{d}' THEN watch_on END,
                 CASE WHEN risk_on > '{d}' THEN risk_on END,
                 CASE WHEN alert_on > '{d}' THEN alert_on END,
                 CASE WHEN lapse_on > '{d}' THEN lapse_on END,
                 CASE WHEN lost_on > '{d}' THEN lost_on END,
                 CASE WHEN new_until >= '{d}' THEN new_until + 1 END,
                 CASE WHEN checked + 365 >= '{d}' THEN checked + 366 END,
                 CASE WHEN checked + 730 >= '{d}' THEN checked + 731 END) AS refresh_on
      FROM (
    SELECT *,
           CASE lifecycle WHEN 'growth' THEN 0.6 WHEN 'mature' THEN 0.8 WHEN 'won_back' THEN 0.5
                WHEN 'lapsed' THEN 0.1 WHEN 'at_risk' THEN 0.3 WHEN 'new' THEN 0.3 ELSE 0 END AS years
      FROM (
    SELECT *,
           last_day + ((3 * s + 2 * c - 1) / (2 * c))::int AS watch_on,
           last_day + (3 * s / (2 * c))::int + 1 AS risk_on,
           last_day + ((3 * s + c - 1) / c)::int AS alert_on,
           last_day + (3 * s / c)::int + 1 AS lapse_on,
           greatest(last_day + (6 * s / c)::int + 1, {leaves_last}) AS lost_on,
           CASE WHEN days = 1 OR had_lapsed THEN last_day + 90 END AS new_until,
           CASE WHEN days = 0 THEN 'prospect'
                WHEN days = 1 AND elapsed <= 90 THEN 'new'
                WHEN had_lapsed AND elapsed <= 90 THEN 'won_back'
                WHEN elapsed * c > 6 * s AND last_day < '{yy}' THEN 'lost'
                WHEN elapsed * c > 3 * s THEN 'lapsed'
                WHEN elapsed * c * 2 > 3 * s THEN 'at_risk'
                WHEN n1 >= 4 AND NOT is_rising AND NOT is_falling AND spent1 >= {mature_amount} THEN 'mature'
                ELSE 'growth' END AS lifecycle
      FROM (
    SELECT *,
           '{d}' - last_day AS elapsed,
           10000 * (days + 1) AS c,
           CASE WHEN days > 0 THEN
               greatest(10000 * (last_day - first_day) + {usual}, 70000 * (days + 1)) END AS s,
           days > 1 AND (last_day - day_before) * 10000 * days
               > 3 * greatest(10000 * (day_before - first_day) + {usual}, 70000 * days) AS had_lapsed,
           n1 >= 3 AND (spent1 > 0 AND spent1 >= 1.2 * spent2 OR 5 * n1 >= 6 * n2) AS is_rising,
           NOT (n1 >= 3 AND (spent1 > 0 AND spent1 >= 1.2 * spent2 OR 5 * n1 >= 6 * n2)) AND n2 >= 3
               AND (spent2 > 0 AND spent1 <= 0.8 * spent2 OR 5 * n1 <= 4 * n2) AS is_falling,
           {recency} AS r, {frequency} AS f, {monetary} AS m,
           least(100, round(100.0 * days1 / 4))::int AS loyalty
      FROM {sums} AS sums
    OFFSET 0) AS compared
    OFFSET 0) AS staged
    OFFSET 0) AS estimated
    OFFSET 0) AS valued"""

DATA_QUALITY = 'round((accuracy + completeness + timeliness) / 3.0)::int'
# Columns of a profile, and where FRESH has them.
COLUMNS = {
    'first_order_date': 'first_day',
    'last_order_date': 'last_day',
    'order_count': 'n',
    'order_count_12m': 'n1',
    'order_count_prev_12m': 'n2',
    'spend_total': 'spent',
    'spend_12m': 'spent1',
    'spend_prev_12m': 'spent2',
    'margin_12m': 'margin1',
    **{
        name: name
        for name in (
            'spend_trend average_order mean_gap_days interval_days expected_next_date watch_on alert_on '
            'lapse_on lost_on is_falling lifecycle churn_level is_high_value lifecycle_stage ladder '
            'coarse_class rfm_code rfm_group clv_next_12m potential_12m star_class refresh_on'
        ).split()
    },
    'recency_score': 'r',
    'frequency_score': 'f',
    'monetary_score': 'm',
    'loyalty_score': 'loyalty',  # the only test that is measured yet
    'loyalty_purchase': 'loyalty',
    'loyalty_reference': 'NULL::int',
    'loyalty_interest': 'NULL::int',
    'loyalty_recommend': 'NULL::int',
    'loyalty_exclusive': 'NULL::int',
    'clv_past': 'margin',
    'data_accuracy': 'accuracy',
    'data_completeness': 'completeness',
    'data_timeliness': 'timeliness',
    'data_quality': DATA_QUALITY,
    'data_band': f"CASE WHEN {DATA_QUALITY} >= 80 THEN 'good' WHEN {DATA_QUALITY} >= 50 THEN 'fair' ELSE 'poor' END",
    'abc_class': """CASE WHEN days = 0 THEN NULL WHEN abc_index > 0 AND abc_index >= {abc_a} THEN 'a'
        WHEN abc_index > 0 AND abc_index >= {abc_b} THEN 'b' ELSE 'c' END""",
}

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
        stored = ', '.join(f'{target}.{name}' for name in columns)
        differs, update = '', f'{update} WHERE ({stored}) IS DISTINCT FROM ({excluded})'
    return f"""INSERT INTO {target} (partner_id, company_id, {names})
        SELECT new.partner_id, new.company_id, {new}
          FROM ({source}) AS new (partner_id, company_id, {names}) {differs} {update}"""


def literal(value):
    """Return a figure as a constant of SQL."""
    if value is None:
        return 'NULL'
    return f"'{value}'::date" if isinstance(value, date) else str(value)


def score(value, cuts):
    """Return the expression of a score from 1 to 5."""
    reached = ' '.join(
        f'WHEN {value} >= {literal(cut)} THEN {points}'
        for points, cut in zip((5, 4, 3, 2), reversed(cuts), strict=True)
    )
    return f'CASE WHEN days = 0 THEN NULL {reached} ELSE 1 END'


class Limit:
    """The same figures in plain SQL, into a table with a key only and into one like ours."""

    def __init__(self, env):
        self.env, self.today = env, env.company._retail_today()
        assert set(COLUMNS) == set(env['retail.profile']._stored_columns())
        self.company = env.company.root_id.id
        nobody = env.ref('base.group_public').with_context(active_test=False).all_user_ids
        nobody = nobody.partner_id | env['res.company'].search([]).partner_id
        self.given = {
            'd': self.today,
            'y': self.today - relativedelta(months=12),
            'yy': self.today - relativedelta(months=24),
            'company': self.company,
            'nobody': ', '.join(map(str, nobody.ids)),
        }
        self.known = self.known_figures()
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
            cr.execute('DROP TABLE bench_sums, bench_fresh')
        self.usual()
        cr.execute('DROP TABLE bench_fresh; ANALYZE bench_keyed, bench_like, bench_usual')
        cr.commit()

    def known_figures(self):
        """Return what the last full refresh measured, for some customers."""
        applied = (
            self.env['retail.classification'].search([('company_id', '=', self.company)]).applied
        )
        assert not applied['rfm_fixed'], 'the limit knows equal parts only'
        cuts = {band: [applied[f'{band}_cut_{n}'] for n in range(2, 6)] for band in SCORES}
        cuts['recency'] = [cut and date.fromisoformat(cut) for cut in cuts['recency']]
        names = ('gap_days', 'mature_amount', 'high_margin', 'star_margin', 'abc_a', 'abc_b')
        return {**{name: applied[name] for name in names}, **cuts}

    def measured_figures(self):
        """Return the same, measured from all sums; the limits of the ABC classes come later."""
        cr = self.env.cr
        cr.execute(MEASURED)
        [(gap_days, mature_amount, margins)] = cr.fetchall()
        figures = {'gap_days': gap_days, 'mature_amount': mature_amount}
        figures['high_margin'], figures['star_margin'] = margins
        for band, value in SCORES.items():
            cr.execute(CUTS.format(value=value))
            figures[band] = cr.fetchone()
        return figures

    def sums(self, only='true'):
        return SUMS.format(only=only, person=CONTACT, **self.given)

    def fresh(self, sums, figures):
        """Return the SELECT of all figures and classes but ABC."""
        leaves = [('s1', 'oldest1', 12), ('s2', 'oldest2', 24), ('s_last', '(last_day + 1)', 24)]
        return FRESH.format(
            sums=sums,
            usual=round(20000 * float(figures['gap_days'])),  # two usual gaps
            grid=GRID,
            scores=SCORE_PARTS.format(**self.given),
            **{
                name: literal(figures[name])
                for name in ('mature_amount', 'high_margin', 'star_margin')
            },
            **{band: score(value, figures[band]) for band, value in SCORES.items()},
            **{f'leave{name}': LEAVES.format(day=day, m=m) for name, day, m in leaves},
            **self.given,
        )

    def rows(self, fresh, abc):
        """Return the SELECT of the rows of the table."""
        columns = ', '.join(COLUMNS.values())
        columns = columns.format(abc_a=literal(abc[0]), abc_b=literal(abc[1]))
        return f'SELECT partner_id, {self.company}, {columns} FROM {fresh} AS fresh'

    def full(self, target):
        """All customers: sums and figures into temporary tables in parallel, then the merge."""
        cr = self.env.cr
        cr.execute(f'CREATE TEMP TABLE bench_sums ON COMMIT DROP AS {self.sums()}')
        cr.execute('ANALYZE bench_sums (partner_id)')
        fresh = self.fresh('bench_sums', self.measured_figures())
        cr.execute(f'CREATE TEMP TABLE bench_fresh ON COMMIT DROP AS {fresh}')
        cr.execute('ANALYZE bench_fresh (partner_id)')
        cr.execute(ABC_LIMITS)
        cr.execute(merge(target, self.rows('bench_fresh', cr.fetchone()), COLUMNS))

    def some(self, target, ids):
        """Some customers: one upsert, figures of all are known. For many a look at the old rows pays."""
        sums = self.sums(f'partner_id = ANY(ARRAY{list(ids)})')
        fresh = self.fresh(f'({sums})', self.known)
        rows = self.rows(f'({fresh})', (self.known['abc_a'], self.known['abc_b']))
        self.env.cr.execute(merge(target, rows, COLUMNS, join=len(ids) > 100))

    def usual(self):
        cr = self.env.cr
        cr.execute(
            f'CREATE TEMP TABLE bench_fresh ON COMMIT DROP AS {USUAL_WAY.format(**self.given)}'
        )
        cr.execute('ANALYZE bench_fresh')
        cr.execute(merge('bench_usual', 'SELECT * FROM bench_fresh', USUAL_COLUMNS))

    def differences(self, ids=None):
        """Return the number of rows in which our figures and those of the limit differ: of all, or some customers."""
        names = ', '.join(['partner_id', 'company_id', *COLUMNS])
        only = 'true' if ids is None else f'partner_id = ANY(ARRAY{list(ids)})'
        self.env.cr.execute(
            f"""
            WITH ours AS (SELECT {names} FROM retail_profile WHERE {only}),
            limits AS (SELECT {names} FROM bench_keyed WHERE {only})
            SELECT (SELECT count(*) FROM (TABLE ours EXCEPT TABLE limits) AS more)
                 + (SELECT count(*) FROM (TABLE limits EXCEPT TABLE ours) AS less)"""
        )
        return self.env.cr.fetchone()[0]

    def drop(self):
        self.env.cr.execute(
            'DROP TABLE bench_keyed, bench_like, bench_usual; DROP SEQUENCE bench_like_seq'
        )
        self.env.cr.commit()
