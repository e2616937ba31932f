from collections import Counter
from typing import NamedTuple

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ._hours import moment_at
from ._sending import Sending
from .retail_care_rule_why import CONDITIONS

#: Days that a preview looks ahead.
PREVIEW_DAYS = 30
#: Customers whose contacts are judged one by one; of more, these stand for all.
JUDGED = 500
#: Customers who are shown.
SHOWN = 20


class Preview(NamedTuple):
    """What a rule would do in the coming days, in plain values: nothing of the rehearsal is left."""

    #: customers whom the rule means and whose occasion comes, sample or not
    meant: int
    #: of those: in the sample, and not in the control group
    planned: int
    held: int
    #: how many of the planned were judged
    judged: int
    #: of the judged: by channel id, and by reason, how many
    by_channel: dict
    by_reason: dict
    #: all planned, by store id
    by_store: dict
    #: of the judged: without anybody who could do it
    ownerless: int
    #: of the judged: moved by quiet hours
    quiet: int
    #: [(customer id, due day, channel id or False, reason or False, words)]
    first: list


class RetailCareRulePreview(models.Model):
    """Whom a rule would contact in the coming days: the planning and the gates themselves, rehearsed (S-FUP-09).

    Counts are exact, whatever the number of customers; channels and reasons are judged for the first of them, by the
    stable hash of the sample, and stand for all.
    """

    _inherit = 'retail.care.rule'

    def _preview(self, company, days=PREVIEW_DAYS, now=None):
        """Return the ``Preview`` of one rule in a company. Nothing stays of it."""
        self.ensure_one()
        self._check_plannable()
        sending = Sending(self.env, now or fields.Datetime.now())
        today = sending.day(company)
        values = {
            'started_on': today,
            'lead_days': max(days - 1, 0),
            'late_days': 0,
        }
        if self.sample_percent < 100:
            with self._rehearsal({**values, 'sample_percent': 100.0}) as rule_sudo:
                meant = rule_sudo._rehearsed_count(company, today)
        with self._rehearsal(values) as rule_sudo:
            preview = rule_sudo._rehearsed_preview(company, today, sending)
        if self.sample_percent < 100:
            preview = preview._replace(meant=meant)
        return preview

    def _check_plannable(self):
        """Refuse a trigger for which there is no planning in this installation.

        :raise UserError: naming it
        """
        if not hasattr(self, f'_sql_{self.trigger}'):
            labels = dict(self._fields['trigger']._description_selection(self.env))
            raise UserError(
                self.env._('"%(trigger)s" cannot be planned here.', trigger=labels[self.trigger])
            )

    def _rehearsed_count(self, company, today):
        before = self._last_followup_id()
        self._plan_company(company, today)
        rows = self._count_rehearsed(before, SQL('state'))
        return sum(rows.values())

    def _count_rehearsed(self, before, column):
        """Return ``{value: how many}`` of what one rule planned since, by a column."""
        self.env['retail.followup'].flush_model()
        return dict(
            self.env.execute_query(
                SQL(
                    'SELECT %s, count(*) FROM retail_followup WHERE rule_id = %s AND id > %s GROUP BY 1',
                    column,
                    self.id,
                    before,
                )
            )
        )

    def _rehearsed_preview(self, company, today, sending):
        """Plan, count, and judge some of what was planned."""
        before = self._last_followup_id()
        self._plan_company(company, today)
        by_group = self._count_rehearsed(before, SQL('is_control'))
        by_store = self._count_rehearsed(before, SQL('CASE WHEN NOT is_control THEN store_id END'))
        held, planned = by_group.get(True, 0), by_group.get(False, 0)
        if held:  # they have no store here
            by_store[None] = by_store.get(None, 0) - held
        sample = self._rehearsed_sample(before)
        by_channel, by_reason, lines, ownerless, quiet = Counter(), Counter(), {}, 0, 0
        for day, followups in sample.grouped('due_on').items():
            zone = sending.zone(followups.company_id[:1])
            moment = max(moment_at(day, self.hour, zone), sending.now)
            verdicts = followups._judge(Sending(self.env, moment))
            for followup in followups:
                verdict = verdicts[followup.id]
                channel = verdict.channel if verdict.is_go else None
                # a call that waits for the morning is no call less
                if verdict.reason == 'quiet_hours':
                    quiet += 1
                    channel = followup._reaches()[followup.id].channel
                if channel:
                    by_channel[channel.id] += 1
                    if (
                        channel.transport in ('phone', 'manual')
                        and not verdict.owner
                        and verdict.is_go
                    ):
                        ownerless += 1
                else:
                    by_reason[verdict.reason] += 1
                lines[followup.id] = (
                    followup.partner_id.id,
                    followup.due_on,
                    channel.id if channel else False,
                    False if channel else verdict.reason,
                    followup._why(verdict).text,
                )
        shown = self._planned_since(before, limit=SHOWN)
        first = [
            lines.get(one.id) or (one.partner_id.id, one.due_on, False, 'control', one._why().text)
            for one in shown
        ]
        return Preview(
            planned + held,
            planned,
            held,
            len(lines),
            dict(by_channel),
            dict(by_reason),
            {key or False: count for key, count in by_store.items() if count},
            ownerless,
            quiet,
            first,
        )

    def _rehearsed_sample(self, before):
        """Return what is judged: those shown, and others by the hash of the sample, which follows nothing else."""
        shown = self._planned_since(before, limit=SHOWN).filtered(lambda one: not one.is_control)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM retail_followup
                 WHERE rule_id = %s AND id > %s AND NOT is_control
                 ORDER BY md5(concat('sample:', rule_id, ':', partner_id)), id LIMIT %s
                """,
                self.id,
                before,
                JUDGED,
            )
        )
        chosen = self.env['retail.followup'].browse([number for (number,) in rows])
        return self.env['retail.followup']._in_order(shown | chosen)

    def _preview_message(self, partner, company, now=None):
        """Return what one rule says to one customer: ``{'subject', 'body', 'text', 'script'}``. Nothing stays of it.

        :raise UserError: when the texts cannot be made
        """
        self.ensure_one()
        day = Sending(self.env, now or fields.Datetime.now()).day(company)
        values = {
            'started_on': day,
            'lead_days': PREVIEW_DAYS,
            'late_days': 0,
            'control_percent': 0.0,
            # whoever is not meant sees the same message: it tells nothing of him
            **{name: value for one in CONDITIONS.values() for name, value in one.items()},
        }
        with self._rehearsal(values) as rule_sudo:
            before = rule_sudo._last_followup_id()
            if hasattr(rule_sudo, f'_sql_{rule_sudo.trigger}'):
                rule_sudo._plan_company(company, day, partner.ids)
            # with the document of the occasion where there is one
            followup = rule_sudo._planned_since(before, limit=1) or rule_sudo._example(
                partner, company, day
            )
            message = followup._contents()[followup.id]
            result = {
                'subject': message['subject'] or '',
                'body': str(message['body'] or ''),
                'text': followup._render_text(),
                'script': str(
                    rule_sudo.with_context(lang=partner.sudo().lang or self.env.lang).script or ''
                ),
            }
        return result

    def _example(self, partner, company, day):
        """Return a follow-up of one rule for a customer without occasion."""
        return self.env['retail.followup'].create(
            {
                'rule_id': self.id,
                'partner_id': partner.id,
                'company_id': company.id,
                'purpose': self.purpose,
                'family': self.family,
                'occurrence': 'preview',
                'anchor_on': day,
                'due_on': day,
            }
        )

    def action_preview(self):
        """Show whom the rule would contact and with what; it may be started afterwards.

        :raise AccessError: for those who may not write rules
        """
        self.ensure_one()
        self.check_access('write')
        return self.env['retail.care.preview']._open(self)
