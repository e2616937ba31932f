from odoo.fields import Domain
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import pager

from .portal import RetailPortal

#: Messages of a page.
PAGE = 20


class RetailPortalMessages(RetailPortal):
    """Messages that customers find when they sign in (S-FUP-02). Found with the rights of the visitor: his own only."""

    def _prepare_portal_layout_values(self):
        values = super()._prepare_portal_layout_values()
        values['retail_messages'] = self._messages_are_on()
        return values

    def _prepare_home_portal_values(self, counters):
        """Count the messages for the home page that the customer has not opened."""
        values = super()._prepare_home_portal_values(counters)
        if 'retail_message_count' in counters:
            messages = self._messages()
            unread = messages._portal_domain() & Domain('reaction', 'in', (False, 'none'))
            values['retail_message_count'] = (
                messages.search_count(unread) if self._messages_are_on() else 0
            )
        return values

    def _messages_are_on(self):
        messages = self._messages()
        return messages.has_access('read') and messages._portal_is_on()

    def _messages(self):
        return request.env['retail.followup']

    @route(
        ['/my/messages', '/my/messages/page/<int:page>'],
        type='http',
        auth='user',
        website=True,
        methods=['GET'],
        readonly=True,
    )
    def retail_messages(self, page=1, **_query):
        """List the messages of the visitor, the last first."""
        if not self._messages_are_on():
            return request.not_found()
        messages = self._messages()
        domain = messages._portal_domain()
        pages = pager('/my/messages', messages.search_count(domain), page=page, step=PAGE)
        found = messages.search(
            domain, order='contacted_at desc, id desc', limit=PAGE, offset=pages['offset']
        )
        return request.render(
            'retail_crm.portal_my_messages',
            {
                **self._prepare_portal_layout_values(),
                'page_name': 'retail_message',
                'messages': found,
                'pager': pages,
            },
        )

    @route('/my/messages/<int:number>', type='http', auth='user', website=True, methods=['GET'])
    def retail_message(self, number, **_query):
        """Show one message of the visitor, and note that he opened it."""
        messages = self._messages()
        message = messages.search(messages._portal_domain() & Domain('id', '=', number))
        if not self._messages_are_on() or not message:
            return request.not_found()
        message.sudo()._opened()  # sudo: found with the visitor's rights
        return request.render(
            'retail_crm.portal_my_message',
            {
                **self._prepare_portal_layout_values(),
                'page_name': 'retail_message',
                'message': message,
            },
        )
