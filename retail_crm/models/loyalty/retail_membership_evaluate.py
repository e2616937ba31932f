import logging
from dataclasses import replace

from odoo import api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..customer.retail_moment import ListenerBusy
from . import _tiers

_logger = logging.getLogger(__name__)

#: Members evaluated per transaction by the scheduled action.
EVALUATION_BATCH = 5_000
LOCK_KEY = 'retail_crm.loyalty'


class RetailMembershipEvaluate(models.Model):
    """The evaluation: who is looked at, what becomes of them by the rules in plain Python, and who hears of it."""

    _inherit = 'retail.membership'

    @api.model
    def _try_lock(self):
        """Take the turn to change memberships until the end of the transaction, and return whether it was free."""
        [(locked,)] = self.env.execute_query(
            SQL('SELECT pg_try_advisory_xact_lock(hashtext(%s))', LOCK_KEY)
        )
        return locked

    @api.model
    def _evaluate(self, partners=None, as_of=None, quiet=False):
        """Bring members up to date by the rules, and enrol customers by their first purchase.

        Costs by the members it is asked about. The same again writes nothing.

        :param partners: customers; None: those for whom something is due by time, at most ``EVALUATION_BATCH``
        :param as_of: the day up to which is evaluated; default: today in each company's zone
        :param quiet: announce nothing
        :return: number of memberships written, or None when another process has the turn
        """
        programmes = self.env['retail.programme']._running()
        if not programmes or (partners is not None and not partners):
            return 0
        if not self._try_lock():
            return None
        if partners is not None:
            partners |= self._absorb(partners)
        written = 0
        for programme in programmes:
            if self._is_waiting(programme):
                continue  # all are due when that ends
            day = as_of or programme.company_id._retail_today()
            partner_ids = (
                self._due_partner_ids(programme, day) if partners is None else partners.ids
            )
            written += len(self._change(programme, partner_ids, day, quiet=quiet))
        return written

    @api.model
    def _is_waiting(self, programme):
        """Return whether purchases of the company are being derived anew: half of them would move tiers."""
        return programme.company_id.retail_rebuild_pending

    @api.model
    def _due_partner_ids(self, programme, day):
        """Return the customers for whom something happens by time up to a day."""
        members = self.sudo().search_fetch(  # sudo: the system's work
            [('company_id', '=', programme.company_id.id), ('next_on', '<=', day)],
            ['partner_id'],
            limit=EVALUATION_BATCH,
            order='next_on, id',
        )
        return members.partner_id.ids

    @api.model
    def _change(self, programme, partner_ids, day, work=None, quiet=False, user=None, note=None):
        """Let rules or staff change the memberships of these customers, write it down and announce it.

        :param work: ``function(state, ledger, rules) -> (state, moves)``; default: the rules up to the day
        :param user: who did it
        :return: the cases that were written
        """
        if not partner_ids:
            return []
        rules = programme._rules()
        cases = self._read_cases(programme, partner_ids, strangers_too=bool(work))
        for case in cases:
            self._decide(case, rules, day, work)
        changed = [case for case in cases if case.after.enrolled_on and case.is_changed]
        if not changed:
            return []
        self._write_cases(programme, changed)
        moves = self._write_moves(programme, rules, changed, user, note)
        self._forget_tiers()
        self._follow_top(programme, rules, changed)
        if not quiet:
            self._announce(rules, changed, moves)
        return changed

    def _decide(self, case, rules, day, work):
        """Find out what becomes of one customer."""
        ledger = _tiers.Ledger(case.documents)
        if work:
            case.after, case.moves = work(case.before, ledger, rules)
        else:
            case.after, case.moves = _tiers.advance(case.before, ledger, rules, day)
        case.shown_before = _tiers.shown(case.before, rules)
        case.shown = _tiers.shown(case.after, rules)
        if case.membership_id is None and not work:
            case.quiet = self._is_opening(case, ledger, rules)
            if case.quiet:
                case.moves = _as_opening(case.moves)
        case.stage = case.stage_before if case.after.until == case.before.until else 0
        stage = _tiers.warning_stage(case.after, rules, day)
        if stage and not 0 < case.stage <= stage:
            case.notice = _tiers.warning(case.after, ledger, rules, day)
            case.stage = stage if case.notice else case.stage
        case.next_on = _tiers.next_on(case.after, ledger, rules, day)

    @staticmethod
    def _is_opening(case, ledger, rules):
        """Return whether a new member bought before the programme began: nobody is greeted for that."""
        first = ledger.first_counted()
        return bool(case.after.enrolled_on and first and rules.start and first < rules.start)

    @api.model
    def _forget_tiers(self):
        """Have the ORM read memberships anew, also where contacts and orders show them."""
        self.invalidate_model()
        self.env['retail.tier.move'].invalidate_model()
        self.env['res.partner'].invalidate_model(
            ['retail_summary', 'retail_tier_id', 'retail_member_number', 'retail_tier_text'],
            flush=False,
        )
        self.env['retail.tier'].invalidate_model(['member_count'], flush=False)

    def _follow_top(self, programme, rules, cases):
        """Have the figures of those follow who came to the highest tier or lost it: it makes high-value customers."""
        top = rules.tiers[-1].key
        partner_ids = [
            case.partner_id
            for case in cases
            if (case.shown_before.tier == top) != (case.shown.tier == top)
        ]
        if not partner_ids:
            return
        self.env['retail.profile'].flush_model(['refresh_on'])
        self.env.cr.execute(
            SQL(
                'UPDATE retail_profile SET refresh_on = %s WHERE company_id = %s AND partner_id = ANY(%s)',
                programme.company_id._retail_today(),
                programme.company_id.id,
                partner_ids,
            )
        )
        self.env['retail.profile'].invalidate_model(['refresh_on'])
        if not self.env.context.get('retail_crm_refresh_follows'):
            self.env['retail.profile']._wake_refresh()

    def _announce(self, rules, cases, moves):
        """Announce new members, other tiers than before, and warnings, each kind at once."""
        told = {'enrolled': [], 'tier_ending': []}
        changes = {'tier_up': [], 'tier_down': []}
        for case in cases:
            if case.quiet:
                continue
            if case.before.enrolled_on is None or (case.before.left and not case.after.left):
                told['enrolled'].append(case.membership_id)
            if case.notice:
                told['tier_ending'].append(case.membership_id)
            before = max(rules.level(case.shown_before.tier), 0)
            after = rules.level(case.shown.tier)
            if after >= 0 and after != before and case.membership_id in moves:
                kind = 'tier_up' if after > before else 'tier_down'
                changes[kind].append(moves[case.membership_id])
        moments = self.env['retail.moment']
        for kind, ids in told.items():
            moments._emit(kind, self.sudo().browse(ids))  # sudo: the system's own record
        for kind, ids in changes.items():
            moments._emit(kind, self.env['retail.tier.move'].sudo().browse(ids))  # sudo: as above

    # === CRON ===#

    @api.model
    def _wake_evaluation(self):
        """Have the scheduled evaluation run soon."""
        cron = self.env.ref('retail_crm.ir_cron_evaluate_tiers', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()  # sudo: only starts our own scheduled action

    @api.model
    def _cron_evaluate(self):
        """Enrol who bought before a programme began, then look at members for whom something is due.

        One commit per batch; after a kill it goes on with what is left. Costs nothing for all others.
        """
        cron = self.env['ir.cron']
        while True:
            if (
                not self._try_lock()
            ):  # the first statement of each transaction: it sees what the last holder committed
                cron._commit_progress(remaining=1)
                return
            done = self._evaluate_batch()
            if not cron._commit_progress(done, remaining=1 if done else 0) or not done:
                return

    def _evaluate_batch(self):
        """Work on one batch and return the number of customers looked at; 0: all is done."""
        for programme in self.env['retail.programme']._running():
            if self._is_waiting(programme):
                continue
            day = programme.company_id._retail_today()
            if programme.opening_after >= 0:
                partner_ids = self._opening_partner_ids(programme)
                self._change(programme, partner_ids, day)
                programme.opening_after = partner_ids[-1] if partner_ids else -1
                return len(partner_ids) or 1
            partner_ids = self._due_partner_ids(programme, day)
            if partner_ids:
                changed = self._change(programme, partner_ids, day)
                if not changed:
                    _logger.error('%s members are due and nothing happens', len(partner_ids))
                    continue
                return len(partner_ids)
        return 0

    def _opening_partner_ids(self, programme):
        """Return the next customers with purchases who may become members."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT partner_id FROM retail_purchase
                 WHERE company_id = %s AND counts AND partner_id > %s ORDER BY partner_id LIMIT %s
                """,
                programme.company_id.id,
                programme.opening_after,
                EVALUATION_BATCH,
            )
        )
        return [partner_id for (partner_id,) in rows]

    @api.model
    def _make_all_due(self, companies):
        """Have all members of these companies looked at in the background, and customers who are none yet."""
        for programme in self.env['retail.programme']._running(companies):
            self.flush_model(['next_on'])
            self.env.cr.execute(
                SQL(
                    "UPDATE retail_membership SET next_on = %s WHERE company_id = %s AND state = 'active'",
                    programme.company_id._retail_today(),
                    programme.company_id.id,
                )
            )
            self.invalidate_model(['next_on'])
            programme.opening_after = 0 if programme.automatic else -1
            self._wake_evaluation()

    # === AFTER PURCHASES ===#

    @api.model
    def _evaluate_or_later(self, partners, quiet=False):
        """Evaluate customers whose purchases changed; what cannot be done now is kept as a moment and tried again."""
        if not self.env['retail.programme']._running():
            return
        error = None
        try:
            with self.env.cr.savepoint():
                done = self._evaluate(partners, quiet=quiet)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise  # the whole transaction is lost and repeated by the scheduler
        except Exception as failure:  # a defect here never costs the customer's figures
            _logger.warning('Tiers of %s customers failed', len(partners), exc_info=failure)
            done, error = None, f'{type(failure).__name__}: {failure}'
        if done is None:
            self.env['retail.moment']._evaluate_later(partners, quiet, error)

    def _on_purchase_changed(self, moments):
        """Evaluate customers whose turn had to wait.

        :raise ListenerBusy: when it still has to
        """
        for quiet, group in moments.sorted('quiet', reverse=True).grouped('quiet').items():
            partners = group.partner_id.commercial_partner_id
            if self._evaluate(partners, quiet=quiet) is None:
                raise ListenerBusy


def _as_opening(moves):
    """Return moves in which the enrolment leads at once to the tier reached: nobody was promoted on that day."""
    if len(moves) > 1 and moves[1].cause == 'upgrade' and moves[1].day == moves[0].day:
        return [replace(moves[1], cause='entry', source=None), *moves[2:]]
    return moves
