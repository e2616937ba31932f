import re
from dataclasses import dataclass, field
from datetime import date

from odoo import models
from odoo.tools import SQL, email_normalize

from odoo.addons.phone_validation.tools import phone_validation

from ...models.loyalty.retail_membership_opening import Opening
from ...models.loyalty.retail_programme import tier_order
from . import _opening_csv

_ID = re.compile(r'(?:id\s*[:#]?\s*|#)(\d{1,9})', re.IGNORECASE)
_PHONE = re.compile(r'[+\d][\d\s()./-]{5,}')
_NUMBER = re.compile(r'[^\s]{1,64}')

#: How a value of the column Customer is looked for, the first that finds somebody decides.
_WAYS = ('number', 'ref', 'email', 'phone', 'id')


@dataclass
class Row:
    """A row of the file, and what the check found.

    :ivar error: why it cannot be imported
    :ivar unchanged: it says what holds already
    """

    line: int
    cells: list
    values: dict = field(default_factory=dict)
    customer: str = ''
    column: str = 'customer'
    tier_name: str = ''
    partner_id: int | None = None
    tier_id: int | None = None
    level: int = 0
    since: date | None = None
    until: date | None = None
    number: str | None = None
    error: str = ''
    unchanged: bool = False

    def opening(self):
        """Return what is to be done."""
        return Opening(
            self.partner_id,
            self.since,
            self.tier_id if self.level else None,
            self.until if self.level else None,
            self.number,
            self.values.get('note') or None,
        )


class RetailMembershipImportCheck(models.TransientModel):
    """The check of the rows: a fixed number of queries for any number of rows. A row has its first error only."""

    _inherit = 'retail.membership.import'

    def _check_rows(self, columns, rows):
        """Return the rows of the file, checked."""
        checked = [self._to_row(columns, line, cells) for line, cells in rows]
        self.env.flush_all()
        self._find_customers(checked)
        self._check_customers(checked)
        self._check_tiers(checked)
        self._check_days(checked)
        self._check_twice(checked)
        self._check_members(checked)
        self._check_numbers(checked)
        return checked

    @staticmethod
    def _to_row(columns, line, cells):
        values = {key: cells[place] if place < len(cells) else '' for key, place in columns.items()}
        column = next((key for key in _opening_csv.CUSTOMER_COLUMNS if values.get(key)), None)
        return Row(
            line,
            cells,
            values,
            values[column] if column else '',
            column or 'customer',
            values.get('tier', ''),
            number=values.get('number') or None,
        )

    # === CUSTOMERS ===#

    def _find_customers(self, rows):
        """Name the customer of each row, or why there is none: one query for each way of telling a customer."""
        found = {}  # {(column, text): {customers}}
        for way in _WAYS:
            keys = {}  # {what the database has: {(column, text)}}
            for row in rows:
                asked = (row.column, row.customer)
                if row.customer and asked not in found and row.column in (way, 'customer'):
                    key = self._search_key(way, row.customer, row.column)
                    if key:
                        keys.setdefault(key, set()).add(asked)
            for key, partner_id in self._search_customers(way, list(keys)) if keys else ():
                for asked in keys[key]:
                    found.setdefault(asked, set()).add(partner_id)
        for row in rows:
            partner_ids = found.get((row.column, row.customer), ())
            if not row.customer:
                row.error = self.env._('The row names no customer.')
            elif not partner_ids:
                row.error = self.env._('There is no such customer.')
            elif len(partner_ids) > 1:
                row.error = self.env._('Several customers have this; name one by another column.')
            else:
                [row.partner_id] = partner_ids

    def _search_key(self, way, text, column):
        """Return what the database has in this way for a text, or None where the text cannot be meant so."""
        if way == 'email':
            return email_normalize(text) or None if '@' in text else None
        if way == 'phone':
            return self._phone_key(text) if _PHONE.fullmatch(text) else None
        if way == 'id':
            match = _ID.fullmatch(text)
            if match:
                return int(match[1])
            is_id = column == 'id' and text.isascii() and text.isdigit() and len(text) < 10
            return int(text) if is_id else None
        return text

    def _phone_key(self, text):
        """Return a phone number as contacts keep it, read as one of the company's country; None for no number."""
        country = self.programme_id.company_id.country_id
        return (
            phone_validation.phone_format(
                text,
                country.code or None,
                country.phone_code or None,
                force_format='E164',
                raise_exception=False,
            )
            or None
        )

    def _search_customers(self, way, keys):
        """Return ``[(key, customer)]`` of the contacts of the company with one of these keys, in one query."""
        if way == 'number':
            return self.env.execute_query(
                SQL(
                    """
                    SELECT known.number, membership.partner_id
                      FROM retail_membership AS membership
                     CROSS JOIN LATERAL unnest(
                           string_to_array(membership.former_numbers, ' ') || membership.number::text) AS known (number)
                     WHERE membership.company_id = %s AND known.number = ANY(%s)
                    """,
                    self.programme_id.company_id.id,
                    keys,
                )
            )
        column = {
            'ref': 'ref',
            'email': 'email_normalized',
            'phone': 'phone_sanitized',
            'id': 'id',
        }[way]
        return self.env.execute_query(
            SQL(
                """
                SELECT partner.%(column)s, partner.commercial_partner_id FROM res_partner AS partner
                 WHERE partner.%(column)s = ANY(%(keys)s) AND partner.active
                   AND (partner.company_id IS NULL OR partner.company_id = ANY(%(companies)s))
                """,
                column=SQL.identifier(column),
                keys=keys,
                companies=self._company_ids(),
            )
        )

    def _company_ids(self):
        """Return the ids of the company of the programme and of its branches."""
        # sudo: branches that the user does not work in belong to the company all the same
        return (
            self.env['res.company']
            .sudo()
            .search([('id', 'child_of', self.programme_id.company_id.id)])
            .ids
        )

    def _check_customers(self, rows):
        """Refuse who is no retail customer."""
        partner_ids = [row.partner_id for row in rows if row.partner_id]
        customers = {
            partner_id
            for (partner_id,) in self.env.execute_query(
                SQL(
                    'SELECT id FROM res_partner WHERE id = ANY(%s) AND retail_customer AND active',
                    partner_ids,
                )
            )
        }
        for row in rows:
            if row.partner_id and row.partner_id not in customers:
                row.error = self.env._('The contact is no retail customer.')

    # === TIERS AND DAYS ===#

    def _check_tiers(self, rows):
        """Name the tiers, whatever language their names are in."""
        ladder = self.programme_id.tier_ids.sorted(tier_order)
        by_name = {}
        for code, _name in self.env['res.lang'].get_installed():
            for level, tier in enumerate(ladder.with_context(lang=code)):
                by_name[' '.join((tier.name or '').casefold().split())] = level, tier.id
        for row in rows:
            level, tier_id = by_name.get(' '.join(row.tier_name.casefold().split()), (0, None))
            row.level, row.tier_id = level, tier_id
            if not row.error and not tier_id:
                row.error = self.env._('The programme has no tier of this name.')

    def _check_days(self, rows):
        """Read the days; a tier needs a day until which it holds."""
        today = self.programme_id.company_id._retail_today()
        start = self.programme_id.date_start or today
        for row in rows:
            if row.error:
                continue
            since, until = row.values.get('since'), row.values.get('until')
            row.since = _opening_csv.parse_date(since) if since else today
            row.until = _opening_csv.parse_date(until) if until else self.default_until or None
            if not row.since or (until and not row.until):
                row.error = self.env._(
                    'A day cannot be read: write it as 2026-12-31. Days like 3/4/2026 are not guessed.'
                )
            elif row.since > today:
                row.error = self.env._('Nobody is a member since a day to come.')
            elif row.level and not row.until:
                row.error = self.env._('Until when does the tier hold?')
            elif row.level and row.until <= today:
                row.error = self.env._('The tier must hold at least until tomorrow.')
            else:
                row.since = max(row.since, start)

    def _check_twice(self, rows):
        """Refuse a customer or a number that the file names a second time."""
        customers, numbers = {}, {}
        for row in rows:
            if row.error:
                continue
            first = customers.setdefault(row.partner_id, row.line)
            if first != row.line:
                row.error = self.env._('The customer is in line %(line)s already.', line=first)
                continue
            if row.number:
                first = numbers.setdefault(row.number, row.line)
                if first != row.line:
                    row.error = self.env._(
                        'The member number is in line %(line)s already.', line=first
                    )

    # === MEMBERS ===#

    def _check_members(self, rows):
        """Refuse what would take something from somebody who is a member already."""
        good = [row for row in rows if not row.error]
        members = self.env['retail.membership']._opening_members(
            self.programme_id.company_id, [row.partner_id for row in good]
        )
        ladder = self.programme_id.tier_ids.sorted(tier_order).ids
        for row in good:
            member = members.get(row.partner_id)
            if not member:
                continue
            given = member['override_tier_id'], member['override_until']
            held = (row.tier_id, row.until) == given if row.level else True
            if member['state'] == 'left':
                row.error = self.env._('The customer has left the programme.')
            elif not held and ladder.index(member['tier_id']) > row.level:
                row.error = self.env._('The customer holds a higher tier already.')
            elif not held and given[1] and member['override_reason'] != 'migration':
                row.error = self.env._(
                    'Staff gave the customer a tier until %(day)s.', day=member['override_until']
                )
            else:
                row.unchanged = held and row.number in (None, member['number'])

    def _check_numbers(self, rows):
        """Refuse numbers that somebody else has or had, and what is no number."""
        asked = [row for row in rows if row.number and not row.error]
        numbers = [row.number for row in asked]
        owners = {}
        for number, partner_id, company_id in self.env.execute_query(
            SQL(
                """
                SELECT known.number, membership.partner_id, membership.company_id
                  FROM retail_membership AS membership
                 CROSS JOIN LATERAL unnest(
                       string_to_array(membership.former_numbers, ' ') || membership.number::text) AS known (number)
                 WHERE known.number = ANY(%s)
                """,
                numbers,
            )
        ):
            owners.setdefault(number, set()).add((partner_id, company_id))
        for row in asked:
            if not _NUMBER.fullmatch(row.number):
                row.error = self.env._(
                    'A member number has at most 64 characters and no spaces between them.'
                )
            elif owners.get(row.number, set()) - {
                (row.partner_id, self.programme_id.company_id.id)
            }:
                row.error = self.env._('Somebody else has or had this member number.')
            if row.error:
                row.unchanged = False
