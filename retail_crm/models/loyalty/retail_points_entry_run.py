from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from . import _points

#: Entries worked on per transaction by the scheduled actions.
BATCH = 5_000


class RetailPointsEntryRun(models.Model):
    """What time does to points: waiting ones become available, customers are told before points expire, points expire."""

    _inherit = 'retail.points.entry'

    # === WAITING ===#

    def _mature(self, order):
        """Note from when the waiting points of an order can be spent, and release them when that day has come."""
        waiting = self.filtered(lambda row: row.state == 'pending')
        if not waiting or order.state != 'sale':
            return
        today = order.company_id._retail_today()
        for program, rows in waiting.grouped('program_id').items():
            day = order._retail_free_on(program) if program.retail_pending else today
            known = min(filter(None, rows.mapped('valid_from')), default=False)
            # the day of the payment stays; a payment that was taken back makes them wait again
            day = min(day, known) if day and known else day
            if day != known:
                rows.write({'valid_from': day})
            if day and day <= today:
                rows._release()

    @api.model
    def _cron_release(self):
        """Let points be spent whose time of waiting is over. One commit per batch; repeated runs change nothing."""
        cron, last = self.env['ir.cron'], 0
        while rows := self._release_batch(last):
            last = rows[-1].id
            # out of time: what remains makes Odoo call again soon, not tomorrow
            if not cron._commit_progress(len(rows), remaining=1):
                return
        cron._commit_progress(remaining=0)

    @api.model
    def _release_batch(self, last, limit=BATCH // 10):
        """Look at some waiting entries after the one of this number, without a mail to anybody, and return them.

        Only at those whose day has come (then it is asked whether the order is still paid), and at those without a day
        for whose order somebody paid something since: what is not paid is not looked at, whatever its number.
        """
        self.env.flush_all()
        found = self.env.execute_query(
            SQL(
                """
                SELECT entry.id FROM retail_points_entry AS entry
                 WHERE entry.state = 'pending' AND entry.kind = 'earn' AND entry.id > %(last)s
                   AND (entry.valid_from <= %(tomorrow)s OR entry.valid_from IS NULL AND %(is_paid)s)
                 ORDER BY entry.id LIMIT %(limit)s
                """,
                last=last,
                # tomorrow is today already in the east
                tomorrow=fields.Date.today() + timedelta(days=1),
                is_paid=self._sql_may_be_paid(),
                limit=limit,
            )
        )
        rows = self._posting().with_context(loyalty_no_mail=True).browse(id_ for (id_,) in found)
        rows._look_at_waiting()
        return rows

    @api.model
    def _sql_may_be_paid(self):
        """Return the condition that something was paid for the order of ``entry``, or that nothing is to be paid.

        Wider than ``_retail_paid_on``, which decides.
        """
        return SQL(
            """
            entry.res_model = 'sale.order' AND (
                EXISTS (SELECT FROM sale_order AS sale WHERE sale.id = entry.res_id AND sale.amount_total = 0)
             OR EXISTS (SELECT FROM sale_order_transaction_rel AS paid
                          JOIN payment_transaction AS deal ON deal.id = paid.transaction_id
                         WHERE paid.sale_order_id = entry.res_id AND deal.state IN ('authorized', 'done'))
             OR EXISTS (SELECT FROM sale_order_line AS line
                          JOIN sale_order_line_invoice_rel AS rel ON rel.order_line_id = line.id
                          JOIN account_move_line AS item ON item.id = rel.invoice_line_id
                          JOIN account_move AS move ON move.id = item.move_id
                         WHERE line.order_id = entry.res_id AND move.state = 'posted'
                           AND move.payment_state IN ('paid', 'in_payment', 'reversed')))
            """
        )

    def _look_at_waiting(self):
        """Let these waiting points mature by their orders, with what was taken back of them."""
        linked = self.search([('award_id', 'in', self.ids), ('state', '=', 'pending')])
        rows = (self | linked).filtered(lambda row: row.res_model == 'sale.order')
        orders = self.env['sale.order'].sudo().browse(set(rows.mapped('res_id'))).exists()
        for row in self - rows:  # given for something else than goods
            if row.valid_from and row.valid_from <= row.company_id._retail_today():
                row._release()
        by_order = rows.grouped('res_id')
        for order in orders:
            by_order[order.id]._mature(order)

    # === EXPIRY ===#

    @api.model
    def _cron_expire(self):
        """Let points expire whose last day has passed where their company is. One commit per batch.

        Killed in between it goes on at the next run: each batch is one transaction, and what expired is not open any more.
        """
        cron = self.env['ir.cron']
        # sudo: the system's work for all companies
        for company in self.env['res.company'].sudo().search([('parent_id', '=', False)]):
            while expired := self._expire_batch(company):
                if not cron._commit_progress(expired, remaining=1):
                    return
        self._tell_expiring_all()

    @api.model
    def _expire_batch(self, company, limit=BATCH):
        """Let the points of some lots of a company expire and return their number.

        The cards are locked first; one that is being spent from just now makes this transaction start again.
        """
        self.env.flush_all()
        today = company._retail_today()
        rows = self.env.execute_query(
            SQL(
                """
                WITH lots AS MATERIALIZED (
                    SELECT id, card_id FROM retail_points_entry
                     WHERE state = 'available' AND remaining > 0 AND expires_on < %(today)s
                       AND company_id = %(company)s
                     ORDER BY expires_on, id LIMIT %(limit)s
                ), cards AS MATERIALIZED (
                    SELECT id FROM loyalty_card WHERE id IN (SELECT card_id FROM lots) ORDER BY id
                       FOR UPDATE SKIP LOCKED
                ), gone AS (
                    INSERT INTO retail_points_entry (
                           kind, state, points, remaining, card_id, program_id, partner_id, company_id, date,
                           res_model, res_id, line_id, factor, tier_factor, award_id, user_id, key,
                           create_uid, write_uid, create_date, write_date)
                    SELECT 'expire', 'available', -lot.remaining, 0, lot.card_id, lot.program_id, lot.partner_id,
                           lot.company_id, %(today)s, 'retail.points.entry', lot.id, 0, 1, 1, lot.id, %(uid)s,
                           'expire:' || lot.id || ':' || lot.expires_on, %(uid)s, %(uid)s,
                           now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                      FROM retail_points_entry AS lot
                     WHERE lot.id IN (SELECT id FROM lots) AND lot.card_id IN (SELECT id FROM cards)
                    RETURNING card_id, points, award_id
                ), emptied AS (
                    UPDATE retail_points_entry AS lot SET remaining = 0
                      FROM gone WHERE lot.id = gone.award_id
                )
                UPDATE loyalty_card AS card
                   SET points = round((card.points + sums.points)::numeric, 6)::float8,
                       write_date = now() AT TIME ZONE 'UTC'
                  FROM (SELECT card_id, sum(points) AS points, count(*) AS lots FROM gone GROUP BY card_id) AS sums
                 WHERE card.id = sums.card_id
                RETURNING sums.lots
                """,
                today=today,
                company=company.id,
                limit=limit,
                uid=self.env.uid,
            )
        )
        self.env['loyalty.card'].invalidate_model(['points', 'points_display'], flush=False)
        self.invalidate_model(flush=False)
        return sum(int(lots) for (lots,) in rows)

    # === NOTICES ===#

    @api.model
    def _tell_expiring_all(self):
        """Announce points that expire soon: one moment per card and stage, whatever the number of lots.

        One commit per batch of cards; killed in between it goes on at the next run.
        """
        cron = self.env['ir.cron']
        # sudo: the system's work for all companies
        programs = self.env['loyalty.program'].sudo().with_context(active_test=False)
        companies = self.env['res.company'].sudo().search([('parent_id', '=', False)])
        for program in programs.search([('retail_expiry', '!=', 'never')]):
            for days in program._retail_notices()[::-1]:
                for company in companies:
                    while told := self._tell_expiring(program, days, company):
                        if not cron._commit_progress(told, remaining=1):
                            return
        cron._commit_progress(remaining=0)

    @api.model
    def _tell_expiring(self, program, days, company, limit=BATCH):
        """Announce to some customers of a program that points expire within so many days, and mark the lots as told.

        :return: the number of cards
        """
        self.env.flush_all()
        today = company._retail_today()
        rows = self.env.execute_query(
            SQL(
                """
                WITH lots AS MATERIALIZED (
                    SELECT id, card_id FROM retail_points_entry
                     WHERE state = 'available' AND remaining > 0
                       AND expires_on BETWEEN %(today)s AND %(last)s
                       AND company_id = %(company)s AND program_id = %(program)s
                       AND (COALESCE(notice_days, 0) = 0 OR notice_days > %(days)s)
                ), cards AS MATERIALIZED (
                    SELECT DISTINCT card_id FROM lots ORDER BY card_id LIMIT %(limit)s
                ), told AS (
                    UPDATE retail_points_entry SET notice_days = %(days)s
                     WHERE id IN (SELECT lots.id FROM lots JOIN cards ON cards.card_id = lots.card_id)
                )
                SELECT card_id FROM cards
                """,
                today=today,
                last=today + timedelta(days=days),
                company=company.id,
                program=program.id,
                days=days,
                limit=limit,
            )
        )
        self.invalidate_model(['notice_days'], flush=False)
        # sudo: see _tell_expiring_all
        cards = self.env['loyalty.card'].sudo().browse(card_id for (card_id,) in rows)
        cards = cards.filtered(lambda card: card.active and card.partner_id)
        self.env['retail.moment']._emit('points_expiring', cards)
        return len(rows)

    @api.model
    def _expiring(self, cards, days=None):
        """Return ``{card id: [(last day, points)]}`` of points of cards that end, by day (within so many days)."""
        domain = [
            ('card_id', 'in', cards.ids),
            ('state', '=', 'available'),
            ('remaining', '>', 0),
            ('expires_on', '!=', False),
        ]
        ends = defaultdict(list)
        # sudo: of cards that the caller has
        for card, day, points in self.sudo()._read_group(
            domain, ['card_id', 'expires_on:day'], ['remaining:sum'], order='expires_on:day'
        ):
            left = (day - card.company_id._retail_today()).days if card.company_id else None
            if days is None or left is None or left <= days:
                ends[card.id].append((day, _points.exact(points)))
        return dict(ends)
