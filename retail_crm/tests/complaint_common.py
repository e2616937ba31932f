"""What the tests of complaints start from."""

from unittest.mock import patch

from odoo.fields import Command

from odoo.addons.retail_crm.tests.common import RetailCrmCommon


class ComplaintCommon(RetailCrmCommon):
    """A store with a desk, two teams with leaders, and short ways to make and move complaints."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ref = cls.env.ref
        cls.tickets = cls.env['retail.ticket']
        cls.complaint = ref('retail_crm.retail_ticket_type_complaint')
        cls.enquiry = ref('retail_crm.retail_ticket_type_enquiry')
        cls.unit = ref('retail_crm.retail_ticket_team_complaint')
        cls.online = ref('retail_crm.retail_ticket_team_online')
        cls.hotline = ref('retail_crm.retail_ticket_team_hotline')
        (cls.unit + cls.online + cls.hotline).write({'company_id': cls.company.id})
        cls.store = cls.env['crm.team'].create(
            {'name': 'Store', 'retail_is_store': True, 'user_id': cls.users['lead'].id}
        )
        cls.desk = cls.env['retail.ticket.team'].create(
            {
                'name': 'Desk of the store',
                'kind': 'desk',
                'store_id': cls.store.id,
                'company_id': cls.company.id,
            }
        )
        # who works elsewhere in demo data is not told of these complaints
        leaders = ref('retail_crm.retail_ticket_team_quality') + ref(
            'retail_crm.retail_ticket_team_finance'
        )
        leaders.write({'user_id': cls.users['manager'].id, 'company_id': cls.company.id})
        cls.defect = ref('retail_crm.retail_ticket_cause_defect')
        cls.broken_word = cls.env['retail.ticket.dissatisfaction'].search([], limit=1)

    @classmethod
    def _reason(cls, code):
        return cls.env['retail.ticket.reason'].search([('code', '=', code)])

    @classmethod
    def _complain(cls, code='product_function', **values):
        """Return a new complaint of a class (or none)."""
        return cls.tickets.create(
            {
                'subject': 'Broken',
                'type_id': cls.complaint.id,
                'partner_id': cls.bob.id,
                'reason_id': cls._reason(code).id if code else False,
                **values,
            }
        )

    @classmethod
    def _answers(cls, **values):
        """Return everything that the steps ask for."""
        return {
            'verdict': 'justified',
            'solution': 'Exchange',
            'customer_opinion': 'accepts',
            'cause_id': cls.defect.id,
            'dissatisfaction_id': cls.broken_word.id,
            'result': 'Exchanged',
            **values,
        }

    @classmethod
    def _solved(cls, code='product_function', **values):
        ticket = cls._complain(code, **values)
        ticket._complete_steps('feedback', cls._answers())
        return ticket

    @classmethod
    def _go(cls, ticket, step, **values):
        """Move tickets to the stage of a step."""
        stage = cls.complaint.stage_ids.filtered(lambda stage: stage.step == step)
        ticket.write({'stage_id': stage.id, **values})

    @classmethod
    def _staff(cls, login, group='retail_crm.group_user'):
        return cls._create_users(**{login: group})[login]

    @classmethod
    def _join(cls, user, team):
        team.member_ids = [Command.create({'user_id': user.id})]

    def _run_cron(self, method):
        """Run the method of a scheduled action without its commits."""
        with patch.object(self.env.registry['ir.cron'], '_commit_progress', return_value=0):
            method()
