from markupsafe import Markup

from odoo import fields
from odoo.http import request, route

from ..models.service._uploads import ACCEPT, MAX_BYTES, MAX_FILES
from .limits import Limit
from .portal_service import MAX_SUBJECT, MAX_TEXT, RetailPortalService, address

#: How many of a customer's last orders are offered, and in which states.
MAX_ORDERS, ORDER_STATES = 20, ('sent', 'sale')
#: Questions of the intake that the form asks of somebody who complains.
INTAKE = ('intake_2', 'intake_4', 'intake_5')

NEW_BY_ADDRESS = Limit(30, 3600)


class RetailPortalRequest(RetailPortalService):
    """The form by which customers open a request, also about an order or one of its lines (S-CHN-07, S-CHN-20).

    What may be chosen is what is offered or found with the visitor's rights; everything else is set here.
    """

    @route('/my/tickets/new', type='http', auth='user', website=True, methods=['GET', 'POST'])
    def retail_ticket_new(self, **query):
        """Show the form of a new request, or open one."""
        if not self._service_is_on():
            return request.not_found()
        if request.httprequest.method == 'GET':
            return self._ticket_form(self._ticket_first_form(query))
        form = self._ticket_read_form(request.httprequest.form)
        values, errors = self._ticket_values(form)
        files, wrong = self._ticket_files()
        if wrong:
            errors['files'] = wrong
        if not errors and self._ticket_too_many():
            errors['limit'] = request.env._(
                'You have opened many requests within the last hour. Please try again later, or call us.'
            )
        if errors:
            return self._ticket_form(form, errors)
        ticket_sudo = self._ticket_create(values, files)
        return request.redirect(f'/my/tickets/{ticket_sudo.id}?saved=new')

    # === WHAT IS OFFERED ===#

    def _ticket_types(self):
        # sudo: kinds of requests that are offered to every customer
        return (
            request.env['retail.ticket.type']
            .sudo()
            .search([('is_portal', '=', True), ('is_internal', '=', False)])
        )

    def _ticket_reasons(self):
        # sudo: names that customers choose from
        return request.env['retail.ticket.reason'].sudo().search([('parent_id', '=', False)])

    def _ticket_stores(self):
        # sudo: names of stores of the company
        return (
            request.env['crm.team']
            .sudo()
            .search(
                [
                    ('retail_is_store', '=', True),
                    ('company_id', 'in', (request.env.company.id, False)),
                ]
            )
        )

    def _ticket_orders(self):
        """Return the last orders of the visitor, found with his rights (sudo, to read their lines)."""
        partner = request.env.user.partner_id.commercial_partner_id
        domain = [('state', 'in', ORDER_STATES), ('partner_id', 'child_of', partner.ids)]
        orders = request.env['sale.order'].search(domain, limit=MAX_ORDERS, order='date_order desc')
        return orders.sudo()

    def _ticket_about(self, about):
        """Return order and line (sudo) that the visitor chose among his own: ``order-<id>`` or ``line-<id>``."""
        kind, _dash, number = (about or '').partition('-')
        Order = request.env['sale.order']
        none = Order.sudo(), Order.sudo().order_line
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            return none
        number = int(number)
        # with the visitor's rights: an order of somebody else's is not found
        path = {'order': 'id', 'line': 'order_line'}.get(kind)
        partner = request.env.user.partner_id.commercial_partner_id
        order_sudo = (
            Order.search(
                [
                    (path, '=', number),
                    ('state', 'in', ORDER_STATES),
                    ('partner_id', 'child_of', partner.ids),
                ],
                limit=1,
            ).sudo()
            if path
            else none[0]
        )
        lines = order_sudo.order_line.filtered(
            lambda line: kind == 'line' and line.id == number and not line.display_type
        )
        return order_sudo, lines

    def _ticket_first_form(self, query):
        """Return the form as it opens: about an order or one of its lines, following an earlier request."""
        about = ''
        for key, kind in (('line_id', 'line'), ('order_id', 'order')):
            if query.get(key) and not about:
                order, _line = self._ticket_about(f'{kind}-{query[key]}')
                about = f'{kind}-{query[key]}' if order else ''
        kind = self._ticket_types().filtered(lambda row: row.code == query.get('type'))[:1]
        return {
            'about': about,
            'type': str(kind.id or ''),
            'follows': str(self._ticket_follows(query.get('follows')).id or ''),
        }

    def _ticket_follows(self, number):
        """Return the earlier request (sudo) that a new one follows, one that the visitor may see; or none."""
        number = str(number or '')
        if number.isascii() and number.isdecimal() and len(number) < 10:
            return self._ticket_of(int(number)) or self._tickets().sudo()
        return self._tickets().sudo()

    def _ticket_form(self, form, errors=None):
        """Return the form of a new request."""
        about_order, _line = self._ticket_about(form.get('about'))
        return request.render(
            'retail_crm.portal_ticket_new',
            {
                **self._prepare_portal_layout_values(),
                'page_name': 'retail_ticket_new',
                'form': form,
                'errors': errors or {},
                'types': self._ticket_types(),
                'reasons': self._ticket_reasons(),
                'stores': self._ticket_stores(),
                'orders': self._ticket_orders() | about_order,
                'accept': ACCEPT,
                'max_files': MAX_FILES,
                'max_size': MAX_BYTES // 1024 // 1024,
                'today': fields.Date.context_today(request.env.user),
            },
        )

    def _ticket_read_form(self, data):
        """Return what was typed."""
        names = ('type', 'subject', 'text', 'about', 'wish', 'reason', 'store', 'day', 'time')
        names += ('follows', *INTAKE)
        return {name: (data.get(name) or '').strip() for name in names}

    def _ticket_choice(self, rows, value):
        """Return the row that was chosen among those offered, or none."""
        return rows.filtered(lambda row: str(row.id) == value)

    def _ticket_values(self, form):
        """Return ``(values of a new request, errors by field)``."""
        env, errors = request.env, {}
        kind = self._ticket_choice(self._ticket_types(), form['type'])
        if not kind:
            errors['type'] = env._('Please choose what it is about.')
        if not form['subject'] or len(form['subject']) > MAX_SUBJECT:
            errors['subject'] = env._(
                'Say in a few words what it is about, in at most %(count)s letters.',
                count=MAX_SUBJECT,
            )
        if not form['text']:
            errors['text'] = env._('Please tell us what happened or what you would like to know.')
        if any(len(form[name]) > MAX_TEXT for name in ('text', 'wish', *INTAKE)):
            errors['text'] = env._('Please write at most %(count)s letters.', count=MAX_TEXT)
        order, line = self._ticket_about(form['about'])
        if form['about'] and not order:
            errors['about'] = env._('Choose one of your orders.')
        store = self._ticket_choice(self._ticket_stores(), form['store']) or (
            order.team_id.filtered('retail_is_store')
        )
        channel = env.ref('retail_crm.retail_channel_web', raise_if_not_found=False)
        values = {
            'type_id': kind.id,
            'subject': form['subject'],
            'description': self._ticket_html(form['text']),
            'customer_wish': self._ticket_wish(kind, form, errors) or False,
            'partner_id': env.user.partner_id.id,
            'company_id': (order.company_id or env.company).id,
            'order_id': order.id,
            'store_id': store.id,
            'line_ids': [fields.Command.create({'sale_line_id': line.id})] if line else [],
            'follow_up_of_id': self._ticket_follows(form['follows']).id,
            **({'channel_id': channel.id} if channel else {}),
        }
        if kind.is_complaint:
            values |= {
                'reason_id': self._ticket_choice(self._ticket_reasons(), form['reason']).id,
                'intake_1': form['text'],
                'intake_3': line.product_id.display_name,
                'intake_8': form['wish'],
                **{name: form[name] for name in INTAKE},
            }
        return values, errors

    def _ticket_wish(self, kind, form, errors):
        """Return what the customer wishes: for an appointment with day and time (S-SRV-06)."""
        if kind.code != 'appointment':
            return form['wish']
        day = self._ticket_day(form['day'])
        if not day:
            errors['day'] = request.env._('Choose a day from today on.')
            return form['wish']
        wish = request.env._(
            'Appointment on %(day)s %(time)s', day=form['day'], time=form['time'][:5]
        )
        return '\n'.join(filter(None, (wish.strip(), form['wish'])))

    def _ticket_day(self, text):
        """Return the day that was chosen for an appointment, or None when there is none or it is over."""
        try:
            day = fields.Date.to_date(text)
        except ValueError:
            return None
        return day if day and day >= fields.Date.context_today(request.env.user) else None

    def _ticket_html(self, text):
        return Markup('<p>%s</p>') % Markup('<br/>').join(text.splitlines())

    def _ticket_too_many(self):
        """Return whether the visitor, or his address, has opened too many requests within the hour."""
        # sudo: counts what the visitor himself opened
        count = (
            self._tickets()
            .sudo()
            .with_context(active_test=False)
            .search_count(
                [
                    ('create_uid', '=', request.env.uid),
                    ('create_date', '>', fields.Datetime.subtract(fields.Datetime.now(), hours=1)),
                ]
            )
        )
        return count >= request.env.company.sudo().retail_portal_hourly or NEW_BY_ADDRESS.is_over(
            address()
        )

    def _ticket_create(self, values, files):
        """Open the request of the visitor and store his files."""
        # sudo: customers may not create tickets by themselves; all values are ours or checked above
        ticket_sudo = (
            self._tickets()
            .sudo()
            .with_company(values['company_id'])
            .with_context(mail_create_nosubscribe=True)
            .create(values)
        )
        request.env['ir.attachment'].sudo().create(
            [
                {
                    'name': name,
                    'raw': content,
                    'res_model': 'retail.ticket',
                    'res_id': ticket_sudo.id,
                }
                for name, content in files
            ]
        )
        return ticket_sudo
