from odoo import models

#: Texts of which none may be lost in a merge: who is allergic stays allergic.
_JOINED = ('retail_remark', 'retail_special_need', 'retail_family', 'retail_network')


class ResPartnerFileMerge(models.Model):
    """What becomes of customer files when contacts are merged.

    Core takes each field by itself from the contact that has it, only fields that the merging user sees, and forgets the
    rest with the merged contacts.
    """

    _inherit = 'res.partner'

    def _merge_files(self, sources):
        """Complete the file of this contact from those of others that are merged into it.

        A birthday is taken as a whole: month of one and year of another would be nobody's. The referrer is none of the
        merged ones: nobody is referred by himself.
        """
        self.ensure_one()
        # sudo: merging contacts needs no right to see their files, and must not lose them
        # quiet: core notes the merge itself
        target, others = self.sudo(), sources.sudo()
        target, others = (
            records.with_context(tracking_disable=True, mail_notrack=True)
            for records in (target, others)
        )
        # core prefers the last of the sources
        candidates = target.concat(*reversed(others))
        values = {
            name: next((one[name] for one in candidates if one[name]), False)
            for name in self._merged_file_fields()
        }
        for name in _JOINED:
            texts = dict.fromkeys(text for one in candidates if (text := one[name]))
            values[name] = '; '.join(texts) or False
        family = candidates.commercial_partner_id | candidates
        referrers = candidates.retail_referrer_id.filtered(
            lambda one: one.commercial_partner_id not in family
        )
        shared = {'retail_referrer_id': referrers[:1].id, **self._merged_birthday(candidates)}
        target.write({**target._convert_to_write(values), **shared})
        # whatever core takes from the others is the same now
        others.write(shared)

    def _merged_file_fields(self):
        """Return the entered fields of the file that are taken one by one."""
        return [
            name
            for name, field in self._fields.items()
            if name.startswith('retail_')
            and field.store
            and not field.compute
            and field.groups
            and (field._modules or ('',))[0] == 'retail_crm'
            and field.type not in ('many2many', 'one2many')
            and name not in (*self._yearly_fields, *_JOINED, 'retail_referrer_id')
        ]

    def _merged_birthday(self, candidates):
        """Return the parts of the first birthday that is known, with its year where another has the same day."""
        known = [one for one in candidates if one.retail_birth_month]
        if not known:
            return {}
        month, day, year, lunar = known[0]._yearly()
        if not year:
            same = (
                one.retail_birth_year
                for one in known
                if (*one._yearly()[:2], one.retail_birth_lunar) == (month, day, lunar)
            )
            year = next(filter(None, same), 0)
        return dict(zip(self._yearly_fields, (str(month), day, year, lunar), strict=True))
