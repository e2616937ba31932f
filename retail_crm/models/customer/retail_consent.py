from typing import NamedTuple

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .retail_consent_text import PURPOSES

#: Purposes for which consent is asked channel by channel.
CHANNEL_PURPOSES = ('service', 'marketing')


class Answer(NamedTuple):
    """What a form shows as the answer to one question."""

    #: the decision in force, maybe none
    row: models.BaseModel
    #: True, False, or None: not answered
    choice: bool | None
    #: whether the customer agreed to an earlier text than the one that is asked now
    is_outdated: bool
    #: differs as soon as another decision comes into force or another text is asked
    mark: str


class RetailConsent(models.Model):
    """What a customer agreed to or refused, for one purpose and one channel, in one company. Append-only.

    Rows are written by ``_record`` only and never change, but for ``is_current``, which tells the last row of its
    (customer, company, purpose, channel): the database holds one of each. Withdrawal is a further row. Notes of
    customers who are anonymised are emptied.
    """

    _name = 'retail.consent'
    _description = 'Consent'
    _order = 'date desc, id desc'
    _rec_name = 'purpose'

    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        help='Main company to which the consent was given; it holds for its branches.',
    )
    purpose = fields.Selection(
        selection=PURPOSES,
        required=True,
        readonly=True,
        help='Service: contacts about what was bought. Marketing: offers. Profiling: segments and scores for marketing.',
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        readonly=True,
        ondelete='restrict',
        help='On which channel; profiling has none.',
    )
    state = fields.Selection(
        selection=[('granted', 'Granted'), ('withdrawn', 'Withdrawn')],
        required=True,
        readonly=True,
    )
    date = fields.Datetime(
        required=True, readonly=True, default=fields.Datetime.now, help='When the customer decided.'
    )
    source = fields.Selection(
        selection=[
            ('shop', 'In the shop'),
            ('portal', 'Customer portal'),
            ('phone', 'On the telephone'),
            ('paper', 'On paper'),
            ('message', 'By message'),
            ('import', 'Import'),
            ('other', 'Other'),
        ],
        required=True,
        readonly=True,
        default='shop',
        help='Where the customer decided.',
    )
    text_id = fields.Many2one(
        comodel_name='retail.consent.text',
        string='Text Version',
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
        help='What the customer read before deciding.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Recorded By',
        readonly=True,
        default=lambda self: self.env.user,
        help='Who recorded it; for the portal the customer himself.',
    )
    note = fields.Char(readonly=True, help='How the decision came to us, for example a letter.')
    is_current = fields.Boolean(
        string='In Force', readonly=True, help='The last decision of its purpose and channel.'
    )

    _current_uniq = models.UniqueIndex(
        '(partner_id, company_id, purpose, COALESCE(channel_id, 0)) WHERE is_current IS TRUE',
        'Only one decision is in force.',
    )
    _state_idx = models.Index('(company_id, purpose, state, partner_id) WHERE is_current IS TRUE')
    _check_text = models.Constraint(
        "CHECK(state != 'granted' OR text_id IS NOT NULL)",
        'A consent needs the text to which the customer agreed.',
    )

    # === RECORDING ===#

    @api.model
    def _record(self, partner, decisions, source, company=None, note=False, date=None):
        """Write down decisions of a customer; those that are in force already are left out.

        A decision that was taken before the one in force (paper entered late) is kept without coming into force.
        Of two decisions at the same time none is lost: the later transaction is repeated and sees the earlier.

        :param partner: one contact
        :param decisions: ``{(purpose, channel or empty recordset): whether granted}``
        :param source: one of the field's keys
        :return: the new rows
        :raise UserError: when something is granted for which there is no text, or on a missing channel
        :raise ConcurrencyError: for Odoo to repeat the request
        """
        partner.ensure_one()
        root = (
            (company or self.env.company).sudo().root_id
        )  # sudo: staff of a branch may not see its company
        date = date or fields.Datetime.now()
        texts = self._texts_of({purpose for purpose, _channel in decisions}, root)
        current = self._in_force(partner, root)
        rows, replaced = [], current.browse()
        # always in one order: two transactions wait for each other's keys instead of ending in a deadlock
        for (purpose, channel), granted in sorted(
            decisions.items(), key=lambda item: (item[0][0], item[0][1].id or 0)
        ):
            self._check_decision(purpose, channel, granted, texts)
            state = 'granted' if granted else 'withdrawn'
            known = current.filtered(
                lambda row, key=(purpose, channel.id): (row.purpose, row.channel_id.id) == key
            )
            if known.state == state and (not granted or known.text_id == texts[purpose]):
                continue
            is_current = not known or known.date <= date
            replaced |= known if is_current else known.browse()
            rows.append(
                {
                    'partner_id': partner.id,
                    'company_id': root.id,
                    'purpose': purpose,
                    'channel_id': channel.id,
                    'state': state,
                    'date': date,
                    'source': source,
                    'text_id': texts[purpose].id,
                    'user_id': self.env.uid,
                    'note': note,
                    'is_current': is_current,
                }
            )
        consents = self._insert(rows, replaced)
        self.env['retail.moment']._emit('consent_changed', consents)
        return consents

    @api.model
    def _texts_of(self, purposes, company):
        """Return ``{purpose: its text in force in a company, maybe none}``."""
        Text = self.env['retail.consent.text']
        return {purpose: Text._current(purpose, company) for purpose in purposes}

    @api.model
    def _in_force(self, partner, company=None):
        """Return the decisions of a contact that are in force in a company (default: the current one)."""
        root = (company or self.env.company).sudo().root_id
        # sudo: whoever asks (portal, staff) is decided by the caller, who asks about one contact
        return self.sudo().search(
            [
                ('partner_id', '=', partner.id),
                ('company_id', '=', root.id),
                ('is_current', '=', True),
            ]
        )

    def _check_decision(self, purpose, channel, granted, texts):
        """Refuse what nobody can decide.

        :raise UserError: naming what is missing
        """
        if (purpose in CHANNEL_PURPOSES) != bool(channel):
            raise UserError(
                self.env._('Service and marketing are agreed to by channel, profiling at all.')
            )
        if granted and not texts[purpose]:
            raise UserError(
                self.env._(
                    'There is no text yet to which the customer could agree. '
                    'Write one under Configuration > Consent Texts.'
                )
            )

    def _insert(self, rows, replaced):
        """Create rows after taking those that they replace out of force.

        :raise ConcurrencyError: when somebody else recorded the same decision since this transaction began
        """
        replaced._replace()
        try:
            # sudo: whoever may record decisions is decided by the caller; rows are nobody's to write otherwise
            return self.sudo().create(rows)
        except UniqueViolation as error:
            # Odoo repeats a request on this error only: the next attempt sees the other decision and replaces it.
            raise ConcurrencyError(str(error)) from error

    def _replace(self):
        """Take rows out of force; the only change that a row ever sees."""
        if not self:
            return
        self.flush_recordset()
        self.env.cr.execute(
            SQL('UPDATE retail_consent SET is_current = false WHERE id = ANY(%s)', self.ids)
        )
        self.invalidate_recordset(['is_current'])

    def write(self, vals):
        """Refuse: decisions are never rewritten.

        :raise AccessError: for those who may not, which is everybody
        :raise UserError: for everybody else, the system itself included
        """
        self.check_access('write')
        if vals:
            raise UserError(self.env._('A consent is never changed: record a new decision.'))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        raise UserError(self.env._('Consents are evidence and cannot be deleted.'))

    # === ASKING ===#

    @api.model
    def _consent_channels(self):
        """Return the channels on which consent is asked, in their order."""
        # sudo: customers read which channels they are asked about
        return self.env['retail.channel'].sudo().search(self._domain_of_channels())

    @api.model
    def _domain_of_channels(self):
        """Hook: return the domain of the channels on which we reach customers of our own accord.

        Those by which a message leaves (e-mail, SMS, telephone, letter), and others that are used as a fallback,
        such as WeChat by hand. Not the counter, where the customer comes to us.
        """
        reaching = Domain('transport', 'in', ('email', 'sms', 'phone', 'letter'))
        return reaching | (Domain('transport', '!=', 'none') & Domain('fallback_sequence', '>', 0))

    @api.model
    def _questions(self):
        """Return what a customer is asked, in order: ``[(purpose, channel or empty recordset)]``."""
        channels = self._consent_channels()
        return [
            (purpose, channel)
            for purpose, _label in PURPOSES
            for channel in (channels if purpose in CHANNEL_PURPOSES else [channels.browse()])
        ]

    @api.model
    def _answers(self, partner, company=None):
        """Return what a form shows to a contact: ``{(purpose, channel or empty recordset): Answer}``.

        An agreement to an earlier text is no answer to the present one. Forms post the mark back: what has changed
        since they were shown is shown again, and never recorded as if the customer had seen it.
        """
        root = (company or self.env.company).sudo().root_id  # sudo: as in _in_force
        asked = self._questions()
        texts = self._texts_of({purpose for purpose, _channel in asked}, root)
        rows = {(row.purpose, row.channel_id.id): row for row in self._in_force(partner, root)}
        answers = {}
        for purpose, channel in asked:
            row, text = rows.get((purpose, channel.id), self.browse()), texts[purpose]
            is_outdated = row.state == 'granted' and row.text_id != text
            choice = row.state == 'granted' if row and not is_outdated else None
            answers[purpose, channel] = Answer(
                row, choice, is_outdated, f'{row.id or 0}-{text.id or 0}'
            )
        return answers

    @api.model
    def _allowed(self, partners, purpose, channel=None, company=None):
        """Return those of the contacts whom we may contact for a purpose (on a channel), in one query.

        Marketing and profiling need a consent. Service needs one too where the company says so (setting); else it
        is allowed unless refused. Without a channel: those who can be reached for the purpose on any channel.
        """
        root = (company or self.env.company).sudo().root_id  # sudo: a setting of the main company
        refused_only = purpose == 'service' and not root.retail_service_consent
        domain = [
            ('partner_id', 'in', partners.ids),
            ('company_id', '=', root.id),
            ('purpose', '=', purpose),
            ('is_current', '=', True),
            ('state', '=', 'withdrawn' if refused_only else 'granted'),
        ]
        least = 1
        if channel:
            domain.append(('channel_id', '=', channel.id))
        elif refused_only:
            channels = self._consent_channels()
            domain.append(('channel_id', 'in', channels.ids))
            least = len(channels)  # who refused one channel can be reached on another
        # sudo: whoever contacts customers must know whom not to, without reading the evidence
        rows = self.sudo()._read_group(domain, ['partner_id'], ['__count'])
        found = {partner.id for partner, count in rows if count >= least}
        return partners.filtered(lambda partner: (partner.id in found) != refused_only)

    @api.model
    def _merge_partners(self, src_partners, dst_partner):
        """Keep all decisions of merged contacts; of each purpose and channel the last one is in force."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """
                WITH ranked AS (
                    SELECT id, row_number() OVER (
                               PARTITION BY company_id, purpose, COALESCE(channel_id, 0)
                               ORDER BY date DESC, state = 'withdrawn' DESC, id DESC) AS place
                      FROM retail_consent
                     WHERE partner_id = ANY(%s) AND is_current)
                UPDATE retail_consent SET is_current = false
                  FROM ranked
                 WHERE ranked.id = retail_consent.id AND ranked.place > 1
                """,
                (src_partners | dst_partner).ids,
            )
        )
        self.env.cr.execute(
            SQL(
                'UPDATE retail_consent SET partner_id = %s WHERE partner_id = ANY(%s)',
                dst_partner.id,
                src_partners.ids,
            )
        )
        self.invalidate_model()
