import math
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, float_compare

from ._numbers import number_words
from .retail_remedy import COUNTED

#: What a customer has a right to by law.
LEGAL_METHODS = ('repair', 'exchange', 'refund')
#: Verdicts that give a right.
RIGHT = ('justified', 'partly')
#: Channels on which goods are sold without being seen.
ONLINE = ('web', 'marketplace')


class RetailRemedyAuthority(models.Model):
    """Who may promise what: legal rights without limit, goodwill within limits that also hold when split (S-TKT-23).

    The price of goods is that of their order line after what was refunded there, never what somebody typed. What
    counts against limits are all remedies of goodwill that were asked for and neither refused nor taken back: on the
    ticket, on the order line (in whatever ticket), and of the customer within the days of the limit.
    """

    _inherit = 'retail.remedy'

    legal_advice_by = fields.Char(
        readonly=True,
        tracking=True,
        help='Who gave legal advice, for more than the price paid.',
    )

    # used to add up what a customer got
    _customer_idx = models.Index(
        "(partner_id, requested_at) WHERE basis = 'goodwill'"
        " AND state IN ('waiting', 'approved', 'failed', 'granted')"
    )

    # === PRICES ===#

    def _price_of_line(self, quantity=None):
        """Return what was paid for the goods of one remedy: for its pieces, or a number of them, after refunds."""
        return self._paid(self.line_id, quantity or self.quantity or self.line_id.quantity)

    @api.model
    def _paid(self, line, quantity):
        """Return what was paid for some pieces of a ticket line, in the company currency, after refunds."""
        # sudo: prices of the goods that a ticket speaks of
        line_sudo = line.sudo()
        sold = line_sudo.sale_line_id
        quantity = min(quantity, line_sudo.quantity)
        currency = line_sudo.currency_id
        if not sold:
            return currency.round(line_sudo.price_paid * quantity)
        price, _day = sold._retail_paid()
        # never more than is left of the order line, however many pieces were typed
        return currency.round(min(price * quantity, self._paid_of_order_line(sold)))

    @api.model
    def _paid_of_order_line(self, sold):
        """Return what was paid for all of an order line (sudo), less what was refunded but as goodwill."""
        price, _day = sold._retail_paid()
        pieces, parts = sold._retail_credited()
        refunds = (pieces | parts).filtered(
            lambda line: line.parent_state == 'posted' and not line.move_id._retail_debited()
        )
        notes = refunds.move_id
        goodwill = notes.filtered(lambda note: note.retail_remedy_id.basis == 'goodwill')
        if notes:
            made = self.sudo().search(
                [
                    ('res_model', '=', 'account.move'),
                    ('res_id', 'in', notes.ids),
                    ('basis', '=', 'goodwill'),
                ]
            )
            goodwill |= notes.filtered(lambda note: note.id in made.mapped('res_id'))
        refunded = sum(line._retail_total() for line in refunds if line.move_id not in goodwill)
        return max(0.0, price * sold.product_uom_qty - refunded)

    def _price_of_case(self):
        """Return what was paid for all goods of the ticket of one remedy."""
        paid = {}
        for line in self.ticket_id.sudo().line_ids:
            sold = line.sale_line_id
            paid[sold or line] = paid.get(sold or line, 0.0) + self._paid(line, line.quantity)
        # the same order line on two lines was paid once
        return sum(
            min(amount, self._paid_of_order_line(key)) if key._name == 'sale.order.line' else amount
            for key, amount in paid.items()
        )

    def _difference(self):
        """Return what an article given for the goods of one remedy costs more; the same article costs nothing."""
        given = self.product_id
        if not given or given == self.line_id.product_id:
            return 0.0
        price = self._retail_price(given, self.quantity or self.line_id.quantity or 1.0)
        return max(0.0, price - self._price_of_line())

    # === WHAT WAS PROMISED BEFORE ===#

    def _others(self, domain):
        """Return the sum of amounts and points of other remedies of goodwill that count."""
        # sudo: limits hold for all of them, also those of tickets that the user may not read
        [(amount, points)] = self.sudo()._read_group(
            [
                *domain,
                ('id', 'not in', self._origin.ids),
                ('basis', '=', 'goodwill'),
                ('state', 'in', COUNTED),
            ],
            [],
            ['amount:sum', 'points:sum'],
        )
        return amount or 0.0, points or 0.0

    def _others_on_case(self):
        return self._others([('ticket_id', '=', self.ticket_id._origin.id)])

    def _others_on_line(self):
        """Return what was promised for the goods of one remedy, in whatever ticket."""
        sold = self.line_id.sudo().sale_line_id
        if sold:
            return self._others([('line_id.sale_line_id', '=', sold.id)])[0]
        return self._others([('line_id', '=', self.line_id._origin.id)])[0]

    def _others_of_customer(self, days):
        """Return what the customer of one remedy was promised within a number of days, in all branches."""
        if not self.partner_id:
            return 0.0
        return self._others(
            [
                ('partner_id', '=', self.partner_id._origin.id),
                ('company_id', 'child_of', self.company_id.root_id.id),
                ('requested_at', '>', fields.Datetime.now() - timedelta(days=days)),
            ]
        )[0]

    # === TERMS ===#

    def _settle_terms(self):
        """Fix for whom, for what and how much one draft is asked for: nothing of it changes with the ticket afterwards."""
        ticket_sudo = self.ticket_id.sudo()  # sudo: its customer
        values = {'partner_id': ticket_sudo.commercial_partner_id.id or self.partner_id.id}
        if self.line_id and not self.quantity and self.method in LEGAL_METHODS:
            values['quantity'] = self.line_id.quantity
        if self.method == 'exchange' and not self.product_id:
            values['product_id'] = self.line_id.product_id.id
        elif self.method == 'gift':
            # a gift is not worth less because somebody says so
            values['product_id'] = self.product_id.id or self.kind_id.sudo().product_id.id
            values['amount'] = max(self.amount, self._worth_of_gift())
        self.write(values)

    def _worth_of_gift(self):
        """Return what the article costs that one remedy gives, with tax."""
        product = self.product_id or self.kind_id.sudo().product_id  # sudo: its price
        return self._retail_price(product, self.quantity or 1.0) if product else 0.0

    def _is_for_somebody(self):
        """Return whether one remedy can be carried out; asked for without a customer, it counts for who came to be known.

        What he was promised before may make it one that somebody has to approve.
        """
        customer = self.ticket_id.sudo().commercial_partner_id  # sudo: its customer
        if self.partner_id or not customer:
            return True
        self.partner_id = customer
        exceeded = not self.approved_by and self._exceeded(self.requested_by)
        if exceeded:
            self.write({'state': 'waiting', 'exceeded_text': '; '.join(exceeded), 'error': False})
            self._ask_approver()
        return not exceeded

    # === AUTHORITY ===#

    def _rooms(self, user):
        """Return what a user may still promise in one case: list of ``(room, words of the limit)``.

        The smallest room is the largest amount within his authority.
        """
        limit = self.env['retail.remedy.limit']._of(user, self.ticket_id)
        if limit.is_unlimited:
            return []
        money = self.currency_id.format
        case = self._others_on_case()[0]
        rooms = [
            (
                limit.amount - case,
                self.env._('%(amount)s per case', amount=money(limit.amount)),
            )
        ]
        share = (limit.share or 100.0) / 100.0
        words = self.env._('%(share)s %% of the price paid', share=number_words(share * 100))
        if self.line_id:
            sold = self.line_id.sudo().sale_line_id
            whole = self._paid_of_order_line(sold) if sold else self._price_of_line()
            rooms.append((share * self._price_of_line(), words))
            rooms.append((share * whole - self._others_on_line(), words))
        if self.ticket_id.line_ids:
            rooms.append((share * self._price_of_case() - case, words))
        if limit.customer_amount:
            rooms.append(
                (
                    limit.customer_amount - self._others_of_customer(limit.window_days),
                    self._words_per_customer(limit),
                )
            )
        return rooms

    def _largest(self, user):
        """Return the largest amount that a user may promise in one remedy by himself; None without limit."""
        if self.basis == 'legal':
            return None
        rooms = [room for room, _words in self._rooms(user)]
        return max(0.0, self.currency_id.round(min(rooms))) if rooms else None

    def _exceeded(self, user, with_advice=True):
        """Return in words the limits of a user that one remedy exceeds; empty within his authority.

        :param with_advice: whether missing legal advice counts: it can still be got before somebody decides
        """
        if unproved := self._exceeded_unproved(user):
            return unproved
        if self.basis == 'legal':
            return []
        if self._needs_director():
            if not self._is_director(user):
                return [self.env._('more than the price paid: a manager decides')]
            if with_advice and not (self.legal_advice_by or '').strip():
                return [self.env._('more than the price paid needs legal advice')]
        compare = self.currency_id.compare_amounts
        result = [
            words
            for room, words in self._rooms(user)
            if self.amount and compare(self.amount, self.currency_id.round(room)) > 0
        ]
        if self.points:
            result += self._exceeded_points(user)
        return list(dict.fromkeys(result))

    def _exceeded_points(self, user):
        limit = self.env['retail.remedy.limit']._of(user, self.ticket_id)
        if limit.is_unlimited:
            return []
        if not limit.amount:
            return [self.env._('no goodwill')]
        points = self.points + self._others_on_case()[1]
        if limit.points and float_compare(points, limit.points, precision_digits=2) > 0:
            return [self.env._('%(points)s points per case', points=number_words(limit.points))]
        if not limit.customer_amount or self.amount:
            return []
        # split over tickets they are worth something, too
        before = self._others_of_customer(limit.window_days)
        worth = self._worth_of_points()
        if self.currency_id.compare_amounts(before + worth, limit.customer_amount) > 0:
            return [self._words_per_customer(limit)]
        return []

    def _words_per_customer(self, limit):
        return self.env._(
            '%(amount)s per customer in %(days)s days',
            amount=self.currency_id.format(limit.customer_amount),
            days=limit.window_days,
        )

    def _exceeded_unproved(self, user):
        """Return in words the limit of a user above which goods are exchanged that the customer has not proved to be his.

        Whoever types a purchase, or takes that of somebody else, would give away goods of any price without it.
        """
        order = self.line_id.sudo().order_id
        buyer = order.partner_id.commercial_partner_id
        if self.method != 'exchange' or (buyer and buyer == (self.sudo().partner_id or buyer)):
            return []
        limit = self.env['retail.remedy.limit']._of(user, self.ticket_id)
        line = self.line_id.sudo()
        worth = self._retail_price(
            self.product_id or line.product_id, self.quantity or line.quantity or 1.0
        )
        if limit.is_unlimited or self.currency_id.compare_amounts(worth, limit.amount) <= 0:
            return []
        return [self.env._('%(amount)s per case', amount=self.currency_id.format(limit.amount))]

    def _needs_director(self):
        """Return whether one remedy gives, with others, more than the price paid for its goods."""
        if self.basis == 'legal' or not self.amount:
            return False
        compare = self.currency_id.compare_amounts
        if self.line_id:
            sold = self.line_id.sudo().sale_line_id
            whole = self._paid_of_order_line(sold) if sold else self._price_of_line()
            if compare(self.amount + self._others_on_line(), whole) > 0:
                return True
        if self.ticket_id.sudo().line_ids:
            return compare(self.amount + self._others_on_case()[0], self._price_of_case()) > 0
        return False

    @api.model
    def _is_director(self, user):
        # sudo: the groups of a colleague
        return user.sudo().has_group('retail_crm.group_manager')

    # === LEGAL RIGHTS ===#

    def _check_request(self):
        """Refuse what cannot be asked for, whoever decides.

        :raise UserError: with what is missing
        """
        for remedy in self:
            problem = remedy._problem()
            if problem:
                raise UserError(
                    self.env._('%(kind)s: %(problem)s', kind=remedy.kind_id.name, problem=problem)
                )

    def _problem(self):
        """Hook: return why one remedy cannot be asked for, in words, or nothing."""
        # sudo: what the company allows holds for whoever asks
        ticket_sudo, kind_sudo = self.ticket_id.sudo(), self.kind_id.sudo()
        if kind_sudo not in kind_sudo._offered(self.company_id, ticket_sudo.type_id):
            return self.env._('your company does not allow this here.')
        if self.line_id and self.line_id.sudo().ticket_id != ticket_sudo:
            return self.env._('the goods are not those of the ticket.')
        if kind_sudo.needs_line and not self.line_id:
            return self.env._('say for which goods.')
        if not all(math.isfinite(one) for one in (self.amount, self.points, self.quantity)):
            return self.env._('say how much.')
        if self.line_id and self.quantity > self._pieces_left():
            return self.env._('the ticket is about fewer pieces.')
        if kind_sudo._is_of_words() and (self.amount or self.points):
            return self.env._('words have no amount.')
        if self.method == 'points' and self.points <= 0:
            return self.env._('say how many points.')
        if self.method in ('refund', 'voucher') and not self.amount:
            return self.env._('say how much.')
        if self.method in ('explanation', 'other') and not (self.description or '').strip():
            return self.env._('say what in a few words.')
        return self._legal_problem() if self.basis == 'legal' else None

    def _pieces_left(self):
        """Return how many pieces of its goods one remedy can be for: exchanged are those that are not yet, nor paid back."""
        line = self.line_id.sudo()  # sudo: what was sold and promised, in whatever ticket
        sold, pieces = line.sale_line_id, line.quantity
        if not sold:
            return pieces
        left = sold.product_uom_qty
        if self.method == 'exchange':
            others = self.sudo().search(
                [
                    ('line_id.sale_line_id', '=', sold.id),
                    ('id', 'not in', self._origin.ids),
                    ('method', '=', 'exchange'),
                    ('state', 'in', COUNTED),
                ]
            )
            credited, _parts = sold._retail_credited()
            credited = credited.filtered(lambda item: not item.move_id._retail_debited())
            left -= sum(others.mapped('quantity')) + sum(credited.mapped('quantity'))
        return min(pieces, left)

    def _legal_problem(self):
        """Return why the customer has no legal right to one remedy, in words, or nothing."""
        if self.method not in LEGAL_METHODS:
            return self.env._('the law gives a right to repair, exchange and refund only.')
        # sudo: the receipt of the goods that the ticket is about
        line = self.line_id.sudo()
        if not line or not (line.sale_line_id or line.purchased_on):
            return self.env._('a legal right needs the receipt: put the order line on the ticket.')
        bought, ticket_sudo = line.purchased_on, self.ticket_id.sudo()
        company = self.company_id.sudo()
        received = fields.Datetime.context_timestamp(
            self.with_context(tz=company._retail_timezone()), ticket_sudo.received_at
        ).date()
        age = (received - bought).days if bought else 0
        if not (self._is_online(line) and age <= company.retail_right_online_days):
            if ticket_sudo.verdict not in RIGHT:
                return self.env._('a legal right needs a verdict: justified or partly justified.')
            days = {
                'refund': company.retail_right_refund_days,
                'exchange': company.retail_right_exchange_days,
                'repair': company.retail_right_repair_days,
            }[self.method]
            if age > days:
                return self.env._(
                    'bought %(age)s days before the request, the right ends after %(days)s. It can be goodwill.',
                    age=age,
                    days=days,
                )
        if self.currency_id.compare_amounts(self.amount, self._price_of_line()) > 0:
            return self.env._('the right covers the price paid, what is more is goodwill.')
        return None

    @api.model
    def _is_online(self, line_sudo):
        """Hook: return whether the goods of a ticket line were sold online."""
        order = line_sudo.sale_line_id.order_id
        if 'website_id' in order._fields and order.website_id:
            return True
        return order.team_id.retail_channel_id.code in ONLINE

    # === TURNS ===#

    def _take_turns(self):
        """Let requests for the same tickets and customers come one after the other, so that sums hold.

        Rows are written, not only locked: who waited must not go on with what he read before, and is repeated instead.
        """
        # sudo: customers of tickets and of the orders that they are about; nothing of them changes
        remedies_sudo = self.sudo()
        sold = remedies_sudo.line_id.sale_line_id.order_id.partner_id.commercial_partner_id
        partners = remedies_sudo.partner_id | sold
        self.env.flush_all()
        for table, ids in (
            ('retail_ticket', remedies_sudo.ticket_id.ids),
            ('res_partner', partners.ids),
        ):
            if ids:
                self.env.cr.execute(
                    SQL(
                        """WITH turn AS (SELECT id FROM %(table)s WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE)
                           UPDATE %(table)s AS one SET write_date = one.write_date FROM turn WHERE one.id = turn.id""",
                        table=SQL.identifier(table),
                        ids=ids,
                    )
                )
