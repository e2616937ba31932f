from odoo import api, fields, models

from ..customer._classes import LIFECYCLE
from ._shown import shown

#: Who sees the card of the customer on other documents: whoever works on them. Customers in the portal never do.
CARD_GROUPS = 'retail_crm.group_user,retail_crm.group_complaint'

#: ``{field of the card: field of the customer}``.
_CARD = {
    'card_profile_id': 'retail_profile_id',
    'card_currency_id': 'retail_currency_id',
    'card_lifecycle': 'retail_lifecycle',
    'card_is_high_value': 'retail_is_high_value',
    'card_last_order_date': 'retail_last_order_date',
    'card_order_count': 'retail_order_count',
    'card_spend_12m': 'retail_spend_12m',
    'card_tier': 'retail_tier_text',
    'card_tier_color': 'retail_tier_color',
    'card_points': 'retail_points_text',
    'card_contact_warning': 'retail_contact_warning',
    'card_consent': 'retail_consent_text',
    'card_adviser_id': 'retail_adviser_id',
}
#: Parts of the customer's summary that the card needs; a field that needs another one adds it here.
_SUMMARY = (
    'channel',
    'consents',
    'needs',
    'points',
    'preferences',
    'preferred_channel_id',
    'tickets',
    'tier',
    'top_categories',
)
#: Figures that say something only about customers who have bought.
_FIGURES = ('card_last_order_date', 'card_order_count', 'card_spend_12m')
#: What belongs to the block of loyalty.
_LOYALTY = ('card_tier', 'card_points')
#: Tiles of the card in their order, then the lines below them, each with its look.
_TILES = (*_LOYALTY, 'card_lifecycle', *_FIGURES, 'card_adviser_id')
_NOTES = {
    'card_tickets': 'plain',
    'card_file_line': 'file',
    'card_need': 'warning',
    'card_remark': 'plain',
    'card_contact_warning': 'danger',
}
#: Looks of the lifecycle's badge.
_LIFECYCLE_LOOKS = {
    'prospect': 'info',
    'new': 'info',
    'growth': 'success',
    'mature': 'success',
    'won_back': 'success',
    'at_risk': 'warning',
    'lapsed': 'danger',
    'lost': 'danger',
}
#: What is known of the person first, else of the company.
_CARD_OF_PERSON = {'card_file_line': 'retail_file_line', 'card_remark': 'retail_remark'}


def _card(field_class, string, **attributes):
    """Return a field that shows something of the document's customer in the document's company."""
    return field_class(
        string=string,
        compute='_compute_card',
        groups=CARD_GROUPS,
        help='Of the customer, in the company of this record.',
        **attributes,
    )


class RetailCardMixin(models.AbstractModel):
    """The customer at a glance on a document about him: tier, figures, what to mind (R-svc E 13).

    For models with ``partner_id`` and ``company_id``. Read in the company of the document, as the customer's own form
    would show it; a fixed number of queries whatever the number of documents.
    """

    _name = 'retail.card.mixin'
    _description = 'Card of the Customer'

    card_profile_id = _card(fields.Many2one, 'Customer Profile', comodel_name='retail.profile')
    card_currency_id = _card(fields.Many2one, 'Figures Currency', comodel_name='res.currency')
    card_lifecycle = _card(fields.Selection, 'Lifecycle', selection=LIFECYCLE)
    card_is_high_value = _card(fields.Boolean, 'High-Value Customer')
    card_last_order_date = _card(fields.Date, 'Last Purchase')
    card_order_count = _card(fields.Integer, 'Purchases')
    card_spend_12m = _card(fields.Monetary, 'Spent, 12 Months', currency_field='card_currency_id')
    card_tier = _card(fields.Char, 'Tier')
    card_tier_color = _card(fields.Integer, 'Colour of the Tier')
    card_points = _card(fields.Char, 'Points')
    card_file_line = _card(fields.Char, 'Customer at a Glance')
    card_need = _card(fields.Char, 'Special Needs')
    card_remark = _card(fields.Char, 'Remarks')
    card_contact_warning = _card(fields.Char, 'Do Not Contact')
    card_consent = _card(fields.Char, 'Agreed To')
    card_adviser_id = _card(fields.Many2one, 'Adviser', comodel_name='res.users')
    card_tickets = _card(fields.Char, 'Tickets of the Customer')

    def _card_shown(self):
        """Return those of these documents of whose customer the user may see something.

        While one is entered it is the client who names customer and company (as for orders).
        """
        if self.env.su:
            return self.filtered('partner_id')
        partners = self.partner_id | self.sudo().partner_id.commercial_partner_id.sudo(False)
        seen = set(partners._origin._filtered_access('read')._ids)
        return self.filtered(
            lambda document: (
                document.partner_id._origin.id in seen
                and (isinstance(document.id, int) or document.company_id <= self._card_companies())
            )
        )

    def _card_companies(self):
        """Hook: return the companies of whose customers the user may see something while he enters a document."""
        return self.env.companies

    @api.depends('partner_id.commercial_partner_id', 'company_id')
    @api.depends_context('uid', 'lang', 'allowed_company_ids')
    def _compute_card(self):
        """Read customers company by company: of each company's all in a fixed number of queries."""
        names = [*_CARD, *_CARD_OF_PERSON, 'card_need', 'card_tickets']
        for document in self:
            document.update(dict.fromkeys(names, False))
        uid = self.env.uid
        for company, documents in self._card_shown().grouped('company_id').items():
            # sudo: the fields' groups decide who sees the card; only of the documents' own customers
            partners = documents.sudo().partner_id.with_company(company)
            partners = partners.with_context(retail_crm_summary=_SUMMARY)
            everybody = (partners | partners.commercial_partner_id)._origin
            everybody.mapped('retail_summary')  # of all of them in one query
            by_id = {partner.id: partner for partner in everybody}  # which are prefetched together
            for document in documents:
                person = by_id[document.partner_id._origin.id]
                customer = by_id[person.commercial_partner_id.id]
                known = customer if person == customer else person + customer
                document.update({name: customer[source] for name, source in _CARD.items()})
                for name, source in _CARD_OF_PERSON.items():
                    document[name] = next(filter(None, known.mapped(source)), False)
                needs = filter(None, known.mapped('retail_need_text'))
                document.card_need = '; '.join(dict.fromkeys(needs))
                document.card_contact_warning = person.retail_contact_warning
                document.card_tickets = customer._ticket_words(uid)

    # === IN WORDS ===#

    def _card_words(self):
        """Return the card of one document's customer as screens show it that ask for it apart from the form.

        :return: ``{'tiles': [...], 'notes': [...]}``, each ``{'name', 'label', 'text'}`` with how it looks; only what
            is known, and nothing for those who may not see cards
        """
        if not self._has_field_access(self._fields['card_profile_id'], 'read'):
            return {'tiles': [], 'notes': []}
        left_out = set() if self.card_profile_id else set(_FIGURES)
        if not self.env.user.has_group('retail_crm.group_block_loyalty'):
            left_out.update(_LOYALTY)
        tiles = [
            {**self._card_part(name), **self._card_look(name)}
            for name in _TILES
            if name not in left_out and (self[name] or name in _FIGURES)
        ]
        notes = [{**self._card_part(name), 'look': _NOTES[name]} for name in _NOTES if self[name]]
        return {'tiles': tiles, 'notes': notes}

    def _card_part(self, name):
        label = self._fields[name]._description_string(self.env)
        return {'name': name, 'label': label, 'text': shown(self, name)}

    def _card_look(self, name):
        """Return how the badge of a tile looks; other tiles have none."""
        if name == 'card_tier':
            return {'badge': f'o_badge_color_{self.card_tier_color or 0}'}
        if name == 'card_lifecycle':
            look = _LIFECYCLE_LOOKS.get(self.card_lifecycle, '300')
            return {'badge': f'text-bg-{look}', 'is_high_value': self.card_is_high_value}
        return {}
