"""The customer file: birthday, age, needs, who may see and change it, what is tracked, printed, merged and shown."""

import ast
from datetime import date

from freezegun import freeze_time
from lxml import etree, html
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, tagged, users, warmup
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.customer.res_partner_file import SENSITIVE_FIELDS
from odoo.addons.retail_crm.tests.common import RetailCrmCommon


class FileCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        preferences = cls.env['retail.preference']
        cls.maps, cls.ramp = preferences.create(
            [{'name': 'Old Maps'}, {'name': 'Ramp', 'kind': 'need'}]
        )
        cls.channel = cls.env['retail.channel'].create({'name': 'Pigeon', 'code': 'pigeon'})
        cls.source = cls.env['utm.source'].create({'name': 'Lighthouse'})
        cls.partners = cls.env['res.partner']

    @classmethod
    def _full_file(cls):
        """Return the values of a file of which everything is known."""
        return {
            'retail_salutation': 'Dr Bob',
            'retail_pronunciation': 'bop',
            'retail_remark': 'Drinks tea',
            'retail_special_need': 'No nuts',
            'retail_preferred_channel_id': cls.channel.id,
            'retail_adviser_id': cls.users['user'].id,
            'retail_source_id': cls.source.id,
            'retail_referrer_id': cls.acme.id,
            'retail_preference_ids': [Command.set((cls.maps + cls.ramp).ids)],
            'retail_checked_on': '2026-01-15',
            'retail_birth_month': '3',
            'retail_birth_day': 5,
            'retail_birth_year': 1990,
            'retail_occasion_date_ids': [
                Command.create({'kind': 'wedding', 'month': '5', 'day': 20, 'year': 2015})
            ],
            'retail_family': 'Two children',
            'retail_occupation': 'Pilot',
            'retail_education': 'master',
            'retail_personality': 'Calm',
            'retail_network': 'The flying club',
            'retail_dealing': 'factual',
            'retail_management': 'high',
            'retail_strength': 'medium',
            'retail_cost_control': 'low',
            'retail_sales_situation': 'high',
            'retail_cost_recovery': 'medium',
        }

    def _call(self, persona, method, *args, **kwargs):
        """Call a method of contacts as the browser of a persona does."""
        env = self.env(user=self.users[persona], su=False)
        return call_kw(env['res.partner'], method, list(args), kwargs)


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time('2026-03-01 10:00')
class TestBirthday(FileCommon):
    def _set(self, partner, month, day, year=0, lunar=False):
        partner.write(
            {
                'retail_birth_month': str(month),
                'retail_birth_day': day,
                'retail_birth_year': year,
                'retail_birth_lunar': lunar,
            }
        )

    def _parts(self, partner):
        return (
            partner.retail_birth_month,
            partner.retail_birth_day,
            partner.retail_birth_year,
            partner.retail_birth_lunar,
        )

    def test_date_makes_parts(self):
        """A date of birth sets its parts; an empty one empties them (S-CUS-07)."""
        self.bob.birthday = date(1990, 3, 5)
        self.assertEqual(self._parts(self.bob), ('3', 5, 1990, False))
        self.bob.birthday = False
        self.assertEqual(self._parts(self.bob), (False, 0, 0, False))
        new = self.partners.create({'name': 'Eve', 'birthday': '2000-02-29'})
        self.assertEqual(self._parts(new), ('2', 29, 2000, False))
        self.assertEqual(new.birthday, date(2000, 2, 29))

    def test_parts_make_the_date(self):
        """Without year there is no date of birth; a lunar one is the date it was (S-CUS-07)."""
        self._set(self.bob, 3, 5, 1990)
        self.assertEqual(self.bob.birthday, date(1990, 3, 5))
        self._set(self.bob, 3, 5)
        self.assertFalse(self.bob.birthday)
        self.assertEqual(self.bob.retail_birthday_text, '5 March')
        self._set(self.bob, 8, 15, 2024, lunar=True)
        self.assertEqual(self.bob.birthday, date(2024, 9, 17))
        self.assertEqual(self.bob.retail_birthday_text, 'lunar month 8, day 15, 2024')

    def test_what_was_exported_can_be_imported(self):
        """A file with the date beside its parts, as an export gives it, changes nothing (S-CUS-07)."""
        for parts in (('8', 15, 2024, True), ('3', 5, 0, False), ('3', 5, 1990, False)):
            with self.subTest(parts=parts):
                self._set(self.bob, *parts)
                before = self.bob.birthday
                names = ['retail_birth_month', 'retail_birth_day', 'retail_birth_year']
                self.bob.write(
                    {
                        'birthday': before,
                        'retail_birth_lunar': parts[3],
                        **dict(zip(names, parts, strict=False)),
                    }
                )
                self.assertEqual((self._parts(self.bob), self.bob.birthday), (parts, before))
                self.bob.write({'birthday': before})
                self.assertEqual(self._parts(self.bob), parts)

    def test_wrong_birthdays_are_refused(self):
        """A birthday in the future or of no calendar is refused, and the old one stays (issue: bad input)."""
        self._set(self.bob, 3, 5, 1990)
        self.env.flush_all()
        for values, message in (
            ({'birthday': '2026-03-02'}, 'in the future'),
            ({'retail_birth_year': 2027}, 'in the future'),
            ({'retail_birth_month': '2', 'retail_birth_day': 30}, 'no day 30 in February'),
            ({'retail_birth_day': 0}, 'needs a month and a day'),
            ({'retail_birth_month': False}, 'needs a month and a day'),
            ({'retail_birth_year': 90}, 'four digits'),
            ({'birthday': '0090-03-05'}, 'four digits'),
        ):
            with self.subTest(values=values):
                with self.assertRaisesRegex(ValidationError, message), self.cr.savepoint():
                    self.bob.write(values)
                self.env.invalidate_all(flush=False)
                self.assertEqual(self._parts(self.bob), ('3', 5, 1990, False))
        self.bob.birthday = '2026-03-01'
        self.assertEqual(self.bob.retail_age, 0)

    def test_next_birthday_and_age(self):
        """The next birthday follows today; 29 February is kept on the 28th; lunar ones move (S-CUS-07, S-SEG-19)."""
        cases = [
            ((3, 1, 1990, False), date(2026, 3, 1), 36),
            ((2, 28, 1990, False), date(2027, 2, 28), 36),
            ((3, 2, 1990, False), date(2026, 3, 2), 35),
            ((2, 29, 2004, False), date(2027, 2, 28), 22),
            ((2, 29, 0, False), date(2027, 2, 28), 0),
            ((8, 15, 2004, True), date(2026, 9, 25), 21),
        ]
        for parts, following, age in cases:
            with self.subTest(parts=parts):
                self._set(self.bob, *parts)
                self.assertEqual(self.bob.retail_birthday_next, following)
                self.assertEqual(self.bob.retail_age, age)
        self.bob.birthday = False
        self.assertEqual((self.bob.retail_birthday_next, self.bob.retail_age), (False, 0))

    def test_form_in_the_middle_of_typing(self):
        """A day that there is not breaks no form while it is entered; saving it is refused (issue: bad input)."""
        with self.assertRaises(ValidationError):
            with Form(self.bob, view='retail_crm.res_partner_view_form_file') as form:
                form.retail_birth_month = '2'
                self.assertFalse(form.retail_birthday_next)
                form.retail_birth_day = 31
                self.assertFalse(form.retail_birthday_next)
                form.retail_birth_year = 1990

    def _people(self):
        """Return customers of many birthdays: solar, lunar, without year, without any."""
        values = [
            {'retail_birth_month': str(month), 'retail_birth_day': day, 'retail_birth_lunar': lunar}
            | {'retail_birth_year': year}
            for month, day in ((1, 1), (2, 28), (2, 29), (3, 1), (3, 2), (12, 30))
            for lunar in (False, True)
            for year in (0, 1956, 1996, 2008, 2024)
            if lunar or (month, day) != (2, 29) or year != 0
            if not (lunar and (month, day) == (12, 30) and year)
        ]
        return self.partners.create(
            [{'name': f'Person {n}', **item} for n, item in enumerate(values)] + [{'name': 'None'}]
        )

    def test_search_agrees_with_what_is_shown(self):
        """Searches by birthday, next birthday and age find exactly those who show such values (S-SEG-19)."""
        people = self._people()
        compare = {
            '=': lambda a, b: a == b,
            '!=': lambda a, b: a != b,
            '<': lambda a, b: a < b,
            '<=': lambda a, b: a <= b,
            '>': lambda a, b: a > b,
            '>=': lambda a, b: a >= b,
        }
        bounds = {
            'birthday': [date(1996, 2, 29), date(1996, 3, 1), date(2008, 3, 2)],
            'retail_birthday_next': [date(2026, 3, 1), date(2026, 3, 2), date(2027, 2, 28)],
            'retail_age': [1, 2, 17, 18, 29, 30, 69, 70, 200],
        }
        for name, values in bounds.items():
            for value in values:
                for operator, holds in compare.items():
                    with self.subTest(field=name, operator=operator, value=value):
                        expected = people.filtered(
                            lambda one, n=name, v=value, o=operator, h=holds: (
                                h(one[n], v) if one[n] or o == '!=' else False
                            )
                        )
                        if name == 'retail_age' and operator in ('<', '<='):
                            # the age 0 of those under one year is no unknown age
                            expected = people.filtered(
                                lambda one, v=value, h=holds: one.birthday and h(one.retail_age, v)
                            )
                        found = self.partners.search(
                            [('id', 'in', people.ids), (name, operator, value)]
                        )
                        self.assertEqual(found, expected & found | expected)
                        self.assertEqual(set(found.ids), set(expected.ids))
            without = self.partners.search([('id', 'in', people.ids), (name, '=', False)])
            self.assertEqual(
                set(without.ids),
                set(
                    people.filtered(
                        lambda one, n=name: not one['birthday' if n == 'retail_age' else n]
                    ).ids
                ),
            )

    def test_ages_of_nobody(self):
        """Ages beyond all life find nobody and break nothing (issue: bad input)."""
        people = self._people()
        for age in (901, 10**6):
            self.assertFalse(self.partners.search([('retail_age', '>', age)]) & people)
        known = people.filtered('birthday')
        self.assertEqual(self.partners.search([('retail_age', '>=', -5)]) & people, known & people)

    def test_sort_and_group(self):
        """Lists are sorted and grouped by the next birthday and by age; groups lead to their customers (S-CUS-21)."""
        people = self._people()
        domain = [('id', 'in', people.ids)]
        ordered = self.partners.search(
            [*domain, ('retail_birthday_next', '!=', False)], order='retail_birthday_next, id'
        )
        self.assertEqual(
            ordered, (people - people[-1]).sorted(lambda p: (p.retail_birthday_next, p.id))
        )
        for spec in ('retail_birthday_next:month', 'retail_age', 'birthday:year'):
            groups = self.partners.formatted_read_group(domain, [spec], ['__count'])
            self.assertEqual(sum(group['__count'] for group in groups), len(people))
            for group in groups:
                with self.subTest(spec=spec, group=group[spec]):
                    inside = self.partners.search_count([*domain, *group['__extra_domain']])
                    self.assertEqual(inside, group['__count'])
        ages = [one.retail_age for one in people if one.birthday]
        (total,) = self.partners.formatted_read_group(domain, [], ['retail_age:avg'])
        self.assertAlmostEqual(total['retail_age:avg'], sum(ages) / len(ages), places=2)

    def test_filters_of_the_screen(self):
        """The filters for birthdays, needs and ages of the search view work as they are written (S-CUS-07, S-CUS-21)."""
        arch = etree.fromstring(
            self.partners.get_view(self.env.ref('base.view_res_partner_filter').id, 'search')[
                'arch'
            ]
        )
        self._set(self.bob, 3, 1)
        self._set(self.ann, 3, 7, 1990)  # a Saturday: the week of en_US begins on Sunday
        self._set(self.acme, 3, 31, 1950)
        self.ann.retail_special_need = 'No nuts'
        self.bob.retail_preference_ids = self.ramp
        all_ = self.bob + self.ann + self.acme
        expected = {
            'retail_birthday_today': self.bob,
            'retail_birthday_week': self.bob + self.ann,
            'retail_birthday_month': all_,
            'retail_special_needs': self.bob + self.ann,
            'retail_under_30': self.partners,
            'retail_30_to_59': self.ann,
            'retail_from_60': self.acme,
        }
        for name, partners in expected.items():
            (node,) = arch.xpath(f"//filter[@name='{name}']")
            domain = ast.literal_eval(node.get('domain'))
            with self.subTest(filter=name):
                found = self.partners.search([('id', 'in', all_.ids), *domain])
                self.assertEqual(set(found.ids), set(partners.ids))


@tagged('post_install', '-at_install', 'retail_crm')
class TestFile(FileCommon):
    def test_nobody_refers_himself(self):
        """The referrer is somebody else: neither the customer nor his company nor its contacts (S-CUS-03)."""
        self.bob.retail_referrer_id = self.acme
        for partner, referrer in (
            (self.bob, self.bob),
            (self.ann, self.acme),
            (self.acme, self.ann),
        ):
            with self.subTest(partner=partner.name):
                with self.assertRaises(ValidationError), self.cr.savepoint():
                    partner.retail_referrer_id = referrer

    def test_preference_names_are_unique_by_kind(self):
        """One preference of a name and kind (S-CUS-09)."""
        with self.assertRaises(IntegrityError), mute_logger('odoo.sql_db'), self.cr.savepoint():
            self.maps.copy({'name': 'Old Maps'})
        self.env['retail.preference'].create({'name': 'Old Maps', 'kind': 'taste'})

    def test_interest_makes_a_potential_customer(self):
        """A preference makes somebody a potential customer; taking it away ends that (S-CUS-09, R-loy C.6)."""
        self.bob.retail_preference_ids = self.maps
        self._process()
        self.assertEqual(self.bob.retail_ladder, 'potential')
        self.bob.retail_preference_ids = False
        self._process()
        self.assertFalse(self._profile_of(self.bob))

    def test_greeting_name(self):
        """Letters begin with the form of address, else the name; those who only send letters may, too (S-CUS-30)."""
        self.assertEqual(self.bob.retail_greeting_name, 'Bob')
        self.bob.retail_salutation = 'Dr Bob'
        plain = self.bob.with_user(self.users['internal'])
        self.assertEqual(plain.retail_greeting_name, 'Dr Bob')
        rendered = self.env['mail.render.mixin']._render_template(
            'Dear {{ object.retail_greeting_name }}', 'res.partner', self.bob.ids
        )
        self.assertEqual(rendered[self.bob.id], 'Dear Dr Bob')

    @freeze_time('2026-03-01 10:00')
    def test_customer_in_words(self):
        """The card says who it is, how to reach him, what he likes and needs, from one summary (S-CUS-09, 23, 24, 30)."""
        self.assertFalse(self.bob.retail_file_line)
        self.assertFalse(self.bob.retail_need_text)
        self.bob.write(self._full_file())
        self.assertEqual(
            self.bob.retail_file_line,
            'Dr Bob (say: bop) · birthday on 5 March · prefers Pigeon · likes Old Maps',
        )
        self.assertEqual(self.bob.retail_need_text, 'Ramp; No nuts')
        self.maps.name = 'New Maps'
        self.env.invalidate_all()
        self.assertEqual(self.bob.retail_preference_text, 'New Maps')
        self.maps.active = False
        self.env.invalidate_all()
        self.assertFalse(self.bob.retail_preference_text)
        with freeze_time('2026-03-05 10:00'):
            self.env.invalidate_all()
            self.assertIn('birthday today', self.bob.retail_file_line)
        with freeze_time('2026-03-06 10:00'):
            self.env.invalidate_all()
            self.assertNotIn('birthday', self.bob.retail_file_line)

    def test_words_in_the_language_of_the_user(self):
        """Names of channels and preferences are those of the user's language (S-CUS-23)."""
        self.env['res.lang']._activate_lang('fr_FR')
        self.maps.with_context(lang='fr_FR').name = 'Vieilles cartes'
        self.bob.retail_preference_ids = self.maps
        self.assertEqual(self.bob.retail_preference_text, 'Old Maps')
        french = self.bob.with_context(lang='fr_FR')
        self.assertEqual(french.retail_preference_text, 'Vieilles cartes')

    def test_business_situation_is_for_companies(self):
        """The business situation shows for companies only (S-CUS-06)."""
        arch = etree.fromstring(
            self.partners.get_view(
                self.env.ref('retail_crm.res_partner_view_form_file').id, 'form'
            )['arch']
        )
        (group,) = arch.xpath("//group[@name='retail_business']")
        self.assertEqual(group.get('invisible'), 'not is_company')
        names = {node.get('name') for node in group.iter('field')}
        self.assertEqual(
            names,
            {
                'retail_strength',
                'retail_cost_control',
                'retail_sales_situation',
                'retail_cost_recovery',
            },
        )

    def test_file_form_is_never_the_default(self):
        """The contact's own form stays the default one (design 5.1)."""
        self.assertEqual(
            self.partners.get_view(False, 'form')['id'], self.env.ref('base.view_partner_form').id
        )

    def test_sources_are_there(self):
        """Registration sources are shipped and distinct from each other and from core's (S-CUS-02)."""
        keys = ('shop', 'web', 'phone', 'social', 'marketplace', 'referral')
        sources = [self.env.ref(f'retail_crm.utm_source_{key}') for key in keys]
        self.assertEqual(len({source.name for source in sources}), len(keys))
        for source in sources:
            self.assertNotIn('[', source.name)


@tagged('post_install', '-at_install', 'retail_crm')
class TestFileAccess(FileCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bob.write(cls._full_file())
        for user in cls.users.values():
            user.group_ids += cls.env.ref('base.group_allow_export')
        cls.env.flush_all()

    def _entered(self):
        """Return the stored fields of the file that staff see."""
        return [
            name
            for name, field in self.partners._fields.items()
            if (name.startswith('retail_') or name == 'birthday')
            and field.groups
            and 'retail_crm.group_user' in field.groups
            and (field.store or field.type == 'one2many')
        ]

    def _ways(self, name):
        """Return ``{way: call}`` of the ways in which a caller from outside could learn a value."""
        field = self.partners._fields[name]
        spec = f'{name}:month' if field.type == 'date' else name
        ways = {
            'read': ('read', self.bob.ids, [name]),
            'web_read': ('web_read', self.bob.ids, {name: {}}),
            'search_read': ('search_read', [('id', '=', self.bob.id)], [name]),
            'export': ('export_data', self.bob.ids, [name]),
            'domain': ('search', [(name, '!=', False)]),
            'write': ('write', self.bob.ids, {name: False}),
        }
        if field.type not in ('one2many', 'text'):
            ways['group'] = ('formatted_read_group', [], [spec], ['__count'])
        if field.type not in ('one2many', 'many2many'):
            ways['order'] = ('search', [], 0, 1, f'{name} desc')
        return ways

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_the_file_is_closed_to_others(self):
        """Employees without our groups learn nothing of the file, by no way (S-CUS-04, design 7)."""
        names = self._entered()
        self.assertGreater(len(names), 20)
        for persona in ('internal', 'complaint', 'portal'):
            for name in names:
                for way, call in self._ways(name).items():
                    with self.subTest(field=name, persona=persona, way=way):
                        with self.assertRaises(AccessError), self.cr.savepoint():
                            self._call(persona, *call)

    def test_the_file_is_open_to_staff(self):
        """The same ways work for staff: the refusals above are not those of a wrong call (S-CUS-03, 18)."""
        for name in self._entered():
            for way, call in self._ways(name).items():
                if way == 'write':
                    continue
                with self.subTest(field=name, way=way):
                    self._call('user', *call)

    def test_staff_create_and_correct(self):
        """Staff, leaders and managers enter and correct the file; sellers with the right to contacts, too (S-CUS-18)."""
        for persona in ('user', 'lead', 'manager'):
            with self.subTest(persona=persona):
                (partner_id,) = self._call('user', 'create', [{'name': 'Zoe'}])
                partner = self.partners.browse(partner_id)
                values = self._full_file()
                self._call(persona, 'write', [partner_id], values)
                self.assertEqual(partner.retail_occupation, 'Pilot')
                self.assertEqual(partner.birthday, date(1990, 3, 5))
                self.assertEqual(len(partner.retail_occasion_date_ids), 1)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_staff_delete_no_customer(self):
        """Staff delete no contacts; marketing and plain employees change none (S-CUS-18)."""
        self.env.flush_all()
        for persona, call in (
            ('user', ('unlink', self.bob.ids)),
            ('marketing', ('write', self.bob.ids, {'retail_remark': 'x'})),
            ('internal', ('write', self.bob.ids, {'name': 'x'})),
        ):
            with self.subTest(persona=persona):
                with self.assertRaises(AccessError), self.cr.savepoint():
                    self._call(persona, *call)

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_income_and_funds_are_not_staffs(self):
        """Neither field is in reach of staff, on the form or by a call (S-CUS-04)."""
        for name in SENSITIVE_FIELDS:
            for persona in ('user', 'manager', 'sales'):
                with self.subTest(field=name, persona=persona):
                    with self.assertRaises(AccessError), self.cr.savepoint():
                        self._call(persona, 'read', self.bob.ids, [name])

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_who_opens_the_file(self):
        """The file opens for those who serve customers; one shows its form, several their list (S-CUS-03)."""
        for persona in ('user', 'lead', 'manager', 'marketing', 'sales'):
            action = self._call(persona, 'action_retail_file', self.bob.ids)
            self.assertEqual(action['res_id'], self.bob.id)
            view = self.env.ref('retail_crm.res_partner_view_form_file')
            self.assertEqual(action['views'], [(view.id, 'form')])
            answer = self._call(persona, 'get_views', [(view.id, 'form')], {})
            self.assertIn('retail_family', answer['views']['form']['arch'])
        both = self._call('user', 'action_retail_file', (self.bob + self.ann).ids)
        self.assertEqual(both['domain'], [('id', 'in', (self.bob + self.ann).ids)])
        for persona in ('internal', 'complaint', 'sensitive', 'portal'):
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                self._call(persona, 'action_retail_file', self.bob.ids)

    def test_changes_are_tracked(self):
        """Old value, new value, who and when of important fields are in the history (S-CUS-18)."""
        self.env = self.env(context={'tracking_disable': False, 'mail_notrack': False})
        other = self.env['retail.channel'].create({'name': 'Letterbird', 'code': 'letterbird'})
        changes = {
            'retail_remark': ('Drinks coffee', 'Drinks tea', 'Drinks coffee'),
            'retail_special_need': ('No milk', 'No nuts', 'No milk'),
            'retail_preferred_channel_id': (other.id, 'Pigeon', 'Letterbird'),
            'retail_birth_year': (1991, 1990, 1991),
            'retail_preference_ids': ([Command.set(self.maps.ids)], 'Old Maps, Ramp', 'Old Maps'),
        }
        staff = self.env(user=self.users['user'], su=False)
        partner = staff['res.partner'].browse(self.bob.id)
        self.env.cr.precommit.run()
        partner.write({name: change[0] for name, change in changes.items()})
        self.env.flush_all()
        self.env.cr.precommit.run()
        message = self.bob.message_ids[:1]
        self.assertEqual(message.author_id, self.users['user'].partner_id)
        self.assertTrue(message.date)
        tracked = {value.field_id.name: value for value in message.sudo().tracking_value_ids}
        for name, (_value, old, new) in changes.items():
            with self.subTest(field=name):
                row = tracked[name]
                kind = 'integer' if isinstance(old, int) else 'char'
                self.assertEqual((row[f'old_value_{kind}'], row[f'new_value_{kind}']), (old, new))
        # whoever may not see a field does not see it in the history
        self.assertFalse(
            message.tracking_value_ids.with_user(self.users['internal'])
            ._filter_has_field_access(self.env(user=self.users['internal']))
            .filtered(lambda row: row.field_id.name.startswith('retail_'))
        )


@tagged('post_install', '-at_install', 'retail_crm')
class TestFileMerge(FileCommon):
    def _merge(self, source, target, user=None):
        env = self.env(user=user) if user else self.env
        wizard = env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((source + target).ids, target.with_env(env), extra_checks=False)
        self._process()
        self.env.invalidate_all()

    def test_all_of_the_file_moves(self):
        """A file merged into an empty one is there afterwards, whoever merges (S-CUS-03)."""
        cat = self.partners.create({'name': 'Cat', **self._full_file()})
        merger = self.users['internal']
        merger.group_ids += self.env.ref('base.group_partner_manager')
        self._merge(cat, self.bob, merger)
        self.assertEqual(self.bob.retail_occupation, 'Pilot')
        self.assertEqual(self.bob.birthday, date(1990, 3, 5))
        self.assertEqual(self.bob.retail_preference_ids, self.maps + self.ramp)
        self.assertEqual(len(self.bob.retail_occasion_date_ids), 1)
        self.assertEqual(self.bob.retail_referrer_id, self.acme)
        self.assertEqual(self.bob.retail_adviser_id, self.users['user'])

    def test_birthdays_are_not_mixed(self):
        """A birthday stays whole; only the year of the same day is added (S-CUS-07)."""
        day = ('retail_birth_month', 'retail_birth_day', 'retail_birth_year', 'retail_birth_lunar')
        cases = [
            (('3', 5, 0, False), ('2', 29, 1960, True), ('3', 5, 0, False)),
            (('3', 5, 0, False), ('3', 5, 1990, False), ('3', 5, 1990, False)),
            (('3', 5, 0, False), ('3', 5, 1990, True), ('3', 5, 0, False)),
            ((False, 0, 0, False), ('8', 15, 0, True), ('8', 15, 0, True)),
            (('3', 5, 1990, False), (False, 0, 0, False), ('3', 5, 1990, False)),
        ]
        for target, source, expected in cases:
            with self.subTest(target=target, source=source):
                one, other = self.partners.create(
                    [
                        {'name': 'One', **dict(zip(day, target, strict=True))},
                        {'name': 'Other', **dict(zip(day, source, strict=True))},
                    ]
                )
                self._merge(other, one)
                self.assertEqual(tuple(one[name] for name in day), expected)

    def test_needs_and_remarks_of_both_stay(self):
        """Who is allergic stays allergic: texts that matter in service are joined (S-SEG-23)."""
        self.bob.write({'retail_special_need': 'No nuts', 'retail_salutation': 'Dr Bob'})
        cat = self.partners.create(
            {'name': 'Cat', 'retail_special_need': 'No milk', 'retail_salutation': 'Ms Cat'}
        )
        self._merge(cat, self.bob)
        self.assertEqual(self.bob.retail_special_need, 'No nuts; No milk')
        self.assertEqual(self.bob.retail_salutation, 'Dr Bob')

    def test_referrer_who_is_merged(self):
        """Who recommended himself is nobody's referrer after the merge, which does not fail (S-CUS-03)."""
        for referred, target in ((0, 0), (0, 1)):
            pair = self.partners.create([{'name': 'One'}, {'name': 'Other'}])
            pair[referred].retail_referrer_id = pair[1 - referred]
            with self.subTest(target=target):
                self._merge(pair[1 - target], pair[target])
                self.assertFalse(pair[target].retail_referrer_id)


@tagged('post_install', '-at_install', 'retail_crm')
class TestFileScreens(FileCommon):
    """What the file costs on the ordinary screens, and what is printed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.eve = cls.partners.create({'name': 'Eve', **cls._full_file()})
        cls.order = cls._create_order(cls.eve, 10, user_id=cls.users['sales'].id)
        cls._process()

    def _spec(self, model, node, strip):
        """Return what the web client asks for, with the names of linked records and the columns of lists."""
        spec = {}
        for child in node:
            if child.tag != 'field':
                spec |= self._spec(model, child, strip)
                continue
            name = child.get('name')
            if strip and name.startswith('retail_'):
                continue
            field = self.env[model]._fields[name]
            if field.type in ('many2one', 'reference'):
                hidden = child.get('invisible') in ('1', 'True')
                spec[name] = {'fields': {} if hidden else {'display_name': {}}}
            elif field.type in ('one2many', 'many2many'):
                inner = [view for view in child if view.tag in ('list', 'kanban')]
                columns = {}
                if inner:  # each level is stripped of ours alike
                    columns = self._spec(field.comodel_name, inner[0], strip)
                spec[name] = {'fields': columns or {'display_name': {}}}
            else:
                spec[name] = {}
        return spec

    def _queries(self, record, view_id, strip):
        answer = record.get_views([(view_id, 'form')])
        arch = etree.fromstring(answer['views']['form']['arch'])
        spec = self._spec(record._name, arch, strip)
        record.web_read(spec)
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        record.web_read(spec)
        return self.cr.sql_log_count - before

    @users('retail_user')
    @warmup
    def test_full_file_costs_three_queries_more(self):
        """The contact's form of a customer of whom all is known stays within its budget (design 8)."""
        eve = self.eve.with_env(self.env)
        view_id = self.env.ref('base.view_partner_form').sudo().id
        bare, ours = (self._queries(eve, view_id, strip) for strip in (True, False))
        self.assertLessEqual(ours, bare + 3)

    @users('retail_sales')
    @warmup
    def test_order_costs_one_query_more(self):
        """The file on the order's card is one query beside the figures' ones, for one and for twenty (S-CUS-24)."""
        orders = self.order.with_env(self.env)
        orders.invalidate_recordset()
        self.env.invalidate_all()
        orders.web_read({'partner_id': {'fields': {'display_name': {}}}})
        orders.sudo().partner_id.commercial_partner_id.mapped('retail_remark')
        self.env.company.root_id.mapped('name')  # what every page reads
        with self.assertQueryCount(1):
            orders.mapped('retail_file_line')
            orders.mapped('retail_need_text')
            orders.mapped('retail_remark')

    @freeze_time('2026-03-01 20:00')
    def test_zone_is_remembered_until_it_changes(self):
        """The company's day, which each customer form asks for, follows its calendar at once (design 4.2, 8)."""
        calendars = self.env['resource.calendar'].create(
            [{'name': 'Here', 'tz': 'UTC'}, {'name': 'There', 'tz': 'Asia/Shanghai'}]
        )
        self.company.resource_calendar_id = calendars[0]
        self.assertEqual(self.company._retail_today(), date(2026, 3, 1))
        self.company.resource_calendar_id = calendars[1]
        self.assertEqual(self.company._retail_today(), date(2026, 3, 2))
        calendars[1].tz = 'UTC'
        self.assertEqual(self.company._retail_today(), date(2026, 3, 1))

    def test_every_part_of_the_file_opens(self):
        """The file's form, with the names of all that it links to, opens for each who serves customers (S-CUS-03)."""
        view_id = self.env.ref('retail_crm.res_partner_view_form_file').id
        for persona in ('user', 'lead', 'manager', 'marketing', 'sales'):
            answer = self._call(persona, 'get_views', [(view_id, 'form')], {})
            arch = etree.fromstring(answer['views']['form']['arch'])
            spec = self._spec('res.partner', arch, False)
            with self.subTest(persona=persona):
                (file,) = self._call(persona, 'web_read', self.eve.ids, spec)
                self.assertEqual(file['retail_source_id']['display_name'], 'Lighthouse')
                self.assertEqual(file['retail_preferred_channel_id']['display_name'], 'Pigeon')
                self.assertEqual(file['retail_adviser_id']['id'], self.users['user'].id)
                self.assertEqual(len(file['retail_preference_ids']), 2)
                self.assertEqual(file['retail_occasion_date_ids'][0]['day'], 20)

    def test_order_card_says_what_matters(self):
        """Orders show preferences, needs and remarks of the customer; a contact's own before his company's (S-CUS-24)."""
        self.assertIn('likes Old Maps', self.order.retail_file_line)
        self.assertEqual(self.order.retail_need_text, 'Ramp; No nuts')
        self.assertEqual(self.order.retail_remark, 'Drinks tea')
        self.acme.write({'retail_remark': 'Invoice by post', 'retail_special_need': 'Side door'})
        self.ann.retail_special_need = 'No milk'
        order = self._create_order(self.ann, 5, confirm=False)
        self.assertEqual(order.retail_remark, 'Invoice by post')
        self.assertEqual(order.retail_need_text, 'No milk; Side door')
        with Form(self.env['sale.order']) as form:
            self.assertFalse(form.retail_file_line)
            form.partner_id = self.eve
            self.assertIn('Dr Bob', form.retail_file_line)
            form.partner_id = self.bob
            self.assertFalse(form.retail_file_line)
        arch = self.env['sale.order'].with_user(self.users['sales']).get_view(view_type='form')
        self.assertIn('retail_file_card', arch['arch'])
        plain = self.env['sale.order'].with_user(self.users['internal'])
        with self.assertRaises(AccessError):
            plain.browse(order.id).read(['retail_file_line'])

    def _printed(self, persona='user'):
        report = self.env['ir.actions.report'].with_user(self.users[persona]).sudo(False)
        content, _kind = report._render_qweb_html(
            'retail_crm.report_customer_file', (self.eve + self.acme).ids
        )
        return ' '.join(html.fromstring(content).text_content().split())

    def test_printed_file(self):
        """The printed file holds the file, figures and last purchases, and says that it is internal (S-CUS-31)."""
        self.eve.write({'retail_annual_income': 98765, 'retail_funds': 'ample'})
        text = self._printed()
        for part in (
            'Internal, not for the customer',
            'Eve',
            'Dr Bob',
            'Old Maps',
            'Ramp; No nuts',
            'Wedding day',
            'Two children',
            "Master's degree or higher",
            'Pigeon',
            'Lighthouse',
            '5 March 1990',
            'Purchases, 12 Months',
            self.order.name,
        ):
            with self.subTest(part=part):
                self.assertIn(part, text)
        for secret in ('98,765', '98765', 'Ample', 'Star Class', 'Burden'):
            with self.subTest(secret=secret):
                self.assertNotIn(secret, text)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_qweb')
    def test_who_prints(self):
        """Sellers print the file without the purchases they may not list; others can't print it (S-CUS-31)."""
        text = self._printed('sales')
        self.assertIn('Dr Bob', text)
        self.assertNotIn('Last Purchases', text)
        with self.assertRaises(AccessError):
            self._printed('internal')
        report = self.env.ref('retail_crm.action_report_customer_file')
        for persona, offered in (('user', True), ('sales', True), ('internal', False)):
            bindings = self.env['ir.actions.actions'].with_user(self.users[persona])
            names = [item['id'] for item in bindings.get_bindings('res.partner').get('report', [])]
            self.assertEqual(report.id in names, offered, persona)

    def test_pivot_and_graph(self):
        """Customers are counted by behaviour, preference and demographics in pivot and graph (S-CUS-21)."""
        for spec in (
            ['retail_lifecycle', 'retail_education'],
            ['retail_preference_ids'],
            ['retail_preferred_channel_id'],
            ['retail_source_id'],
            ['retail_adviser_id'],
            ['birthday:year'],
        ):
            with self.subTest(groupby=spec):
                groups = self._call(
                    'user',
                    'formatted_read_group',
                    [('id', '=', self.eve.id)],
                    spec,
                    ['retail_spend_12m:sum', '__count'],
                )
                self.assertTrue(groups)
                self.assertTrue(all(group['retail_spend_12m:sum'] == 10 for group in groups))
        action = self.env.ref('retail_crm.res_partner_action_customers')
        self.assertLessEqual({'pivot', 'graph'}, set(action.view_mode.split(',')))
        for kind in ('pivot', 'graph'):
            view = self.env.ref(f'retail_crm.res_partner_view_{kind}_customer')
            self._call('user', 'get_views', [(view.id, kind)], {})
