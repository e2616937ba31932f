import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ._mail_door import PUBLIC_DOMAINS


class RetailMailBlock(models.Model):
    """A sender, or all of a domain, whose mails to the service addresses are held back.

    Written by staff from the quarantine ("Block Sender") and by managers. The address is kept in small letters, once.
    """

    _name = 'retail.mail.block'
    _description = 'Blocked Sender'
    _order = 'name'

    name = fields.Char(
        string='Address or Domain',
        required=True,
        help='An address (spam@example.com) or a domain (example.com). Mails from there are held, never answered.',
    )
    active = fields.Boolean(default=True)
    note = fields.Char(help='Why it was blocked.')

    _name_uniq = models.Constraint('UNIQUE(name)', 'This sender is blocked already.')

    @api.constrains('name')
    def _check_name(self):
        for block in self:
            if not re.fullmatch(r'([^\s@]+@)?[^\s@]+\.[^\s@.]+', block.name):
                raise ValidationError(
                    self.env._('%(name)s is neither an address nor a domain.', name=block.name)
                )
            if block.name in PUBLIC_DOMAINS:
                raise ValidationError(
                    self.env._(
                        'Everybody may have an address at %(name)s: block single senders there.',
                        name=block.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._normalize(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._normalize(vals))

    @api.model
    def _normalize(self, vals):
        if not vals.get('name'):
            return vals
        return {**vals, 'name': vals['name'].strip().lower().removeprefix('@')}

    @api.model
    def _block(self, names, note=False):
        """Block addresses and domains, whether or not they were blocked before; return their records."""
        names = {name.strip().lower() for name in names if name}
        known = self.with_context(active_test=False).search([('name', 'in', list(names))])
        known.active = True
        missing = sorted(names - set(known.mapped('name')))
        return known | self.create([{'name': name, 'note': note} for name in missing])
