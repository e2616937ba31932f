from odoo import api, models
from odoo.tools import format_date

from . import _points

#: Movements that a customer is shown; all of them are on the page of the card.
POINTS_LIMIT = 20


class RetailMembershipPoints(models.Model):
    """The points of the signed-in customer on the page of the loyalty programme (S-CHN-11)."""

    _inherit = 'retail.membership'

    def _portal_sections(self):
        """Add the points, where the customer has a card or the company gives points."""
        sections = super()._portal_sections()
        values = self._portal_points()
        if values:
            sections.append({'template': 'retail_crm.portal_loyalty_points', 'values': values})
        return sections

    def _portal_partner(self):
        """Return whose points are shown: the user's own, whose cards only he can use; else the member's."""
        partner = self.env.user.partner_id
        # sudo: the company that the user's own contact belongs to
        mine = partner.sudo().commercial_partner_id
        return partner if mine == self.partner_id else self.partner_id

    def _portal_points(self):
        """Return what the section of points shows, or None when there is nothing to show."""
        self.ensure_one()
        partner = self._portal_partner()
        # sudo: the customer's own cards and entries; nothing but these is read
        cards = (
            self.env['loyalty.card']
            .sudo()
            .search(
                [
                    ('partner_id', '=', partner.id),
                    ('program_id.program_type', '=', 'loyalty'),
                    ('program_id.company_id', 'in', (False, self.company_id.id)),
                ],
                order='id',
            )
        )
        if not cards:
            return None
        entries = self.env['retail.points.entry'].sudo()
        base = [('card_id', 'in', cards.ids)]
        sums = entries._sums(cards)
        return {
            'points_available': self._points_words(sum(now for now, _later in sums.values())),
            'points_waiting': self._points_words(sum(later for _now, later in sums.values())),
            'points_from': self._portal_points_from(entries, base),
            'points_expiring': self._portal_points_expiring(entries, base),
            'points_history': self._portal_points_history(
                entries.search([*base, ('kind', '!=', 'merge')], limit=POINTS_LIMIT)
            ),
            'points_cards': [
                (card.id, card.program_id.name) for card in cards if card.program_id.active
            ],
        }

    def _portal_points_history(self, entries):
        """Return the movements as customers read them: what one order took from several lots is one movement."""
        history = {}
        for entry in entries:
            key = (
                format_date(self.env, entry.date),
                self._portal_points_event(entry),
                entry.state,
                # other things are as they were entered
                not (entry.kind in ('burn', 'reverse_burn') and entry.res_id) and entry.id,
            )
            history[key] = history.get(key, 0.0) + entry.points
        return [
            {
                'day': day,
                'words': words,
                'points': self._points_words(points, sign=True),
                'state': state,
            }
            for (day, words, state, _id), points in history.items()
        ]

    def _portal_points_from(self, entries, base):
        """Return ``[(points, day)]`` of waiting points whose day is known already."""
        rows = entries._read_group(
            [*base, ('state', '=', 'pending'), ('valid_from', '!=', False)],
            ['valid_from:day'],
            ['points:sum'],
            order='valid_from:day',
        )
        return [
            (self._points_words(points), format_date(self.env, day))
            for day, points in rows
            if _points.exact(points) > 0
        ]

    def _portal_points_expiring(self, entries, base):
        """Return ``[(points, last day)]`` of what can be spent and ends, the next first."""
        rows = entries._read_group(
            [
                *base,
                ('state', '=', 'available'),
                ('remaining', '>', 0),
                ('expires_on', '!=', False),
            ],
            ['expires_on:day'],
            ['remaining:sum'],
            order='expires_on:day',
        )
        return [(self._points_words(points), format_date(self.env, day)) for day, points in rows]

    @api.model
    def _points_words(self, points, sign=False):
        """Return points as customers read them, with a sign for movements."""
        points = _points.exact(points)
        words = self.env['retail.points.entry']._format(points)
        return f'+{words}' if sign and points > 0 else words

    def _portal_points_event(self, entry):
        """Return what happened, in the customer's words: neither names of staff and other customers nor their notes."""
        given = {
            'welcome': self.env._('Welcome'),
            'referral': self.env._('You recommended us'),
            'referred': self.env._('You came by a recommendation'),
            'survey': self.env._('You answered our questions'),
        }
        if entry.kind == 'earn' and entry.reason in given:
            return given[entry.reason]
        words = {
            'earn': self.env._('Earned'),
            'burn': self.env._('Redeemed'),
            'expire': self.env._('Expired'),
            'reverse_earn': self.env._('Taken back for a return or change'),
            'reverse_burn': self.env._('Given back for a return or change'),
            'migrate': self.env._('Opening balance'),
        }.get(entry.kind) or self.env._('Adjusted by us')
        return ': '.join(filter(None, (words, self._portal_document(entry))))

    @api.model
    def _portal_document(self, entry):
        """Return the name of the order of an entry."""
        if entry.res_model != 'sale.order':
            return None
        # sudo: the name of an order that moved the customer's own points
        return self.env['sale.order'].sudo().browse(entry.res_id).exists().name
