from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailTicketRecord(models.Model):
    """What may be added to a ticket that went wrong or well: dispute, public review, promises, lesson."""

    _inherit = 'retail.ticket'

    is_dispute = fields.Boolean(
        string='Dispute', tracking=True, copy=False, help='Not agreed by both sides (S-TKT-40).'
    )
    dispute_instance = fields.Char(
        string='Next Instance',
        copy=False,
        tracking=True,
        help='Who decides next: consumer association, mediation, court.',
    )
    dispute_result = fields.Text(copy=False, tracking=True, help='What was decided.')
    dispute_date = fields.Date(
        string='Decided On', copy=False, tracking=True, help='When it was decided, or will be.'
    )
    is_dispute_open = fields.Boolean(
        string='Undecided Dispute',
        compute='_compute_is_dispute_open',
        store=True,
        precompute=True,
        help='A dispute without a result. It is not filed by itself.',
    )
    review_url = fields.Char(
        string='Public Review',
        copy=False,
        tracking=True,
        help='Address of the review that the customer published. The ticket gets a higher priority.',
    )
    review_rating = fields.Float(
        string='Stars',
        digits=(2, 1),
        aggregator='avg',
        copy=False,
        help='Rating given in public, 0 to 5.',
    )
    review_views = fields.Integer(
        string='Views', aggregator='max', copy=False, help='How many have seen the review.'
    )
    review_answered_on = fields.Date(
        string='Answered in Public', copy=False, help='When we answered the review. Empty: not yet.'
    )
    review_state = fields.Selection(
        selection=[('open', 'Not answered'), ('answered', 'Answered')],
        string='Review',
        compute='_compute_review_state',
        store=True,
        precompute=True,
        help='Whether the public review was answered.',
    )
    promise_ids = fields.One2many(
        comodel_name='retail.ticket.promise',
        inverse_name='ticket_id',
        string='Promises',
        help='What the customer was promised, until when.',
    )
    case_kind = fields.Selection(
        selection=[('success', 'Success'), ('failure', 'Failure')],
        string='Case',
        copy=False,
        tracking=True,
        index='btree_not_null',
        help='Kept as an example to learn from: what went well, or what went wrong.',
    )
    lesson = fields.Text(
        copy=False, help='What is to be learnt from it. Read by all staff in the case library.'
    )

    _check_review_rating = models.Constraint(
        'CHECK(review_rating >= 0 AND review_rating <= 5)', 'Stars go from 0 to 5.'
    )
    _check_amounts = models.Constraint(
        'CHECK(claim_amount >= 0 AND solution_amount >= 0 AND review_views >= 0)',
        'Claims, values and views cannot be negative.',
    )

    @api.depends('is_dispute', 'dispute_result')
    def _compute_is_dispute_open(self):
        for ticket in self:
            ticket.is_dispute_open = ticket.is_dispute and not ticket.dispute_result

    @api.depends('review_url', 'review_answered_on')
    def _compute_review_state(self):
        for ticket in self:
            answered = 'answered' if ticket.review_answered_on else 'open'
            ticket.review_state = ticket.review_url and answered

    def _check_case(self, vals):
        """Only what is over can be a case, and a case has a lesson (S-TKT-34, S-STF-14)."""
        if vals.get('case_kind'):
            cases = self
        elif 'lesson' in vals and not vals['lesson'] and 'case_kind' not in vals:
            cases = self.filtered('case_kind')
        else:
            return
        for ticket in cases:
            if ticket.category not in ('solved', 'archived') and 'stage_id' not in vals:
                raise UserError(
                    self.env._(
                        '%(ticket)s is not solved yet: a case is learnt from when it is over.',
                        ticket=ticket.display_name,
                    )
                )
            if not (vals['lesson'] if 'lesson' in vals else ticket.lesson):
                raise UserError(
                    self.env._(
                        'Write the lesson of %(ticket)s: what others learn from it.',
                        ticket=ticket.display_name,
                    )
                )
