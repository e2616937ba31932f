from collections import namedtuple

from odoo import api, models
from odoo.tools import SQL

from . import _booking

#: What points ask of a customer: the running programme of the company and whether it enrols by purchases, his membership
#: there, and the factor of his tier. All are empty (the factor is 1) for strangers, and where no programme runs.
Seat = namedtuple('Seat', 'programme_id automatic state enrolled_on tier_id factor')
NOBODY = Seat(None, False, None, None, None, 1.0)


class RetailMembershipSeat(models.Model):
    """What points depend on, of each customer: asked once for each order that is confirmed, so it is one query."""

    _inherit = 'retail.membership'

    @api.model
    def _seats(self, partners, company):
        """Return ``{partner: Seat}`` of customers or their contacts in a company, for the system's use.

        What the booking around knows of them already is not asked again.
        """
        root = company.root_id.id
        booking = _booking.current(self.env)
        known = booking.seats if booking is not None else {}
        missing = [(partner.id, root) for partner in partners if (partner.id, root) not in known]
        if missing:
            self._flush_seats()
            for row in self.env.execute_query(self._sql_seats(missing)):
                known[row[:2]] = Seat(*row[2:])
        return {partner: known.get((partner.id, root), NOBODY) for partner in partners}

    @api.model
    def _flush_seats(self):
        """Write out what ``_sql_seats`` reads."""
        self.flush_model()
        self.env['res.partner'].flush_model(['commercial_partner_id'])
        for model in ('retail.programme', 'retail.privilege', 'retail.tier'):
            self.env[model].flush_model()

    @api.model
    def _sql_seats(self, pairs):
        """Return the query of ``(partner id, company id, *Seat)`` for pairs of a partner's and a main company's id.

        Of several privileges the best factor holds; the tier is the one of now, which who confirms an order keeps.
        """
        return SQL(
            """
            SELECT partner.id, asked.company_id, programme.id, programme.automatic, member.state, member.enrolled_on,
                   member.tier_id, COALESCE((
                       SELECT max(privilege.points_factor) FROM retail_privilege AS privilege
                         JOIN retail_privilege_tier_rel AS rel ON rel.privilege_id = privilege.id
                        WHERE rel.tier_id = member.tier_id AND member.state = 'active' AND privilege.active
                          AND privilege.kind = 'factor' AND privilege.programme_id = programme.id), 1)::float8
              FROM unnest(%(partners)s, %(companies)s) AS asked (partner_id, company_id)
              JOIN res_partner AS partner ON partner.id = asked.partner_id
              LEFT JOIN LATERAL (
                   SELECT id, automatic FROM retail_programme
                    WHERE company_id = asked.company_id AND state = 'running' AND active
                    ORDER BY id LIMIT 1) AS programme ON true
              LEFT JOIN retail_membership AS member
                     ON member.partner_id = partner.commercial_partner_id AND member.company_id = asked.company_id
            """,
            partners=[partner_id for partner_id, _root in pairs],
            companies=[root for _partner_id, root in pairs],
        )
