from odoo import fields, models

from .retail_ticket import PRIORITIES


class RetailTicketReasonDispatch(models.Model):
    """Where complaints of a class go, who else is told, and what the class brings with it: an editable table.

    A sub-cause without a rule of its own follows its class (S-TKT-07).
    """

    _inherit = 'retail.ticket.reason'

    dispatch = fields.Selection(
        selection=[
            ('kind', 'Team of the kind named'),
            ('store', 'Desk of the store of purchase'),
            ('online', 'Desk of the store, hotline for on-line orders'),
            ('code', 'Team with the code named'),
        ],
        string='Dispatch Rule',
        help='How the responsible team is found when the class is chosen. Empty: as the class above says, else the '
        'team stays.',
    )
    team_code = fields.Char(
        help='Code of the team that gets complaints of this class, such as "online". Used by the rule "Team with the '
        'code named".',
    )
    priority = fields.Selection(
        selection=PRIORITIES,
        string='Priority at Least',
        default='0',
        help='Complaints of this class have at least this priority.',
    )
    about_person = fields.Boolean(
        string='May Be About a Person',
        help='When a shop guide is named, the complaint is about this person, who may then neither own nor read it; '
        'it is restricted to the complaint unit.',
    )
    opens_incident = fields.Boolean(
        help='A data incident is opened for a complaint of this class, with a clock of its own.',
    )
    told_ids = fields.One2many(
        comodel_name='retail.ticket.reason.told',
        inverse_name='reason_id',
        string='Also Told',
        help='Who is told besides the responsible team.',
    )

    def _main(self):
        """Return the class of one sub-cause, or the class itself."""
        return self.parent_id or self

    def _ruling(self):
        """Return what rules the dispatch of one class: itself when it has a rule, else the class above."""
        return self if self.dispatch else self._main()

    def _level(self):
        """Return the priority that complaints of one class have at least."""
        return max(self.priority or '0', self._main().priority or '0')

    def _find_team(self, company, store, is_online):
        """Return the team responsible for complaints of one class, or none.

        :param store: the store of purchase, or none
        :param bool is_online: whether it was bought without a store
        """
        rule, Team = self._ruling(), self.env['retail.ticket.team']
        if rule.dispatch == 'code':
            return Team._find_code(rule.team_code, company)
        if rule.dispatch == 'online' and is_online:
            return Team._find('hotline', company)
        if rule.dispatch in ('store', 'online'):
            return Team._find('desk', company, store)
        if rule.dispatch == 'kind' and rule.team_kind:
            return Team._find(rule.team_kind, company, store)
        return Team
