import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, groupby
from odoo.tools.constants import GC_UNLINK_LIMIT

_logger = logging.getLogger(__name__)

KINDS = [
    ('purchase', 'Purchase'),
    ('purchase_changed', 'Purchase changed'),
    ('paid', 'Paid'),
    ('delivered', 'Delivered'),
    ('refund', 'Refund'),
    ('cancel', 'Cancelled'),
    ('partner_changed', 'Customer changed'),
    ('consent_changed', 'Consent changed'),
    ('enrolled', 'Enrolled'),
    ('referral_purchased', 'Referred customer bought first'),
    ('tier_up', 'Tier up'),
    ('tier_down', 'Tier down'),
    ('tier_ending', 'Tier ending'),
    ('benefit_granted', 'Benefit granted'),
    ('points_expiring', 'Points expiring'),
    ('class_changed', 'Class changed'),
    ('churn_alert', 'Churn alert'),
    ('came_back', 'Came back'),
    ('ticket_opened', 'Ticket opened'),
    ('ticket_answered', 'Ticket answered'),
    ('ticket_solved', 'Ticket solved'),
    ('ticket_reopened', 'Ticket reopened'),
    ('ticket_archived', 'Ticket archived'),
    ('ticket_breached', 'Ticket target missed'),
    ('followup_done', 'Follow-up done'),
    ('feedback_received', 'Feedback received'),
    ('feedback_low', 'Low feedback'),
    ('feedback_high', 'High feedback'),
    ('score_dropped', 'Score dropped'),
]

#: Moments of documents: in an import of old documents they only bring the figures up to date.
DOCUMENT_KINDS = {'purchase', 'purchase_changed', 'refund', 'cancel'}

BATCH_SIZE = 1000
MAX_ATTEMPTS = 5
KEEP_DAYS = 90
LOCK_KEY = 'retail_crm.moment'


class ListenerBusy(Exception):
    """Raised by a listener that cannot work now: the moments are given to it again, without counting an attempt."""


class RetailMoment(models.Model):
    """The outbox: what happened, written in the transaction in which it happened and told to listeners afterwards.

    Emitting is one INSERT; nobody's sale waits for what loyalty, care or reports do with it. Rows are written by
    ``_emit`` and by the processing only. Invariant: a moment is ``done`` when each of its listeners either worked or
    has a row of its own (``listener`` set) that is tried again and at last shown as ``failed``.
    """

    _name = 'retail.moment'
    _description = 'Moment'
    _order = 'id desc'
    _rec_name = 'kind'

    kind = fields.Selection(selection=KINDS, required=True, help='What happened.')
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        index='btree_not_null',
        ondelete='set null',
        help='Contact of the document it happened to.',
    )
    company_id = fields.Many2one(comodel_name='res.company', ondelete='cascade')
    res_model = fields.Char(string='Document Model', required=True)
    res_id = fields.Many2oneReference(string='Document', model_field='res_model', required=True)
    date = fields.Datetime(required=True, default=fields.Datetime.now, help='When it happened.')
    listener = fields.Char(
        help='Part of the system that has not worked yet on this moment. Empty: all of them are told.',
    )
    state = fields.Selection(
        selection=[('pending', 'Waiting'), ('done', 'Done'), ('failed', 'Failed')],
        required=True,
        default='pending',
        copy=False,
    )
    quiet = fields.Boolean(
        readonly=True,
        help='Happened long ago and was imported now: figures follow, without history and without telling anybody.',
    )
    attempts = fields.Integer(help='How often the listener failed.')
    date_next = fields.Datetime(string='Next Attempt', help='Not tried before this time.')
    error = fields.Text(help='What the listener said at its last attempt.')

    _pending_idx = models.Index("(id) WHERE state = 'pending'")
    _failed_idx = models.Index("(id) WHERE state = 'failed'")
    _date_idx = models.Index("(date) WHERE state = 'done'")

    # === EMITTING ===#

    @api.model
    def _emit(self, kind, records):
        """Announce that ``kind`` happened to ``records`` (one moment each), to be worked on after the commit.

        Costs one INSERT whatever the number of records, and one more per transaction to wake the scheduled action.
        In an import of old documents (context ``import_file`` or ``retail_crm_quiet``) documents only announce
        ``purchase_changed``, so that figures follow but nobody is greeted for a purchase of last year; of all other
        moments only ``partner_changed`` is announced.

        :param str kind: one of ``KINDS``
        :param records: any recordset; its customer is the record itself for contacts, else its ``partner_id``
        :return: the moments
        """
        quiet = False
        if self.env.context.get('import_file') or self.env.context.get('retail_crm_quiet'):
            if kind not in DOCUMENT_KINDS | {'partner_changed'}:
                return self.browse()
            kind = 'purchase_changed' if kind in DOCUMENT_KINDS else kind
            quiet = True
        if kind in DOCUMENT_KINDS:
            records = self._skip_announced(kind, records)
        if not records:
            return self.browse()
        # sudo: whoever may change the document may announce it; the outbox itself is nobody's to write
        moments = self.sudo().create(
            [{**self._prepare_values(kind, record), 'quiet': quiet} for record in records]
        )
        self._wake_up()
        return moments

    def _skip_announced(self, kind, records):
        """Drop the ``purchase_changed`` of documents that this transaction announced already: one look is enough."""
        announced = self.env.cr.precommit.data.setdefault('retail_crm.announced', set())
        if kind == 'purchase_changed':
            records = records.filtered(lambda record: (record._name, record.id) not in announced)
        announced.update((record._name, record.id) for record in records)
        return records

    def _prepare_values(self, kind, record):
        """Return the values of the moment of one record."""
        is_partner = record._name == 'res.partner'
        partner = (
            record
            if is_partner
            else record['partner_id']
            if 'partner_id' in record._fields
            else None
        )
        company = record['company_id'] if 'company_id' in record._fields else None
        return {
            'kind': kind,
            'partner_id': partner.id if partner else False,
            'company_id': company.id if company else self.env.company.id,
            'res_model': record._name,
            'res_id': record.id,
        }

    def _wake_up(self, at=None):
        """Have the scheduled action run after this transaction (or at a time), for one INSERT per transaction.

        ``ir.cron._trigger`` is not used: it opens a second connection to notify, which costs more than the sale's
        whole share of this add-on. The scheduler looks for triggers at least once a minute.
        """
        flags = self.env.cr.precommit.data  # emptied at commit and at any rollback
        key = 'retail_crm.moment_trigger' if at is None else f'retail_crm.moment_trigger.{at:%H:%M}'
        if flags.get(key):
            return
        flags[key] = True
        cron_id = self.env['ir.model.data']._xmlid_to_res_id('retail_crm.ir_cron_process_moments')
        if cron_id:
            self._insert_trigger(cron_id, at)

    @api.model
    def _insert_trigger(self, cron_id, at=None):
        """Have one of our scheduled actions run, now or at a time: a row that nobody reads but the scheduler.

        A bare INSERT, as a record would cost more than all else that a sale or a ticket announces.
        """
        now, uid = self.env.cr.now(), self.env.uid
        self.env.execute_query(
            SQL(
                """INSERT INTO ir_cron_trigger (cron_id, call_at, create_uid, create_date, write_uid, write_date)
                   VALUES (%s, %s, %s, %s, %s, %s) RETURNING id""",
                cron_id,
                at or fields.Datetime.now(),
                uid,
                now,
                uid,
                now,
            )
        )

    # === LISTENING ===#

    @api.model
    def _listeners(self):
        """Hook: return ``{kind: [model name, ...]}``, in the order in which they are told.

        Each model has a method ``_on_<kind>(moments)`` that receives a recordset of moments of that kind. It must be
        idempotent (a moment may be told twice) and work on the whole recordset at once. It runs in a savepoint.
        """
        purchases = ['retail.purchase']
        return {
            'purchase': list(purchases),
            'purchase_changed': list(purchases),
            'refund': list(purchases),
            'cancel': list(purchases),
            'partner_changed': list(purchases),
        }

    @api.model
    def _late_listeners(self):
        """Hook: return the models that are told once of all kinds of a batch, by ``_on_any``, after all others.

        They still have ``_on_<kind>``: a failed moment is told again alone.
        """
        return []

    @api.model
    def _cron_process(self):
        """Tell listeners about what happened, oldest first, one commit per batch."""
        cron = self.env['ir.cron']
        cron._commit_progress(remaining=self.search_count(self._pending_domain()))
        while moments := self._next_batch():
            self._process_batch(moments)
            if not cron._commit_progress(len(moments)):
                break

    @api.model
    def _process_all(self):
        """Work through everything that waits, committing per batch, and return the number of moments."""
        processed = 0
        while moments := self._next_batch():
            self._process_batch(moments)
            processed += len(moments)
            self.env['ir.cron']._commit_progress()
        return processed

    def _pending_domain(self):
        due = Domain('date_next', '=', False) | Domain('date_next', '<=', fields.Datetime.now())
        return Domain('state', '=', 'pending') & due

    def _next_batch(self):
        """Return the oldest waiting moments, or none while another process works on them or derives figures.

        The locks are the first thing a transaction does, so that it sees all that their last holder committed.
        """
        [(locked,)] = self.env.execute_query(
            SQL('SELECT pg_try_advisory_xact_lock(hashtext(%s))', LOCK_KEY)
        )
        if not locked or not self.env['retail.profile']._try_lock():
            return self.browse()
        return self.sudo().search(
            self._pending_domain(), limit=BATCH_SIZE, order='id'
        )  # sudo: system process

    def _process_batch(self, moments):
        """Give the moments to their listeners and mark them as done; failures leave rows of their own."""
        listeners = self._listeners()
        together = dict.fromkeys(self._late_listeners(), self.browse())
        new = moments.filtered(lambda moment: not moment.listener)
        # Causes before what follows from them: an order's cancel is not told before the order.
        position = {kind: index for index, (kind, _label) in enumerate(KINDS)}
        causal = new.sorted(lambda moment: (position[moment.kind], moment.id))
        for kind, of_kind in groupby(causal, key=lambda moment: moment.kind):
            group = self.browse().concat(*of_kind)
            for listener in listeners.get(kind, ()):
                if listener in together:
                    together[listener] += group
                else:
                    self._deliver(listener, kind, group)
        for listener, group in together.items():
            if group:
                self._deliver(listener, 'any', group)
        retries = moments - new
        for (listener, kind), rows in groupby(
            retries, key=lambda moment: (moment.listener, moment.kind)
        ):
            self._deliver(listener, kind, self.browse().concat(*rows))
        moments.filtered(
            lambda moment: moment.state == 'pending' and not moment._is_postponed()
        ).write({'state': 'done', 'error': False, 'date_next': False})

    def _is_postponed(self):
        return bool(self.date_next) and self.date_next > fields.Datetime.now()

    def _deliver(self, listener, kind, moments):
        """Have one listener work on moments of one kind; halve the batch until the failing moments are alone."""
        try:
            with self.env.cr.savepoint():
                getattr(self.env[listener], f'_on_{kind}')(moments)
        except ListenerBusy:
            moments._postpone(listener)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise  # the whole transaction is lost and repeated by the scheduler
        except Exception as error:  # any failure of a listener is kept and shown, never lost
            if len(moments) == 1:
                moments._keep_failure(listener, error)
                return
            middle = len(moments) // 2
            self._deliver(listener, kind, moments[:middle])
            self._deliver(listener, kind, moments[middle:])

    def _postpone(self, listener):
        """Give the moments to the listener again in a minute."""
        values = {'date_next': fields.Datetime.now() + timedelta(minutes=1)}
        retries = self.filtered('listener')
        retries.write(values)
        (self - retries)._split_off(listener, values)
        self._wake_up(values['date_next'])

    def _keep_failure(self, listener, error):
        """Record that the listener failed on this moment and when it is tried again."""
        attempts = self.attempts + 1 if self.listener else 1
        values = {
            'attempts': attempts,
            'error': f'{type(error).__name__}: {error}',
            'state': 'pending' if attempts < MAX_ATTEMPTS else 'failed',
            'date_next': fields.Datetime.now() + timedelta(minutes=5 * 4 ** (attempts - 1)),
        }
        _logger.warning(
            'Moment %s (%s) failed in %s, attempt %s: %s',
            self.id,
            self.kind,
            listener,
            attempts,
            error,
            exc_info=error,
        )
        if self.listener:
            self.write(values)
        else:
            self._split_off(listener, values)
        if values['state'] == 'pending':
            self._wake_up(values['date_next'])

    def _split_off(self, listener, values):
        """Make a row for this listener of each moment: the other listeners are not told again."""
        self.create(
            [
                {
                    'kind': moment.kind,
                    'partner_id': moment.partner_id.id,
                    'company_id': moment.company_id.id,
                    'res_model': moment.res_model,
                    'res_id': moment.res_id,
                    'date': moment.date,
                    'quiet': moment.quiet,
                    'listener': listener,
                    **values,
                }
                for moment in self
            ]
        )

    # === ACTIONS ===#

    def action_retry(self):
        """Try failed moments again. For managers, who see the list of failures.

        :raise AccessError: for anybody else
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager can repeat failed moments.'))
        self.check_access('read')
        # sudo: checked above; nobody may write moments directly
        self.sudo().filtered(lambda moment: moment.state == 'failed').write(
            {'state': 'pending', 'attempts': 0, 'date_next': False}
        )
        self._wake_up()

    def action_open_document(self):
        """Open the document it happened to.

        :raise UserError: by Odoo, when the document is gone or not yours to see
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': self.res_model,
            'res_id': self.res_id,
            'view_mode': 'form',
        }

    @api.autovacuum
    def _gc_done(self):
        """Remove moments that were worked on long ago."""
        old = self.search(
            [
                ('state', '=', 'done'),
                ('date', '<', fields.Datetime.now() - timedelta(days=KEEP_DAYS)),
            ],
            limit=GC_UNLINK_LIMIT,
            order='date, id',
        )
        old.unlink()
        return len(old), len(old) == GC_UNLINK_LIMIT
