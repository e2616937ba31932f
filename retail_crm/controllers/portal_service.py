from odoo.exceptions import AccessError, MissingError, UserError
from odoo.fields import Domain
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import pager

from ..models.service._uploads import ACCEPT, MAX_BYTES, MAX_FILES
from ..models.service.retail_ticket_stage import OPEN_CATEGORIES
from .limits import Limit
from .portal import RetailPortal

#: Longest subject and text, and how many tickets a page shows.
MAX_SUBJECT, MAX_TEXT, PAGE = 200, 20000, 20

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
        bot = request.env.ref('base.partner_root')
        messages = []
        for message in ticket_sudo._portal_messages():
            author, is_ours = message.author_id, self._is_ours(message)
            if is_ours and (not author or author == bot):
                name = ticket_sudo.company_id.name
            else:
                name = author.name or ticket_sudo.partner_name or request.env._('You')
            messages.append(
                {
                    'is_ours': is_ours,
                    'author': name,
                    'date': message.date,
                    'body': message.body,
                    'files': message.attachment_ids,
                }
            )
        return messages

    def _is_ours(self, message):
        """Return whether staff wrote a message, also who is not with us any more, or the system."""
        if message.message_type == 'auto_comment':
            return True
        users = message.author_id.with_context(active_test=False).user_ids
        return bool(users) and not all(users.mapped('share'))

    # === CHANGING ===#

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
