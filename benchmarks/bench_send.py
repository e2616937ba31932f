"""Follow-ups to 100,000 customers leave as mails: rows a second beside bare mails, memory, what an interruption costs.

The yardstick is core's own way to queue mails, ``mail.mail.create`` in batches of the same size, without a text to make, a
gate to pass or a ledger to keep. The whole send commits per batch; in the middle it is cut off and begun again.
"""

import resource
import time

from common import Bench, Variant, house, ratio_of
from generate import CUSTOMERS

from odoo import fields
from odoo.tools import SQL

COUNT, BATCH = 100_000, 500
#: Share of the customers whose mails are compared with bare ones, in a transaction that is undone.
PART = 2000

PREPARE = """
rule = env['retail.care.rule'].create({
    'name': 'Bench', 'state': 'on', 'purpose': 'marketing', 'trigger': 'birthday', 'channel_mode': 'listed',
    'channel_line_ids': [(0, 0, {'channel_id': env.ref('retail_crm.retail_channel_email').id})],
    'template_id': env['mail.template'].create({
        'name': 'Bench', 'model_id': env['ir.model']._get_id('retail.followup'),
        'subject': 'Hello {{ object.partner_id.name }}',
        'body_html': '<div><p>Dear <t t-out="object.partner_id.name"/>,</p><p>good news from '
                     '<t t-out="object.company_id.name"/>.</p></div>'}).id,
})
env.ref('retail_crm.ir_cron_send_followups').active = False
env.ref('mail.ir_cron_mail_scheduler_action').active = False
env.cr.commit()
print('RULE', rule.id, env['retail.consent.text']._current('marketing', env.company).id,
      env.ref('retail_crm.retail_channel_email').id, env.company.id)
"""


def database(scale):
    """Return a database with planned follow-ups of customers with addresses and consents, and their number."""
    import generate

    source = generate.database('crm', scale)
    name = f'{source}_send'
    house.drop(name)
    house.copy(source, name)
    words = next(
        line.split()[1:]
        for line in house.shell_script(name, PREPARE).splitlines()
        if line.startswith('RULE')
    )
    rule, text, channel, company = map(int, words)
    count = min(COUNT, int(CUSTOMERS * scale / 2))
    house.sql(
        f"""
        CREATE TEMP TABLE chosen AS
            SELECT id FROM res_partner
             WHERE active AND retail_customer AND commercial_partner_id = id AND retail_anonymised_on IS NULL
               AND id NOT IN (SELECT partner_id FROM res_users) AND id NOT IN (SELECT partner_id FROM res_company)
             ORDER BY id LIMIT {count};
        UPDATE res_partner SET email = 'c' || id || '@example.com', email_normalized = 'c' || id || '@example.com',
                               tz = NULL, message_bounce = 0
         WHERE id IN (SELECT id FROM chosen);
        INSERT INTO retail_consent (partner_id, company_id, purpose, channel_id, state, date, source, text_id, is_current)
            SELECT id, {company}, 'marketing', {channel}, 'granted', now(), 'shop', {text}, true FROM chosen;
        INSERT INTO retail_followup (rule_id, partner_id, commercial_partner_id, company_id, purpose, family, is_expected,
                                     occurrence, anchor_on, due_on, try_at, state)
            SELECT {rule}, id, id, {company}, 'marketing', 'other', false, 'bench', current_date, current_date,
                   current_date, 'planned' FROM chosen;
        """,
        name,
    )
    house.sql('VACUUM ANALYZE retail_followup, retail_consent, res_partner', name)
    return name, count


def noon(env):
    """Return a moment of today at which messages may leave."""
    return fields.Datetime.now().replace(hour=12, minute=0, second=0)


def let_leave(env):
    def work(_given):
        followups = env['retail.followup'].sudo()
        numbers = followups._due_ids(noon(env))[:PART]
        for start in range(0, PART, BATCH):
            followups._take(numbers[start : start + BATCH], noon(env))._let_leave(noon(env))
            env.flush_all()
            env.invalidate_all()

    return work


def bare_mails(env):
    def work(_given):
        rows = env.execute_query(
            SQL('SELECT partner_id FROM retail_followup ORDER BY id LIMIT %s', PART)
        )
        text = '<div><p>Dear customer,</p><p>good news from us.</p></div>'
        for start in range(0, PART, BATCH):
            env['mail.mail'].create(
                [
                    {
                        'subject': 'Hello',
                        'body_html': text,
                        'body': text,
                        'email_to': f'c{number}@example.com',
                        'model': 'res.partner',
                        'res_id': number,
                        'auto_delete': True,
                    }
                    for (number,) in rows[start : start + BATCH]
                ]
            )
            env.flush_all()
            env.invalidate_all()

    return work


def send_all(env, count):
    """Let all leave with a commit per batch, cut off in the middle; return seconds and memory by quarter."""
    followups, memory, seen = env['retail.followup'], [], [0]
    start = time.perf_counter()

    def after(batch):
        env.cr.commit()
        seen[0] += batch
        if seen[0] * 4 // count > len(memory):
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return seen[0] < count // 2 or seen[0] > count // 2 + BATCH

    followups._process_due(noon(env), after)  # cut off: no time left in the middle
    followups._process_due(noon(env), after)
    return time.perf_counter() - start, memory


def main():
    from common import environment_of

    bench = Bench('send', __doc__)
    name, count = database(bench.args.scale)
    env = environment_of(name)
    bench.opened = [env]
    variants = [
        Variant('bare mails, core', env, bare_mails(env)),
        Variant('follow-ups with gates, text, ledger', env, let_leave(env)),
    ]
    bench.compare(f'{PART:,} mails in batches of {BATCH}', variants, PART, 'mail')
    bench.check('a follow-up beside a bare mail', ratio_of(variants[1], variants[0], 'cpu'), 1.5)
    env.cr.rollback()
    seconds, memory = send_all(env, count)
    rows = dict(
        env.execute_query(SQL('SELECT state, count(*) FROM retail_followup GROUP BY state'))
    )
    [(mails, customers)] = env.execute_query(
        SQL(
            "SELECT count(*), count(DISTINCT res_id) FROM mail_message WHERE model = 'retail.followup'"
            " AND message_type = 'auto_comment'"
        )
    )
    assert rows == {'done': count} and mails == customers == count, (rows, mails, customers)
    house.say(f'{count:,} sent in {seconds:.0f} s: {count / seconds:.0f} a second; MB {memory}')
    bench.check('all sent: milliseconds a mail', seconds * 1000 / count, 4, 'ms')
    bench.check('memory of the last quarter against the first', memory[-1] / memory[0], 1.1)
    bench.finish()


if __name__ == '__main__':
    main()
