"""Effect of contacts: return on investment, and intervals of shares; plain functions, checked against published values.

Wilson: score interval of a share without continuity correction. Newcombe: hybrid score interval of the difference of two
shares (Newcombe 1998, method 10). ``sql_...`` are the same formulas for the database.
"""

from math import sqrt

from odoo.tools import SQL

#: Two-sided 95 %.
Z = 1.959963984540054
#: Fewer in one of the groups say nothing.
ENOUGH = 30


def roi(margin, cost):
    """Return (margin - cost) / cost, or None when it cost nothing."""
    return (margin - cost) / cost if cost else None


def wilson(hits, size, z=Z):
    """Return the bounds of the share of ``hits`` among ``size``."""
    share, square = hits / size, z * z
    middle = share + square / (2 * size)
    half = z * sqrt(share * (1 - share) / size + square / (4 * size * size))
    whole = 1 + square / size
    return (middle - half) / whole, (middle + half) / whole


def newcombe(hits_1, size_1, hits_2, size_2, z=Z):
    """Return difference, lower and upper bound of the first share minus the second."""
    share_1, share_2 = hits_1 / size_1, hits_2 / size_2
    low_1, high_1 = wilson(hits_1, size_1, z)
    low_2, high_2 = wilson(hits_2, size_2, z)
    difference = share_1 - share_2
    return (
        difference,
        difference - sqrt((share_1 - low_1) ** 2 + (high_2 - share_2) ** 2),
        difference + sqrt((high_1 - share_1) ** 2 + (share_2 - low_2) ** 2),
    )


def sql_share(hits, size):
    """Return the share in percent, or NULL of nobody."""
    return SQL('100.0 * %s / NULLIF(%s, 0)', hits, size)


def sql_roi(margin, cost):
    """Return (margin - cost) / cost in percent, or NULL when it cost nothing."""
    return SQL('100.0 * (%s - %s) / NULLIF(%s, 0)', margin, cost, cost)


def _sql_wilson(hits, size, sign):
    share = SQL('(%s)::float8 / NULLIF(%s, 0)', hits, size)
    return SQL(
        """((%(p)s + %(zz)s / (2 * %(n)s)
             %(sign)s %(z)s * sqrt(GREATEST(%(p)s * (1 - %(p)s), 0) / %(n)s + %(zz)s / (4 * (%(n)s)::float8 * %(n)s)))
            / (1 + %(zz)s / %(n)s))""",
        p=SQL('(%s)', share),
        n=SQL('NULLIF(%s, 0)', size),
        zz=SQL('(%s)::float8', Z * Z),
        z=SQL('(%s)::float8', Z),
        sign=SQL(sign),
    )


def sql_difference(hits_1, size_1, hits_2, size_2, bound=None):
    """Return the difference of two shares or a bound of it (``low``, ``high``) in points of percent.

    NULL where one of the groups has fewer than ``ENOUGH``.
    """
    share_1 = SQL('((%s)::float8 / NULLIF(%s, 0))', hits_1, size_1)
    share_2 = SQL('((%s)::float8 / NULLIF(%s, 0))', hits_2, size_2)
    value = SQL('%s - %s', share_1, share_2)
    if bound:
        sign, other = ('-', '+') if bound == 'low' else ('+', '-')
        value = SQL(
            '%(value)s %(sign)s sqrt(power(%(p1)s - %(b1)s, 2) + power(%(p2)s - %(b2)s, 2))',
            value=value,
            sign=SQL(sign),
            p1=share_1,
            p2=share_2,
            b1=_sql_wilson(hits_1, size_1, sign),
            b2=_sql_wilson(hits_2, size_2, other),
        )
    return SQL(
        'CASE WHEN %s >= %s AND %s >= %s THEN 100.0 * (%s) END',
        size_1,
        ENOUGH,
        size_2,
        ENOUGH,
        value,
    )
