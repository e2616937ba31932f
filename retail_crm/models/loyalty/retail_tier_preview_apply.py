from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from . import _tiers
from .retail_programme_change import ENTRY_SETTINGS, RULE_SETTINGS


class RetailTierPreviewApply(models.Model):
    """How rules of a preview go live: computed again first, then as versions of thresholds and settings from their day.

    Nothing that was decided changes, and nobody loses a validity that was granted. Each step is done once, however often
    it is asked for.
    """

    _inherit = 'retail.tier.preview'

    checked_on = fields.Datetime(
        readonly=True, copy=False, help='When it was computed again before going live.'
    )
    difference_count = fields.Integer(
        string='Differences',
        readonly=True,
        copy=False,
        help='Members for whom the result is not the approved one any more.',
    )
    difference_text = fields.Text(
        string='Difference to the Approved Result',
        compute='_compute_difference_text',
        help='What changed since the approval.',
    )
    applied_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        tracking=True,
        ondelete='set null',
        help='Who had the rules go live.',
    )
    applied_on = fields.Datetime(
        string='In Force Since', readonly=True, copy=False, help='When the rules went live.'
    )
    before_settings = fields.Json(
        readonly=True, copy=False, help='Settings of the programme before these rules.'
    )
    before_versions = fields.Json(
        readonly=True,
        copy=False,
        help='Thresholds that were planned for the same day before, to be restored when the change is given up.',
    )
    version_ids = fields.Many2many(
        comodel_name='retail.tier.version',
        string='Versions Made',
        readonly=True,
        copy=False,
        help='Thresholds that this preview made or changed.',
    )

    @api.depends('difference_count', 'check_result', 'checked_on')
    @api.depends_context('lang')
    def _compute_difference_text(self):
        for preview in self:
            preview.difference_text = preview._difference_words() if preview.checked_on else False

    def _difference_words(self):
        """Return what differs from the approved result: lines by kind, and members by pair of tiers."""
        if not self.difference_count and self.result == self.check_result:
            return self.env._('Computed again: all is as approved.')
        groups = self.env['retail.tier.preview.line']._read_group(
            [('preview_id', '=', self.id), ('difference', 'not in', (False, 'same'))],
            ['difference'],
            ['__count'],
        )
        counts = dict(groups)
        words = [
            self.env._(
                'Members affected: %(new)s new, %(changed)s other than approved, %(gone)s no longer.',
                new=counts.get('new', 0),
                changed=counts.get('changed', 0),
                gone=counts.get('gone', 0),
            )
        ]
        before, after = self.result['pairs'], (self.check_result or {}).get('pairs', {})
        names = {str(tier.id): tier.name for tier in self.threshold_ids.tier_id}
        for pair in sorted({*before, *after}):
            if before.get(pair, 0) != after.get(pair, 0):
                from_id, to_id = pair.split(',')
                words.append(
                    self.env._(
                        '%(from)s to %(to)s: %(after)s, approved were %(before)s.',
                        **{'from': names.get(from_id, ''), 'to': names.get(to_id, '')},
                        before=before.get(pair, 0),
                        after=after.get(pair, 0),
                    )
                )
        return '\n'.join(words)

    # === ACTIONS ===#

    def action_apply(self):
        """Compute again and, where all is as approved, let the rules go live or plan them.

        :raise AccessError: for those who are no Retail CRM managers
        :raise UserError: for a day that is over, or another planned change
        """
        self.ensure_one()
        self._check_manager()
        self._check_state('approved')
        self._check_appliable()
        preview = self.sudo()  # sudo: checked above
        preview.applied_by = self.env.uid
        if not preview._start('check'):
            return self._note_background()
        return None

    def action_apply_anyway(self):
        """Let the rules go live though the result is not the approved one any more; it was shown.

        :raise AccessError: for those who are no Retail CRM managers
        :raise UserError: when it was not computed again today
        """
        self.ensure_one()
        self._check_manager()
        self._check_state('approved')
        self._check_appliable()
        today = self.company_id._retail_today()
        if not self.checked_on or self._local_day(self.checked_on) != today:
            raise UserError(self.env._('Press "Apply" first: the result is computed again.'))
        self.message_post(
            body=self.env._(
                'Goes live with %(count)s differences to the approved result.',
                count=self.difference_count,
            )
        )
        preview = self.sudo()  # sudo: checked above
        preview.applied_by = self.env.uid
        preview._apply()

    def _local_day(self, moment):
        """Return the day of a moment where the company is."""
        zone = self.company_id._retail_timezone()
        return fields.Datetime.context_timestamp(self.with_context(tz=zone), moment).date()

    def action_cancel(self):
        """Give the preview up; a planned change does not come.

        :raise AccessError: for those who are no Retail CRM managers
        """
        self._check_manager()
        self._check_state('draft', 'computed', 'approval', 'approved', 'scheduled')
        for preview in self.sudo():  # sudo: checked above
            if preview.state == 'scheduled':
                if preview.as_of <= preview.company_id._retail_today():
                    raise UserError(self.env._('These rules have begun.'))
                preview._take_back_versions()
                preview.programme_id.change_on = False
            preview.state = 'cancelled'

    # === CHECK ===#

    def _check_appliable(self):
        """Refuse what cannot go live.

        :raise UserError: saying why
        """
        if self.as_of < self.company_id._retail_today():
            raise UserError(
                self.env._(
                    'The day from which these rules hold is over. Go back to the draft and choose today or a later one.'
                )
            )
        other = self.sudo().search(  # sudo: another one is in the way, whoever sees it
            [('programme_id', '=', self.programme_id.id), ('state', '=', 'scheduled')]
        )
        if other:
            raise UserError(
                self.env._('Another change is planned: "%(name)s".', name=other[0].name)
            )
        if self.beside and self.beside != self._beside():
            raise UserError(
                self.env._(
                    'The rules of the programme have changed since this was computed: going live would take that back. '
                    'Go back to the draft.'
                )
            )

    def _end_check(self):
        """Compare what was computed again with what was approved, and go on where it is the same."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE retail_tier_preview_line AS line
                   SET difference = CASE WHEN other.id IS NOT NULL THEN
                            CASE WHEN (line.held_tier_id, line.from_tier_id, line.to_tier_id, line.date)
                                      IS NOT DISTINCT FROM
                                      (other.held_tier_id, other.from_tier_id, other.to_tier_id, other.date)
                                 THEN 'same' ELSE 'changed' END
                       WHEN line.round = 'check' THEN 'new' ELSE 'gone' END
                  FROM retail_tier_preview_line AS mine
                  LEFT JOIN retail_tier_preview_line AS other
                    ON other.preview_id = mine.preview_id AND other.membership_id = mine.membership_id
                   AND other.round <> mine.round
                 WHERE mine.id = line.id AND line.preview_id = %s
                """,
                self.id,
            )
        )
        self.env['retail.tier.preview.line'].invalidate_model(flush=False)
        # What differs is on the new line; of those who are not affected any more only the old one is left.
        self.env.cr.execute(
            SQL(
                """
                UPDATE retail_tier_preview_line SET difference = NULL
                 WHERE preview_id = %s AND round = 'result' AND difference <> 'gone'
                """,
                self.id,
            )
        )
        count = self.env['retail.tier.preview.line'].search_count(
            [('preview_id', '=', self.id), ('difference', 'in', ('new', 'changed', 'gone'))]
        )
        self.write({'checked_on': fields.Datetime.now(), 'difference_count': count})
        if count or self.result['pairs'] != self.check_result['pairs']:
            return
        try:
            with self.env.cr.savepoint():  # all of it or nothing
                self._apply()
        except UserError as error:  # in the background nobody sees it: the day is over, or another change came first
            if not self.env.context.get('cron_id'):
                raise
            self.message_post(body=error.args[0])

    # === GOING LIVE ===#

    def _apply(self):
        """Write the thresholds as versions from the day on, and the settings on that day."""
        self.ensure_one()
        self._check_appliable()
        today = self.company_id._retail_today()
        versions = self.env['retail.tier.version']
        changed = self.threshold_ids.filtered(lambda row: row._is_change())
        before = {}
        for row in changed:
            values = row._prepare_version()
            planned = row.tier_id.version_ids.filtered(
                lambda version, values=values: version.date_from == values['date_from']
            )
            if planned:
                before[str(planned.id)] = planned._thresholds()
                planned.write(values)
            else:
                planned = versions.with_context(retail_crm_rule_change=True).create(values)
            versions |= planned
        self.version_ids = versions
        self.write(
            {
                'state': 'scheduled',
                'before_settings': self.programme_id._rule_settings(),
                'before_versions': before,
            }
        )
        self.programme_id.change_on = self.as_of
        if self.as_of <= today:
            self._go_live()

    def _take_back_versions(self):
        """Delete thresholds that were planned and have not begun; those of before are as they were."""
        before = self.before_versions or {}
        for version in self.version_ids:
            if str(version.id) in before:
                version.write(before[str(version.id)])
            else:
                version.unlink()

    @api.model
    def _apply_due(self):
        """Let planned changes go live whose day has come."""
        planned = self.sudo().search([('state', '=', 'scheduled')])  # sudo: the system's work
        for preview in planned:
            if preview.as_of <= preview.company_id._retail_today():
                preview._go_live()

    def _go_live(self):
        """Write the settings on the programme; have all members looked at, when that was chosen."""
        self.ensure_one()
        if self.state != 'scheduled':
            return
        programme = self.programme_id
        settings = {name: self[name] for name in RULE_SETTINGS if self[name] != programme[name]}
        if ENTRY_SETTINGS & set(settings):
            settings['rules_since'] = self.as_of
        programme.write({**settings, 'change_on': False})
        self.write({'state': 'applied', 'applied_on': fields.Datetime.now()})
        if self.mode == 'now':
            total = self.env['retail.membership'].search_count(
                [('programme_id', '=', programme.id), ('state', '=', 'active')]
            )
            self.write({'work': 'now', 'work_after': 0, 'done_count': 0, 'total_count': total})
            self._wake()

    def _look_batch(self):
        """Look at the next members by the new rules; what comes of the change has the cause *rule_change*.

        :return: how many; 0: all are done; None: others change memberships
        """
        memberships = self.env['retail.membership']
        if not memberships._try_lock() or memberships._is_waiting(self.programme_id):
            return None
        ids = self._next_members()
        if not ids:
            self.write({'work': False, 'work_after': 0})
            return 0
        programme = self.programme_id
        day = programme.company_id._retail_today()
        before = self._rules_before()
        memberships._change(
            programme,
            [partner_id for _id, partner_id in ids],
            day,
            work=lambda state, ledger, rules: _tiers.rule_change(state, ledger, before, rules, day),
        )
        self.write({'work_after': ids[-1][0], 'done_count': self.done_count + len(ids)})
        return len(ids)

    def _rules_before(self):
        """Return the rules as they were before this change."""
        rules = self.programme_id._rules()
        settings = {**self._settings(), **(self.before_settings or {})}
        tiers = tuple(
            replace(
                tier, versions=tuple(one for one in tier.versions if one.date_from < self.as_of)
            )
            for tier in rules.tiers
        )
        return replace(
            rules,
            tiers=tiers,
            criteria=settings['criteria'],
            window=settings['window'],
            months=settings['window_months'],
            first_month=int(settings['first_month']),
            validity=settings['validity_months'],
            grace=settings['grace_days'],
            drop=settings['drop'],
            strict=settings['strict'],
            entry_counts=settings['entry_counts'],
        )
