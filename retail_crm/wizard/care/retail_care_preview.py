from markupsafe import Markup, escape

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tools import plaintext2html

from ...models.care.retail_care_rule_preview import PREVIEW_DAYS

#: Part of the judged from which a reason is a warning.
MANY = 0.8


class RetailCarePreview(models.TransientModel):
    """What a rule would do in the coming days, and what it says, before it is started (S-FUP-09).

    Opening it is what makes a rule startable: the rule remembers which definition was looked at. Nothing is sent but a
    test to the user himself, which counts nowhere.
    """

    _name = 'retail.care.preview'
    _description = 'Preview of a Care Rule'
    _rec_name = 'rule_id'

    rule_id = fields.Many2one(
        comodel_name='retail.care.rule', required=True, readonly=True, help='Rule that is shown.'
    )
    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True)
    state = fields.Selection(related='rule_id.state')
    meant_count = fields.Integer(
        string='Customers Meant',
        readonly=True,
        help='Customers of the audience whose occasion comes in the next 30 days.',
    )
    planned_count = fields.Integer(
        string='To Contact', readonly=True, help='Of these, without those left out by chance.'
    )
    held_count = fields.Integer(
        string='Control Group', readonly=True, help='Left out to see what the rule changes.'
    )
    unsampled_count = fields.Integer(
        string='Not in the Sample', readonly=True, help='Left out because of the sample.'
    )
    judged_count = fields.Integer(
        string='Looked at One by One',
        readonly=True,
        help='Channels and reasons were judged for so many and stand for all.',
    )
    figures = fields.Html(
        readonly=True,
        sanitize=False,
        help='By channel, by reason why not, and by store.',
    )
    warnings = fields.Text(
        readonly=True, help='What should be looked at before the rule is started.'
    )
    line_ids = fields.One2many(
        comodel_name='retail.care.preview.line',
        inverse_name='preview_id',
        string='First Customers',
        readonly=True,
        help='The first of them, by day.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Message To',
        help='Customer for whom the message is shown.',
    )
    subject = fields.Char(readonly=True, help='Subject of the e-mail.')
    body = fields.Html(string='E-mail', readonly=True, sanitize=False, help='Text of the e-mail.')
    text = fields.Text(
        string='Short Text',
        readonly=True,
        help='Text of short messages, letters and messages by hand.',
    )
    script = fields.Html(readonly=True, help='What to say in a call.')

    @api.model_create_multi
    def create(self, vals_list):
        previews = super().create(vals_list)
        previews._check_asker()
        return previews

    def write(self, vals):
        result = super().write(vals)
        self._check_asker()
        return result

    def _check_asker(self):
        """Refuse previews of rules and for customers that the user may not read.

        :raise AccessError: as everywhere
        """
        self.rule_id.check_access('read')
        self.partner_id.check_access('read')

    # === OPENING ===#

    @api.model
    def _open(self, rule):
        """Return the dialog with the preview of a rule, which from now on counts as previewed."""
        company = rule.company_id or self.env.company.sudo().root_id  # sudo: staff of a branch
        preview = self.create({'rule_id': rule.id, 'company_id': company.id})
        try:
            preview._fill()
        except UserError as error:  # not started: what is wrong with it is shown
            preview.warnings = str(error)
        else:
            rule._set_previewed()
        return preview._show()

    def _show(self):
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Preview'),
            'res_model': self._name,
            'res_id': self.id,
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'dialog_size': 'extra-large'},
        }

    def _fill(self):
        """Rehearse the rule and keep what came out.

        :raise UserError: for those who may not know who meets the conditions of the rule
        """
        self._check_asker()
        rule = self.rule_id
        if rule._is_audience_secret():
            raise UserError(
                self.env._(
                    'This rule asks for data that you may not see: whom it contacts is shown to those who may.'
                )
            )
        if rule.trigger == 'moment':
            # nobody knows what will happen: only the message is shown
            self.warnings = '\n'.join([self._moment_words(), *self._content_warnings()])
            return
        found = rule._preview(self.company_id)
        customers = self.env['res.partner'].search([('id', 'in', [row[0] for row in found.first])])
        self.write(
            {
                'meant_count': found.meant,
                'planned_count': found.planned,
                'held_count': found.held,
                'unsampled_count': max(found.meant - found.planned - found.held, 0),
                'judged_count': found.judged,
                'figures': self._figures(found),
                'warnings': '\n'.join([*self._warnings_of(found), *self._content_warnings()]),
                'partner_id': customers[:1].id,
                'line_ids': [
                    Command.create(
                        {
                            'partner_id': number,
                            'due_on': day,
                            'channel_id': channel,
                            'text': words,
                        }
                    )
                    for number, day, channel, _reason, words in found.first
                    if number in customers.ids
                ],
            }
        )
        if self.partner_id:
            self._render()

    def _moment_words(self):
        return self.env._(
            'This rule waits for something to happen: whom it will contact is not known before. Choose a customer to '
            'see the message.'
        )

    # === FIGURES ===#

    def _figures(self, found):
        """Return the tables by channel, reason and store."""
        labels = dict(
            self.env['retail.followup']._fields['reason']._description_selection(self.env)
        )
        # sudo: names only
        channels = self.env['retail.channel'].sudo().browse(found.by_channel)
        stores = self.env['crm.team'].sudo().browse([one for one in found.by_store if one])
        names = {store.id: store.name for store in stores}
        tables = [
            (
                self.env._('By channel'),
                [(channel.name, found.by_channel[channel.id]) for channel in channels],
            ),
            (
                self.env._('Not contacted, or later'),
                [(labels.get(reason, ''), count) for reason, count in found.by_reason.items()],
            ),
            (
                self.env._('By store'),
                [
                    (names.get(store) or self.env._('Without a store'), count)
                    for store, count in found.by_store.items()
                ],
            ),
        ]
        return Markup('<div class="row">%s</div>') % Markup().join(
            self._html_table(title, rows) for title, rows in tables if rows
        )

    def _html_table(self, title, rows):
        body = Markup().join(
            Markup('<tr><td>%s</td><td class="text-end">%s</td></tr>') % (escape(name), count)
            for name, count in sorted(rows, key=lambda row: -row[1])[:10]
        )
        return Markup(
            '<div class="col-md-4"><strong>%s</strong><table class="table table-sm">%s</table></div>'
        ) % (title, body)

    # === WARNINGS ===#

    def _warnings_of(self, found):
        """Return in words what the rehearsal says against starting the rule."""
        words = []
        if not found.meant:
            return [
                self.env._(
                    'Nobody would be contacted in the next %(days)s days.', days=PREVIEW_DAYS
                )
            ]
        judged = found.judged or 1
        labels = dict(
            self.env['retail.followup']._fields['reason']._description_selection(self.env)
        )
        for reason, count in found.by_reason.items():
            if count >= MANY * judged:
                words.append(
                    self.env._(
                        '%(percent)s %% would not be contacted: %(reason)s.',
                        percent=round(100 * count / judged),
                        reason=labels.get(reason, ''),
                    )
                )
        if found.quiet:
            words.append(
                self.env._(
                    '%(percent)s %% would wait for the end of quiet hours: choose another hour.',
                    percent=round(100 * found.quiet / judged),
                )
            )
        if found.ownerless:
            words.append(
                self.env._('Nobody is there to do it for %(count)s of them.', count=found.ownerless)
            )
        if found.judged < found.planned:
            words.append(
                self.env._(
                    'Channels and reasons were looked at for %(judged)s of %(planned)s and stand for all.',
                    judged=found.judged,
                    planned=found.planned,
                )
            )
        return words

    def _content_warnings(self):
        """Return in words what the rule lacks to be sent by the channels it may use."""
        rule = self.rule_id.sudo()  # sudo: what it is made of
        followups = self.env['retail.followup']
        possible = followups._transports()
        listed = rule.channel_line_ids.channel_id
        channels = listed if rule.channel_mode == 'listed' else followups._fallback_channels()
        transports = set(channels.mapped('transport'))
        words = []
        if not rule.template_id and not rule.text and transports - {'phone'}:
            words.append(self.env._('There is neither an e-mail template nor a text.'))
        elif (
            'email' not in transports
            and rule.template_id
            and not rule.text
            and transports - {'phone'}
        ):
            words.append(self.env._('There is no short text for the channels of the rule.'))
        if not rule.script and 'phone' in transports and rule.channel_mode == 'listed':
            words.append(self.env._('There is no script for calls.'))
        impossible = channels.filtered(lambda one: one.transport not in possible)
        if impossible:
            words.append(
                self.env._(
                    'Not possible now: %(channels)s. Install what sends by it, or leave it out.',
                    channels=', '.join(impossible.mapped('name')),
                )
            )
        return words

    # === MESSAGE ===#

    def _render(self):
        """Show the message to the chosen customer, or what is wrong with it."""
        self._check_asker()
        try:
            message = self.rule_id._preview_message(self.partner_id, self.company_id)
        except UserError as error:
            message = {'subject': '', 'body': '', 'text': str(error), 'script': ''}
        self.write(message)

    def action_render(self):
        """Show the message to the chosen customer.

        :raise UserError: when nobody is chosen
        """
        self.ensure_one()
        self.check_access('write')
        if not self.partner_id:
            raise UserError(self.env._('Choose a customer.'))
        self._render()
        return self._show()

    def action_send_test(self):
        """Send the message that is shown to the user himself; it counts nowhere, and no customer gets it.

        :raise UserError: when the user has no address, or nothing is shown
        """
        self.ensure_one()
        self.check_access('write')
        user = self.env.user
        if not user.email_normalized:
            raise UserError(self.env._('Enter your own e-mail address first.'))
        if not self.body and not self.text:
            raise UserError(self.env._('Choose a customer first: there is nothing to send yet.'))
        body = self.body or plaintext2html(self.text)
        # sudo: the queue of mails is nobody's to write; it goes to the user himself only
        mail_sudo = (
            self.env['mail.mail']
            .sudo()
            .create(
                {
                    'subject': self.env._(
                        '[Test] %(subject)s', subject=self.subject or self.rule_id.name
                    ),
                    'body_html': body,
                    'email_to': user.email_formatted,
                    'email_from': user.email_formatted,
                    'auto_delete': True,
                }
            )
        )
        mail_sudo.send()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._('Sent to %(email)s.', email=user.email_normalized),
            },
        }

    def action_start(self):
        """Start the rule as it is shown.

        :raise AccessError: for those who may not write the rule
        """
        self.ensure_one()
        if self.create_uid != self.env.user:
            raise AccessError(self.env._('Open the preview yourself.'))
        self.rule_id.action_start()
        return {'type': 'ir.actions.act_window_close'}
