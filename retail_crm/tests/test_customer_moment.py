"""The outbox: what emitting costs, who is told, and what happens when a listener fails."""

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, freeze_time, tagged, warmup
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.customer.retail_moment import (
    DOCUMENT_KINDS,
    KEEP_DAYS,
    KINDS,
    LOCK_KEY,
    MAX_ATTEMPTS,
    ListenerBusy,
)
from odoo.addons.retail_crm.models.customer.retail_profile_refresh import (
    LOCK_KEY as PROFILE_LOCK_KEY,
)
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

MOMENT_LOGGER = 'odoo.addons.retail_crm.models.customer.retail_moment'


class MomentCommon(RetailCrmCommon):
    def _emitted(self, kind=None):
        """Return the moments that wait."""
        domain = [('state', '=', 'pending')] + ([('kind', '=', kind)] if kind else [])
        return self.moments.search(domain, order='id')

    def _triggers(self):
        cron = self.env.ref('retail_crm.ir_cron_process_moments')
        return self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])

    def _partners(self, count):
        return self.env['res.partner'].create([{'name': f'Customer {n}'} for n in range(count)])

    @contextmanager
    def _listeners(self, **listeners):
        """Replace the listeners: ``kind=[model name, ...]``."""
        with patch.object(type(self.moments), '_listeners', lambda moments: listeners):
            yield

    @contextmanager
    def _listening(self, model, kind, method):
        """Have a model work on moments of a kind by calling ``method(model, moments)``."""
        with patch.object(type(self.env[model]), f'_on_{kind}', method, create=True):
            yield

    def _failing_for(self, partners, told=None, error=ValueError):
        """Return a listener that fails when it is given a moment of one of these contacts."""

        def listen(_model, moments):
            if told is not None:
                told.append(moments.mapped('res_id'))
            if set(moments.mapped('res_id')) & set(partners.ids):
                raise error('cannot be served')
            # leaves a trace that its savepoint can undo
            self.env['res.partner'].browse(moments.mapped('res_id')).comment = 'served'

        return listen


@tagged('post_install', '-at_install', 'retail_crm')
class TestEmit(MomentCommon):
    @warmup
    def test_emit_costs_two_queries_whatever_the_number(self):
        """One INSERT of moments and one of the trigger; later ones of the transaction only the first (design 4.1).

        The ORM itself writes a hundred records in one INSERT.
        """
        partners = self._partners(200)
        for number, inserts in ((1, 1), (100, 1), (200, 2)):
            with self.subTest(number=number):
                self._end_transaction()
                self._queries(inserts + 1, partners[:number])
                self._queries(inserts, partners[:number])

    def _queries(self, ceiling, records):
        with self.assertQueryCount(ceiling):
            self.moments._emit('enrolled', records)

    def test_one_trigger_for_each_transaction(self):
        """The scheduled action is woken once for all that a transaction announces (design 4.1)."""
        before = self._triggers()
        for _number in range(3):
            self.moments._emit('enrolled', self.bob)
        self.assertEqual(self._triggers(), before + 1)
        self._end_transaction()
        self.moments._emit('enrolled', self.bob)
        self.assertEqual(self._triggers(), before + 2)

    def test_nothing_is_emitted_for_nothing(self):
        """No records: no moment and no trigger (design 4.1)."""
        before = self._triggers()
        self.assertFalse(self.moments._emit('enrolled', self.bob.browse()))
        self.assertEqual(self._triggers(), before)

    def test_rollback_takes_the_moment_along(self):
        """What did not happen is not told, and a later moment still wakes the scheduled action (design 4.1)."""
        before = self._triggers()
        with self.assertRaises(ZeroDivisionError), self.cr.savepoint():
            self.moments._emit('purchase', self._create_order(self.bob, 10, confirm=False))
            self.assertTrue(self._emitted())
            raise ZeroDivisionError
        self.assertFalse(self._emitted())
        self.assertEqual(self._triggers(), before)
        order = self._create_order(self.bob, 10, confirm=False)
        self.moments._emit('purchase', order)
        self.assertEqual(self._emitted('purchase').res_id, order.id)
        self.assertEqual(self._triggers(), before + 1)

    def test_change_after_a_rolled_back_announcement_is_told(self):
        """A document announced in a part that was undone is announced again (design 4.1)."""
        order = self._create_order(self.bob, 10)
        self._process()
        with self.assertRaises(ZeroDivisionError), self.cr.savepoint():
            order.date_order = '2026-01-01'
            raise ZeroDivisionError
        order.date_order = '2026-02-01'
        self.assertEqual(self._emitted('purchase_changed').res_id, order.id)

    def test_moment_carries_the_documents_own_partner(self):
        """The contact of the document, not its company; the company of the document (design 4.1)."""
        order = self._create_order(self.ann, 10, company_id=self.company_2.id)
        moment = self._emitted('purchase')
        self.assertEqual(
            (moment.partner_id, moment.company_id, moment.res_model, moment.res_id),
            (self.ann, self.company_2, 'sale.order', order.id),
        )
        self.assertFalse(moment.listener or moment.attempts or moment.error or moment.date_next)
        contact = self.moments._emit('enrolled', self.bob)
        self.assertEqual((contact.partner_id, contact.company_id), (self.bob, self.company))

    def test_anybody_who_may_sell_may_announce(self):
        """A seller without access to the outbox announces his sale (design 4.1)."""
        seller = self.users['sales']
        order = self._create_order(self.bob, 10, confirm=False, user_id=seller.id)
        order.with_user(seller).action_confirm()
        self.assertEqual(self._emitted('purchase').res_id, order.id)

    def test_quiet_documents_only_bring_figures_up_to_date(self):
        """Imports of old documents announce no sale and no refund, and only who the customer is beside (design 4.1)."""
        for context in ({'import_file': True}, {'retail_crm_quiet': True}):
            for kind, _label in KINDS:
                with self.subTest(context=context, kind=kind):
                    order = self._create_order(self.bob, 10, confirm=False)
                    self._end_transaction()  # creating it was announced
                    moments = self.moments.with_context(**context)._emit(kind, order)
                    self.assertEqual(
                        moments.mapped('kind'),
                        ['purchase_changed']
                        if kind in DOCUMENT_KINDS
                        else ['partner_changed'] * (kind == 'partner_changed'),
                    )

    def test_import_of_confirmed_orders_makes_figures_and_greets_nobody(self):
        """Orders that are imported as confirmed count, and their sale is not announced (design 4.1)."""
        order = self._create_order(self.bob, 25, confirm=False)
        order.with_context(import_file=True).action_confirm()
        self.assertEqual(set(self._emitted().mapped('kind')), {'purchase_changed'})
        self._process()
        self.assertEqual(self._profile_of(self.bob).spend_total, 25)


@tagged('post_install', '-at_install', 'retail_crm')
class TestProcess(MomentCommon):
    def test_oldest_first(self):
        """Batches are read oldest first (design 4.1)."""
        partners = self._partners(5)
        for partner in partners:
            self.moments._emit('enrolled', partner)
        with patch('odoo.addons.retail_crm.models.customer.retail_moment.BATCH_SIZE', 2):
            batch = self.moments._next_batch()
            self.assertEqual(batch.mapped('res_id'), partners[:2].ids)
            self.moments._process_batch(batch)
            self.assertEqual(self.moments._next_batch().mapped('res_id'), partners[2:4].ids)

    def test_listeners_are_told_in_their_order(self):
        """Listeners of a kind are told one after the other, in the order of ``_listeners`` (design 4.1)."""
        told = []

        def note(model, moments):
            told.append((model._name, moments.mapped('res_id')))

        with (
            self._listeners(enrolled=['retail.purchase', 'retail.profile']),
            self._listening('retail.purchase', 'enrolled', note),
            self._listening('retail.profile', 'enrolled', note),
        ):
            self.moments._emit('enrolled', self.bob + self.acme)
            self._process()
        ids = (self.bob + self.acme).ids
        self.assertEqual(told, [('retail.purchase', ids), ('retail.profile', ids)])
        self.assertEqual(set(self._all('enrolled').mapped('state')), {'done'})

    def _all(self, kind):
        return self.moments.search([('kind', '=', kind)], order='id')

    def test_listeners_are_models_with_the_method(self):
        """Each registered listener exists and has a method for the kind, and each kind is a known one (design 4.1)."""
        kinds = {kind for kind, _label in KINDS}
        for kind, listeners in self.moments._listeners().items():
            self.assertIn(kind, kinds)
            for listener in listeners:
                with self.subTest(kind=kind, listener=listener):
                    self.assertTrue(callable(getattr(self.env[listener], f'_on_{kind}')))

    def test_moments_without_listener_are_done(self):
        """A kind nobody listens to is done at once (design 4.1)."""
        self.moments._emit('score_dropped', self.bob)
        self._process()
        self.assertFalse(self._emitted())

    @mute_logger(MOMENT_LOGGER)
    def test_failure_is_isolated_by_halving(self):
        """One customer of 50 fails: the other 49 are served, one row stays with the reason (design 4.1)."""
        partners = self._partners(50)
        bad, told = partners[31], []
        with (
            self._listeners(enrolled=['retail.purchase']),
            self._listening('retail.purchase', 'enrolled', self._failing_for(bad, told)),
            freeze_time('2026-05-01 10:00:00'),
        ):
            self.moments._emit('enrolled', partners)
            self._process()
        self.assertEqual(set((partners - bad).mapped(lambda p: p.comment.striptags())), {'served'})
        self.assertFalse(bad.comment)
        self.assertLessEqual(len(told), 1 + 2 * 6, 'halving asks about 2 log n times')
        done = self._all('enrolled').filtered(lambda moment: not moment.listener)
        self.assertEqual((len(done), set(done.mapped('state'))), (50, {'done'}))
        retry = self._all('enrolled') - done
        self.assertRecordValues(
            retry,
            [
                {
                    'res_id': bad.id,
                    'partner_id': bad.id,
                    'listener': 'retail.purchase',
                    'state': 'pending',
                    'attempts': 1,
                    'error': 'ValueError: cannot be served',
                    'date': fields.Datetime.to_datetime('2026-05-01 10:00:00'),
                    'date_next': fields.Datetime.to_datetime('2026-05-01 10:05:00'),
                }
            ],
        )

    @mute_logger(MOMENT_LOGGER)
    def test_failures_are_repeated_with_growing_distance_then_shown(self):
        """Back-off, five tries, then ``failed`` with the reason; it is not tried before its time (design 4.1)."""
        told, now = [], fields.Datetime.to_datetime('2026-05-01 10:00:00')
        with (
            self._listeners(enrolled=['retail.purchase']),
            self._listening('retail.purchase', 'enrolled', self._failing_for(self.bob, told)),
        ):
            with freeze_time(now):
                self.moments._emit('enrolled', self.bob)
            for attempt in range(1, MAX_ATTEMPTS + 1):
                with freeze_time(now):
                    self._process()
                    self.assertEqual(len(told), attempt)
                    retry = self._all('enrolled').filtered('listener')
                    self.assertEqual(retry.attempts, attempt)
                    self.assertGreater(retry.date_next, now)
                    self._process()
                    self.assertEqual(len(told), attempt, 'not before its time')
                now = retry.date_next
            self.assertEqual(retry.state, 'failed')
            with freeze_time(now + timedelta(days=30)):
                self._process()
        self.assertEqual(len(told), MAX_ATTEMPTS)

    @mute_logger(MOMENT_LOGGER)
    def test_only_the_failed_listener_is_told_again(self):
        """Another listener that worked is not told a second time (design 4.1)."""
        told, counted = [], []
        with (
            self._listeners(enrolled=['retail.profile', 'retail.purchase', 'retail.channel']),
            self._listening(
                'retail.profile', 'enrolled', lambda m, moments: counted.append('first')
            ),
            self._listening('retail.purchase', 'enrolled', self._failing_for(self.bob, told)),
            self._listening(
                'retail.channel', 'enrolled', lambda m, moments: counted.append('last')
            ),
        ):
            self.moments._emit('enrolled', self.bob)
            self._process()
            self._all('enrolled').filtered('listener').date_next = False
            self._process()
        self.assertEqual((len(told), counted), (2, ['first', 'last']))

    @mute_logger(MOMENT_LOGGER)
    def test_repeated_with_success_is_done(self):
        """A retry that works is done, keeps no error, and no new row appears (design 4.1)."""
        with self._listeners(enrolled=['retail.purchase']):
            with self._listening('retail.purchase', 'enrolled', self._failing_for(self.bob)):
                self.moments._emit('enrolled', self.bob)
                self._process()
            retry = self._all('enrolled').filtered('listener')
            retry.date_next = False
            with self._listening('retail.purchase', 'enrolled', lambda model, moments: None):
                self._process()
        self.assertRecordValues(retry, [{'state': 'done', 'error': False, 'date_next': False}])
        self.assertEqual(len(self._all('enrolled')), 2)

    @mute_logger(MOMENT_LOGGER)
    def test_managers_try_failed_moments_again(self):
        """ "Try again" is for managers; it starts counting anew and wakes the scheduled action (design 4.1)."""
        with (
            self._listeners(enrolled=['retail.purchase']),
            self._listening('retail.purchase', 'enrolled', self._failing_for(self.bob)),
        ):
            self.moments._emit('enrolled', self.bob)
            self._process()
            retry = self._all('enrolled').filtered('listener')
            retry.write({'state': 'failed', 'attempts': MAX_ATTEMPTS})
            self._end_transaction()
            for persona in ('user', 'lead', 'sales', 'internal'):
                with self.subTest(persona=persona), self.assertRaises(AccessError):
                    retry.with_user(self.users[persona]).action_retry()
            triggers = self._triggers()
            retry.with_user(self.users['manager']).action_retry()
            self.assertRecordValues(
                retry, [{'state': 'pending', 'attempts': 0, 'date_next': False}]
            )
            self.assertEqual(self._triggers(), triggers + 1)
            self._process()
        self.assertEqual((retry.attempts, retry.state), (1, 'pending'))

    def test_try_again_leaves_other_moments_alone(self):
        """Done moments and those that wait are not reset by "try again" (design 4.1)."""
        waiting = self.moments._emit('enrolled', self.bob)
        done = self.moments._emit('enrolled', self.bob)
        waiting.write({'attempts': 2, 'date_next': '2030-01-01'})
        done.state = 'done'
        (waiting + done).with_user(self.users['manager']).action_retry()
        self.assertEqual((waiting.attempts, waiting.state, done.state), (2, 'pending', 'done'))

    def test_busy_listener_is_asked_again_without_counting(self):
        """A listener that cannot work now gets its moments later; that is no attempt, and nobody else waits (design 4.1)."""
        worked, busy = [], [True]

        def listen(_model, moments):
            if busy[0]:
                raise ListenerBusy
            worked.extend(moments.mapped('res_id'))

        partners = self._partners(4)
        with (
            self._listeners(enrolled=['retail.purchase', 'retail.profile']),
            self._listening('retail.purchase', 'enrolled', listen),
            self._listening(
                'retail.profile', 'enrolled', lambda model, moments: worked.append('other')
            ),
        ):
            self.moments._emit('enrolled', partners)
            self._process()
            self.assertEqual(worked, ['other'])
            waiting = self._emitted('enrolled')
            self.assertEqual(set(waiting.mapped('listener')), {'retail.purchase'})
            self.assertEqual(set(waiting.mapped('attempts')), {0})
            self.assertEqual(len(waiting), 4)
            with freeze_time(fields.Datetime.now() + timedelta(minutes=2)):
                self._process()
                self.assertEqual(
                    len(self._emitted('enrolled')), 4, 'still busy: the same rows wait'
                )
            busy[0] = False
            with freeze_time(fields.Datetime.now() + timedelta(minutes=5)):
                self._process()
        self.assertEqual(sorted(worked[1:]), sorted(partners.ids))
        self.assertFalse(self._emitted('enrolled'))

    def test_figures_busy_elsewhere_leave_customers_dirty(self):
        """While another process derives figures, purchases wait for their turn and are not lost (design 4.3)."""
        order = self._create_order(self.bob, 10)
        with patch.object(type(self.profiles), '_try_lock', lambda profiles: False):
            self._process()
        self.assertFalse(self._purchase_of(order))
        with freeze_time(fields.Datetime.now() + timedelta(minutes=2)):
            self._process()
        self.assertEqual(self._purchase_of(order).amount, 10)
        self.assertEqual(self._profile_of(self.bob).spend_total, 10)

    @mute_logger(MOMENT_LOGGER, 'odoo.addons.base.models.ir_cron')
    def test_cron_with_a_failing_record_in_the_middle(self):
        """The scheduled action serves all others, reports its progress and leaves the failing one (design 4.1)."""
        partners = self._partners(9)
        bad = partners[4]
        self.moments._emit('enrolled', partners)
        with (
            self._listeners(enrolled=['retail.purchase']),
            self._listening('retail.purchase', 'enrolled', self._failing_for(bad)),
            patch('odoo.addons.retail_crm.models.customer.retail_moment.BATCH_SIZE', 3),
            self.enter_registry_test_mode(),
        ):
            self.env.ref('retail_crm.ir_cron_process_moments').method_direct_trigger()
        self.assertEqual(len(partners.filtered('comment')), 8)
        waiting = self._emitted('enrolled')
        self.assertEqual((waiting.res_id, waiting.attempts), (bad.id, 1))
        progress = self.env['ir.cron.progress'].search([], order='id desc', limit=1)
        self.assertEqual((progress.done, progress.remaining), (9, 0))

    def test_cron_makes_the_figures_of_a_sale(self):
        """From the sale to the figure by the scheduled action itself (design 4.1, 4.2)."""
        self._create_order(self.bob, 40)
        with self.enter_registry_test_mode():
            self.env.ref('retail_crm.ir_cron_process_moments').method_direct_trigger()
        self.assertEqual(self._profile_of(self.bob).spend_total, 40)
        self.assertFalse(self._emitted())

    def test_processing_twice_changes_nothing(self):
        """Listeners are idempotent: a moment may be told twice (design 4.1)."""
        order = self._create_order(self.ann, 60)
        moments = self._emitted()
        self._process()
        before = self._rows()
        moments.write({'state': 'pending'})
        self._process()
        self.assertEqual(self._rows(), before)
        self.assertEqual(self._purchase_of(order).partner_id, self.acme)

    def _rows(self):
        return [
            model.search([], order='id').read(load=False)
            for model in (self.purchases, self.profiles)
        ]

    def test_unknown_and_deleted_documents_do_no_harm(self):
        """A moment of a document that is gone, or of a model that is gone, is done like the others (design 4.1)."""
        order = self._create_order(self.bob, 15)
        gone = self._create_order(self.bob, 5, confirm=False)
        self.moments._emit('purchase', gone)
        gone.unlink()
        leaver = self.env['res.partner'].create({'name': 'Leaver'})
        self.moments._emit('partner_changed', leaver)
        leaver.unlink()
        self.env.flush_all()
        self.moments.create(
            [
                {'kind': 'purchase', 'res_model': 'no.such.model', 'res_id': 1},
                {'kind': 'refund', 'res_model': 'account.move', 'res_id': 2**31 - 1},
                {'kind': 'cancel', 'res_model': 'sale.order', 'res_id': 2**31 - 1},
            ]
        )
        self._process()
        self.assertFalse(self._emitted())
        self.assertFalse(self.moments.search([('listener', '!=', False)]))
        self.assertEqual(self._purchase_of(order).amount, 15)

    def test_moment_outlives_its_contact(self):
        """Deleting a contact leaves its moments without customer (design 4.1)."""
        leaver = self.env['res.partner'].create({'name': 'Leaver'})
        moment = self.moments._emit('enrolled', leaver)
        leaver.unlink()
        moment.invalidate_recordset()
        self.assertTrue(moment.exists())
        self.assertFalse(moment.partner_id)

    def test_done_moments_are_removed_after_a_while(self):
        """Done rows are purged after 90 days; waiting and failed ones stay (design 4.1)."""
        old = fields.Datetime.now() - timedelta(days=KEEP_DAYS + 1)
        moments = self.moments.create(
            [
                {
                    'kind': 'enrolled',
                    'res_model': 'res.partner',
                    'res_id': 1,
                    'date': date,
                    'state': state,
                }
                for state in ('done', 'pending', 'failed')
                for date in (old, fields.Datetime.now())
            ]
        )
        done, more = self.moments._gc_done()
        self.assertEqual((done, more), (1, False))
        self.assertEqual(moments.exists(), moments[1:])

    def test_document_opens(self):
        """The document of a moment opens from the list of failures (design 4.1)."""
        order = self._create_order(self.bob, 15)
        action = self._emitted('purchase').with_user(self.users['manager']).action_open_document()
        self.assertEqual((action['res_model'], action['res_id']), ('sale.order', order.id))


@tagged('post_install', '-at_install', 'retail_crm')
class TestTwoProcesses(TransactionCase):
    """Without the common data, whose making has taken the turn already."""

    def test_one_process_at_a_time(self):
        """While another process has the turn, nothing is read or changed (design 4.1, two workers)."""
        moments = self.env['retail.moment']
        partner = self.env['res.partner'].create({'name': 'Bob'})
        moment = moments._emit('enrolled', partner)
        with self.registry.cursor() as other:
            other.execute('SELECT pg_try_advisory_xact_lock(hashtext(%s))', [LOCK_KEY])
            self.assertTrue(other.fetchone()[0])
            self.assertFalse(moments._next_batch())
            self.assertEqual((moment.state, moment.attempts), ('pending', 0))
        self.assertIn(moment, moments._next_batch())

    def test_one_process_derives_figures(self):
        """While another process derives figures, a refresh does nothing and says so (design 4.3)."""
        profiles = self.env['retail.profile']
        with self.registry.cursor() as other:
            other.execute('SELECT pg_try_advisory_xact_lock(hashtext(%s))', [PROFILE_LOCK_KEY])
            self.assertTrue(other.fetchone()[0])
            self.assertIsNone(profiles._refresh())
        self.assertIsNotNone(profiles._refresh())
