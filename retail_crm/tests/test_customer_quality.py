"""Data quality: three scores and their mean, the worklist, and what keeps them up to date."""

from datetime import date, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

NOW = '2026-06-15 09:00:00'
TODAY = date(2026, 6, 15)


def scores(partner, today, days=365):
    """Return accuracy, completeness, timeliness and total by docs/data-quality.md, in plain Python."""
    ways = [(partner.phone, partner.phone_sanitized), (partner.email, partner.email_normalized)]
    given = [bool(valid) for typed, valid in ways if typed]
    accuracy = 100 * sum(given) // len(given) if given else 0
    required = [
        bool(partner.name),
        bool(partner.phone or partner.email),
        bool(partner.retail_preferred_channel_id),
        bool(partner.retail_preference_ids),
        bool(partner.city or partner.zip),
    ]
    if not partner.is_company:
        required.append(bool(partner.retail_birth_month and partner.retail_birth_day))
    completeness = int(100 * sum(required) / len(required) + 0.5)
    timeliness = 0
    if partner.retail_checked_on:
        age = (today - partner.retail_checked_on).days
        timeliness = 100 if age <= days else 50 if age <= 2 * days else 0
    return accuracy, completeness, timeliness, int((accuracy + completeness + timeliness) / 3 + 0.5)


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOW)
class TestQuality(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.germany = cls.env.ref('base.de')
        cls.channel = cls.env.ref('retail_crm.retail_channel_counter')
        cls.preference = cls.env['retail.preference'].create(
            {'name': 'Quality Test Tea', 'kind': 'interest'}
        )
        cls.full = {
            'phone': '030 2345678',
            'email': 'full@shop.test',
            'country_id': cls.germany.id,
            'city': 'Berlin',
            'retail_birth_month': '3',
            'retail_birth_day': 5,
            'retail_preferred_channel_id': cls.channel.id,
            'retail_preference_ids': cls.preference.ids,
            'retail_checked_on': TODAY - timedelta(days=10),
        }

    def _customer(self, **values):
        """Return a customer with a purchase, whose figures are made."""
        partner = self.env['res.partner'].create({'name': 'Somebody', **values})
        self._create_order(partner, 10)
        self._process()
        return partner

    def _scores(self, partner):
        profile = self._profile_of(partner)
        return tuple(
            profile[f'data_{name}']
            for name in ('accuracy', 'completeness', 'timeliness', 'quality')
        )

    # === SCORES ===#

    def test_best_and_worst(self):
        """All valid, filled and confirmed is 100; a bare name is next to nothing (S-CUS-22)."""
        best = self._customer(**self.full)
        self.assertEqual(self._scores(best), (100, 100, 100, 100))
        self.assertFalse(self._profile_of(best).data_quality_text)
        worst = self._customer()
        self.assertEqual(self._scores(worst), (0, 17, 0, 6))
        self.assertEqual(
            self._profile_of(worst).data_quality_text,
            'neither telephone nor e-mail; no city or postcode; no birthday; no preferred channel; '
            'no preference; never confirmed',
        )
        self.assertEqual(self._profile_of(best).data_band, 'good')
        self.assertEqual(self._profile_of(worst).data_band, 'poor')

    def test_scores_against_plain_python(self):
        """The SQL of the refresh gives what the formula gives in plain Python, for any mix of entries (S-CUS-22)."""
        cases = [
            {},
            {'phone': '12'},
            {'email': 'nonsense'},
            {'phone': '12', 'email': 'a@b.com', 'zip': '10115'},
            {'phone': '030 2345678', 'country_id': self.germany.id, 'email': 'nonsense'},
            {'retail_birth_month': '2', 'retail_birth_day': 29, 'city': 'Rome'},
            {'is_company': True, 'email': 'firm@shop.test', 'city': 'Rome'},
            {'is_company': True, **self.full},
            {'retail_preference_ids': self.preference.ids},
            {**self.full, 'email': False, 'retail_checked_on': False},
        ]
        for age in (-1, 0, 365, 366, 730, 731):
            cases.append({**self.full, 'retail_checked_on': TODAY - timedelta(days=age)})
        partners = self.env['res.partner'].create([{'name': 'Case', **case} for case in cases])
        for partner in partners:
            self._create_order(partner, 10)
        self._process()
        for case, partner in zip(cases, partners, strict=True):
            with self.subTest(case=case):
                self.assertEqual(self._scores(partner), scores(partner, TODAY))
        before = [self._scores(partner) for partner in partners]
        self.profiles._refresh()  # of all: the same figures
        self.assertEqual([self._scores(partner) for partner in partners], before)

    def test_data_ages(self):
        """Confirmed data becomes half and wholly out of date on its day, and no night in between writes it (S-CUS-22)."""
        partner = self._customer(**{**self.full, 'retail_checked_on': TODAY})
        seen = {}
        day = TODAY
        while day < TODAY + timedelta(days=800):
            day = self._profile_of(partner).refresh_on or TODAY + timedelta(days=800)
            self.profiles._refresh(partner, as_of=day)
            value = self._profile_of(partner).data_timeliness
            if value != list(seen.values() or [100])[-1]:
                seen[(day - TODAY).days] = value
        self.assertEqual(seen, {366: 50, 731: 0})

    def test_days_are_a_rule(self):
        """How long data is taken for confirmed is a rule; the next run over all uses it (S-CUS-22)."""
        partner = self._customer(**{**self.full, 'retail_checked_on': TODAY - timedelta(days=40)})
        rules = self.env['retail.classification']._of_companies(self.company.ids)
        self.profiles._refresh()
        rules.check_days = 30
        self.assertTrue(rules.is_pending)
        self.assertEqual(self._profile_of(partner).data_timeliness, 100)
        self.profiles._refresh()
        self.assertEqual(self._profile_of(partner).data_timeliness, 50)
        self.assertIn('not confirmed since 2026', self._profile_of(partner).data_quality_text)
        with self.assertRaises(IntegrityError), mute_logger('odoo.sql_db'):
            rules.check_days = 0
            rules.flush_recordset()

    def test_figures_follow_a_change(self):
        """A changed entry changes the score within a minute; other entries announce nothing (S-CUS-22)."""
        partner = self._customer()
        partner.write({'phone': '030 2345678', 'country_id': self.germany.id})
        self._process()
        self.assertEqual(self._scores(partner)[0], 100)
        partner.email = 'nonsense'
        self._process()
        self.assertEqual(self._scores(partner)[0], 50)
        waiting = [('state', '=', 'pending'), ('partner_id', '=', partner.id)]
        partner.write({'comment': 'x', 'website': 'https://shop.test', 'ref': '7'})
        self.assertFalse(self.moments.search(waiting))
        partner.city = 'Berlin'
        partner.zip = '10115'
        self.assertEqual(len(self.moments.search(waiting)), 1, 'once in a transaction')

    def test_import_announces_once(self):
        """An import announces its contacts in one batch, quietly (S-CUS-22)."""
        before = self.moments.search([], order='id desc', limit=1).id or 0
        Partner = self.env['res.partner'].with_context(import_file=True)
        rows = [[f'Import {number}', f'import{number}@shop.test'] for number in range(5)]
        result = Partner.load(['name', 'email'], rows)
        moments = self.moments.search([('id', '>', before), ('kind', '=', 'partner_changed')])
        self.assertEqual(sorted(moments.mapped('res_id')), sorted(result['ids']))
        self.assertTrue(all(moments.mapped('quiet')))

    def test_suppliers_and_employees_have_no_score(self):
        """Who is no retail customer has no profile, hence no score and no row in the worklist (S-CUS-26)."""
        supplier = self._customer(retail_customer=False)
        self.assertFalse(self._profile_of(supplier))
        self.assertFalse(supplier.retail_data_quality)
        self.assertFalse(supplier.with_user(self.users['user']).retail_data_quality_text)

    # === ON THE CONTACT, WORKLIST ===#

    def test_on_the_contact(self):
        """The contact shows score and words, and can be sorted and grouped by them (S-CUS-22)."""
        best, worst = self._customer(**self.full), self._customer()
        Partner = self.env['res.partner'].with_user(self.users['user'])
        mine = [('id', 'in', (best | worst).ids)]
        self.assertEqual(Partner.search(mine, order='retail_data_quality').ids, (worst | best).ids)
        self.assertEqual(
            Partner.search(mine, order='retail_data_quality desc').ids, (best | worst).ids
        )
        self.assertEqual(
            [key for key, _count in Partner._read_group(mine, ['retail_data_band'], ['__count'])],
            ['poor', 'good'],
        )
        self.assertEqual(Partner.search([*mine, ('retail_data_quality', '<', 50)]), worst)
        self.assertIn('no birthday', Partner.browse(worst.id).retail_data_quality_text)
        self.assertFalse(Partner.browse(best.id).retail_data_quality_text)

    def test_average_is_a_measure(self):
        """The mean over customers is the figure of S-KPI-08, by any class."""
        customers = self._customer(**self.full) | self._customer()
        [(average, count)] = self.profiles.with_user(self.users['manager'])._read_group(
            [('partner_id', 'in', customers.ids)], [], ['data_quality:avg', '__count']
        )
        self.assertEqual((float(average), count), (53.0, 2))

    def test_worklist_and_its_filters(self):
        """The worst come first, and each filter finds what it says (S-CUS-19, S-CUS-22)."""
        nobody = self._customer()
        odd_phone = self._customer(phone='12')
        odd_mail = self._customer(email='nonsense')
        stale = self._customer(**{**self.full, 'retail_checked_on': date(2020, 1, 1)})
        best = self._customer(**self.full)
        mine = [('partner_id', 'in', (nobody | odd_phone | odd_mail | stale | best).ids)]
        action = self.env.ref('retail_crm.retail_profile_action_quality')
        profiles = self.profiles.with_user(self.users['user'])
        view = self.env.ref('retail_crm.retail_profile_view_list_quality')
        order = view._get_combined_arch().get('default_order')
        listed = profiles.search(mine + [('data_quality', '<', 100)], order=order)
        self.assertIn("'data_quality'", action.domain)
        self.assertEqual(listed.partner_id[:1], nobody)
        self.assertEqual(listed.partner_id[-1:], stale)
        self.assertNotIn(best, listed.partner_id)
        arch = self.env.ref('retail_crm.retail_profile_view_search')._get_combined_arch()
        for name, found in {
            'no_way': nobody,
            'invalid_phone': odd_phone,
            'invalid_email': odd_mail,
            'never_confirmed': nobody | odd_phone | odd_mail,
            'confirmed_long_ago': stale,
        }.items():
            [node] = arch.xpath(f"//filter[@name='{name}']")
            domain = mine + eval(node.get('domain'))
            with self.subTest(filter=name):
                self.assertEqual(set(profiles.search(domain).partner_id.ids), set(found.ids))

    def test_checked_today(self):
        """Staff note for many at once that data was confirmed; others may not (S-CUS-22)."""
        customers = self._customer() | self._customer()
        profiles = self._profile_of(customers[0]) | self._profile_of(customers[1])
        profiles.with_user(self.users['user']).action_checked_today()
        self.assertEqual(set(customers.mapped('retail_checked_on')), {TODAY})
        self._process()
        profiles.invalidate_recordset()
        self.assertEqual(profiles.mapped('data_timeliness'), [100, 100])
        customers[0].with_user(self.users['lead']).action_retail_checked_today()
        for persona in ('marketing', 'internal', 'sales', 'portal'):
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                customers.with_user(self.users[persona]).action_retail_checked_today()
        with self.assertRaises(AccessError):
            profiles.with_user(self.users['marketing']).action_checked_today()

    def test_confirming_is_tracked(self):
        """When data was confirmed is in the history of the contact (S-CUS-22)."""
        field = self.env['res.partner']._fields['retail_checked_on']
        self.assertTrue(field.tracking)

    def test_two_companies(self):
        """Both companies judge the same contact, each by its own days (S-CUS-22)."""
        partner = self._customer(**{**self.full, 'retail_checked_on': TODAY - timedelta(days=40)})
        self._create_order(partner, 10, company_id=self.company_2.id)
        self._process()
        self.env['retail.classification']._of_companies(self.company_2.ids).check_days = 30
        self.profiles._refresh()
        self.assertEqual(self._profile_of(partner).data_timeliness, 100)
        self.assertEqual(self._profile_of(partner, self.company_2).data_timeliness, 50)
