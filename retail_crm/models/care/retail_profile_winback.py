from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..customer.res_partner_file import FILE_GROUPS

#: Days in which nobody is asked twice to come back.
ASKED_DAYS = 180
#: Follow-ups that are planned at once.
MAX_PLANNED = 500
OPEN_STATES = ('planned', 'todo', 'failed')


class RetailProfileWinback(models.Model):
    """Worklists against churn: who is worth winning back, why customers left, and follow-ups for those chosen.

    Worth it is a customer who lapsed or is lost, had two purchases or more that earned something, did not name a reason
    without return, and was not asked in the last half year (S-CLV-03).
    """

    _inherit = 'retail.profile'

    lost_reason_id = fields.Many2one(
        comodel_name='retail.lost.reason',
        string='Why He Left',
        compute='_compute_lost_reason_id',
        search='_search_lost_reason_id',
        help='What the customer said when he was asked last.',
    )
    is_winback = fields.Boolean(
        string='Worth Winning Back',
        compute='_compute_is_winback',
        search='_search_is_winback',
        help='Lapsed or lost after two purchases or more that earned something, not asked in the last 180 days, no reason '
        'without return.',
    )

    # === COMPUTE ===#

    @api.depends('partner_id', 'company_id')
    def _compute_lost_reason_id(self):
        found = {row[0]: row[1] for row in self._asked_reasons()}
        for profile in self:
            profile.lost_reason_id = found.get(profile.id, False)

    def _asked_reasons(self):
        """Return ``[(profile id, reason id, day)]`` of those who were asked, in one query."""
        if not self.ids:
            return []
        self.env['retail.followup'].flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT profile.id, asked.reason_id, asked.day
                  FROM retail_profile AS profile CROSS JOIN LATERAL (%s) AS asked
                 WHERE profile.id = ANY(%s)
                """,
                self._sql_asked(),
                self.ids,
            )
        )

    @api.model
    def _sql_asked(self):
        """Return the SELECT ``(reason_id, day)`` of what the customer ``profile`` said last."""
        return SQL(
            """
            SELECT followup.lost_reason_id AS reason_id, followup.lost_reason_on AS day
              FROM retail_followup AS followup
             WHERE followup.commercial_partner_id = profile.partner_id AND followup.company_id = profile.company_id
               AND followup.lost_reason_id IS NOT NULL
             ORDER BY followup.lost_reason_on DESC NULLS LAST, followup.id DESC
             LIMIT 1
            """
        )

    def _search_lost_reason_id(self, operator, value):
        if operator != 'in':
            return NotImplemented
        ids = [number for number in value if number]

        def to_sql(_model, alias, _query):
            self.env['retail.followup'].flush_model()
            asked = SQL(
                """SELECT profile.id FROM retail_profile AS profile
                    CROSS JOIN LATERAL (%s) AS asked
                    WHERE profile.partner_id IN (
                          SELECT commercial_partner_id FROM retail_followup WHERE lost_reason_id IS NOT NULL)
                      AND %s""",
                self._sql_asked(),
                SQL('asked.reason_id = ANY(%s)', ids) if ids else SQL('true'),
            )
            parts = []
            if ids:
                parts.append(SQL('%s IN (%s)', SQL.identifier(alias, 'id'), asked))
            if False in value:
                every = SQL(
                    """SELECT profile.id FROM retail_profile AS profile
                         JOIN retail_followup AS followup ON followup.commercial_partner_id = profile.partner_id
                          AND followup.company_id = profile.company_id AND followup.lost_reason_id IS NOT NULL"""
                )
                parts.append(SQL('%s NOT IN (%s)', SQL.identifier(alias, 'id'), every))
            return SQL('(%s)', SQL(' OR ').join(parts)) if parts else SQL('false')

        return Domain.custom(to_sql=to_sql)

    @api.depends('lifecycle', 'order_count', 'clv_past')
    def _compute_is_winback(self):
        found = set()
        if self.ids:
            self._flush_winback()
            rows = self.env.execute_query(
                SQL(
                    'SELECT profile.id FROM retail_profile AS profile WHERE profile.id = ANY(%s) AND %s',
                    self.ids,
                    self._sql_winback(),
                )
            )
            found = {number for (number,) in rows}
        for profile in self:
            profile.is_winback = profile.id in found

    def _flush_winback(self):
        for model in ('retail.followup', 'retail.profile', 'retail.lost.reason'):
            self.env[model].flush_model()

    @api.model
    def _sql_winback(self):
        """Return whether ``profile`` is worth winning back."""
        return SQL(
            """(profile.lifecycle IN ('lapsed', 'lost') AND profile.order_count > 1 AND profile.clv_past > 0
                AND profile.partner_id NOT IN (
                    SELECT id FROM res_partner WHERE retail_snoozed_until > %(day)s)
                AND NOT EXISTS (
                    SELECT FROM retail_followup AS asked
                     WHERE asked.commercial_partner_id = profile.partner_id AND asked.company_id = profile.company_id
                       AND asked.family = 'churn'
                       AND (asked.state = ANY(%(open)s)
                            OR asked.state = 'held' AND asked.due_on > %(day)s - %(days)s
                            OR asked.contacted_at > %(day)s::timestamp - make_interval(days => %(days)s)))
                AND NOT (
                    -- the few who were asked are hashed; only of them the last answer is looked up
                    profile.partner_id IN (SELECT commercial_partner_id FROM retail_followup WHERE lost_reason_id IS NOT NULL)
                    AND EXISTS (
                        SELECT FROM (%(asked)s) AS asked JOIN retail_lost_reason AS reason ON reason.id = asked.reason_id
                         WHERE reason.can_return IS NOT TRUE)))""",
            day=self.env.company._retail_today(),
            days=ASKED_DAYS,
            open=list(OPEN_STATES),
            asked=self._sql_asked(),
        )

    def _search_is_winback(self, operator, value):
        if operator != 'in':
            return NotImplemented

        def to_sql(_model, alias, _query):
            self._flush_winback()
            found = SQL(
                '%s IN (SELECT profile.id FROM retail_profile AS profile WHERE %s)',
                SQL.identifier(alias, 'id'),
                self._sql_winback(),
            )
            return found if True in value else SQL('NOT %s', found)

        return Domain.custom(to_sql=to_sql)

    # === ACTIONS ===#

    def action_contact(self):
        """Contact these customers: the dialog of care.

        :raise AccessError: for those who may not contact them
        """
        self.check_access('read')
        return self.partner_id.action_retail_contact()

    def action_plan_intervention(self):
        """Plan a call for each of these customers: owner, script and offer by policy. Who waits for one gets none.

        :raise AccessError: for those who may not; several customers are for leaders and marketing
        :raise UserError: for too many, and when all of them have one
        """
        self.check_access('read')
        self.env['retail.followup']._check_may_plan_churn(self)
        if len(self) > MAX_PLANNED:
            raise UserError(
                self.env._(
                    'Plan at most %(count)s follow-ups at once; for more start a rule.',
                    count=MAX_PLANNED,
                )
            )
        followups = self._plan_interventions()
        if not followups:
            raise UserError(
                self.env._('Each of these customers has a follow-up that waits to be done.')
            )
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_followup_action')
        return {**action, 'domain': [('id', 'in', followups.ids)], 'context': {}}

    def _plan_interventions(self):
        """Make follow-ups by hand for those who have no open one, and return them; rights are checked by the caller."""
        followups = self.env['retail.followup']
        # sudo: only who waits already, whoever owns it
        busy = (
            followups.sudo()
            .search(
                [
                    ('commercial_partner_id', 'in', self.partner_id.ids),
                    ('company_id', 'in', self.company_id.ids),
                    ('family', '=', 'churn'),
                    ('state', 'in', OPEN_STATES),
                ]
            )
            .mapped(lambda one: (one.commercial_partner_id.id, one.company_id.id))
        )
        phone = self.env.ref('retail_crm.retail_channel_phone', raise_if_not_found=False)
        if not phone:
            raise UserError(self.env._('There is no channel for calls.'))
        free = self.filtered(
            lambda one: (
                (one.partner_id.id, one.company_id.id) not in set(busy) and one.partner_id.active
            )
        )
        for company, profiles in free.grouped('company_id').items():
            plans = profiles._intervention_values(company, phone)
            for values, some in plans:
                followups |= followups.with_company(company)._start_contacts(
                    some.partner_id, values, now=False
                )
        followups.sudo()._leave_now()  # sudo: the sending is the system's
        return followups.sudo(False)

    def _intervention_values(self, company, channel):
        """Return ``[(values, profiles)]``: those who get the same follow-up together."""
        policies = self.env['retail.policy']._for_customers(
            self.partner_id, company, ['offer_id', 'care_rule_id'], profiles=self
        )
        offers = self.env['retail.offer'].union(
            *(answer['offer_id'] for answer in policies.values())
        )
        entitled = offers.sudo()._entitled(self.partner_id) if offers else {}
        # sudo: who looks after a customer, and the words of rules, are no secrets
        advisers = {one.id: one.partner_id.sudo().retail_adviser_id for one in self}
        scripts = self._intervention_scripts(policies)

        def key_of(one):
            offer = policies[one.partner_id.id]['offer_id']
            if offer not in entitled.get(one.partner_id.id, offers.browse()):
                offer = offers.browse()
            level = {'watch': 'watch', 'alert': 'alert'}.get(one.churn_level, 'other')
            level = 'lapse' if one.lifecycle in ('lapsed', 'lost') else level
            owner = advisers[one.id] or self.env.user
            return owner.id, offer.id, level, scripts[one.id]

        return [
            (
                {
                    'purpose': 'marketing',
                    'family': 'churn',
                    'is_expected': False,
                    'channel_id': channel.id,
                    'user_id': owner,
                    'offer_id': offer,
                    'churn_level': level,
                    'outcome': 'open',
                    'subject': self.env._('Win back')
                    if level == 'lapse'
                    else self.env._('Do not lose this customer'),
                    'body': script,
                },
                profiles,
            )
            for (owner, offer, level, script), profiles in self.grouped(key_of).items()
        ]

    def _intervention_scripts(self, policies):
        """Return ``{profile id: words for the call}``: of the policy's rule, else of the shipped rule."""
        rules = self.env['retail.care.rule'].sudo()  # sudo: as above
        codes = rules.search([('code', 'in', ('churn_alert', 'win_back'))])
        by_code = {rule.code: rule.script for rule in codes.with_env(rules.env)}
        scripts = {}
        for one in self:
            code = 'win_back' if one.lifecycle in ('lapsed', 'lost') else 'churn_alert'
            own = policies[one.partner_id.id]['care_rule_id'].sudo().script
            scripts[one.id] = own or by_code.get(code) or False
        return scripts


class ResPartnerLost(models.Model):
    """Why a customer left, on the card: read with the summary, in no query more."""

    _inherit = 'res.partner'

    retail_lost_text = fields.Char(
        string='Said When Asked',
        compute='_compute_retail_lost_text',
        groups=FILE_GROUPS,
        help='The reason that the customer gave for staying away, and when.',
    )
    retail_life_change_ids = fields.One2many(
        comodel_name='retail.life.change',
        inverse_name='partner_id',
        string='Changed Habits',
        groups='retail_crm.group_lead,retail_crm.group_marketing',
        help='Intervals, baskets and categories that left the usual range of the customer; for segments.',
    )

    @api.depends('retail_summary')
    @api.depends_context('company', 'lang')
    def _compute_retail_lost_text(self):
        # sudo: only reads the summary; who sees this field is said by its groups
        for partner, known_sudo in zip(self, self.sudo(), strict=True):
            asked = (known_sudo.retail_summary or {}).get('lost_reason') or {}
            partner.retail_lost_text = bool(asked) and self.env._(
                '%(reason)s (%(day)s)',
                reason=asked['name'],
                day=format_date(self.env, fields.Date.to_date(asked['day'])),
            )

    @api.model
    def _sentence_fields(self):
        return [*super()._sentence_fields(), 'has_complaint']

    @api.model
    def _summary_parts(self):
        return {
            **super()._summary_parts(),
            'lost_reason': SQL(
                """
                (SELECT jsonb_build_object('name', %s, 'day', followup.lost_reason_on)
                   FROM retail_followup AS followup
                   JOIN retail_lost_reason AS reason ON reason.id = followup.lost_reason_id
                  WHERE followup.commercial_partner_id = customer.commercial_partner_id
                    AND followup.company_id = %s
                  ORDER BY followup.lost_reason_on DESC NULLS LAST, followup.id DESC
                  LIMIT 1)
                """,
                self._summary_name('reason'),
                self.env.company.sudo().root_id.id,  # sudo: staff of a branch
            ),
        }

    @api.model
    def _summary_flush(self):
        return [
            *super()._summary_flush(),
            (None, 'retail.lost.reason'),
            (['lost_reason_id', 'lost_reason_on'], 'retail.followup'),
        ]
