from odoo.http import Controller, request, route

from .limits import Limit

#: Tries of one address with links that are not ours.
WRONG_LINKS = Limit(30, 600)


class RetailCare(Controller):
    """The public page of the link "no more such messages". Looking changes nothing; only the button does (S-SEC-12).

    Programs that open links to look for harm send GET; programs for mail that show a button of their own send POST
    without having seen the page (RFC 8058), so the form is not protected by a token of the session but by that of the link.
    """

    @route(
        '/care/unsubscribe/<int(max=2147483647):number>/<int(max=2147483647):channel_number>/<string:token>',
        type='http',
        auth='public',
        website=True,
        methods=['GET', 'POST'],
        csrf=False,
        sitemap=False,
    )
    def retail_unsubscribe(self, number, channel_number, token, **_post):
        """Show what is unsubscribed from, or record it."""
        followup_sudo, channel_sudo = request.env['retail.followup']._of_unsubscribe(
            number, channel_number, token
        )
        if not followup_sudo:
            if WRONG_LINKS.is_over(request.httprequest.remote_addr or ''):
                return request.make_response('', status=429)
            return self._page({'state': 'wrong'}, status=404)
        customer_sudo = followup_sudo.partner_id
        if customer_sudo.lang:
            request.update_context(lang=customer_sudo.lang)
            channel_sudo = channel_sudo.with_context(lang=customer_sudo.lang)
        values = {'channel': channel_sudo, 'company': followup_sudo.company_id, 'state': 'ask'}
        if request.httprequest.method == 'POST':
            followup_sudo._unsubscribe(channel_sudo)
            values['state'] = 'done'
        return self._page(values)

    def _page(self, values, status=200):
        response = request.render('retail_crm.care_unsubscribe', values)
        response.status_code = status
        response.headers['Cache-Control'] = 'no-store'
        response.headers['X-Robots-Tag'] = 'noindex'
        response.headers['Referrer-Policy'] = 'no-referrer'
        return response
