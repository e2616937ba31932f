import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, ormcache

from .retail_moment import ListenerBusy

_logger = logging.getLogger(__name__)

LOCK_KEY = 'retail_crm.segment'
#: Hours after which a segment is computed again by the nightly action.
DUE_HOURS = 20


class RetailSegmentRefresh(models.Model):
    """Computing who belongs to segments: one statement for each, over all customers or over some."""

    _inherit = 'retail.segment'

    # === COMPUTING ===#

    @api.model
    def _try_lock(self):
        """Take the turn to compute segments until the end of the transaction, and return whether we have it."""
        [(locked, _jit)] = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(hashtext(%s)), set_config('jit', 'off', true)",
                LOCK_KEY,
            )
        )
        return locked

    def _recompute(self, partners=None):
        """Bring the members of these segments in line with their rules; nothing is written where nothing changed.

        :param partners: customers (commercial partners) to look at, or None for all. Only a run over all notes the time
            and takes a changed rule into use.
        :return: ``(entered, left)``, how many rows of members were opened and closed
        :raise Exception: whatever a broken rule raises; see ``_recompute_safely``
        """
        if partners is not None and not partners:
            return 0, 0
        self._flush_sources()
        self.env['retail.segment.member'].flush_model()
        self.flush_model()
        total = [0, 0]
        for segment in self:
            entered, left = segment._recompute_one(None if partners is None else partners.ids)
            total = [total[0] + entered, total[1] + left]
        self._forget_members()
        return tuple(total)

    def _recompute_one(self, ids):
        """Write the members of one segment in one statement, and its count and times in another."""
        full = ids is None
        reason = 'rule' if self.is_pending else 'customer'
        today = self.company_id.sudo()._retail_today()
        [(entered, left, count)] = self.env.execute_query(
            SQL(
                """
                WITH wanted AS MATERIALIZED (%(wanted)s),
                entered AS (
                    INSERT INTO retail_segment_member (segment_id, partner_id, entered_on, entered_reason)
                    SELECT %(segment)s, wanted.id, %(today)s, %(reason)s
                      FROM wanted
                     WHERE NOT EXISTS (
                           SELECT FROM retail_segment_member AS member
                            WHERE member.segment_id = %(segment)s AND member.left_on IS NULL
                              AND member.partner_id = wanted.id)
                    ON CONFLICT (segment_id, partner_id) WHERE left_on IS NULL DO NOTHING
                    RETURNING 1
                ),
                gone AS (
                    UPDATE retail_segment_member AS member
                       SET left_on = %(today)s,
                           left_reason = CASE WHEN customer.active AND customer.retail_customer
                                                   AND customer.commercial_partner_id = customer.id
                                              THEN %(reason)s ELSE 'archived' END
                      FROM res_partner AS customer
                     WHERE member.segment_id = %(segment)s AND member.left_on IS NULL %(only)s
                       AND customer.id = member.partner_id
                       AND NOT EXISTS (SELECT FROM wanted WHERE wanted.id = member.partner_id)
                    RETURNING 1
                )
                SELECT (SELECT count(*) FROM entered), (SELECT count(*) FROM gone), (SELECT count(*) FROM wanted)
                """,
                wanted=self._query(ids).select(),
                segment=self.id,
                today=today,
                reason=reason,
                only=SQL() if full else SQL('AND member.partner_id = ANY(%s)', list(ids)),
            )
        )
        if full:
            self._note_computed(count)
        elif entered or left:
            # sudo: a count that nobody writes; the row is locked by the same transaction anyway
            self.sudo().member_count += entered - left
        return entered, left

    def _note_computed(self, count):
        now = fields.Datetime.now()
        # sudo: run times are nobody's to write
        self.sudo().write(
            {
                'member_count': count,
                'computed_at': now,
                'attempted_at': now,
                'is_pending': False,
                'error': False,
            }
        )

    def _recompute_safely(self, partners=None):
        """Compute each segment; one that fails is kept as it was, and the others go on.

        The error is shown, and goes with the next success, of runs over all customers. A failure with some of them,
        which may pass, makes the segment due: those customers are caught up with by the next run of the action.

        :return: the segments that failed
        """
        failed = self.browse()
        for segment in self:
            try:
                with self.env.cr.savepoint():
                    segment._recompute(partners)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise  # the whole transaction is lost and repeated
            except (
                Exception
            ) as error:  # a field that vanished, a value that PostgreSQL refuses: kept and shown
                _logger.warning('Segment %s (%s) failed: %s', segment.id, segment.name, error)
                segment.sudo()._note_failed(
                    error, partners
                )  # sudo: run times are nobody's to write
                failed += segment
        return failed

    def _note_failed(self, error, partners):
        """Show why all customers could not be computed; after a failure with some of them, have all computed next."""
        if partners is None:
            self.error = str(error) or type(error).__name__
            self.attempted_at = fields.Datetime.now()
        elif self.attempted_at:
            self.attempted_at = False

    def _members(self):
        """Return the open rows of these segments."""
        return self.env['retail.segment.member'].search(
            [('segment_id', 'in', self.ids), ('left_on', '=', False)]
        )

    @api.model
    def _forget_members(self):
        """Have the ORM read members anew, also where contacts show their segments."""
        self.env['retail.segment.member'].invalidate_model()
        self.invalidate_model(['member_count', 'entered_count', 'left_count'])
        self.env['res.partner'].invalidate_model(
            ['retail_segment_ids', 'retail_summary'], flush=False
        )

    # === CRON ===#

    @api.model
    def _cron_segments(self):
        """Compute the segments that are due, one commit each: new and changed rules first, then those of last night."""
        cron = self.env['ir.cron']
        cron._commit_progress(remaining=self.search_count(self._due_domain()))
        while True:
            if (
                not self._try_lock()
            ):  # the first statement of each transaction, see _next_batch of moments
                cron._commit_progress(remaining=1)
                return
            segment = self.search(
                self._due_domain(), limit=1, order='attempted_at NULLS FIRST, sequence, id'
            )
            if not segment:
                return
            segment._recompute_safely()
            if not cron._commit_progress(1):
                return

    @api.model
    def _due_domain(self):
        """Return the domain of segments that were not tried today. Who was killed in between goes on with the others."""
        late = fields.Datetime.now() - timedelta(hours=DUE_HOURS)
        return Domain('attempted_at', '=', False) | Domain('attempted_at', '<', late)

    # === MOMENTS ===#

    def _on_partner_changed(self, moments):
        """Have the customers of these moments enter and leave, after their figures followed.

        :raise ListenerBusy: when segments are being computed by another process
        """
        segments = self.sudo().search([('is_pending', '=', False)])  # sudo: system process
        if not segments:
            return
        if not self._try_lock():
            raise ListenerBusy
        partners = self.env['res.partner'].with_context(active_test=False)
        touched = moments.partner_id | partners.browse(
            moments.filtered(lambda moment: moment.res_model == 'res.partner').mapped('res_id')
        )
        family = partners.search([('id', 'child_of', touched.ids)])
        customers = family | family.commercial_partner_id
        segments._recompute_safely(customers)

    _on_any = _on_purchase = _on_purchase_changed = _on_refund = _on_cancel = _on_partner_changed
    _on_consent_changed = _on_class_changed = _on_partner_changed

    @api.model
    @ormcache()
    def _watched_fields(self):
        """Return the fields of contacts that rules of active segments read: who changes one may enter or leave."""
        # sudo: rules of all companies, whoever writes a contact
        names = {'active', 'company_id'}
        for segment in self.sudo().search([('domain', '!=', '[]')]):
            for condition in segment._parse_or_nothing().iter_conditions():
                names.add(condition.field_expr.split('.')[0])
                if condition.field_expr.startswith(('birthday', 'retail_birthday', 'retail_age')):
                    names |= set(self.env['res.partner']._yearly_fields)
        known = self.env['res.partner']._fields
        return frozenset(names.intersection(known) - set(models.MAGIC_COLUMNS))
