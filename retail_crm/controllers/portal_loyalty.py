from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError
from odoo.http import request, route

from .portal import RetailPortal


class RetailPortalLoyalty(RetailPortal):
    """Pages of the loyalty programme: a customer sees his tier, what is missing and his card, joins and leaves.

    A page is asked for by programme, never by membership: there is no number of somebody else's to try. Looking changes
    nothing; joining and leaving are forms.
    """

    def _prepare_home_portal_values(self, counters):
        """Add what the card of the home page says; the counters that it asks for later are others."""
        values = super()._prepare_home_portal_values(counters)
        if not counters:
            offers = self._loyalty_offers()
            values['retail_loyalty'] = offers
            values['retail_loyalty_tiers'] = ', '.join(
                offer['membership'].tier_id.name for offer in offers if offer['is_member']
            )
        return values

    # === ROUTES ===#

    @route('/my/loyalty', type='http', auth='user', website=True, methods=['GET'])
    def retail_loyalty(self, saved=None, **_query):
        """Show the programme, and the membership of the signed-in customer."""
        offers = self._loyalty_offers()
        if not offers:
            return request.not_found()
        return self._loyalty_page(offers, saved=saved)

    @route(
        '/my/loyalty/<int:programme_id>/card',
        type='http',
        auth='user',
        website=True,
        methods=['GET'],
    )
    def retail_loyalty_card(self, programme_id, **_query):
        """Show nothing but the card, for the till's scanner."""
        offer = self._loyalty_offer(programme_id)
        if not offer or not offer['is_member']:
            return request.not_found()
        return request.render(
            'retail_crm.portal_member_card', {**offer, 'page_name': 'retail_loyalty_card'}
        )

    @route(
        '/my/loyalty/<int:programme_id>/join',
        type='http',
        auth='user',
        website=True,
        methods=['POST'],
    )
    def retail_loyalty_join(self, programme_id, **_post):
        """Make the signed-in customer a member, who has ticked that he agrees."""
        offer = self._loyalty_offer(programme_id)
        if not offer or not offer['may_join']:
            return request.not_found()
        error = self._loyalty_join(offer, request.httprequest.form)
        if error:
            return self._loyalty_page(self._loyalty_offers(), errors={programme_id: error})
        return request.redirect('/my/loyalty?saved=joined')

    @route(
        '/my/loyalty/<int:programme_id>/leave',
        type='http',
        auth='user',
        website=True,
        methods=['GET', 'POST'],
    )
    def retail_loyalty_leave(self, programme_id, **_post):
        """Say what leaving means, and have the signed-in customer leave when he says so there."""
        offer = self._loyalty_offer(programme_id)
        if not offer or not offer['may_leave']:
            return request.not_found()
        error = None
        if request.httprequest.method == 'POST':
            error = self._loyalty_leave(offer, request.httprequest.form)
            if not error:
                return request.redirect('/my/loyalty?saved=left')
        return request.render(
            'retail_crm.portal_my_loyalty_leave',
            {
                **self._prepare_portal_layout_values(),
                **offer,
                'page_name': 'retail_loyalty',
                'error': error,
                'reasons': self._loyalty_reasons(),
            },
        )

    # === READING ===#

    def _loyalty_offers(self):
        """Return what the user meets: ``programme``, ``membership`` (maybe none) and what he may do, for each programme."""
        if not self._retail_portal_is_on():
            return []
        programmes = request.env['retail.programme']._portal_programmes()
        members = request.env['retail.membership']._of_user(programmes)
        by_programme = {member.programme_id: member for member in members}
        # sudo: the user's own contact; one of a company may neither join nor leave in its name
        partner = request.env.user.partner_id.sudo()
        is_own = partner == partner.commercial_partner_id
        offers = []
        for programme in programmes:
            member = by_programme.get(programme, members.browse())
            is_member = member.state == 'active'
            offers.append(
                {
                    'programme': programme,
                    'membership': member,
                    'is_member': is_member,
                    'is_own': is_own,
                    'may_join': is_own
                    and not is_member
                    and programme.portal_join
                    and partner.retail_customer,
                    'may_leave': is_own and is_member,
                }
            )
        return offers

    def _loyalty_offer(self, programme_id):
        """Return the offer of one programme, or None for one that the user does not meet."""
        found = [offer for offer in self._loyalty_offers() if offer['programme'].id == programme_id]
        return found[0] if found else None

    def _loyalty_page(self, offers, errors=None, saved=None):
        """Return the page."""
        return request.render(
            'retail_crm.portal_my_loyalty',
            {
                **self._prepare_portal_layout_values(),
                'page_name': 'retail_loyalty',
                'offers': [
                    {
                        **offer,
                        **(
                            self._loyalty_member_values(offer['membership'])
                            if offer['is_member']
                            else self._loyalty_guest_values(offer['programme'])
                        ),
                        'error': (errors or {}).get(offer['programme'].id),
                    }
                    for offer in offers
                ],
                'saved': saved,
            },
        )

    def _loyalty_member_values(self, member):
        """Return what a member is shown: progress, privileges, history, and the sections of other parts."""
        progress = member._progress()[member.id]
        privileges = member.env['retail.privilege']._of_partners(
            member.partner_id, member.company_id
        )[member.partner_id]
        next_tier = member.next_tier_id
        return {
            'progress': progress,
            'privileges': privileges,
            'next_tier': next_tier,
            'next_privileges': next_tier.privilege_ids.filtered('active') - privileges,
            'history': member._portal_history(),
            'sections': self._loyalty_sections(member),
        }

    def _loyalty_sections(self, membership):
        """Return the rendered sections of other parts, in their order (vouchers, points)."""
        return [
            request.env['ir.qweb']._render(
                section['template'],
                {
                    'membership': membership,
                    'programme': membership.programme_id,
                    **section['values'],
                },
            )
            for section in membership._portal_sections()
        ]

    def _loyalty_guest_values(self, programme):
        """Return what somebody is shown who is no member: the ladder, and the question about the use of purchases."""
        return {'tiers': programme._portal_tiers(), 'profiling': self._loyalty_profiling(programme)}

    def _loyalty_profiling(self, programme):
        """Return the open question whether purchases may be used to choose offers, or None; joining never depends on it."""
        # sudo: the user's own contact
        partner_sudo = request.env.user.partner_id.sudo()
        company = programme.company_id
        none = request.env['retail.channel'].browse()
        answers = request.env['retail.consent']._answers(partner_sudo, company)
        answer = answers['profiling', none]
        text = request.env['retail.consent.text'].sudo()._current('profiling', company)
        if answer.choice is not None or not text:
            return None
        return {'asked': ('profiling', none), 'mark': answer.mark, 'text': text.text}

    def _loyalty_reasons(self):
        field = request.env['retail.membership']._fields['leave_reason']
        return field._description_selection(request.env)

    # === CHANGING ===#

    def _loyalty_join(self, offer, form):
        """Enrol the user and record his answer, all or nothing; return what is wrong."""
        env, programme = request.env, offer['programme']
        if form.get('agree') != '1':
            return env._('Please tick that you agree: without it we cannot make you a member.')
        profiling = self._loyalty_profiling(programme)
        wants = bool(profiling) and form.get('profiling') == '1'
        if wants and form.get('shown-profiling') != profiling['mark']:
            return env._('In the meantime a text has changed. Please look at it again.')
        # sudo: the user's own contact, who joins by himself
        partner_sudo = env.user.partner_id.sudo()
        try:
            with env.cr.savepoint():
                env['retail.membership'].sudo()._enrol(
                    partner_sudo,
                    programme.company_id,
                    user=env.user,
                    via='portal',
                    note=env._('Agreed in the customer portal'),
                )
                if wants:
                    env['retail.consent']._record(
                        partner_sudo,
                        {profiling['asked']: True},
                        'portal',
                        company=programme.company_id,
                    )
        except UniqueViolation:
            return None  # sent twice: the other one of the two has made him a member
        except UserError as error:
            return str(error)
        return None

    def _loyalty_leave(self, offer, form):
        """Have the user leave, and return what is wrong."""
        reason = form.get('reason')
        reason = reason if reason in dict(self._loyalty_reasons()) else None
        try:
            with request.env.cr.savepoint():
                offer['membership']._leave(reason, request.env._('In the customer portal'))
        except UserError as error:
            return str(error)
        return None
