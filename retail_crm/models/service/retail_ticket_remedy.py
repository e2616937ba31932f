from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .retail_remedy import STATES
from .retail_ticket_flow import DONE_CATEGORIES

#: Where the remedies of a ticket stand, the most urgent first; the others are over.
STANDING = ('failed', 'waiting', 'approved', 'draft', 'granted')
#: What has to be carried out or dropped before a ticket is solved.
UNDONE = ('failed', 'waiting', 'approved')
#: What was offered and is not carried out.
PROMISED = (*UNDONE, 'draft')


class RetailTicketRemedy(models.Model):
    """What the customer gets in a ticket, and how far it is: proposed, approved, carried out (S-TKT-09, S-TKT-16).

    ``remedy_state`` is kept by the remedies, so that moving tickets reads none of them. A complaint needs a proposed
    solution before it is carried out: a remedy, or the words why there is none. Invariant: no ticket is solved while a
    remedy of it waits, failed or was not carried out.
    """

    _inherit = 'retail.ticket'

    remedy_ids = fields.One2many(
        comodel_name='retail.remedy',
        inverse_name='ticket_id',
        string='Remedies',
        copy=False,
        help='What the customer is offered and gets.',
    )
    remedy_state = fields.Selection(
        selection=[state for state in STATES if state[0] in STANDING],
        string='State of the Remedies',
        readonly=True,
        copy=False,
        help='Where the remedies stand; the most urgent of them.',
    )
    remedy_text = fields.Char(
        string='About the Remedies',
        compute='_compute_remedy_text',
        help='Who has to approve what, and until when; or why something could not be carried out.',
    )

    remedy_words = fields.Html(
        string='Granted Last',
        compute='_compute_remedy_words',
        help='What the customer got and was told of last, in his words. For messages to him.',
    )

    @api.depends('remedy_state')
    @api.depends_context('uid', 'lang', 'tz')
    def _compute_remedy_text(self):
        self.remedy_text = False
        for ticket in self.filtered(lambda one: one.remedy_state in ('waiting', 'failed')):
            # sudo: the words of remedies of a ticket that the user reads
            remedies = ticket.sudo().remedy_ids.filtered(
                lambda remedy, state=ticket.remedy_state: remedy.state == state
            )
            ticket.remedy_text = '; '.join(remedy._words_of_state() for remedy in remedies)

    # === KEEPING ===#

    def _remedies_changed(self):
        """Note where the remedies of tickets stand, and what they are worth."""
        rows = (
            self.env['retail.remedy']
            .sudo()
            ._read_group([('ticket_id', 'in', self.ids)], ['ticket_id', 'state'], ['amount:sum'])
        )
        states = {}
        for ticket, state, amount in rows:
            states.setdefault(ticket.id, {})[state] = amount
        for ticket_sudo in self.sudo():  # sudo: columns of the system
            mine = states.get(ticket_sudo.id, {})
            state = next((one for one in STANDING if one in mine), False)
            if ticket_sudo.remedy_state != state:
                ticket_sudo._stamp({'remedy_state': state})
            given = mine.get('granted', 0.0)
            if {'granted', 'reversed'} & set(mine) and ticket_sudo.solution_amount != given:
                ticket_sudo.write({'solution_amount': given})

    # === MERGING ===#

    def _merge_move(self, sources, apart):
        moved = super()._merge_move(sources, apart)
        if 'retail.remedy' in moved:
            (self | sources)._remedies_changed()
        return moved

    def _merge_seal(self, sources):
        """Whoever is to approve a remedy may have become somebody who does not read the ticket any more."""
        result = super()._merge_seal(sources)
        for remedy in self.remedy_ids.filtered(lambda one: one.state == 'waiting'):
            if remedy.approver_id and not remedy._may_be_asked(remedy.approver_id):
                remedy._ask_approver()
        return result

    def _merge_undone(self):
        """What was decided about a remedy in the meantime goes back with it."""
        result = super()._merge_undone()
        self._remedies_changed()
        return result

    # === STEPS ===#

    def _missing_opinion(self, value):
        """A remedy is a proposed solution, too; what waits for approval is not carried out."""
        if self.remedy_state == 'waiting':
            return self.env._(
                'a remedy waits for approval. Wait, or offer what is within your authority.'
            )
        if self.remedy_state and self.remedy_state != 'draft' and not value('solution'):
            self._stamp({'solution': self._solution_of_remedies()})
        return super()._missing_opinion(value)

    def _solution_of_remedies(self):
        """Return what is offered in one ticket, as the text of the solution."""
        # sudo: words of remedies of a ticket that the user writes
        remedies = self.sudo().remedy_ids.filtered(lambda remedy: remedy.state in STANDING)
        return '\n'.join(
            ' - '.join(filter(None, (remedy._words(), remedy.description))) for remedy in remedies
        )

    def _check_stage_move(self, stage, vals):
        result = super()._check_stage_move(stage, vals)
        is_over = stage.category in DONE_CATEGORIES
        for ticket in self.filtered(lambda one: is_over and one.remedy_state in UNDONE):
            if ticket.category not in DONE_CATEGORIES:
                raise UserError(
                    self.env._(
                        '%(ticket)s has a remedy that is not carried out: %(state)s. Carry it out, or drop it.',
                        ticket=ticket.display_name,
                        state=dict(self._fields['remedy_state']._description_selection(self.env))[
                            ticket.remedy_state
                        ],
                    )
                )
        return result

    def _on_stage_moved(self, before):
        """With a cancelled ticket goes what was offered and not carried out, but for goods that come back."""
        result = super()._on_stage_moved(before)
        cancelled = self.filtered(
            lambda ticket: ticket.category == 'cancelled' and ticket.remedy_state in PROMISED
        )
        if cancelled:
            # sudo: follows from a move that was permitted
            remedies_sudo = cancelled.sudo().remedy_ids
            remedies_sudo -= cancelled.sudo().return_ids.remedy_id
            remedies_sudo._cancel()
        return result

    def _step_reached(self, before):
        """The step that carries out grants what was approved, when the customer accepts."""
        result = super()._step_reached(before)
        ready = self.filtered(
            lambda ticket: (
                ticket.remedy_state in ('approved', 'failed')
                and ticket.stage_id._step() == 'execute'
                and ticket.customer_opinion == 'accepts'
            )
        )
        ready.remedy_ids.filtered(lambda remedy: remedy.state in ('approved', 'failed'))._grant()
        return result

    # === TELLING ===#

    @api.depends('remedy_ids.told_at')
    @api.depends_context('lang')
    def _compute_remedy_words(self):
        for ticket in self:
            # sudo: the customer reads no remedies, only what he got
            remedies = ticket.sudo().remedy_ids
            told = ticket._merge_own(remedies).filtered(
                lambda remedy: remedy.told_at and remedy.state == 'granted'
            )
            last = max(told.mapped('told_at'), default=None)
            now_told = told.filtered(lambda remedy, last=last: remedy.told_at == last)
            ticket.remedy_words = Markup('<ul>%s</ul>') % Markup().join(
                Markup('<li>%s</li>') % words for words in now_told._portal_words()
            )

    @api.model
    def _cron_tell(self):
        """Customers are told what they got, too."""
        result = super()._cron_tell()
        self.env['retail.remedy']._tell_granted()
        return result

    def _portal_remedies(self):
        """Return what the customer of one ticket got, in his words."""
        self.ensure_one()
        # sudo: the customer reads no remedies, only what he got
        return (
            self._merge_own(self.sudo().remedy_ids)
            .filtered(lambda remedy: remedy.state == 'granted')
            .sorted(lambda remedy: (remedy.granted_at, remedy.id))
            ._portal_words()
        )

    def _forget(self, keep_customer=True):
        """What is said of remedies is forgotten with the rest; amounts and dates stay for the figures."""
        result = super()._forget(keep_customer)
        # sudo: the system's work; the callers checked rights
        remedies_sudo = self.sudo().remedy_ids
        if remedies_sudo:
            messages = SQL("model = 'retail.remedy' AND res_id = ANY(%s)", remedies_sudo.ids)
            remedies_sudo.env['res.partner']._retail_empty_messages(messages)
            texts = ('description', 'decision_note', 'reversal_note', 'error')
            values = dict.fromkeys(texts, False)
            if not keep_customer:
                values['partner_id'] = False
            remedies_sudo.with_context(tracking_disable=True).write(values)
        return result

    # === ACTIONS ===#

    def action_offer_remedy(self):
        """Open the dialog that offers a solution."""
        self.ensure_one()
        self.check_access('write')
        return {
            **self._action_dialog('retail.remedy.offer', self.env._('Offer a Solution')),
            'context': {'default_ticket_id': self.id, 'dialog_size': 'large'},
        }

    def action_carry_out(self):
        """Carry out what was approved in these tickets, or try again what failed."""
        self.check_access('write')
        # sudo: checked; nobody writes remedies but by their methods
        ready = self.sudo().remedy_ids.filtered(
            lambda remedy: remedy.state in ('approved', 'failed')
        )
        ready._grant()
