from odoo import api, models
from odoo.fields import Domain
from odoo.tools import float_repr

from . import _points
from .retail_points_entry_post import Movement


class RetailPointsGrant(models.Model):
    """Points that are given for something else than goods: a welcome, a referral, an answered survey."""

    _inherit = 'retail.points.entry'

    @api.model
    def _grant(self, partner, points, record, reason, note, program=None, valid_from=None):
        """Give points to a customer for a record, once for each record, reason and program.

        :param record: what they are given for; its company's loyalty program is taken where none is named
        :param reason: short word, such as ``welcome`` or ``referral``
        :param valid_from: day from which they can be spent, default: now
        :return: the entry, which may have been there before; empty when there is no loyalty program
        """
        company = (
            'company_id' in record._fields and record.sudo().company_id or self.env.company
        )  # sudo: only asks where it belongs
        program = program or self._program_of(company)
        if not program or points <= 0:
            return self.browse()
        known = self._posting().search(
            [
                ('res_model', '=', record._name),
                ('res_id', '=', record.id),
                ('program_id', '=', program.id),
            ],
            order='id',
        )
        given = known.filtered(lambda row: row.reason == reason)
        if given:
            return given[:1]
        waits = valid_from and valid_from > company._retail_today()
        card = self._card_of(partner, program)
        return self._post(
            [
                Movement(
                    card=card,
                    kind='earn',
                    points=points,
                    prior=known.filtered(lambda row: row.card_id == card),
                    source=(record._name, record.id),
                    state='pending' if waits else 'available',
                    values={
                        'company_id': company,
                        'reason': reason,
                        'note': note,
                        'valid_from': valid_from,
                    },
                )
            ]
        )

    @api.model
    def _program_of(self, company):
        """Return the loyalty program of a company: the first of its own, else of all companies."""
        # sudo: whoever gives points need not see programs
        programs = self.env['loyalty.program'].sudo()
        domain = Domain('program_type', '=', 'loyalty')
        own = programs.search(domain & Domain('company_id', 'in', company.root_id.ids), limit=1)
        return own or programs.search(domain & Domain('company_id', '=', False), limit=1)

    @api.model
    def _card_of(self, partner, program):
        """Return the card of a customer in a program, made where there is none."""
        # sudo: the system's card for the customer
        cards = self.env['loyalty.card'].sudo().with_context(loyalty_no_mail=True)
        domain = [('partner_id', '=', partner.id), ('program_id', '=', program.id)]
        return cards.search(domain, limit=1, order='id') or cards.create(
            {'partner_id': partner.id, 'program_id': program.id, 'points': 0}
        )

    @api.model
    def _on_enrolled(self, moments):
        """Welcome new members with points, where a program gives some (S-SEG-22)."""
        programs = (
            self.env['loyalty.program']
            .sudo()  # sudo: the system's gift
            .search([('retail_welcome_points', '>', 0), ('program_type', '=', 'loyalty')])
        )
        members = self.env['retail.membership'].sudo()
        for moment in moments.filtered(lambda one: one.res_model == 'retail.membership'):
            member = members.browse(moment.res_id).exists()
            for program in programs if member else ():
                if program.company_id and program.company_id.root_id != member.company_id:
                    continue
                self._grant(
                    member.partner_id,
                    program.retail_welcome_points,
                    member,
                    'welcome',
                    self.env._('Welcome'),
                    program=program,
                )

    @api.model
    def _balances(self, partners, company=None):
        """Return what portal and card tell of customers and, for companies, of their contacts together.

        :return: ``{partner id: {'available': .., 'pending': .., 'expiring': [(last day, points), ...]}}`` of loyalty
            programs of the company (default: the present one), in two queries
        """
        root = (company or self.env.company).root_id
        base = [
            ('company_id', '=', root.id),
            ('program_id.program_type', '=', 'loyalty'),
            ('partner_id.commercial_partner_id', 'in', partners.commercial_partner_id.ids),
        ]
        rows = self.sudo()  # sudo: of customers whom the caller has
        result = {
            partner.id: {'available': 0.0, 'pending': 0.0, 'expiring': []} for partner in partners
        }
        contacts = {}
        for partner in partners:
            contacts.setdefault(partner.commercial_partner_id.id, []).append(result[partner.id])
        for contact, state, points in rows._read_group(
            [*base, ('state', '!=', 'void')], ['partner_id', 'state'], ['points:sum']
        ):
            for balance in contacts.get(contact.commercial_partner_id.id, ()):
                balance[state] = _points.exact(balance[state] + points)
        lots = [('state', '=', 'available'), ('remaining', '>', 0), ('expires_on', '!=', False)]
        for contact, day, points in rows._read_group(
            [*base, *lots],
            ['partner_id', 'expires_on:day'],
            ['remaining:sum'],
            order='expires_on:day',
        ):
            for balance in contacts.get(contact.commercial_partner_id.id, ()):
                balance['expiring'].append((day, _points.exact(points)))
        return result

    @api.model
    def _format(self, points):
        """Return a number of points as people read it: without decimals where there are none."""
        return float_repr(points, 0 if points == int(points) else 2)
