from odoo import models


class ResCompanySetup(models.Model):
    """What is left to do until the service desk of a company can work."""

    _inherit = 'res.company'

    def _retail_service_missing(self):
        """Hook: return in words what one company has not set up yet, most important first; empty: all is there."""
        self.ensure_one()
        # sudo: managers are told what is missing, also what they may not change themselves
        teams = self.env['retail.ticket.team'].sudo().search([('company_id', 'parent_of', self.id)])
        missing = [
            text
            for text, is_missing in (
                (
                    self.env._('No team has an e-mail address: mails become no tickets.'),
                    not any(team.alias_email for team in teams),
                ),
                (
                    self.env._('Nobody is in a team: tickets are assigned to nobody.'),
                    not teams.member_ids,
                ),
                (
                    self.env._('There is no complaint unit: nobody sees restricted complaints.'),
                    'complaint' not in teams.mapped('kind'),
                ),
            )
            if is_missing
        ]
        leaderless = teams.filtered(lambda team: team.member_ids and not team.user_id)
        if leaderless:
            missing.append(
                self.env._(
                    'Teams without leader, so nobody is told what is late: %(teams)s',
                    teams=', '.join(leaderless.mapped('name')),
                )
            )
        stores = (
            self.env['retail.ticket.team']
            .with_context(allowed_company_ids=self.ids)
            ._stores_without_desk()
        )
        if stores:
            missing.append(
                self.env._(
                    'Stores without a desk of their own, whose requests go to the common one: %(stores)s',
                    stores=', '.join(stores.mapped('name')),
                )
            )
        types = self.env['retail.ticket.type'].search([('is_complete', '=', False)])
        if types:
            missing.append(
                self.env._(
                    'Types that are not complete: %(types)s', types=', '.join(types.mapped('name'))
                )
            )
        return missing

    def _retail_service_settings(self):
        """Hook: return the names of the settings of the service desk that a shop may set to their shipped values."""
        return [
            'retail_reopen_days',
            'retail_file_days',
            'retail_file_silent_days',
            'retail_recurrence_days',
            'retail_call_back_days',
            'retail_incident_hours',
            'retail_remind_days',
            'retail_remind_again_days',
            'retail_give_up_days',
            'retail_silent_factor',
            'retail_failure_percent',
            'retail_ticket_cost',
            'retail_mail_new_customer',
            'retail_mail_acknowledge',
            'retail_mail_limit_minutes',
            'retail_mail_limit_sender',
            'retail_mail_limit_domain',
            'retail_mail_limit_body',
            'retail_mail_limit_reopens',
            'retail_quarantine_days',
            'retail_keep_years',
            'retail_link_days',
            'retail_portal_hourly',
        ]

    def _retail_reset_service(self):
        """Set the settings of the service desk to their shipped values."""
        names = self._retail_service_settings()
        defaults = {name: self._fields[name].default for name in names}
        self.write(
            {name: default(self) if default else False for name, default in defaults.items()}
        )
