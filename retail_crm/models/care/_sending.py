"""What a run of sending knows besides its rows: the moment, days and settings of companies, verdicts."""

from datetime import timedelta
from typing import NamedTuple

from ._hours import day_of, moment_at, zone_of
from ._ledger import Limits

#: Hour at which messages of follow-ups without a rule leave when they have waited for a day.
USUAL_HOUR = 10.0
#: Days after which what waits in vain is given up, for follow-ups without a rule.
USUAL_LATE_DAYS = 7


class Verdict(NamedTuple):
    """What a gate says of a follow-up: the state that it gets (``planned``: it waits), why, and when it is asked again.

    ``held``: all gates were open, but it belongs to the control group.
    """

    state: str
    reason: str | None = None
    text: str = ''
    #: naive UTC; None: the next day, at the hour of the rule. Of what is held: when it would have left
    at: object = None
    #: of what may leave: the channel and the employee who has to act
    channel: object = None
    owner: object = None

    @property
    def is_go(self):
        return self.state == 'go'


def wait(reason, text='', at=None):
    return Verdict('planned', reason, text, at)


def skip(reason, text=''):
    return Verdict('skipped', reason, text)


class Sending:
    """The moment of a run, and what its companies say; read once each.

    :param env: of the system
    :param now: naive UTC
    """

    def __init__(self, env, now):
        self.env, self.now = env, now
        self._companies = {}

    def _of(self, company):
        if company not in self._companies:
            company_sudo = company.sudo()  # sudo: settings of whoever sends
            zone = zone_of(company_sudo._retail_timezone())
            self._companies[company] = (company_sudo, zone, day_of(self.now, zone))
        return self._companies[company]

    def company(self, company):
        """Return a company whose settings may be read."""
        return self._of(company)[0]

    def zone(self, company):
        return self._of(company)[1]

    def day(self, company):
        """Return the local date of a company."""
        return self._of(company)[2]

    def tomorrow(self, followup):
        """Return when one follow-up that has to wait is looked at again: the next day, at the hour of its rule."""
        hour = followup.rule_id.hour if followup.rule_id else USUAL_HOUR
        day = self.day(followup.company_id) + timedelta(days=1)
        return moment_at(day, hour, self.zone(followup.company_id))

    def limits(self, company):
        settings = self.company(company)
        return Limits(
            settings.retail_care_all_week,
            settings.retail_care_marketing_week,
            settings.retail_care_marketing_month,
            settings._retail_care_gaps(),
        )
