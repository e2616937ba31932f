"""Arithmetic of spikes, without the database: how many complaints were to be expected, and how likely so many are."""

from math import exp, lgamma, log


def poisson_tail(count, expected):
    """Return the probability of ``count`` or more events where ``expected`` are usual, by the Poisson distribution.

    Summed from ``count`` upwards, so that small probabilities are exact.
    """
    if count <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    if count <= expected:  # the tail is long: take what is below it
        term, below = exp(-expected), 0.0
        if not term:
            return 1.0
        for number in range(count):
            below += term
            term *= expected / (number + 1)
        return max(0.0, 1.0 - below)
    term = exp(count * log(expected) - expected - lgamma(count + 1))
    total, number = 0.0, count
    while term > total * 1e-16:
        total += term
        number += 1
        term *= expected / number
    return min(1.0, total)


def expected_count(before, window, baseline, sold=None):
    """Return how many complaints a value should have had in the window.

    The larger of two expectations, so that neither an old nuisance nor a good week's sales ring: its own past, and the
    usual rate of all values for what was sold of it.

    :param before: its complaints in the baseline
    :param window: days of the window
    :param baseline: days before it
    :param sold: None, or ``{'recent': , 'before': , 'all': , 'all_before': }``: its pieces in the window and before, all
        pieces in both, and all complaints of the baseline
    """
    ratio = window / baseline
    sold = sold or {}
    own = ratio
    if sold.get('before'):
        own = max(own, (sold.get('recent') or 0) / sold['before'])
    usual = 0.0
    if sold.get('all'):
        share = ((sold.get('recent') or 0) + (sold.get('before') or 0)) / sold['all']
        usual = (sold.get('all_before') or 0) * ratio * share
    return max(before * own, usual)


def rate_of(count, sold):
    """Return complaints per thousand sold, or None when it is not known what was sold."""
    return count * 1000.0 / sold if sold else None


def is_spike(count, expected, rate, rule):
    """Return ``(whether it is a spike, probability)``.

    :param dict rule: ``min_count``, ``factor`` (0: not asked), ``p_limit`` (0: not asked), ``min_rate`` (0: not asked)
    """
    chance = poisson_tail(count, expected)
    spike = (
        count >= rule['min_count']
        and (not rule['factor'] or count >= rule['factor'] * expected)
        and (not rule['p_limit'] or chance < rule['p_limit'])
        # what was sold of it is not known: the number alone decides
        and (not rule['min_rate'] or rate is None or rate >= rule['min_rate'])
    )
    return spike, chance
