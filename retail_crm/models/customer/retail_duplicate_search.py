import json
import logging

from odoo import api, fields, models
from odoo.tools import SQL

from .retail_duplicate import DECISIONS
from .retail_moment import ListenerBusy

_logger = logging.getLogger(__name__)

#: An entry of more customers than this is a shared one.
MAX_SHARING = 20
#: Looked for at night only: there is no index on addresses.
NIGHTLY_KINDS = ('household',)
LOCK_KEY = 'retail_crm.duplicate'

#: Numbers that end in six equal digits, and addresses that are typed when there is none.
_PLACEHOLDER_PHONE = r'(\d)\1{5}$'
_PLACEHOLDER_EMAIL = r'^(no|none|noemail|no-email|no\.email|nomail|no-mail|unknown|test|xxx?)@'


class RetailDuplicateSearch(models.Model):
    """The search for duplicates, set-based: of all customers at night, of changed ones when their moments are told.

    Customers are commercial partners that are neither archived nor flagged as no retail customer. Contacts bound to
    a company are only compared with those of the same main company and with those that all companies share.
    """

    _inherit = 'retail.duplicate'

    @api.model
    def _cron_duplicates(self):
        """Look at all customers; writes what changed since the last night."""
        if self._try_lock():
            changed = self._search_all()
            _logger.info('%s groups of possible duplicates written or removed', changed)
        self.env['ir.cron']._commit_progress(1, remaining=0)

    @api.model
    def _try_lock(self):
        [(locked,)] = self.env.execute_query(
            SQL('SELECT pg_try_advisory_xact_lock(hashtext(%s))', LOCK_KEY)
        )
        return locked

    def _on_partner_changed(self, moments):
        """Look for duplicates of changed contacts.

        :raise ListenerBusy: while the nightly search is at work
        """
        if not self._try_lock():
            raise ListenerBusy
        self._search_some(moments.mapped('res_id'))

    @api.model
    def _search_all(self):
        """Bring all groups up to date; return the number of rows written or removed."""
        self._flush_sources()
        self.env.cr.execute(SQL('DROP TABLE IF EXISTS retail_duplicate_fresh'))
        self.env.cr.execute(
            SQL(
                'CREATE TEMPORARY TABLE retail_duplicate_fresh ON COMMIT DROP AS %s',
                self._sql_groups(dict.fromkeys(self._kinds(), SQL('true'))),
            )
        )
        self.env.cr.execute(SQL('ANALYZE retail_duplicate_fresh'))
        changed = self._write_groups(SQL('retail_duplicate_fresh'), SQL('true'))
        self.env.cr.execute(SQL('DROP TABLE retail_duplicate_fresh'))
        return changed

    @api.model
    def _search_some(self, partner_ids):
        """Bring the groups of these contacts up to date, those that they have left included.

        It also switches parallel work off for this transaction: starting workers takes longer than a few look-ups.
        """
        if not partner_ids:
            return 0
        self._flush_sources()
        [(ids, phones, emails, names, _parallel)] = self.env.execute_query(
            SQL(
                """
                WITH near AS (
                    SELECT unnest(%(ids)s) AS id
                     UNION
                    SELECT other.partner_id
                      FROM retail_duplicate_partner_rel AS mine
                      JOIN retail_duplicate AS duplicate ON duplicate.id = mine.duplicate_id
                      JOIN retail_duplicate_partner_rel AS other ON other.duplicate_id = mine.duplicate_id
                     WHERE mine.partner_id = ANY(%(ids)s) AND duplicate.kind != ALL(%(nightly)s))
                SELECT array_agg(partner.id), array_agg(DISTINCT phone_sanitized), array_agg(DISTINCT email_normalized),
                       array_agg(DISTINCT lower(name)), set_config('max_parallel_workers_per_gather', '0', true)
                  FROM near
                  JOIN res_partner AS partner ON partner.id = near.id
                """,
                ids=list(partner_ids),
                nightly=list(NIGHTLY_KINDS),
            )
        )
        if not ids:
            return 0
        name = SQL('lower(partner.name) = ANY(%s)', names)
        only = {
            'phone': SQL('partner.phone_sanitized = ANY(%s)', phones),
            'email': SQL('partner.email_normalized = ANY(%s)', emails),
            'birthday': name,
            'address': name,
        }
        looked_at = SQL(
            """(duplicate.kind != ALL(%s) AND duplicate.id IN (
                   SELECT duplicate_id FROM retail_duplicate_partner_rel WHERE partner_id = ANY(%s)))""",
            list(NIGHTLY_KINDS),
            ids,
        )
        names = ('kind', 'key', 'company_id', 'members', 'customers', 'suspicion')
        rows = [
            dict(zip(names, row, strict=True))
            for row in self.env.execute_query(self._sql_groups(only))
        ]
        fresh = SQL(
            """(SELECT * FROM jsonb_to_recordset(%s::jsonb) AS row (
                       kind varchar, key varchar, company_id int, members jsonb, customers int, suspicion varchar))""",
            json.dumps(rows),
        )
        return self._write_groups(fresh, looked_at)

    def _flush_sources(self):
        self.flush_model()
        self.env['res.partner'].flush_model()
        self.env['res.users'].flush_model(['partner_id'])
        self.env['retail.profile'].flush_model(['order_count'])

    # === SQL ===#

    @api.model
    def _kinds(self):
        """Hook: return ``{kind: (key, condition)}`` in SQL over ``partner``: who has the same key may be one customer."""
        street = SQL("COALESCE(partner.street, '') != ''")
        place = SQL(
            "lower(partner.street) || '|' || lower(COALESCE(partner.zip, partner.city, ''))"
        )
        return {
            'phone': (SQL('partner.phone_sanitized'), SQL('partner.phone_sanitized IS NOT NULL')),
            'email': (SQL('partner.email_normalized'), SQL('partner.email_normalized IS NOT NULL')),
            'birthday': (
                SQL(
                    "lower(partner.name) || '|' || partner.retail_birth_month || '|' || partner.retail_birth_day || '|' || "
                    "COALESCE(partner.retail_birth_year, 0) || '|' || COALESCE(partner.retail_birth_lunar, false)"
                ),
                SQL('partner.retail_birth_month IS NOT NULL AND partner.retail_birth_day > 0'),
            ),
            'address': (SQL("lower(partner.name) || '|' || %s", place), street),
            'household': (
                SQL("%s || '|' || %s", self._sql_family_name(), place),
                SQL('%s AND partner.is_company IS NOT TRUE', street),
            ),
        }

    def _sql_family_name(self):
        """Hook: return the family name: the first character of a Chinese or Korean name, the last word of any other."""
        return SQL(
            "CASE WHEN partner.name ~ '^[一-鿿가-힣]' THEN left(partner.name, 1) "
            "ELSE lower(substring(partner.name FROM '\\S+$')) END"
        )

    def _sql_groups(self, only):
        """Return the SELECT of the groups: kind, key, company_id, members (20 at most), customers, suspicion."""
        found = SQL(' UNION ALL ').join(
            self._sql_found(kind, *self._kinds()[kind], condition)
            for kind, condition in only.items()
        )
        return SQL(
            """
            WITH found AS MATERIALIZED (%(found)s),
            grouped AS (
                SELECT scope.kind, scope.key, scope.root, array_agg(found.id ORDER BY found.id) AS members,
                       count(*)::int AS customers, count(DISTINCT found.name) AS names,
                       bool_or(found.is_placeholder) AS is_placeholder
                  FROM (SELECT DISTINCT kind, key, root FROM found) AS scope
                  JOIN found ON found.kind = scope.kind AND found.key = scope.key
                            AND (found.root IS NULL OR found.root = scope.root)
                 GROUP BY scope.kind, scope.key, scope.root
                HAVING count(*) > 1
                   AND (scope.kind != 'household' OR count(DISTINCT found.name) > 1 AND count(*) <= %(most)s))
            SELECT kind, key, root AS company_id, to_jsonb(members[1:%(most)s]) AS members, customers,
                   CASE WHEN customers > %(most)s OR is_placeholder THEN 'shared'
                        WHEN kind = 'email' AND %(guests)s THEN 'guest'
                        WHEN kind = 'household' OR kind = 'phone' AND names = customers THEN 'household'
                        ELSE 'person' END AS suspicion
              FROM grouped
            """,
            found=found,
            most=MAX_SHARING,
            guests=self._sql_guests(),
        )

    def _sql_found(self, kind, key, condition, only):
        """Return the SELECT of the customers who share their key of one kind with another.

        One pass over all customers makes the keys; only those who share one are read again, by their id.
        """
        placeholder = {
            'phone': SQL('partner.phone_sanitized ~ %s', _PLACEHOLDER_PHONE),
            'email': SQL('partner.email_normalized ~ %s', _PLACEHOLDER_EMAIL),
        }.get(kind, SQL('false'))
        return SQL(
            """
            SELECT %(kind)s AS kind, same.key, partner.id, lower(partner.name) AS name,
                   split_part(company.parent_path, '/', 1)::int AS root, %(placeholder)s AS is_placeholder
              FROM (SELECT md5(%(key)s) AS key, array_agg(partner.id) AS ids
                      FROM res_partner AS partner
                     WHERE partner.active AND partner.retail_customer IS NOT FALSE
                       AND partner.id = partner.commercial_partner_id AND %(condition)s AND %(only)s
                     GROUP BY %(key)s HAVING count(*) > 1) AS same
              CROSS JOIN LATERAL unnest(same.ids) AS member (id)
              JOIN res_partner AS partner ON partner.id = member.id
              LEFT JOIN res_company AS company ON company.id = partner.company_id
            """,
            kind=kind,
            key=key,
            placeholder=placeholder,
            condition=condition,
            only=only,
        )

    def _sql_guests(self):
        """Return whether the members have one purchase at most each, one of them has any, and none has an account."""
        return SQL(
            """NOT EXISTS (SELECT FROM res_users AS account WHERE account.partner_id = ANY(members))
               AND (SELECT max(orders) FROM (
                       SELECT sum(order_count) AS orders FROM retail_profile AS profile
                        WHERE profile.partner_id = ANY(members) GROUP BY profile.partner_id) AS bought) = 1"""
        )

    def _write_groups(self, fresh, looked_at):
        """Write what differs between the groups that were found and those that are known; return the number of rows.

        :param fresh: table with the groups that were found
        :param looked_at: condition over ``duplicate`` of the open groups that go when they were not found
        """
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM retail_duplicate AS duplicate
                 WHERE state = 'open' AND %s AND NOT EXISTS (
                       SELECT FROM %s AS fresh
                        WHERE fresh.kind = duplicate.kind AND fresh.key = duplicate.key
                          AND COALESCE(fresh.company_id, 0) = COALESCE(duplicate.company_id, 0))
                """,
                looked_at,
                fresh,
            )
        )
        removed = self.env.cr.rowcount
        [(written,)] = self.env.execute_query(self._sql_write(fresh))
        if removed or written:
            self.invalidate_model(flush=False)
            self.env['res.partner'].invalidate_model(['retail_summary'], flush=False)
        return removed + written

    def _sql_write(self, fresh):
        """Return the statement that inserts new groups and updates changed ones, with their members.

        A decision stands for the customers it was about, also in a new group of some of them.
        """
        return SQL(
            """
                WITH differing AS MATERIALIZED (
                    SELECT fresh.*, earlier.state AS earlier_state, earlier.decided_ids, earlier.user_id, earlier.decided_on
                      FROM %(fresh)s AS fresh
                      LEFT JOIN retail_duplicate AS old ON old.kind = fresh.kind AND old.key = fresh.key
                       AND COALESCE(old.company_id, 0) = COALESCE(fresh.company_id, 0)
                      LEFT JOIN LATERAL (
                           SELECT known.* FROM retail_duplicate_partner_rel AS member
                             JOIN retail_duplicate AS known ON known.id = member.duplicate_id
                            WHERE member.partner_id = (fresh.members->>0)::int AND known.state = ANY(%(decisions)s)
                              AND known.decided_ids @> fresh.members
                            ORDER BY known.decided_on DESC LIMIT 1) AS earlier ON true
                     WHERE old.id IS NULL OR old.state = 'merged'
                        OR (old.member_ids, old.customer_count, old.suspicion)
                           IS DISTINCT FROM (fresh.members, fresh.customers, fresh.suspicion)),
                changed AS (
                    INSERT INTO retail_duplicate AS duplicate (
                           kind, key, company_id, suspicion, customer_count, member_ids, state, decided_ids, user_id,
                           decided_on, found_on, create_uid, write_uid, create_date, write_date)
                    SELECT kind, key, company_id, suspicion, customers, members, COALESCE(earlier_state, 'open'),
                           decided_ids, user_id, decided_on, %(today)s, %(user)s, %(user)s, %(now)s, %(now)s
                      FROM differing
                    ON CONFLICT (kind, key, COALESCE(company_id, 0)) DO UPDATE
                       SET (suspicion, customer_count, member_ids, state, decided_ids, user_id, decided_on, write_date) =
                           ROW(EXCLUDED.suspicion, EXCLUDED.customer_count, EXCLUDED.member_ids, EXCLUDED.state,
                               EXCLUDED.decided_ids, EXCLUDED.user_id, EXCLUDED.decided_on, EXCLUDED.write_date),
                           found_on = CASE WHEN duplicate.member_ids @> EXCLUDED.member_ids THEN duplicate.found_on
                                           ELSE EXCLUDED.found_on END
                    RETURNING id, member_ids),
                gone AS (
                    DELETE FROM retail_duplicate_partner_rel AS member USING changed
                     WHERE member.duplicate_id = changed.id
                       AND NOT changed.member_ids @> to_jsonb(member.partner_id)),
                added AS (
                    INSERT INTO retail_duplicate_partner_rel (duplicate_id, partner_id)
                    SELECT changed.id, member.id::int
                      FROM changed CROSS JOIN LATERAL jsonb_array_elements_text(changed.member_ids) AS member (id)
                    ON CONFLICT DO NOTHING)
                SELECT count(*) FROM changed
            """,
            fresh=fresh,
            decisions=list(DECISIONS),
            today=fields.Date.context_today(self),
            now=fields.Datetime.now(),
            user=self.env.uid,
        )


class RetailMoment(models.Model):
    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        """Add the search for duplicates of changed contacts."""
        listeners = super()._listeners()
        return {
            **listeners,
            'partner_changed': [*listeners['partner_changed'], 'retail.duplicate'],
        }
