from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date

from .retail_membership import _barcode_image

#: Odoo's colours of records, by number, for pages outside the back end.
TIER_COLORS = (
    '#6c757d #EE2D2D #DC8534 #E8BB1D #5794DD #9F628F #DB8865 #41A9A2 #304BE0 #EE2F8A #61C36E #9872E6'
).split()

#: How many lines of history a customer is shown.
HISTORY_LIMIT = 50


class RetailMembershipPortal(models.Model):
    """What a customer sees of the own membership: progress in the customer's words, privileges, history, card."""

    _inherit = 'retail.membership'

    progress = fields.Html(
        string='What Next',
        compute='_compute_progress',
        sanitize=False,
        help='How far it is to the next tier, and to keeping the present one.',
    )

    @api.depends('tier_id', 'own_valid_until', 'grace_until', 'evaluated_on', 'override_until')
    @api.depends_context('lang')
    def _compute_progress(self):
        parts = self._progress()
        for member in self:
            # sudo: a template, filled with what was read already
            member.progress = parts.get(member.id) and self.env['ir.qweb'].sudo()._render(
                'retail_crm.membership_progress', {'parts': parts[member.id]}
            )

    # === WHOSE ===#

    @api.model
    def _of_user(self, programmes):
        """Return the memberships of the user in these programmes, for the system's use: nobody else's.

        A contact of a company sees the company's membership for as long as it belongs to it.
        """
        # sudo: restricted to the user's own customer, whatever rights he has
        partner = self.env.user.partner_id.sudo().commercial_partner_id
        return self.sudo().search(
            [('partner_id', '=', partner.id), ('programme_id', 'in', programmes.ids)]
        )

    # === PROGRESS ===#

    def _progress(self):
        """Return ``{id: parts}``: for each thing to reach a title, a sentence and a bar for each threshold.

        All figures are those of ``_explain``.
        """
        facts = self._explain()
        result = {}
        for member in self:
            fact, parts = facts.get(member.id) or {}, []
            if fact.get('next_tier'):
                parts.append(member._progress_to_next(fact))
            if keep := fact.get('keep'):
                parts.append(member._progress_to_keep(fact, keep))
            result[member.id] = parts
        return result

    def _progress_to_next(self, fact):
        """Return the way to the next tier."""
        tier = fact['next_tier'].sudo().name  # sudo: a name
        values = {'tier': tier, 'missing': self._missing_words(fact)}
        if fact['reached']:
            words = self.env._('You have reached %(tier)s. It will be shown here soon.', **values)
        elif fact.get('last_day'):
            words = self.env._(
                '%(missing)s more by %(day)s to reach %(tier)s.',
                day=self._day(fact['last_day']),
                **values,
            )
        else:
            words = self.env._('%(missing)s more to reach %(tier)s.', **values)
        return {
            'name': 'next',
            'title': self.env._('On the way to %(tier)s', tier=tier),
            'words': words,
            'note': self._counted_words(fact),
            'bars': self._bars(fact),
        }

    def _progress_to_keep(self, fact, keep):
        """Return what it takes to keep the present tier."""
        values = {'tier': self.tier_id.name, 'day': self._day(keep['end'])}
        if keep['kept']:
            words = self.env._('Done: %(tier)s stays yours beyond %(day)s.', **values)
        else:
            words = self.env._(
                '%(missing)s more by %(day)s to keep %(tier)s.',
                missing=self._missing_words(keep),
                **values,
            )
        return {
            'name': 'keep',
            'title': self.env._('Keeping %(tier)s', tier=self.tier_id.name),
            'words': words,
            'note': self._counted_words({**keep, 'criteria': fact['criteria']}),
            'bars': self._bars(keep),
        }

    def _counted_words(self, fact):
        """Return since when purchases count, and whether one threshold is enough."""
        both = fact['need_amount'] and fact['need_count']
        words = [
            self.env._('Purchases since %(day)s count.', day=self._day(fact['start']))
            if fact['start']
            else self.env._('All your purchases count.')
        ]
        if both and fact['criteria'] == 'either':
            words.append(self.env._('One of the two is enough.'))
        elif both:
            words.append(self.env._('Both are needed.'))
        return ' '.join(words)

    def _bars(self, fact):
        """Return a bar for each threshold that is used: label, what there is of what is needed, percent."""
        bars = []
        if fact['need_amount']:
            bars.append(
                {
                    'label': self.env._('Amount'),
                    'have': self.currency_id.format(fact['amount']),
                    'need': self.currency_id.format(fact['need_amount']),
                    'percent': _percent(
                        fact['amount'], fact['need_amount'], fact['missing_amount']
                    ),
                }
            )
        if fact['need_count']:
            bars.append(
                {
                    'label': self.env._('Purchases'),
                    'have': fact['count'],
                    'need': fact['need_count'],
                    'percent': _percent(fact['count'], fact['need_count'], fact['missing_count']),
                }
            )
        return bars

    # === WORDS ===#

    def _portal_validity(self):
        """Return until when the tier is valid, in words."""
        self.ensure_one()
        if self.grace_until:
            return self.env._(
                'Its time is over. You can still keep it until %(day)s.',
                day=self._day(self.grace_until - timedelta(days=1)),
            )
        if self.tier_valid_until:
            return self.env._(
                'Valid until %(day)s', day=self._day(self.tier_valid_until - timedelta(days=1))
            )
        return self.env._('Valid without end')

    def _portal_history(self):
        """Return ``[(day, what happened)]``, the last first: neither names of staff nor reasons."""
        self.ensure_one()
        moves = self.env['retail.tier.move'].search(
            [('membership_id', '=', self.id)], limit=HISTORY_LIMIT
        )
        return [(format_date(self.env, move.date), self._portal_event(move)) for move in moves]

    def _portal_event(self, move):
        """Return what happened in the customer's words."""
        tier = move.to_tier_id.name or ''
        words = {
            'entry': self.env._('You became a member: %(tier)s', tier=tier),
            'upgrade': self.env._('You reached %(tier)s', tier=tier),
            'renewal': self.env._('You kept %(tier)s', tier=tier),
            'override': self.env._('We gave you %(tier)s', tier=tier),
            'merge': self.env._('Your cards were put together: %(tier)s', tier=tier),
            'leave': self.env._('You left the programme'),
        }
        return words.get(move.cause) or self.env._('Your tier is now %(tier)s', tier=tier)

    def _portal_color(self):
        """Return the colour of the tier for a page."""
        return TIER_COLORS[self.tier_id.color % len(TIER_COLORS)]

    def _barcode_src(self):
        """Return the picture of the bar code, as the source of an image."""
        self.ensure_one()
        return _barcode_image(self.number)

    # === SECTIONS ===#

    def _portal_sections(self):
        """Hook: return what else the page shows of this membership, in order: ``[{'template': xmlid, 'values': dict}]``.

        Called for the system's use, for a member who takes part. The templates also get ``membership`` and ``programme``.
        """
        self.ensure_one()
        return []


def _percent(have, need, missing):
    """Return how far it is, from 0 to 100; 100 only for what is reached."""
    if not missing:
        return 100
    return min(max(int(100 * have / need), 0), 99)
