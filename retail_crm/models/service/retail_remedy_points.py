from odoo import models
from odoo.exceptions import UserError

from ..loyalty.retail_points_entry_post import Movement


class RetailRemedyPoints(models.Model):
    """Points are entries of the ledger with the remedy as their source; taken back by a counter entry.

    Points that were spent meanwhile stay on the account as a debt, which later points pay (docs/points.md).
    """

    _inherit = 'retail.remedy'

    def _grant_points(self):
        self.ensure_one()
        if self.points <= 0:
            raise UserError(self.env._('Say how many points the customer gets.'))
        entry = self.env['retail.points.entry']._grant(
            self._receiver(),
            self.points,
            self,
            'remedy',
            self.env._('Remedy %(number)s', number=self.name),
            # sudo: whoever gives points need not see programs
            program=self.kind_id.sudo().program_id,
        )
        if not entry:
            raise UserError(
                self.env._('There is no loyalty program that could give points. Start one first.')
            )
        worth = self._worth_of_points(entry.sudo().program_id)  # sudo: as above
        self._note_worth(worth, self._cost_at_margin(worth or self.amount))
        return entry.sudo(self.env.su)

    def _worth_of_points(self, program_sudo=None):
        """Return what the points of one remedy are worth, in the company currency."""
        # sudo: whoever gives points need not see programs
        program_sudo = (
            program_sudo
            or self.kind_id.sudo().program_id
            or self.env['retail.points.entry']._program_of(self.company_id)
        )
        if not program_sudo:
            return 0.0
        return program_sudo.currency_id._convert(
            self.points * program_sudo.retail_point_value,
            self.currency_id,
            self.company_id,
            self.company_id._retail_today(),
        )

    def _reverse_points(self):
        """Take the points back by a counter entry, and tell how many of them are owed."""
        ledger = self.env['retail.points.entry']._posting()
        known = ledger.search([('res_model', '=', self._name), ('res_id', '=', self.id)])
        given = known.filtered(lambda row: row.kind == 'earn')
        points = sum(known.mapped('points'))
        if not given or points <= 0:
            return ''
        entries = ledger._post(
            [
                Movement(
                    card=given[0].card_id,
                    kind='reverse_earn',
                    points=-points,
                    prior=known,
                    source=(self._name, self.id),
                    values={
                        'company_id': given[0].company_id,
                        'reason': 'remedy',
                        'note': self.env._('%(remedy)s was taken back', remedy=self.name),
                    },
                )
            ]
        )
        # what the lots of the card could not pay
        owed = -sum(entries.filtered(lambda row: not row.award_id).mapped('points'))
        if owed <= 0:
            return ''
        return self.env._(
            '%(points)s points were spent already: the account owes them.', points=f'{owed:g}'
        )
