from odoo import fields, models

#: What a try to reach somebody may end with.
ATTEMPT_RESULTS = [
    ('reached', 'Reached'),
    ('message', 'Message sent'),
    ('not_reached', 'Not reached'),
    ('refused', 'Wants no such contacts'),
    ('wrong_address', 'Wrong number or address'),
    ('failed', 'Could not be sent'),
]


class RetailFollowupAttempt(models.Model):
    """One try to reach a customer by a follow-up: when, how, by whom, and what came of it.

    Written by the follow-up only (``_log_attempts``, sending), append-only: how often somebody was tried, and on which
    channels, is read from here.
    """

    _name = 'retail.followup.attempt'
    _description = 'Attempt to Reach a Customer'
    _order = 'date desc, id desc'
    _rec_name = 'result'

    followup_id = fields.Many2one(
        comodel_name='retail.followup',
        string='Follow-up',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        help='Follow-up by which the customer was to be reached.',
    )
    date = fields.Datetime(
        required=True, readonly=True, default=fields.Datetime.now, help='When it was tried.'
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel', readonly=True, ondelete='restrict', help='How it was tried.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Employee',
        readonly=True,
        ondelete='restrict',
        help='Who tried. Empty: the system did.',
    )
    result = fields.Selection(
        selection=ATTEMPT_RESULTS, required=True, readonly=True, help='What came of it.'
    )
    note = fields.Char(readonly=True, help='What there is to say about it.')
