"""What stands on the desk of the demo today: what every screen of the service has something to show for.

Used by load_tickets.py after the year was played. Words are invented.
"""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError

#: Frequent questions: topic, key words, question and answer in English and Chinese.
ARTICLES = (
    (
        'return',
        ('exchange money back receipt', '退货 换货 退款 小票'),
        ('How long can I bring goods back?', '多久之内可以退货?'),
        (
            'Seven days from receiving them when you ordered from home, fifteen for an exchange of faulty goods. '
            'Bring the receipt or your member number.',
            '网上订购的商品自收货之日起七天内可退货，有瑕疵的商品十五天内可换货。请带上小票或会员号。',
        ),
    ),
    (
        'order',
        ('status where parcel tracking', '订单 状态 快递 查询'),
        ('Where is my order?', '我的订单到哪里了?'),
        (
            'Sign in and open your orders: each shows what has been sent, and the number of the parcel.',
            '登录后打开“我的订单”，每张订单都会显示发货情况和快递单号。',
        ),
    ),
    (
        'logistics',
        ('damaged broken box transit', '破损 压坏 包裹'),
        ('The parcel arrived damaged. What now?', '包裹破损了怎么办?'),
        (
            'Take two pictures, of the box and of the goods, and send them with your order number. We send new ones first '
            'and talk to the carrier afterwards.',
            '请拍两张照片：外箱和商品，连同订单号一起发给我们。我们先补发，再与快递公司处理。',
        ),
    ),
    (
        'enquiry',
        ('opening hours Sunday holiday', '营业时间 周日 节假日'),
        ('When are you open?', '你们的营业时间是什么?'),
        (
            'Every day from ten to nine; on the first day of the Spring Festival we are closed.',
            '每天上午十点到晚上九点营业，春节初一休息。',
        ),
    ),
    (
        'aftersales',
        ('points tier member gold', '积分 等级 会员 金卡'),
        ('How do I see my points and my tier?', '怎样查看我的积分和等级?'),
        (
            'Sign in and open My Membership, or say your phone number at the counter.',
            '登录后打开“我的会员”，或在柜台报手机号即可。',
        ),
    ),
    (
        'data_request',
        ('privacy data delete', '隐私 个人信息 删除'),
        (
            'What do you store about me, and can I have it deleted?',
            '你们保存了我的哪些信息，可以删除吗?',
        ),
        (
            'Choose "Personal data" when you write to us, or ask at the counter. We check who you are and answer within '
            'fifteen days.',
            '请在提交请求时选择“个人信息”，或在柜台提出。核实身份后，我们会在十五天内答复。',
        ),
    ),
)

#: A mail that is held, and one that becomes a ticket.
HELD = """From: Newsletter <news@bulk.example>
To: service@shop.example
Subject: Out of office: Weekly offers for retailers
Message-ID: <demo-held@bulk.example>
Auto-Submitted: auto-replied
Content-Type: text/plain; charset="utf-8"

I am out of the office until Monday and answer nothing before.
"""

ASKED = """From: Rose Ellis <rose.ellis@example.com>
To: service@shop.example
Subject: Gift wrapping
Message-ID: <demo-asked@example.com>
Content-Type: text/plain; charset="utf-8"

Do you wrap presents, and what does it cost? I would come on Saturday.
"""


#: Ages of which one has its deadline today.
HOURS = (6, 20, 26, 44, 50, 2)


class Today:
    """Tickets of today and of the last days, by the methods that staff use."""

    def __init__(self, tickets):
        self.tickets = tickets
        self.env = tickets.env
        self.users = tickets.users
        self.now = tickets.now
        self.orders = tickets.orders()[::-1]

    def play(self):
        for step in (
            self.articles,
            self.appointments,
            self.due_today,
            self.overdue,
            self.complaints,
            self.incidents,
            self.mails,
            self.customer,
        ):
            step()
            self.env.flush_all()

    def ticket(self, code, subject, hours, owner='clerk', **values):
        """A ticket received some hours ago, of the next order's customer unless it says otherwise."""
        ref = self.tickets.ref
        order = self.orders[0]
        self.orders = self.orders[1:]
        values = {
            'subject': subject,
            'description': f'<p>{subject}.</p>',
            'type_id': ref(f'retail_ticket_type_{code}').id,
            'channel_id': ref('retail_channel_phone').id,
            'partner_id': order.partner_id.id,
            'store_id': order.team_id.id,
            'order_id': order.id,
            'received_at': self.now - timedelta(hours=hours),
            **values,
        }
        ticket = self.env['retail.ticket'].create(values)
        if owner:
            ticket.write({'user_id': self.users[owner].id})
        return ticket

    def answer(self, ticket, macro, hours):
        """Answer by a macro, as the dialog does."""
        owner = ticket.with_user(ticket.user_id).sudo()
        macro = self.tickets.ref(f'retail_ticket_macro_{macro}')
        self.tickets.post(owner, 'agent', self.now - timedelta(hours=hours), macro._text_for(owner))
        owner.write(macro._values_for(owner))

    def articles(self):
        languages = {code for code, _name in self.env['res.lang'].get_installed()}
        for code, words, question, answer in ARTICLES:
            article = self.env['retail.faq'].create(
                {
                    'question': question[0],
                    'answer': f'<p>{answer[0]}</p>',
                    'keywords': words[0],
                    'type_id': self.tickets.ref(f'retail_ticket_type_{code}').id,
                    'is_published': True,
                    'user_id': self.users['leader'].id,
                }
            )
            if 'zh_CN' in languages:
                article.with_context(lang='zh_CN').write(
                    {
                        'question': question[1],
                        'answer': f'<p>{answer[1]}</p>',
                        'keywords': words[1],
                    }
                )

    def appointments(self):
        """Two of today, of which one is confirmed; one of tomorrow."""
        start = self.now.replace(minute=0, second=0)
        for subject, hours, owner in (
            ('Advice on headphones', 1, 'clerk'),
            ('Hi-fi listening hour', 2, 'clerk'),
            ('Repair of a record player', 24, 'clerk2'),
        ):
            at = start + timedelta(hours=hours)
            ticket = self.ticket('appointment', subject, 30, owner, appointment_at=at)
            if hours != 2:
                ticket.with_user(self.users[owner]).sudo().action_confirm_appointment()

    def due_today(self):
        """Three whose next deadline is today, where working hours allow it."""
        zone = self.env['res.users'].browse(self.users['clerk'].id).tz
        today = fields.Datetime.context_timestamp(self.env.user.with_context(tz=zone), self.now)
        for code, subject in (
            ('enquiry', 'Is the box set back in stock?'),
            ('order', 'Please add a greeting card'),
            ('logistics', 'Can the parcel come after six?'),
        ):
            for hours in HOURS:  # on a day without work none fits: the last one is due on the next
                ticket = self.ticket(code, subject, hours)
                due = ticket.next_event_at
                day = (
                    due
                    and fields.Datetime.context_timestamp(ticket.with_context(tz=zone), due).date()
                )
                if due and due > self.now and day == today.date():
                    break
                if hours != HOURS[-1]:
                    ticket.sudo().unlink()

    def overdue(self):
        for code, subject, days, owner in (
            ('repair', 'When is the amplifier ready?', 9, 'clerk'),
            ('order', 'One record is missing', 6, 'clerk'),
            ('enquiry', 'A present for a child of six', 5, 'clerk2'),
        ):
            with self.tickets.at(self.now - timedelta(days=days)):
                self.ticket(code, subject, 24 * days, owner)

    def complaints(self):
        """A promise that is due, a restricted one, a repeated one, a major case, an incident."""
        ref = self.tickets.ref

        def reason(name):
            return ref(f'retail_ticket_reason_{name}').id

        promised = self.ticket(
            'complaint', 'The box arrived crushed', 26, reason_id=reason('logistics_damaged')
        )
        self.answer(promised, 'apology', 25)
        self.env['retail.ticket.promise'].create(
            {
                'ticket_id': promised.id,
                'what': 'Call back with the answer of the carrier',
                'due_at': self.now + timedelta(hours=3),
                'user_id': self.users['clerk'].id,
            }
        )
        self.ticket(
            'complaint',
            'The guide laughed at my question',
            20,
            'leader',
            reason_id=reason('service_attitude'),
            guide_id=self.users['clerk3'].id,
        )
        with self.tickets.at(self.now - timedelta(days=9)):
            first = self.ticket(
                'complaint',
                'The turntable hums',
                24 * 9,
                'clerk2',
                reason_id=reason('product_function'),
            )
        story = {'code': 'complaint', 'subject': first.subject, 'result': 'New belt put in.'}
        for hours in range(5):
            moment = self.now - timedelta(days=8) + timedelta(hours=hours)
            with self.tickets.at(moment):
                self.tickets.next(first, moment, story)
        self.ticket(
            'complaint',
            'The turntable hums again',
            5,
            'clerk2',
            reason_id=reason('product_function'),
            partner_id=first.partner_id.id,
            order_id=first.order_id.id,
        )
        self.ticket(
            'complaint',
            'Charger smoked, hand burnt',
            4,
            'leader',
            reason_id=reason('product_performance'),
            is_injury=True,
            is_fire=True,
        )
        self.ticket(
            'complaint',
            'Somebody else sees my orders',
            7,
            'manager',
            reason_id=reason('account_leak'),
        )

    def incidents(self):
        """Those of before this month were dealt with."""
        before = self.now - timedelta(days=30)
        old = self.env['retail.incident'].search(
            [('state', '=', 'open'), ('discovered_at', '<', before)]
        )
        for incident in old:
            moment = incident.discovered_at + timedelta(hours=20)
            with self.tickets.at(moment):
                incident.write(
                    {
                        'measures': 'Checked all exports of the order list; passwords changed.',
                        'authority_reason': 'No data of ours were found outside.',
                    }
                )
                incident.line_ids.write({'notified_at': moment})
                incident.action_close()

    def mails(self):
        """Two mails through the door: a question without an owner, and one of a program that is held."""
        Domain = self.env['mail.alias.domain']
        if not Domain.search_count([]):
            Domain.create({'name': 'shop.example'})
        desk = self.tickets.ref('retail_ticket_team_desk')
        desk.alias_name = desk.alias_name or 'service'
        address = desk.alias_id.alias_full_name
        door = self.env['mail.thread'].with_user(self.env.ref('base.user_root'))
        for mail in (ASKED, HELD):
            mail = mail.replace('service@shop.example', address).strip()
            door.message_process('retail.ticket', mail.replace('\n', '\r\n'))

    def customer(self):
        """The customer who may sign in: one open, one that waits for him, one solved."""
        partner = self.env['res.users'].search([('login', '=', 'customer')]).partner_id
        if not partner:
            return
        mine = {
            'partner_id': partner.id,
            'order_id': False,
            'channel_id': self.tickets.ref('retail_channel_web').id,
        }
        opened = self.ticket('logistics', 'The parcel has not moved since Monday', 20, **mine)
        self.answer(opened, 'thanks', 18)
        waits = self.ticket('aftersales', 'A new lid for the record player', 40, 'clerk2', **mine)
        self.answer(waits, 'ask', 30)
        with self.tickets.at(self.now - timedelta(days=3)):
            solved = self.ticket('enquiry', 'Do you have the new album?', 72, **mine)
        with self.tickets.at(self.now - timedelta(days=2, hours=20)):
            self.answer(solved, 'thanks', 24 * 2 + 20)
            owner = solved.with_user(solved.user_id).sudo()
            owner.write({'result': 'On the shelf since Friday; one was laid aside.'})
            try:
                owner.action_solve()
            except UserError as error:
                raise SystemExit(f'demo: {error}') from error
