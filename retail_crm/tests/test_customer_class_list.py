"""The lists of contacts and profiles by classes: filters, order, groups, and whom they are closed to."""

from datetime import date

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.customer._classes import LIFECYCLE
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

ACCESS_LOGGERS = ('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')


@tagged('post_install', '-at_install', 'retail_crm')
class TestClassList(RetailCrmCommon):
    """The list of contacts by classes (S-SEG-31). The usual gap is 10 days, the day 30 June 2026."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = 'UTC'
        purchases = {
            'active': ('2026-06-10', '2026-06-20'),
            'risky': ('2026-06-01', '2026-06-11'),
            'lapsed': ('2026-05-01', '2026-05-11'),
            'lost': ('2024-01-01', '2024-01-11'),
            'newbie': ('2026-06-25',),
            'asker': (),
            'stranger': (),
        }
        cls.people = {
            name: cls.env['res.partner'].create({'name': name.title()}) for name in purchases
        }
        for name, days in purchases.items():
            for day in days:
                amount = 1000 if name == 'active' else 10
                cls._create_order(cls.people[name], amount, f'{day} 10:00:00')
        cls._create_order(cls.people['asker'], 10, confirm=False)
        # a company whose contact bought: both show it, the list of groups counts the company
        cls._create_order(cls.ann, 10, '2026-06-26 10:00:00')
        cls.people.update(acme=cls.acme, ann=cls.ann)
        cls._no_rebuild()
        cls._process()
        cls.profiles._refresh(as_of=date(2026, 6, 30))
        cls.all = cls.env['res.partner'].concat(*cls.people.values())
        cls.contacts = cls.env['res.partner'].with_user(cls.users['user'])

    def _names(self, domain, **options):
        found = self.contacts.search([('id', 'in', self.all.ids), *domain], **options)
        names = {partner.id: name for name, partner in self.people.items()}
        return [names[partner.id] for partner in found]

    def _found(self, *domain):
        return set(self._names(domain))

    def test_filters(self):
        """Contacts are found by any class; contacts of a company by that of the company (S-SEG-31)."""
        self.assertEqual(self._found(('retail_lifecycle', '=', 'new')), {'newbie', 'acme', 'ann'})
        self.assertEqual(
            self._found(('retail_lifecycle', 'in', ('lost', 'lapsed'))), {'lost', 'lapsed'}
        )
        self.assertEqual(self._found(('retail_lifecycle', '=', False)), {'stranger'})
        self.assertEqual(
            self._found(('retail_lifecycle', '!=', 'new')),
            set(self.people) - {'newbie', 'acme', 'ann'},
        )
        self.assertEqual(self._found(('retail_ladder', '=', 'prospect')), {'asker'})
        self.assertEqual(self._found(('retail_abc_class', '=', 'a')), {'active'})
        self.assertEqual(self._found(('retail_abc_class', '=', False)), {'asker', 'stranger'})
        self.assertEqual(self._found(('retail_churn_level', '=', 'watch')), {'risky'})
        self.assertEqual(self._found(('retail_churn_level', '=', 'alert')), {'lapsed', 'lost'})
        self.assertEqual(self._found(('retail_rfm_code', '=', '111')), {'lost'})
        self.assertEqual(
            self._found(('retail_loyalty_score', '>=', 50)), {'active', 'risky', 'lapsed'}
        )

    def test_high_value(self):
        """Not of high value are also those of whom nothing is known (S-SEG-31)."""
        self.assertEqual(self._found(('retail_is_high_value', '=', True)), {'active'})
        others = set(self.people) - {'active'}
        self.assertEqual(self._found(('retail_is_high_value', '=', False)), others)
        self.assertEqual(self._found(('retail_is_high_value', '!=', True)), others)
        self.assertEqual(self._found(('retail_is_high_value', '!=', False)), {'active'})
        self.assertTrue(self.contacts.browse(self.people['active'].id).retail_is_high_value)
        self.assertFalse(self.contacts.browse(self.people['stranger'].id).retail_is_high_value)

    def test_filters_agree_with_what_is_shown(self):
        """A contact is found by the class that it shows, and by no other, for every class (S-SEG-31)."""
        contacts = self.contacts.browse(self.all.ids)
        for name, field in contacts._fields.items():
            if not name.startswith('retail_') or field.type != 'selection':
                continue
            if not contacts._has_field_access(field, 'read'):
                continue
            for key in (False, *field.get_values(self.env)):
                with self.subTest(field=name, key=key):
                    shown = contacts.filtered(lambda one, n=name, k=key: one[n] == k)
                    found = contacts.search([('id', 'in', contacts.ids), (name, '=', key)])
                    self.assertEqual(set(found), set(shown))

    def test_sorted_from_worst_to_best(self):
        """Classes are sorted by what they mean; whom nothing is known of comes last, both ways (S-SEG-31)."""
        domain = [('id', '!=', self.ann.id)]
        order = ['lost', 'lapsed', 'risky', 'asker', 'newbie', 'acme', 'active', 'stranger']
        self.assertEqual(self._names(domain, order='retail_lifecycle, id desc')[:4], order[:4])
        by_id = {name: partner.id for name, partner in self.people.items()}
        rank = {'lost': 0, 'lapsed': 1, 'risky': 2, 'asker': 3, 'newbie': 4, 'acme': 4, 'active': 5}
        up = sorted(order, key=lambda name: (rank.get(name, 9), by_id[name]))
        self.assertEqual(self._names(domain, order='retail_lifecycle, id'), up)
        down = sorted(order, key=lambda name: (-rank.get(name, -9), by_id[name]))
        self.assertEqual(self._names(domain, order='retail_lifecycle desc, id'), down)
        levels = self._names(domain, order='retail_churn_level, id')
        self.assertEqual(set(levels[:2]), {'lost', 'lapsed'})
        self.assertEqual((levels[2], levels[-1]), ('risky', 'stranger'))

    def _groups(self, model, field, domain, **options):
        groups = model.formatted_read_group(domain, [field], ['__count'], **options)
        return [(group[field], group['__count']) for group in groups]

    def test_grouped_from_worst_to_best(self):
        """Groups stand from worst to best, or as asked; contacts of companies are in none (S-SEG-31)."""
        domain = [('id', 'in', self.all.ids)]
        expected = [
            ('lost', 1),
            ('lapsed', 1),
            ('at_risk', 1),
            ('prospect', 1),
            ('new', 2),
            ('growth', 1),
        ]
        nothing = [(False, 2)]  # a stranger, and the contact of a company
        self.assertEqual(
            self._groups(self.contacts, 'retail_lifecycle', domain), expected + nothing
        )
        self.assertEqual(
            self._groups(self.contacts, 'retail_lifecycle', domain, order='retail_lifecycle desc'),
            nothing + expected[::-1],
        )
        self.assertEqual(
            self._groups(self.contacts, 'retail_churn_level', domain),
            [('alert', 2), ('watch', 1), ('none', 4), (False, 2)],
        )

    def test_two_levels_of_groups(self):
        """Groups within groups keep that order (S-SEG-31)."""
        groups = self.contacts.formatted_read_group(
            [('id', 'in', (self.all - self.ann - self.people['stranger']).ids)],
            ['retail_churn_level', 'retail_lifecycle'],
            ['__count'],
        )
        self.assertEqual(
            [(group['retail_churn_level'], group['retail_lifecycle']) for group in groups],
            [
                ('alert', 'lost'),
                ('alert', 'lapsed'),
                ('watch', 'at_risk'),
                ('none', 'prospect'),
                ('none', 'new'),
                ('none', 'growth'),
            ],
        )

    def test_profiles_are_grouped_from_worst_to_best(self):
        """The board of customers has a column for each class, also for those without customers (S-SEG-31)."""
        profiles = self.profiles.with_user(self.users['user'])
        domain = [('partner_id', 'in', self.all.ids)]
        keys = [key for key, _label in LIFECYCLE]
        groups = self._groups(profiles, 'lifecycle', domain)
        self.assertEqual(
            [key for key, _count in groups],
            [key for key in keys if key not in ('won_back', 'mature')],
        )
        backwards = self._groups(profiles, 'lifecycle', domain, order='lifecycle desc')
        self.assertEqual(backwards, groups[::-1])
        answer = profiles.with_context(read_group_expand=True).web_read_group(
            domain, ['lifecycle'], ['__count']
        )
        self.assertEqual([group['lifecycle'] for group in answer['groups']], keys)
        self.assertEqual(sum(group['__count'] for group in answer['groups']), 7)

    def test_profiles_are_sorted_from_worst_to_best(self):
        """The list of profiles sorts classes by what they mean, without class last (S-SEG-31)."""
        profiles = self.profiles.with_user(self.users['user'])
        domain = [('partner_id', 'in', self.all.ids)]
        found = profiles.search(domain, order='abc_class desc, id')
        self.assertEqual(found[0].partner_id, self.people['active'])
        self.assertEqual(found[-1].partner_id, self.people['asker'])
        found = profiles.search(domain, order='abc_class, id')
        self.assertEqual(found[-2].partner_id, self.people['active'])
        self.assertEqual(found[-1].partner_id, self.people['asker'])

    def test_history_is_grouped_from_worst_to_best(self):
        """Moves are counted by class, from worst to best (S-SEG-25)."""
        changes = self.env['retail.profile.change'].with_user(self.users['user'])
        groups = self._groups(
            changes,
            'new_class',
            [('partner_id', 'in', self.all.ids), ('classification', '=', 'lifecycle')],
        )
        keys = [f'lifecycle.{key}' for key, _label in LIFECYCLE]
        positions = [keys.index(key) for key, _count in groups]
        self.assertEqual(positions, sorted(positions))
        self.assertGreater(len(positions), 1)

    @mute_logger(*ACCESS_LOGGERS)
    def test_closed_to_others(self):
        """Without the groups of figures no class can be read, searched, sorted or grouped by (design 7)."""
        contacts = self.env['res.partner'].with_user(self.users['internal'])
        one = contacts.browse(self.people['active'].id)
        for call in (
            lambda: contacts.search([('retail_lifecycle', '=', 'new')]),
            lambda: contacts.search([('retail_is_high_value', '=', False)]),
            lambda: contacts.search(['!', ('retail_abc_class', '=', 'a')]),
            lambda: contacts.search([('child_ids.retail_churn_level', '=', 'alert')]),
            lambda: contacts.search([], order='retail_lifecycle'),
            lambda: contacts.formatted_read_group([], ['retail_lifecycle'], ['__count']),
            lambda: one.retail_lifecycle,
            lambda: one.read(['retail_churn_reason']),
        ):
            with self.assertRaises(AccessError):
                call()

    def test_history_of_a_contact(self):
        """The history opened from a contact is that of its company (S-SEG-25)."""
        action = self.contacts.browse(self.ann.id).action_retail_history()
        rows = self.env[action['res_model']].search(action['domain'])
        self.assertEqual(rows.partner_id, self.acme)
