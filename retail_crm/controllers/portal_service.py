from markupsafe import Markup

from odoo import fields
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.fields import Domain
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import pager

from .limits import Limit
from .portal import RetailPortal
from ..models.service._uploads import ACCEPT, MAX_BYTES, MAX_FILES
from ..models.service.retail_ticket_stage import OPEN_CATEGORIES

#: Longest subject and text, and how many tickets a page shows.
MAX_SUBJECT, MAX_TEXT, PAGE = 200, 20000, 20
#: How many of a customer's last orders are offered, and in which states.
MAX_ORDERS, ORDER_STATES = 20, ('sent', 'sale')
#: Questions of the intake that the form asks of somebody who complains.
INTAKE = ('intake_2', 'intake_4', 'intake_5')

NEW_BY_ADDRESS = Limit(30, 3600)
POSTS_BY_ADDRESS = Limit(60, 3600)
GUESTS_BY_ADDRESS = Limit(10, 900)
GUESTS_BY_NUMBER = Limit(5, 900)


def address():
    return request.httprequest.remote_addr or ''


class RetailPortalService(RetailPortal):
    """Pages on which customers see, open, answer, close and reopen their requests (R-svc C.8).

    Rows are found with the rights of the visitor, or by the secret of a link; only then anything is done for him. All
    changes are forms with CSRF, and stages are chosen here.
    """

    def _prepare_portal_layout_values(self):
        values = super()._prepare_portal_layout_values()
        values['retail_service'] = self._service_is_on()
        return values

    def _prepare_home_portal_values(self, counters):
        """Count the open requests for the home page."""
        values = super()._prepare_home_portal_values(counters)
        if 'retail_ticket_count' in counters:
            domain = self._ticket_domain() & Domain('category', 'in', OPEN_CATEGORIES)
            on = self._service_is_on()
            values['retail_ticket_count'] = self._tickets().search_count(domain) if on else 0
        return values

    # === ROUTES ===#

    @route(
        ['/my/tickets', '/my/tickets/page/<int:page>'],
        type='http',
        auth='user',
        website=True,
        methods=['GET'],
        readonly=True,
    )
    def retail_tickets(self, page=1, sortby=None, filterby=None, search=None, **_query):
        """List the requests of the visitor, and those that his company shares with him."""
        if not self._service_is_on():
            return request.not_found()
        sortings, filters = self._ticket_sortings(), self._ticket_filters()
        sortby = sortby if sortby in sortings else 'date'
        filterby = filterby if filterby in filters else 'all'
        domain = self._ticket_domain() & filters[filterby]['domain']
        search = (search or '').strip()[:MAX_SUBJECT]
        if search:
            domain &= Domain('name', 'ilike', search) | Domain('subject', 'ilike', search)
        tickets = self._tickets()
        pages = pager(
            url='/my/tickets',
            total=tickets.search_count(domain),
            page=page,
            step=PAGE,
            url_args={'sortby': sortby, 'filterby': filterby, 'search': search},
        )
        found = tickets.search(
            domain, order=sortings[sortby]['order'], limit=PAGE, offset=pages['offset']
        )
        return request.render(
            'retail_crm.portal_my_tickets',
            {
                **self._prepare_portal_layout_values(),
                'page_name': 'retail_ticket',
                'tickets': found.sudo(),  # sudo: found with the visitor's rights
                'own': request.env.user.partner_id,
                'pager': pages,
                'default_url': '/my/tickets',
                'searchbar_sortings': sortings,
                'searchbar_filters': filters,
                'sortby': sortby,
                'filterby': filterby,
                'search': search,
            },
        )

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

    @route('/my/tickets/<int:ticket_id>', type='http', auth='public', website=True, methods=['GET'])
    def retail_ticket(self, ticket_id, access_token=None, saved=None, **_query):
        """Show one request, to whom it belongs or by a link."""
        ticket_sudo = self._ticket_of(ticket_id, access_token)
        if ticket_sudo is None:
            return self._ticket_closed()
        return self._ticket_page(ticket_sudo, access_token, saved=saved)

    @route(
        '/my/tickets/<int:ticket_id>/<any(answer,close,reopen,satisfied):what>',
        type='http',
        auth='public',
        website=True,
        methods=['POST'],
    )
    def retail_ticket_change(self, ticket_id, what, access_token=None, **post):
        """Answer, close or reopen one request, or say whether the solution is right."""
        ticket_sudo = self._ticket_of(ticket_id, access_token)
        if ticket_sudo is None:
            return self._ticket_closed()
        if what not in ticket_sudo._portal_may():
            error = request.env._('That is not possible any more. This is where it stands now:')
        elif POSTS_BY_ADDRESS.is_over(address()):
            error = request.env._('You have sent many messages. Please try again later.')
        else:
            error = self._ticket_change(ticket_sudo, what, post)
        if error:
            return self._ticket_page(ticket_sudo, access_token, error=error, typed=post.get('body'))
        token = f'&access_token={access_token}' if access_token else ''
        return request.redirect(f'/my/tickets/{ticket_sudo.id}?saved={what}{token}')

    @route('/tickets', type='http', auth='public', website=True, methods=['GET', 'POST'])
    def retail_ticket_guest(self, **post):
        """Ask a visitor without a login for number and address; show the request when both are of the same one."""
        if not self._service_is_on():
            return request.not_found()
        error = None
        if request.httprequest.method == 'POST':
            number, contact = ((post.get(key) or '').strip()[:100] for key in ('number', 'contact'))
            if GUESTS_BY_ADDRESS.is_over(address()) or GUESTS_BY_NUMBER.is_over(number.lower()):
                error = request.env._('Too many tries. Please wait a quarter of an hour.')
            else:
                ticket_sudo = request.env['retail.ticket']._of_guest(number, contact)
                if ticket_sudo:
                    token = ticket_sudo._portal_ensure_token()
                    return request.redirect(f'/my/tickets/{ticket_sudo.id}?access_token={token}')
                error = request.env._(
                    'We found no request with this number and this telephone number or e-mail address.'
                )
        return request.render(
            'retail_crm.portal_ticket_guest',
            {
                'page_name': 'retail_ticket_guest',
                'error': error,
                'number': post.get('number', ''),
            },
            headers={'Cache-Control': 'no-store'},
        )

    # === WHO MAY ===#

    def _service_is_on(self):
        return request.env['retail.ticket']._portal_is_on()

    def _tickets(self):
        return request.env['retail.ticket']

    def _ticket_domain(self):
        """Return which requests the visitor's pages list; for customers that is what their record rule says."""
        if request.env.user._is_internal():  # employees read more than what is theirs
            return Domain('partner_id', '=', request.env.user.partner_id.id) & Domain(
                'is_internal', '=', False
            )
        return Domain.TRUE

    def _ticket_of(self, ticket_id, access_token=None):
        """Return one request (sudo) that the visitor may see, by his rights or by the link; else None."""
        if not self._service_is_on():
            return None
        ticket = self._tickets().browse(ticket_id)
        # sudo: whether it exists and which secret opens it; nothing of it is shown before
        ticket_sudo = ticket.sudo().exists()
        if not ticket_sudo or ticket_sudo.is_internal:
            return None
        if ticket_sudo._link_matches(access_token):
            return ticket_sudo
        if request.env.user._is_internal():
            own = ticket_sudo.partner_id == request.env.user.partner_id
            return ticket_sudo if own else None
        try:
            ticket.check_access('read')
        except (AccessError, MissingError):
            return None
        return ticket_sudo

    def _ticket_closed(self):
        """Answer the same to whoever may not see a request, whether there is one or not."""
        if request.env.user._is_public():
            return request.redirect('/tickets')
        return request.redirect('/my/tickets') if self._service_is_on() else request.not_found()

    # === SHOWING ===#

    def _ticket_sortings(self):
        env = request.env
        return {
            'date': {'label': env._('Newest'), 'order': 'received_at desc, id desc'},
            'old': {'label': env._('Oldest'), 'order': 'received_at, id'},
            'name': {'label': env._('Number'), 'order': 'name desc, id desc'},
            'subject': {'label': env._('Subject'), 'order': 'subject, id'},
        }

    def _ticket_filters(self):
        env, is_open = request.env, Domain('category', 'in', OPEN_CATEGORIES)
        return {
            'all': {'label': env._('All'), 'domain': Domain.TRUE},
            'open': {'label': env._('Open'), 'domain': is_open},
            'closed': {'label': env._('Closed'), 'domain': ~is_open},
        }

    def _ticket_page(self, ticket_sudo, access_token, error=None, saved=None, typed=''):
        """Return the page of one request."""
        follower = ticket_sudo.merged_into_id
        return request.render(
            'retail_crm.portal_ticket',
            {
                **self._prepare_portal_layout_values(),
                'page_name': 'retail_ticket',
                'ticket': ticket_sudo,
                'may': ticket_sudo._portal_may(),
                'messages': self._ticket_messages(ticket_sudo),
                'files': ticket_sudo._portal_files(),
                'goes_on': follower if follower and self._ticket_of(follower.id) else None,
                'access_token': access_token if ticket_sudo._link_matches(access_token) else None,
                'accept': ACCEPT,
                'max_files': MAX_FILES,
                'max_size': MAX_BYTES // 1024 // 1024,
                'error': error,
                'saved': saved,
                'typed': typed or '',
            },
            headers={'Cache-Control': 'no-store', 'Referrer-Policy': 'same-origin'},
        )

    def _ticket_messages(self, ticket_sudo):
        """Return what was said: by whom (a name, never an address), when, what, with which files."""
        staff = ticket_sudo.company_id.name
        return [
            {
                'is_ours': self._is_ours(message),
                'author': message.author_id.name or staff
                if self._is_ours(message)
                else message.author_id.name or ticket_sudo.partner_name or request.env._('You'),
                'date': message.date,
                'body': message.body,
                'files': message.attachment_ids,
            }
            for message in ticket_sudo._portal_messages()
        ]

    def _is_ours(self, message):
        users = message.author_id.user_ids
        return bool(users) and not all(users.mapped('share'))

    # === NEW ===#

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

    def _ticket_files(self):
        """Return ``(files, what is wrong with them)`` of the form."""
        sent = [file for file in request.httprequest.files.getlist('files') if file.filename]
        # one byte more than allowed tells enough about a file that is too large
        files = [(file.filename, file.read(MAX_BYTES + 1)) for file in sent[: MAX_FILES + 1]]
        try:
            self._tickets()._check_uploads(files)
        except UserError as error:
            return [], str(error)
        return files, None

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
        ticket_sudo.message_subscribe(request.env.user.partner_id.ids)
        request.env['ir.attachment'].sudo().create(
            [
                {'name': name, 'raw': content, 'res_model': 'retail.ticket', 'res_id': ticket_sudo.id}
                for name, content in files
            ]
        )
        return ticket_sudo

    # === CHANGING ===#

    def _ticket_change(self, ticket_sudo, what, post):
        """Do what the customer asked for, all or nothing, and return what is wrong."""
        body = (post.get('body') or '').strip()
        files, error = self._ticket_files()
        if error:
            return error
        if len(body) > MAX_TEXT:
            return request.env._('Please write at most %(count)s letters.', count=MAX_TEXT)
        if what == 'answer' and not body and not files:
            return request.env._('Please write a message.')
        if what == 'satisfied' and post.get('answer') not in ('yes', 'no'):
            return request.env._('Please answer with yes or no.')
        try:
            with request.env.cr.savepoint():
                if what == 'answer':
                    ticket_sudo._portal_answer(body, files)
                elif what == 'close':
                    ticket_sudo._portal_close()
                elif what == 'reopen':
                    ticket_sudo._portal_reopen(body)
                else:
                    ticket_sudo._customer_satisfied(post['answer'] == 'yes')
        except UserError as problem:
            return str(problem)
        return None
