import logging
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, groupby

from ..customer import _yearly
from .retail_benefit_grant import Claim
from .retail_programme import tier_order

_logger = logging.getLogger(__name__)

#: Members looked at per transaction.
_BATCH = 1000
#: Days after a birthday gift in which there is no other one: lunar birthdays are 353 days apart at least.
_BETWEEN_BIRTHDAYS = 300
#: Days that birthdays are made up for when the nights before were missed.
_MISSED_DAYS = 14
#: Gifts of one privilege that may fail in a night before it rests.
_MAX_ERRORS = 20


class RetailBenefitClaim(models.Model):
    """Who is entitled to what, and when: on reaching a tier at once, all else in the night."""

    _inherit = 'retail.benefit'

    # === ON REACHING A TIER ===#

    def _on_enrolled(self, moments):
        """New members reach the lowest tier."""
        ids = moments.filtered(lambda moment: moment.res_model == 'retail.membership')
        # sudo: the system's work
        members = self.env['retail.membership'].sudo().browse(ids.mapped('res_id')).exists()
        self._grant_on_reaching(
            [
                (member, member.programme_id.tier_ids.sorted(tier_order)[:1], None)
                for member in members
            ],
            moments,
        )

    def _on_tier_up(self, moments):
        """Members reached a higher tier. Lower ones that they skipped bring them nothing."""
        ids = moments.filtered(lambda moment: moment.res_model == 'retail.tier.move')
        # sudo: the system's work
        moves = self.env['retail.tier.move'].sudo().browse(ids.mapped('res_id')).exists()
        self._grant_on_reaching(
            [(move.membership_id, move.to_tier_id, move.id) for move in moves], moments
        )

    @api.model
    def _grant_on_reaching(self, reached, moments):
        """Grant what comes with a tier reached.

        :param reached: list of (membership, tier, id of the move that led there or None)
        :param moments: what told of it
        """
        reached = [item for item in reached if item[0].state == 'active' and item[1]]
        claims = self._entry_claims(reached)
        members = self.env['retail.membership'].sudo().union(*(item[0] for item in reached))
        for programme, group in members.grouped('programme_id').items():
            for privilege in self.env['retail.privilege']._gifts(programme, 'service'):
                claims += self._service_claims(privilege, group)
        if len(moments) > 1:
            self._grant(claims)  # of several, those that fail are told again alone
            return
        _benefits, errors = self._grant_each(claims, lambda claim: claim.privilege_id)
        if errors:
            moments._keep_failure(self._name, errors[0])

    @api.model
    def _grant_each(self, claims, part):
        """Grant claims part by part: a part that fails takes nothing from the others.

        :param part: function of a claim that says to which part it belongs
        :return: the new benefits, and the errors
        """
        benefits, errors = self.browse(), []
        for _part, group in groupby(claims, key=part):
            try:
                with self.env.cr.savepoint():
                    granted = self._grant(group)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise  # the whole transaction is lost and repeated by the scheduler
            except Exception as error:  # a defect of one gift, told where it is tried again
                errors.append(error)
                if len(errors) >= _MAX_ERRORS:
                    break
            else:
                benefits |= granted
        return benefits, errors

    @api.model
    def _entry_claims(self, reached):
        """Return the claims to gifts on reaching a tier, once per cycle (R-loy C.1-12).

        A cycle ends only when the member did not keep the tier: a return, leaving, or a tier that staff gave and that
        ended open no new one. Who has lost the tier again by now gets nothing.
        """
        lost = self._losses({item[0].id for item in reached})
        gifts, ranks = {}, {}
        claims = []
        for member, tier, move_id in reached:
            programme = member.programme_id
            if programme not in gifts:
                gifts[programme] = self.env['retail.privilege']._gifts(programme, 'entry')
                ladder = programme.tier_ids.sorted(tier_order)
                ranks.update({item.id: place for place, item in enumerate(ladder)})
            place = ranks.get(tier.id, -1)
            if place < 0 or ranks.get(member.tier_id.id, -1) < place:
                continue
            days = [
                day
                for id_, day, source, target in lost.get(member.id, ())
                if (move_id is None or id_ < move_id)
                and ranks.get(source, -1) >= place > ranks.get(target, -1)
            ]
            cycle_on = max(days, default=None)
            claims += [
                Claim(
                    member.id,
                    privilege.id,
                    tier.id,
                    f'entry/{privilege.id}/{tier.id}/{cycle_on or "first"}',
                    cycle_on,
                )
                for privilege in gifts[programme]
                if tier in privilege.tier_ids
            ]
        return claims

    @api.model
    def _losses(self, membership_ids):
        """Return ``{membership id: [(move id, day, tier before, tier after)]}`` of tiers that were not kept."""
        moves = (
            self.env['retail.tier.move']
            .sudo()  # sudo: the system's work
            .search_fetch(
                [('membership_id', 'in', sorted(membership_ids)), ('cause', '=', 'downgrade')],
                ['membership_id', 'date', 'from_tier_id', 'to_tier_id'],
            )
        )
        losses = {}
        for move in moves:
            losses.setdefault(move.membership_id.id, []).append(
                (move.id, move.date, move.from_tier_id.id, move.to_tier_id.id)
            )
        return losses

    # === EACH YEAR ===#

    @api.model
    def _service_claims(self, privilege, members):
        """Return the claims to the voucher of the present membership year, of members who are entitled.

        Who left and came back gets none while the year of the last voucher runs.
        """
        members = members.filtered(
            lambda member: member.state == 'active' and member.tier_id in privilege.tier_ids
        )
        today = privilege.company_id._retail_today()
        recent = self.sudo().search_fetch(  # sudo: the system's work
            [
                ('membership_id', 'in', members.ids),
                ('privilege_id', '=', privilege.id),
                ('cycle_on', '>', today - relativedelta(years=1)),
            ],
            ['membership_id'],
        )
        return [
            Claim(
                member.id,
                privilege.id,
                member.tier_id.id,
                f'service/{privilege.id}/{start}',
                start,
            )
            for member in members - recent.membership_id
            for start in [_year_start(member.enrolled_on, today)]
        ]

    @api.model
    def _birthday_claims(self, members, privilege, start):
        """Return the claims to the birthday gift of members whose next birthday from ``start`` on is the occasion.

        The year is that of the birthday, of a lunar one in the lunar calendar: each birthday once.
        """
        # sudo: gifts are given by the system
        partners = members.sudo().partner_id
        partners.fetch([*partners._yearly_fields])
        claims = []
        for member in members:
            month, day, _year, lunar = member.partner_id._yearly()
            birthday = _yearly.next_occurrence(month, day, lunar, start)
            year = _yearly.to_lunar(birthday)[0] if lunar else birthday.year
            claims.append(
                Claim(member.id, privilege.id, member.tier_id.id, f'birthday/{year}', birthday)
            )
        return claims

    # === NIGHT ===#

    @api.model
    def _cron_grant(self):
        """Grant what is due by time, let vouchers expire and assign advisers; one commit per batch.

        Killed in the middle it goes on with what is left.
        """
        cron = self.env['ir.cron']
        for done in self._grant_steps():
            if not cron._commit_progress(done, remaining=1):
                return
        cron._commit_progress(remaining=0)

    @api.model
    def _grant_steps(self):
        """Do the work of the night batch by batch; yield the number of members or vouchers worked on after each."""
        privileges = self.env['retail.privilege']
        yield self.env['retail.voucher']._expire()
        for programme in self.env['retail.programme']._running():
            today = programme.company_id._retail_today()
            failed = False
            for privilege in privileges._gifts(programme, 'birthday'):
                failed |= yield from self._birthday_steps(programme, privilege)
            if not failed:  # what failed is made up for as nights that were missed are
                programme.birthdays_on = today
            for privilege in privileges._gifts(programme, 'service'):
                recent = Domain('privilege_id', '=', privilege.id) & Domain(
                    'cycle_on', '>', today - relativedelta(years=1)
                )
                yield from self._steps(
                    privilege,
                    self._domain_without(recent),
                    lambda members, privilege=privilege: self._service_claims(privilege, members),
                )
            for privilege in privileges._gifts(programme, 'entry').filtered('for_holders'):
                yield from self._steps(
                    privilege,
                    self._domain_without(Domain('privilege_id', '=', privilege.id)),
                    lambda members, privilege=privilege: [
                        claim
                        for claim in self._entry_claims(
                            [(member, member.tier_id, None) for member in members]
                        )
                        if claim.privilege_id == privilege.id
                    ],
                )
            yield self.env['retail.membership']._assign_entitled(programme)

    @api.model
    def _birthday_steps(self, programme, privilege):
        """Grant the gifts for birthdays in the coming days, and for those of nights that were missed.

        :return: whether some failed
        """
        today = programme.company_id._retail_today()
        start = today
        if programme.birthdays_on:
            first = max(
                programme.birthdays_on + timedelta(days=1), today - timedelta(days=_MISSED_DAYS)
            )
            start = min(first, today)
        end = today + timedelta(days=privilege.lead_days)
        birthdays = Domain(self.env['res.partner'].sudo()._domain_of_yearly(start, end))
        recent = Domain('kind', '=', 'birthday') & Domain(
            'cycle_on', '>', today - timedelta(days=_BETWEEN_BIRTHDAYS)
        )
        return (
            yield from self._steps(
                privilege,
                Domain('partner_id', 'any', birthdays) & self._domain_without(recent),
                lambda members: self._birthday_claims(members, privilege, start),
            )
        )

    @api.model
    def _domain_without(self, domain):
        """Return the domain of members without such a benefit."""

        def to_sql(_model, alias, _query):
            found = self.sudo()._search(Domain(domain))  # sudo: the system's work
            found.add_where(
                SQL(
                    '%s = %s',
                    SQL.identifier(found.table, 'membership_id'),
                    SQL.identifier(alias, 'id'),
                )
            )
            return SQL('NOT EXISTS (%s)', found.select(SQL('1')))

        return Domain.custom(to_sql=to_sql)

    @api.model
    def _steps(self, privilege, domain, claims_of):
        """Walk through the entitled members in batches and grant their claims; yield the number of each batch.

        What fails is left for the next night and stops nobody else's gifts; a privilege of which much fails rests.

        :return: whether some failed
        """
        members = self.env['retail.membership'].sudo()  # sudo: the system's work
        domain = Domain(domain) & Domain(
            [
                ('programme_id', '=', privilege.programme_id.id),
                ('state', '=', 'active'),
                ('tier_id', 'in', privilege.tier_ids.ids),
                ('partner_id.active', '=', True),
            ]
        )
        after, failed = 0, False
        while batch := members.search(domain & Domain('id', '>', after), limit=_BATCH, order='id'):
            after = batch[-1].id
            errors = self._grant_batch(claims_of(batch))
            failed = failed or bool(errors)
            for error in errors:
                _logger.warning(
                    'Privilege %s (%s): a gift failed: %s',
                    privilege.id,
                    privilege.name,
                    error,
                    exc_info=error,
                )
            yield len(batch)
            if len(errors) >= _MAX_ERRORS:
                break
        return failed

    @api.model
    def _grant_batch(self, claims):
        """Grant claims at once, or one by one when that fails; return the errors of those that fail."""
        try:
            _benefits, errors = self._grant_each(claims, lambda _claim: True)
            if errors and len(claims) > 1:
                _benefits, errors = self._grant_each(claims, lambda claim: claim)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:  # somebody else grants just now
            return [error]
        return errors


def _year_start(enrolled_on, day):
    """Return the first day of the membership year in which a day lies."""
    years = day.year - enrolled_on.year
    start = enrolled_on + relativedelta(years=years)
    return start if start <= day else enrolled_on + relativedelta(years=years - 1)
