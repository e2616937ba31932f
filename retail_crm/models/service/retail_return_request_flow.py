from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ._safely import safely
from .retail_return_request import OPEN_STATES
from .retail_ticket_tend import _after_working_days

_BATCH = 50


class RetailReturnRequestFlow(models.Model):
    """How a return goes on: approved or refused, goods received, the customer has what he wishes; or it is pursued.

    What the customer gets is made by a remedy in one transaction with the step. A refund is done when its credit note
    is posted; exchange and repair when somebody says that the customer has them.
    """

    _inherit = 'retail.return.request'

    def _lock(self):
        """Let others who work on these returns wait until this transaction is over, and read them as they are."""
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                'SELECT id FROM retail_return_request WHERE id = ANY(%s) ORDER BY id FOR UPDATE',
                self.ids,
            )
        )
        self.invalidate_recordset()

    def _permitted(self, *states):
        """Return these (sudo, locked), for a button that works in some states; a second click finds nothing to do."""
        self.check_access('write')
        # sudo: checked above; states are written by these methods only
        requests_sudo = self.sudo()
        requests_sudo._lock()
        return requests_sudo.filtered(lambda one: one.state in states)

    # === DECIDING ===#

    def _ask_for_approval(self):
        """Have whoever is next on the ladder of remedies decide about one request; he who asked is not on it."""
        question = self.env['retail.remedy'].new(
            {
                'ticket_id': self.ticket_id.id,
                'basis': 'legal',
                'requested_by': self.asked_by.id,
            }
        )
        user = question._choose_approver()
        self.ticket_id._plan_activity(self._decision_words(), user=user)

    def _decision_words(self):
        return self.env._('Decide about a return: %(goods)s', goods=self.display_name)

    def _may_decide(self, user):
        """Hook: return whether a user may decide about one request: leaders and the complaint unit, never who asked."""
        return user != self.asked_by and (
            user.has_group('retail_crm.group_lead') or user.has_group('retail_crm.group_complaint')
        )

    def _check_may_decide(self):
        for request in self:
            if not request._may_decide(self.env.user):
                raise AccessError(
                    self.env._(
                        'Returns above the limit are decided by a leader, and never by who asked for them.'
                    )
                )

    def action_approve(self):
        """Approve what was asked for.

        :raise AccessError: for those who may not decide
        """
        asked = self._permitted('asked')
        asked._check_may_decide()
        for request in asked:
            request._approve_now()

    def _approve_now(self, automatic=False):
        """Approve one request; where the customer keeps the goods, he gets at once what he wishes."""
        self.write(
            {
                'state': 'approved',
                'is_automatic': automatic,
                'approved_at': fields.Datetime.now(),
                'approved_by': False if automatic else self.env.uid,
            }
        )
        self._decision_made()
        text = self.env._('Return approved: %(goods)s', goods=self.display_name)
        self.ticket_id._message_log(body=text)
        if self.needs_goods:
            self._prepare_return_delivery()
        else:
            self._settle()

    def _prepare_return_delivery(self):
        """Hook: prepare the delivery by which the goods of one approved request come back.

        This add-on keeps no stock and does nothing: somebody says that the goods are there. Add-ons with stock make the
        receipt here and call ``_goods_received()`` when it is done.
        """
        self.ensure_one()

    def action_refuse(self):
        """Refuse what was asked for, with a reason.

        :raise AccessError: for those who may not decide
        :raise UserError: without a reason
        """
        asked = self._permitted('asked', 'approved')
        asked._check_may_decide()
        for request in asked:
            if not request.refusal:
                raise UserError(self.env._('Say why it is refused: the customer may read it.'))
            request._end('refused')

    def action_cancel(self):
        """Note that the customer keeps the goods after all.

        :raise UserError: when the customer got something for them already
        """
        for request in self._permitted(*OPEN_STATES):
            if request.remedy_id.state == 'granted':
                raise UserError(
                    self.env._(
                        'The customer got %(remedy)s already: take that back first.',
                        remedy=request.remedy_id.display_name,
                    )
                )
            request.remedy_id._cancel()
            request._end('cancelled')

    def _decision_made(self):
        """Close the task to decide, whoever had it."""
        words = self._decision_words()
        self.ticket_id.activity_ids.filtered(lambda task: task.summary == words).action_done()

    def _end(self, state):
        self._decision_made()
        self.write({'state': state, 'ended_at': fields.Datetime.now(), 'pursue_at': False})
        states = dict(self._fields['state']._description_selection(self.env))
        self.ticket_id._message_log(
            body=self.env._(
                'Return %(goods)s: %(state)s. %(why)s',
                goods=self.display_name,
                state=states[state],
                why=self.refusal or '',
            )
        )

    # === CARRYING OUT ===#

    def action_receive(self):
        """Note that the goods are back: the customer gets what he wishes."""
        self._permitted('approved')._goods_received()

    def _goods_received(self):
        """The goods of approved requests are back."""
        for request in self:
            request.received_at = fields.Datetime.now()
            request._settle()

    def action_settle(self):
        """Try again to make the credit note or the order that failed."""
        for request in self._permitted('received'):
            request._settle()

    def _settle(self):
        """Give one customer what he wishes, once; what fails is shown and can be tried again."""
        self.state = 'received'
        if not self.remedy_id or self.remedy_id.state in ('reversed', 'cancelled'):
            self.remedy_id = self.env['retail.remedy'].create(self._prepare_remedy())
        if self.remedy_id.state != 'granted':
            self.remedy_id._grant()
        if self.remedy_id.state == 'granted' and self.wish == 'refund':
            self._refund_posted()

    def _prepare_remedy(self):
        """Hook: return the values of the remedy for one request: what the law or our promise gives, not goodwill."""
        exchange = self.wish == 'exchange' and self.exchange_product_id
        return {
            'ticket_id': self.ticket_id.id,
            'kind_id': self._kind().id,
            'basis': 'legal',
            'line_id': self.line_id.id,
            'quantity': self.quantity,
            'product_id': exchange.id if exchange else False,
            'amount': self.amount if self.wish == 'refund' else 0.0,
            'description': self.env._('Return: %(goods)s', goods=self.display_name),
            'state': 'approved',
            'requested_by': self.asked_by.id,
            'requested_at': self.asked_at,
            'approved_by': self.approved_by.id,
            'approved_at': self.approved_at,
        }

    def _refund_posted(self):
        """Finish those of these returns whose credit notes are all posted."""
        for request in self.filtered(lambda one: one.state == 'received'):
            notes = self.env['account.move'].search(
                [('retail_remedy_id', '=', request.remedy_id.id), ('state', '!=', 'cancel')]
            )
            if notes and all(note.state == 'posted' for note in notes):
                request._done()

    def action_done(self):
        """Note that the customer has what he wished.

        :raise UserError: as long as it was not made
        """
        for request in self._permitted('received'):
            if request.remedy_id.state != 'granted':
                raise UserError(
                    self.env._('%(goods)s: try again first.', goods=request.display_name)
                )
            request._done()

    def _done(self):
        now = fields.Datetime.now()
        hours = (now - self.asked_at) / timedelta(hours=1)
        self.write({'state': 'done', 'done_at': now, 'hours_taken': hours, 'pursue_at': False})

    # === PURSUING ===#

    def _plan_pursuit(self):
        """Plan when one request is pursued: working days of the team after it was asked for (S-SRV-11)."""
        calendar = self.team_id._working_calendar() if self.team_id else None
        self.pursue_at = _after_working_days(
            calendar or self.company_id.resource_calendar_id,
            self.asked_at.replace(microsecond=0),
            self.company_id.retail_return_pursue_days,
        )

    @api.model
    def _cron_pursue(self):
        """Pursue what is not finished in time, oldest first; commits per batch."""
        cron = self.env['ir.cron']
        domain = [('pursue_at', '<=', fields.Datetime.now())]
        cron._commit_progress(remaining=self.search_count(domain))
        while requests := self.search(domain, limit=_BATCH, order='pursue_at, id'):
            safely(
                requests,
                lambda due: due._pursue(),
                # logged; tried again after the others
                lambda one, _error: one.write(
                    {'pursue_at': fields.Datetime.now() + timedelta(hours=1)}
                ),
            )
            if not cron._commit_progress(len(requests)):
                break

    def _pursue(self):
        """Give after-sales a task for each of these, once; without that team whoever handles the ticket."""
        for request in self:
            request.pursue_at = False
            if request.state not in OPEN_STATES or request.task_id:
                continue
            words = self.env._(
                'Finish the return of %(goods)s (%(order)s), asked for on %(date)s',
                goods=request.display_name,
                order=request.order_id.name,
                date=fields.Date.to_string(request.asked_at),
            )
            team = self.env['retail.ticket.team']._find_code('aftersales', request.company_id)
            if team:
                request.task_id = request.ticket_id._ask(team, words)
            else:
                request.ticket_id._plan_activity(words)
