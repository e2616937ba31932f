from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, models

from .retail_programme_goal import PERIOD_MONTHS


class RetailProgrammeEvaluationCron(models.Model):
    """What the system evaluates by itself: the last month of each running programme, and the period of its goal."""

    _inherit = 'retail.programme.evaluation'

    @api.model
    def _cron_evaluate(self):
        """Make the evaluations of the last month, quarter and year of running programmes, once each.

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
        ended = today + relativedelta(day=1) - timedelta(days=1)
        # sudo: the system's work
        evaluations = self.sudo().with_company(programme.company_id)
        made = evaluations.browse()
        for period, months in PERIOD_MONTHS.items():
            if period not in ('month', programme.goal_period) or ended.month % months:
                continue
            start = ended + timedelta(days=1) - relativedelta(months=months)
            if not programme.date_start or programme.date_start > ended:
                continue
            before = evaluations.search(
                [
                    ('programme_id', '=', programme.id),
                    ('period', '=', period),
                    ('automatic', '=', True),
                    ('state', '=', 'draft'),
                    ('date_to', '<', start),
                ]
            )
            before._take()
            before._close()
            key = [
                ('programme_id', '=', programme.id),
                ('date_from', '=', start),
                ('date_to', '=', ended),
            ]
            if not evaluations.search_count(key, limit=1):
                made += evaluations.create(
                    {
                        'programme_id': programme.id,
                        'period': period,
                        'date_from': start,
                        'automatic': True,
                    }
                )
        made._take()
        made._tell_missed()
        return made

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
