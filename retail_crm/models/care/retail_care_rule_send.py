from odoo import api, fields, models


class RetailCareRuleSend(models.Model):
    """What will keep the follow-ups of a rule from leaving as it was meant, in words for who writes it (S-MKT-03)."""

    _inherit = 'retail.care.rule'

    send_warning = fields.Char(
        compute='_compute_send_warning',
        help='What is missing or stands against it: words, possible channels, quiet hours.',
    )

    @api.depends(
        'hour', 'channel_mode', 'channel_line_ids.channel_id', 'template_id', 'text', 'company_id'
    )
    def _compute_send_warning(self):
        possible = self.env['retail.followup']._transports()
        fallback = self.env['retail.followup']._fallback_channels()
        for rule in self:
            listed = rule.channel_mode == 'listed'
            # sudo: labels
            channels = (rule.channel_line_ids.channel_id if listed else fallback).sudo()
            usable = channels.filtered(lambda channel: channel.transport in possible)
            words = [rule._warn_of_channels(channels, usable), rule._warn_of_hours(usable)]
            if (
                usable.filtered(lambda channel: channel.transport not in ('phone', 'manual'))
                and not rule.template_id
                and not rule.text
            ):
                words.append(self.env._('There is neither a template nor a text to send.'))
            rule.send_warning = ' '.join(filter(None, words)) or False

    def _warn_of_channels(self, channels, usable):
        """Return what is to say about channels that cannot be used; of fallbacks only when none is left."""
        lost = channels - usable
        if self.channel_mode == 'listed' and lost:
            return self.env._(
                'Nothing can be sent by %(channels)s yet: the next channel is taken.',
                channels=', '.join(lost.mapped('name')),
            )
        return '' if usable else self.env._('There is no channel on which it could leave.')

    def _warn_of_hours(self, usable):
        """Return what is to say when the hour of the rule lies in the quiet hours of what it sends."""
        # sudo: settings of the company
        company_sudo = (self.company_id or self.env.company).sudo()
        kinds = {'call' if one.transport == 'phone' else 'message' for one in usable}
        for kind in sorted(kinds):
            first = company_sudo[f'retail_care_{kind}_from']
            last = company_sudo[f'retail_care_{kind}_to']
            if not first <= self.hour < last:
                return self.env._(
                    'The hour lies in the quiet hours: what is due waits until customers may be disturbed.'
                )
        return ''
