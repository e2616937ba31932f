from dataclasses import replace

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from . import _tier_preview
from .retail_membership_store import _sql_table
from .retail_programme_change import ENTRY_SETTINGS, RULE_SETTINGS
from .retail_tier_preview_line import ROUNDS

#: Members compared per transaction in the background.
PREVIEW_BATCH = 5_000
#: Up to so many members somebody waits for the result.
AT_ONCE = 5_000

#: Fields that hold the result of a round: ``{round: field}``.
RESULTS = {'result': 'result', 'check': 'check_result'}


class RetailTierPreviewCompute(models.Model):
    """The computation of a preview: all members by both rules, in batches, each with its lines in one transaction.

    ``work_after`` is the last membership of the batches that are committed, so that a run that was killed goes on there.
    """

    _inherit = 'retail.tier.preview'

    work = fields.Selection(
        selection=[*ROUNDS, ('now', 'Members are looked at')],
        string='In the Background',
        readonly=True,
        copy=False,
        help='What is going on in the background.',
    )
    work_after = fields.Integer(
        readonly=True, copy=False, help='Number of the last membership that is done.'
    )
    done_count = fields.Integer(
        string='Members Done', readonly=True, copy=False, help='Members looked at so far.'
    )
    total_count = fields.Integer(
        string='Members to Do', readonly=True, copy=False, help='Members there are to look at.'
    )
    progress = fields.Float(
        compute='_compute_progress', help='Share of the members that is done, in percent.'
    )
    result = fields.Json(readonly=True, copy=False, help='Members by their tiers, by both rules.')
    check_result = fields.Json(
        readonly=True, copy=False, help='The same, computed again before going live.'
    )
    beside = fields.Json(
        readonly=True, copy=False, help='The present rules with which these were compared.'
    )
    computed_on = fields.Datetime(readonly=True, copy=False, help='When the result was computed.')
    computed_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Who had the result computed.',
    )
    up_count = fields.Integer(
        string='Up', readonly=True, copy=False, help='Members who would hold a higher tier.'
    )
    down_count = fields.Integer(
        string='Down', readonly=True, copy=False, help='Members who would hold a lower tier.'
    )
    same_count = fields.Integer(
        string='Same Tier', readonly=True, copy=False, help='Members for whom nothing changes.'
    )
    summary = fields.Html(
        compute='_compute_summary',
        help='How many members hold which tier by the present rules, and by these.',
    )

    @api.depends('done_count', 'total_count')
    def _compute_progress(self):
        for preview in self:
            total = preview.total_count
            preview.progress = min(100.0 * preview.done_count / total, 100.0) if total else 0.0

    @api.depends('result')
    @api.depends_context('lang')
    def _compute_summary(self):
        for preview in self:
            preview.summary = preview._pair_table() if preview.result else False

    def _pair_table(self):
        """Return the members per pair of tiers: one row for each tier by the present rules, one column by these."""
        tiers = self.threshold_ids.sorted('sequence').tier_id
        pairs = self.result['pairs']
        cell = Markup('<td class="text-end">%s</td>')
        head = Markup('').join(Markup('<th class="text-end">%s</th>') % tier.name for tier in tiers)
        body = Markup('').join(
            Markup('<tr><th>%s</th>%s</tr>')
            % (
                before.name,
                Markup('').join(
                    cell % (pairs.get(f'{before.id},{after.id}') or '') for after in tiers
                ),
            )
            for before in tiers
        )
        corner = self.env._('By present rules (rows), by these (columns)')
        return Markup(
            '<table class="table table-sm"><thead><tr><th>%s</th>%s</tr></thead><tbody>%s</tbody></table>'
        ) % (corner, head, body)

    # === RULES ===#

    def _settings(self):
        """Return the settings as the programme has them."""
        self.ensure_one()
        return {name: self[name] for name in RULE_SETTINGS}

    def _beside(self):
        """Return the present rules that these would replace: settings, and thresholds on the day."""
        self.ensure_one()
        versions = {
            str(tier.id): tier._version_on(self.as_of) for tier in self.programme_id.tier_ids
        }
        return {
            'settings': self.programme_id._rule_settings(),
            'thresholds': {key: one and one._thresholds() for key, one in versions.items() if one},
        }

    def _with_settings(self, rules):
        """Return rules with the settings of this preview."""
        self.ensure_one()
        changed = any(self[name] != self.programme_id[name] for name in ENTRY_SETTINGS)
        return replace(
            rules,
            criteria=self.criteria,
            window=self.window,
            months=self.window_months,
            first_month=int(self.first_month),
            validity=self.validity_months,
            grace=self.grace_days,
            drop=self.drop,
            strict=self.strict,
            entry_counts=self.entry_counts,
            settled=self.as_of if changed else rules.settled,
        )

    def _rules_beside(self):
        """Return the present rules and those of this preview.

        Thresholds that began after a day in the past are out of the proposal; those that are planned hold in both.
        """
        self.ensure_one()
        programme, day = self.programme_id, self.as_of
        present = programme._rules()
        today = programme.company_id._retail_today()
        rows = {row.tier_id.id: row for row in self.threshold_ids if row.is_used}
        tiers = []
        for tier in present.tiers[1:]:
            versions = [
                version
                for version in tier.versions
                if version.date_from < day or version.date_from > max(day, today)
            ]
            row = rows.get(tier.key)
            if row:
                same = not row._is_change() and tier.version(day)
                versions.append(replace(same, date_from=day) if same else row._to_engine())
            tiers.append(
                replace(tier, versions=tuple(sorted(versions, key=lambda one: one.date_from)))
            )
        proposed = self._with_settings(replace(present, tiers=(present.tiers[0], *tiers)))
        return present, proposed

    # === ACTIONS ===#

    def action_compute(self):
        """Compute who would hold another tier: at once for few members, in the background for many.

        :raise AccessError: for those who are no Retail CRM managers
        """
        self.ensure_one()
        self._check_manager()
        self._check_state('draft')
        self._fill_thresholds()
        # sudo: checked above; results are the system's
        if not self.sudo()._start('result'):
            return self._note_background()
        return None

    def action_cancel_work(self):
        """Stop the computation; what was computed so far is dropped.

        :raise AccessError: for those who are no Retail CRM managers
        """
        self._check_manager()
        for preview in self.sudo():  # sudo: checked above
            if preview.work in RESULTS:
                preview._forget(preview.work)
                preview.work = False

    def _note_background(self):
        """Return the word that it takes a while."""
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'info',
                'message': self.env._('All members are compared in the background.'),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    # === WORK ===#

    def _start(self, round_):
        """Begin a round, and end it where there are few members.

        :return: whether it has ended
        :raise UserError: while purchases are being derived anew
        """
        self.ensure_one()
        if self.env['retail.membership']._is_waiting(self.programme_id):
            raise UserError(
                self.env._('Purchases are being derived anew right now. Try again later.')
            )
        self._forget(round_)
        total = self.env['retail.membership'].search_count(
            [('programme_id', '=', self.programme_id.id), ('state', '=', 'active')]
        )
        self.write({'work': round_, 'work_after': 0, 'done_count': 0, 'total_count': total})
        if round_ == 'result':
            self.write({'computed_by': self.env.uid, 'beside': self._beside()})
        if total > AT_ONCE:
            self._wake()
            return False
        while self._work_batch():
            pass
        return True

    def _forget(self, *rounds):
        """Drop what these rounds found."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                'DELETE FROM retail_tier_preview_line WHERE preview_id = ANY(%s) AND round = ANY(%s)',
                self.ids,
                list(rounds),
            )
        )
        self.env['retail.tier.preview.line'].invalidate_model(flush=False)
        self.invalidate_recordset(['line_ids'], flush=False)
        values = {'check_result': False, 'checked_on': False, 'difference_count': 0}
        if 'result' in rounds:
            values.update({'result': False, 'computed_on': False, 'up_count': 0, 'down_count': 0})
            values.update({'same_count': 0})
            self.threshold_ids.write({'held_count': 0, 'present_count': 0, 'proposed_count': 0})
        self.write(values)

    @api.model
    def _wake(self):
        """Have the scheduled action run soon."""
        cron = self.env.ref('retail_crm.ir_cron_tier_preview', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()  # sudo: only starts our own scheduled action

    def _work_batch(self):
        """Do one batch of what is going on and return the number of members looked at; 0: it has ended."""
        self.ensure_one()
        if self.work == 'now':
            return self._look_batch()
        if self.work not in RESULTS:
            return 0
        ids = self._next_members()
        if not ids:
            self._end_round(self.work)
            return 0
        self._compare_batch(ids)
        self.write({'work_after': ids[-1][0], 'done_count': self.done_count + len(ids)})
        return len(ids)

    def _next_members(self):
        """Return ``(membership id, partner id)`` of the next members."""
        self.env['retail.membership'].flush_model(['programme_id', 'state', 'partner_id'])
        return self.env.execute_query(
            SQL(
                """
                SELECT id, partner_id FROM retail_membership
                 WHERE programme_id = %s AND state = 'active' AND id > %s ORDER BY id LIMIT %s
                """,
                self.programme_id.id,
                self.work_after,
                PREVIEW_BATCH,
            )
        )

    def _compare_batch(self, ids):
        """Compare these members by both rules and add what was found to the result."""
        programme = self.programme_id
        today = programme.company_id._retail_today()
        present, proposed = self._rules_beside()
        members = dict(ids)
        cases = self.env['retail.membership']._read_cases(programme, list(members.values()))
        found = {'pairs': {}, 'held': {}, **(self[RESULTS[self.work]] or {})}
        lines = []
        for case in cases:
            if case.membership_id not in members:
                continue
            outcome = _tier_preview.compare(
                case.before,
                case.documents,
                present,
                proposed,
                self.as_of,
                today,
                repeat=self.assumption == 'repeat',
            )
            pair = f'{outcome.present},{outcome.proposed}'
            found['pairs'][pair] = found['pairs'].get(pair, 0) + 1
            held = str(outcome.held)
            found['held'][held] = found['held'].get(held, 0) + 1
            if outcome.day:
                lines.append((case, outcome))
        self[RESULTS[self.work]] = found
        self._write_lines(present, lines)

    def _write_lines(self, rules, lines):
        """Write the lines of a batch in one statement."""
        if not lines:
            return
        columns = self._line_columns(rules, lines)
        self.env.cr.execute(
            SQL(
                'INSERT INTO retail_tier_preview_line (preview_id, company_id, round, %(names)s) '
                'SELECT %(preview)s, %(company)s, %(round)s, %(names)s FROM %(lines)s',
                names=SQL(', ').join(map(SQL.identifier, columns)),
                preview=self.id,
                company=self.company_id.id,
                round=self.work,
                lines=_sql_table('line', columns),
            )
        )
        self.env['retail.tier.preview.line'].invalidate_model(flush=False)
        self.invalidate_recordset(['line_ids'], flush=False)

    def _line_columns(self, rules, lines):
        """Return what is written of lines, column by column."""
        money = self.programme_id._from_cents
        direction = [
            'up' if rules.level(item.proposed) > rules.level(item.present) else 'down'
            for _case, item in lines
        ]
        measures = [item.measure for _case, item in lines]
        needs = [
            item.version.thresholds(item.keep) if item.version else (0, 0) for item in measures
        ]
        missing = [item.missing() for item in measures]
        return {
            'membership_id': ('int', [case.membership_id for case, _item in lines]),
            'partner_id': ('int', [case.partner_id for case, _item in lines]),
            'direction': ('varchar', direction),
            'held_tier_id': ('int', [item.held for _case, item in lines]),
            'from_tier_id': ('int', [item.present for _case, item in lines]),
            'to_tier_id': ('int', [item.proposed for _case, item in lines]),
            'date': ('date', [item.day for _case, item in lines]),
            'amount': ('numeric', [money(item.amount) for item in measures]),
            'count': ('int', [item.count for item in measures]),
            'need_amount': ('numeric', [money(need[0]) for need in needs]),
            'need_count': ('int', [need[1] for need in needs]),
            'missing_amount': ('numeric', [money(item[0]) for item in missing]),
            'missing_count': ('int', [item[1] or 0 for item in missing]),
            'override_until': ('date', [case.before.floor_until for case, _item in lines]),
        }

    def _end_round(self, round_):
        """Write down what a round found as a whole."""
        self.write({'work': False, 'work_after': 0})
        found = self[RESULTS[round_]] or {'pairs': {}, 'held': {}}
        self[RESULTS[round_]] = found
        if round_ == 'check':
            self._end_check()
            return
        ways = _directions(found['pairs'], self.programme_id._rules())
        self.write(
            {
                'state': 'computed',
                'computed_on': fields.Datetime.now(),
                'up_count': ways['up'],
                'down_count': ways['down'],
                'same_count': ways['same'],
            }
        )
        for row in self.threshold_ids:
            key = str(row.tier_id.id)
            row.write(
                {
                    'held_count': found['held'].get(key, 0),
                    'present_count': _sum(found['pairs'], 0, key),
                    'proposed_count': _sum(found['pairs'], 1, key),
                }
            )

    # === CRON ===#

    @api.model
    def _cron_preview(self):
        """Let planned changes go live on their day, then go on with what is computed in the background, batch by batch."""
        cron = self.env['ir.cron']
        self._apply_due()
        cron._commit_progress(remaining=1)
        while preview := self._next_work():
            if preview.work == 'now':
                # A new transaction, whose first statement is the turn: it sees what the last holder committed.
                cron._commit_progress(remaining=1)
                if not self.env['retail.membership']._try_lock():
                    return
                preview = self._next_work() or preview
            done = preview._work_batch()
            if done is None:  # others have the turn: with the next run
                cron._commit_progress(remaining=1)
                return
            if not cron._commit_progress(done, remaining=1):
                return
        cron._commit_progress(remaining=0)

    @api.model
    def _next_work(self):
        """Return the next preview with work to do, locked: whoever presses a button waits for the end of the batch."""
        self.flush_model(['work'])
        rows = self.env.execute_query(
            SQL(
                'SELECT id FROM retail_tier_preview WHERE work IS NOT NULL ORDER BY id LIMIT 1 '
                'FOR NO KEY UPDATE SKIP LOCKED'
            )
        )
        return self.sudo().browse([id_ for (id_,) in rows])  # sudo: the system's work


def _sum(pairs, place, key):
    """Return how many members have a tier in a place of the pairs."""
    return sum(count for pair, count in pairs.items() if pair.split(',')[place] == key)


def _directions(pairs, rules):
    """Return how many members go up, down, and stay."""
    ways = {'up': 0, 'down': 0, 'same': 0}
    for pair, count in pairs.items():
        before, after = (rules.level(int(key)) for key in pair.split(','))
        ways['same' if before == after else 'up' if after > before else 'down'] += count
    return ways
