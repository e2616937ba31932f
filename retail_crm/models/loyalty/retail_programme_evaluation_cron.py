from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, models

from .retail_programme_goal import PERIOD_MONTHS

#: Periods that are made up for at most, when the scheduled action did not run for long.
MOST_MISSED = 24


class RetailProgrammeEvaluationCron(models.Model):
    """What the system evaluates by itself: the last month of each running programme, and the period of its goal."""

    _inherit = 'retail.programme.evaluation'

    @api.model
    def _cron_evaluate(self):
        """Make the evaluations of the last month, quarter and year of running programmes, once each, and those missed.

        Those that the system made a period earlier are measured a last time, with what was returned since, and closed.
        """
        for programme in self.env['retail.programme']._running():
            self._make_due(programme)
            self.env['ir.cron']._commit_progress(1)

    @api.model
    def _make_due(self, programme):
        """Make what is due of a programme, and close what the system made before.

        :return: the new evaluations
        """
        today = programme.company_id._retail_today()
        # sudo: the system's work
        evaluations = self.sudo().with_company(programme.company_id)
        made = evaluations.browse()
        for period, months in PERIOD_MONTHS.items():
            mine = [
                ('programme_id', '=', programme.id),
                ('period', '=', period),
                ('automatic', '=', True),
            ]
            current = today + relativedelta(day=1)
            current -= relativedelta(months=(current.month - 1) % months)
            last = current - relativedelta(months=months)
            if period in ('month', programme.goal_period):
                for start in self._missing_starts(programme, mine, last, months):
                    made += evaluations.create(
                        {
                            'programme_id': programme.id,
                            'period': period,
                            'date_from': start,
                            'automatic': True,
                        }
                    )
            before = evaluations.search(
                [*mine, ('state', '=', 'draft'), ('date_from', '<', last)], order='date_from'
            )
            before._take()
            before._close()
        latest = made.filtered(lambda one: one.state == 'draft')
        latest._take()
        latest._tell_missed()
        return made

    @api.model
    def _missing_starts(self, programme, mine, last, months):
        """Return the first days of the periods to evaluate: the last one, and those missed since the system made one.

        :param mine: domain of those that the system made
        """
        # sudo: the system's work
        newest = self.sudo().search(mine, order='date_from desc', limit=1).date_from
        # what there is of these days, whoever made it
        found = self.sudo().search_fetch(
            [('programme_id', '=', programme.id)], ['date_from', 'date_to']
        )
        days = {(one.date_from, one.date_to) for one in found}
        starts, start = [], last
        while len(starts) < MOST_MISSED and programme.date_start:
            end = start + relativedelta(months=months) - timedelta(days=1)
            if end < programme.date_start or (newest and start <= newest):
                break
            if (start, end) not in days:
                starts.insert(0, start)
            if not newest:
                break
            start -= relativedelta(months=months)
        return starts

    def _tell_missed(self):
        """Give the responsible an activity on each evaluation that missed its goal."""
        for evaluation in self.filtered(lambda item: item.goal_state == 'missed'):
            user = evaluation.user_id
            if not user.active or not evaluation.with_user(user).sudo(False).has_access('read'):
                continue
            evaluation.activity_schedule(
                'mail.mail_activity_data_todo',
                user_id=user.id,
                summary=self.env._('Goal of the programme missed'),
                note=self.env._('See what the figures say, and write down what is changed.'),
            )
