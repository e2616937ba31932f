"""Who may do what: the table persona x model x operation, company rules, and figures behind their groups."""

from base64 import b64encode
from datetime import date

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.service.model import call_kw, get_public_method
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.retail_crm.models.customer.res_partner import PROFILE_FIELDS
from odoo.addons.retail_crm.models.customer.res_partner_file import SENSITIVE_FIELDS
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

#: Operations by their letter in ``RIGHTS``.
OPERATIONS = {'r': 'read', 'w': 'write', 'c': 'create', 'd': 'unlink'}

#: Who may do what with the records of a model; personas that are not named may do nothing.
RIGHTS = {
    'retail.access.log': {'manager': 'r'},
    'retail.anonymise': {'sensitive': 'rwcd'},
    'retail.adviser.assign': {'lead': 'rwcd', 'manager': 'rwcd'},
    'retail.area': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'sales': 'r'},
    'retail.basket': {'manager': 'r'},
    'retail.benefit': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.calendar.import': {'manager': 'rwc'},
    'retail.calendar.makeup': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'r',
        'complaint': 'r',
        'sensitive': 'r',
        'sales': 'r',
        'internal': 'r',
    },
    'retail.care.gap': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'r'},
    'retail.care.pause': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwcd', 'marketing': 'r'},
    'retail.care.preview': {'manager': 'rwc', 'marketing': 'rwc'},
    'retail.care.preview.line': {'manager': 'rwc', 'marketing': 'rwc'},
    'retail.care.rule': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'rwcd'},
    'retail.occasion': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'rwcd'},
    'retail.care.rule.channel': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'rwcd',
    },
    'retail.channel': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'r',
        'complaint': 'r',
        'sensitive': 'r',
        'sales': 'r',
        'internal': 'r',
    },
    'retail.audit': {'manager': 'rwcd'},
    'retail.cohort.report': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.classification': {'user': 'r', 'lead': 'r', 'manager': 'rw', 'marketing': 'r'},
    'retail.complaint.overview': {'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'},
    'retail.consent': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r', 'sales': 'r'},
    'retail.consent.record': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'sales': 'rwc'},
    'retail.consent.record.line': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'sales': 'rwc'},
    'retail.consent.text': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'r',
        'complaint': 'r',
        'sensitive': 'r',
        'sales': 'r',
        'internal': 'r',
    },
    'retail.duplicate': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.care.why': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'marketing': 'rwc'},
    'retail.care.why.line': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'marketing': 'rwc'},
    'retail.churn.report': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.followup.lost': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'marketing': 'rwc'},
    'retail.life.change': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.lost.reason': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'r'},
    'retail.followup.report': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.care.effect': {'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.offer': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'rwcd'},
    'retail.product.pair': {'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.suggestion': {
        'user': 'r',
        'lead': 'r',
        'manager': 'r',
        'marketing': 'r',
        'sales': 'r',
    },
    'retail.suggestion.report': {'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.followup': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'marketing': 'rwc'},
    'retail.followup.attempt': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.followup.close': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'marketing': 'rwc'},
    'retail.followup.contact': {
        'user': 'rwc',
        'lead': 'rwc',
        'manager': 'rwc',
        'marketing': 'rwc',
    },
    'retail.followup.hand.over': {
        'user': 'rwc',
        'lead': 'rwc',
        'manager': 'rwc',
        'marketing': 'rwc',
    },
    'retail.followup.snooze': {
        'user': 'rwc',
        'lead': 'rwc',
        'manager': 'rwc',
        'marketing': 'rwc',
    },
    'retail.mail.block': {'user': 'r', 'lead': 'rwc', 'manager': 'rwcd'},
    'retail.mail.log': {'lead': 'r', 'manager': 'r'},
    'retail.incident': {'manager': 'rwc', 'complaint': 'r', 'sensitive': 'rwc'},
    'retail.incident.customer': {'manager': 'rwcd', 'complaint': 'r', 'sensitive': 'rwcd'},
    'retail.major.item': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.major.rule': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.member.list': {'user': 'r', 'lead': 'rwcd', 'manager': 'rwcd', 'marketing': 'rwcd'},
    'retail.member.list.line': {
        'user': 'rw',
        'lead': 'rwcd',
        'manager': 'rwcd',
        'marketing': 'rwcd',
    },
    'retail.faq': {'user': 'r', 'lead': 'rwc', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.faq.gap': {'lead': 'r', 'manager': 'r'},
    'retail.membership': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.membership.enrol': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc'},
    'retail.membership.leave': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc'},
    'retail.membership.import': {'manager': 'rwc'},
    'retail.membership.override': {'lead': 'rwc', 'manager': 'rwc'},
    'retail.moment': {'manager': 'r'},
    'retail.occasion.date': {
        'user': 'rwcd',
        'lead': 'rwcd',
        'manager': 'rwcd',
        'marketing': 'r',
        'sales': 'rwcd',
    },
    'retail.partner.address': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwcd'},
    'retail.phrase': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.points.adjustment': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.points.campaign': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'rwcd'},
    'retail.points.difference': {'manager': 'r'},
    'retail.points.entry': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.policy': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'r'},
    'retail.preference': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'rwc',
        'complaint': 'r',
        'sensitive': 'r',
        'sales': 'r',
        'internal': 'r',
    },
    'retail.privilege': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'r'},
    'retail.profile': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.profile.backtest': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.profile.change': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.programme': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'r'},
    'retail.programme.evaluation': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'r',
    },
    'retail.programme.evaluation.line': {
        'user': 'r',
        'lead': 'r',
        'manager': 'r',
        'marketing': 'r',
    },
    'retail.referral.report': {
        'user': 'r',
        'lead': 'r',
        'manager': 'r',
        'marketing': 'r',
        'sales': 'r',
    },
    'retail.purchase': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.quarantine': {'user': 'r', 'lead': 'r', 'manager': 'r'},
    'retail.role': {'manager': 'r'},
    'retail.sensitive': {'sensitive': 'rwcd'},
    'retail.segment': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'rwcd',
        'sales': 'r',
    },
    'retail.segment.condition': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'rwcd',
        'sales': 'r',
    },
    'retail.segment.member': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.segment.report': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    **{
        model: {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'}
        for model in ('retail.ticket.answer', 'retail.ticket.ask', 'retail.ticket.expert')
    },
    'retail.ticket.macro': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.ticket.presence': {'manager': 'r'},
    'retail.ticket.bottleneck': {'lead': 'r', 'manager': 'r'},
    'retail.ticket.report': {'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.ticket.stage.report': {'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.ticket.team.goal': {'user': 'r', 'lead': 'r', 'manager': 'rwcd'},
    'retail.ticket.team.score': {'lead': 'r', 'manager': 'r'},
    'retail.ticket.waiting.report': {'lead': 'r', 'manager': 'r'},
    'retail.adviser.report': {'lead': 'r', 'manager': 'r'},
    'retail.ticket.load.report': {'lead': 'r', 'manager': 'r'},
    'retail.ticket.staffing.report': {'lead': 'r', 'manager': 'r'},
    'retail.ticket.hand.over': {
        'user': 'rwc',
        'lead': 'rwc',
        'manager': 'rwc',
        'complaint': 'rwc',
    },
    'retail.timeline': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.touch': {
        'user': 'rwc',
        'lead': 'rwc',
        'manager': 'rwcd',
        'marketing': 'r',
        'sales': 'rwc',
    },
    'retail.ticket.back': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'},
    'retail.remedy': {'user': 'r', 'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.remedy.decide': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'},
    'retail.remedy.kind': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.remedy.limit': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.remedy.offer': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'},
    'retail.return.request': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'},
    'retail.ticket.check': {'user': 'rw', 'lead': 'rw', 'manager': 'rwcd', 'complaint': 'rw'},
    'retail.ticket.merge': {'user': 'r', 'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.ticket.merge.ask': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'},
    'retail.ticket.split': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'},
    'retail.ticket.promise': {
        'user': 'rwc',
        'lead': 'rwc',
        'manager': 'rwcd',
        'complaint': 'rwc',
    },
    'retail.ticket.reason.told': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.ticket.restricted': {'user': 'r', 'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.ticket.statement': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'rwc'},
    'retail.registration': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'sales': 'rwc'},
    'retail.sla.policy': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'r',
        'complaint': 'r',
    },
    'retail.escalation.level': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.escalation.notice': {'user': 'r', 'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.oncall': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.ticket.event': {'user': 'r', 'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.ticket.interval': {'user': 'r', 'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.ticket.target': {'user': 'r', 'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.ticket': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'},
    **{
        model: {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'}
        for model in (
            'retail.ticket.cause',
            'retail.ticket.dissatisfaction',
            'retail.ticket.stage',
            'retail.ticket.team',
            'retail.ticket.team.member',
            'retail.ticket.type',
        )
    },
    # marketing chooses classes of complaints in care rules
    'retail.ticket.reason': {
        'user': 'r',
        'lead': 'r',
        'manager': 'rwcd',
        'marketing': 'r',
        'complaint': 'r',
    },
    'retail.ticket.line': {
        'user': 'rwcd',
        'lead': 'rwcd',
        'manager': 'rwcd',
        'complaint': 'rwcd',
    },
    'retail.ticket.tag': {'user': 'rc', 'lead': 'rc', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.tier': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'r'},
    'retail.tier.move': {'user': 'r', 'lead': 'r', 'manager': 'r', 'marketing': 'r'},
    'retail.tier.preview': {'manager': 'rwcd'},
    'retail.tier.preview.call': {'manager': 'rwc'},
    'retail.tier.preview.floor': {'manager': 'rwc'},
    'retail.tier.preview.line': {'manager': 'r'},
    'retail.tier.preview.threshold': {'manager': 'rwcd'},
    'retail.tier.proposal': {'manager': 'rwc'},
    'retail.tier.proposal.line': {'manager': 'rwc'},
    'retail.tier.version': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'marketing': 'r'},
    'retail.ticket.call': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc'},
    'retail.ticket.counter': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc', 'complaint': 'rwc'},
    'retail.ticket.counter.line': {
        'user': 'rwcd',
        'lead': 'rwcd',
        'manager': 'rwcd',
        'complaint': 'rwcd',
    },
    'retail.ticket.need': {'user': 'r', 'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.complaint.lost': {'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.complaint.pareto': {'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.complaint.rate': {'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.sold.line': {'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.spike.alert': {'lead': 'rw', 'manager': 'rw', 'complaint': 'rw'},
    'retail.spike.rule': {'lead': 'r', 'manager': 'rwcd', 'complaint': 'r'},
    'retail.problem': {'user': 'r', 'lead': 'rwc', 'manager': 'rwcd', 'complaint': 'rwc'},
    'retail.problem.message': {'lead': 'rwcd', 'manager': 'rwcd', 'complaint': 'rwcd'},
    'retail.problem.message.line': {'lead': 'r', 'manager': 'r', 'complaint': 'r'},
    'retail.voucher': {'user': 'r', 'lead': 'rc', 'manager': 'rc', 'marketing': 'r'},
    'retail.voucher.render': {'user': 'rwc', 'lead': 'rwc', 'manager': 'rwc'},
}

#: What customers may read, their own rows of it: which and how is in test_loyalty_portal.py and
#: test_service_portal.py. Nothing else is theirs.
PORTAL_READS = {
    'retail.followup',
    'retail.membership',
    'retail.privilege',
    'retail.ticket',
    'retail.tier',
    'retail.tier.move',
}

#: Methods of ours that the browser may call, and who may call them with effect on a record that he can read.
#: Whoever is not named is refused; nobody gets more than the records he may read.
ACTIONS = {
    # nobody of the personas is manager and in the group of sensitive data at once
    ('retail.anonymise', 'action_anonymise'): set(),
    ('retail.audit', 'action_start'): {'manager'},
    ('retail.audit', 'action_done'): {'manager'},
    ('retail.audit', 'action_repeat'): {'manager'},
    # managers may read the users of their companies, as all employees
    ('retail.role', 'action_open_users'): {'manager'},
    ('retail.adviser.assign', 'action_apply'): {'lead', 'manager'},
    ('retail.benefit', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.calendar.import', 'action_import'): {'manager'},
    ('retail.calendar.import', 'action_template'): {'manager'},
    ('retail.care.pause', 'action_end'): {'user', 'lead', 'manager'},
    ('retail.care.preview', 'action_render'): {'manager', 'marketing'},
    ('retail.care.preview', 'action_send_test'): {'manager', 'marketing'},
    ('retail.care.preview', 'action_start'): {'manager', 'marketing'},
    ('retail.care.preview.line', 'action_choose'): {'manager', 'marketing'},
    ('retail.care.rule', 'action_preview'): {'manager', 'marketing'},
    ('retail.care.rule', 'action_why'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.care.why', 'action_show'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.care.why.line', 'action_open'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_pause'): {'user', 'lead', 'manager'},
    ('retail.followup', 'action_why'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.offer', 'action_announce'): {'manager', 'marketing'},
    ('retail.offer', 'action_end'): {'manager', 'marketing'},
    ('retail.offer', 'action_start'): {'manager', 'marketing'},
    ('retail.offer', 'action_open_effect'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.offer', 'action_open_followups'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.offer', 'action_use'): {'user', 'lead', 'manager', 'marketing'},
    # whoever may write the quotation
    ('retail.suggestion', 'action_add'): {'sales'},
    ('retail.care.rule', 'action_retry'): {'manager', 'marketing'},
    ('retail.care.rule', 'action_start'): {'manager', 'marketing'},
    ('retail.care.rule', 'action_stop'): {'manager', 'marketing'},
    ('retail.followup', 'action_asked_ticket'): {'user', 'lead', 'manager'},
    ('retail.followup', 'action_cancel'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_customer_timeline'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_done'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_hand_over'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_message_sent'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_not_reached'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_reached'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_reopen'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_snooze'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_take'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_ticket'): {'user', 'lead', 'manager'},
    ('retail.followup.close', 'action_save'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup.close', 'action_save_ticket'): {'user', 'lead', 'manager'},
    ('retail.followup.contact', 'action_apply'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup.hand.over', 'action_apply'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup.snooze', 'action_apply'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.ticket', 'action_contact'): {'user', 'lead', 'manager'},
    ('retail.ticket', 'action_followups'): {'user', 'lead', 'manager'},
    ('retail.followup', 'action_try_again'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_print_letters'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_letters_printed'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup', 'action_give_up'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.followup.lost', 'action_apply'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.churn.report', 'action_open_followup'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.life.change', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.life.change', 'action_seen'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.profile', 'action_contact'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.profile', 'action_plan_intervention'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.classification', 'action_open'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.classification', 'action_apply'): {'manager'},
    ('retail.classification', 'action_reset'): {'manager'},
    ('retail.complaint.lost', 'action_open_tickets'): {'lead', 'manager', 'complaint'},
    ('retail.complaint.pareto', 'action_open_tickets'): {'lead', 'manager', 'complaint'},
    ('retail.complaint.rate', 'action_open_ticket'): {'lead', 'manager', 'complaint'},
    ('retail.spike.alert', 'action_close'): {'lead', 'manager', 'complaint'},
    ('retail.spike.alert', 'action_open_problem'): {'lead', 'manager', 'complaint'},
    ('retail.spike.alert', 'action_open_tickets'): {'lead', 'manager', 'complaint'},
    ('retail.spike.rule', 'action_evaluate'): {'manager'},
    ('retail.problem', 'action_answer_all'): {'lead', 'manager', 'complaint'},
    ('retail.problem', 'action_empty'): {'lead', 'manager', 'complaint'},
    ('retail.problem', 'action_investigate'): {'lead', 'manager', 'complaint'},
    ('retail.problem', 'action_known'): {'lead', 'manager', 'complaint'},
    ('retail.problem', 'action_propose_tickets'): {'lead', 'manager', 'complaint'},
    ('retail.problem', 'action_reopen'): {'lead', 'manager', 'complaint'},
    ('retail.problem', 'action_solve'): {'lead', 'manager', 'complaint'},
    ('retail.problem', 'action_solve_tickets'): {'lead', 'manager', 'complaint'},
    ('retail.problem', 'action_open_tickets'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.problem.message', 'action_send'): {'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_bundle'): {'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_unbundle'): {'lead', 'manager', 'complaint'},
    ('retail.consent.record', 'action_save'): {'user', 'lead', 'manager', 'sales'},
    ('retail.duplicate', 'action_open_partners'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.duplicate', 'action_distinct'): {'user', 'lead', 'manager'},
    ('retail.duplicate', 'action_household'): {'user', 'lead', 'manager'},
    ('retail.duplicate', 'action_reopen'): {'user', 'lead', 'manager'},
    ('retail.duplicate', 'action_merge'): {'lead', 'manager'},
    ('retail.faq', 'action_insert'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.faq.gap', 'action_open_tickets'): {'lead', 'manager'},
    ('retail.faq.gap', 'action_write_article'): {'lead', 'manager'},
    ('retail.incident', 'action_close'): {'manager', 'sensitive'},
    ('retail.incident', 'action_notify'): {'manager', 'sensitive'},
    ('retail.incident', 'action_reopen'): {'manager', 'sensitive'},
    ('retail.incident.customer', 'action_told'): {'manager', 'sensitive'},
    ('retail.ticket', 'action_back'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_merge'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_merges'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_split'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.merge', 'action_undo'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.merge.ask', 'action_merge'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.split', 'action_split'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_follow_up'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_open_incident'): {'manager', 'complaint'},
    ('retail.remedy', 'action_approve'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy', 'action_cancel'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy', 'action_grant'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy', 'action_open_document'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy', 'action_open_ticket'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy', 'action_refuse'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy', 'action_request'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy', 'action_reverse'): {'lead', 'manager', 'complaint'},
    ('retail.return.request', 'action_approve'): {'lead', 'manager', 'complaint'},
    ('retail.return.request', 'action_cancel'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.return.request', 'action_done'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.return.request', 'action_receive'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.return.request', 'action_refuse'): {'lead', 'manager', 'complaint'},
    ('retail.return.request', 'action_settle'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_returns'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy.decide', 'action_decide'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy.offer', 'action_grant'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.remedy.offer', 'action_offer'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.back', 'action_back'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.promise', 'action_break'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.promise', 'action_keep'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.membership', 'action_ask_leave'): {'user', 'lead', 'manager'},
    ('retail.member.list', 'action_draw'): {'lead', 'manager', 'marketing'},
    ('retail.member.list', 'action_open_lines'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.member.list.line', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.membership', 'action_assign_adviser'): {'lead', 'manager'},
    ('retail.membership', 'action_open_benefits'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.membership', 'action_open_vouchers'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.membership', 'action_end_override'): {'lead', 'manager'},
    ('retail.membership', 'action_enrol'): {'user', 'lead', 'manager'},
    ('retail.membership', 'action_leave'): {'user', 'lead', 'manager'},
    ('retail.membership', 'action_open_moves'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.membership', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.membership', 'action_open_purchases'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.membership', 'action_override'): {'lead', 'manager'},
    ('retail.membership.enrol', 'action_enrol'): {'user', 'lead', 'manager'},
    ('retail.membership.leave', 'action_leave'): {'user', 'lead', 'manager'},
    ('retail.membership.import', 'action_check'): {'manager'},
    ('retail.membership.import', 'action_errors'): {'manager'},
    ('retail.membership.import', 'action_import'): {'manager'},
    ('retail.membership.import', 'action_open_members'): {'manager'},
    ('retail.membership.import', 'action_template'): {'manager'},
    ('retail.membership.override', 'action_give'): {'lead', 'manager'},
    ('retail.complaint.overview', 'action_open_complaints'): {'lead', 'manager', 'complaint'},
    ('retail.moment', 'action_retry'): {'manager'},
    ('retail.moment', 'action_open_document'): {'manager'},
    # the second person: a manager other than the one who asked
    ('retail.phrase', 'action_check'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.points.adjustment', 'action_approve'): {'manager'},
    ('retail.points.adjustment', 'action_refuse'): {'manager'},
    ('retail.points.adjustment', 'action_retail_open_card'): {
        'user',
        'lead',
        'manager',
        'marketing',
    },
    ('retail.points.entry', 'action_open_document'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.profile.backtest', 'action_check_now'): {'manager'},
    ('retail.classification', 'action_use_measured_years'): {'manager'},
    ('retail.profile', 'action_refresh'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.profile', 'action_checked_today'): {'user', 'lead', 'manager'},
    ('retail.profile', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.profile', 'action_open_purchases'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.profile', 'action_rebuild'): {'manager'},
    ('retail.profile', 'action_snooze'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.profile', 'action_unsnooze'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.profile.change', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.privilege', 'action_make_price_list'): {'manager'},
    ('retail.privilege', 'action_switch_price_lists_on'): {'manager'},
    ('retail.programme', 'action_measure_baseline'): {'manager'},
    ('retail.programme', 'action_open_evaluations'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.privilege', 'action_open_entitled'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.programme', 'action_open_members'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.programme', 'action_open_previews'): {'manager'},
    ('retail.programme', 'action_preview_rules'): {'manager'},
    ('retail.programme', 'action_propose'): {'manager'},
    ('retail.programme', 'action_start'): {'manager'},
    ('retail.programme', 'action_start_points'): {'manager'},
    ('retail.programme', 'action_use_ladder'): {'manager'},
    ('retail.programme.evaluation', 'action_close'): {'manager'},
    ('retail.programme.evaluation', 'action_measure'): {'manager'},
    ('retail.programme.evaluation', 'action_measure_baseline'): {'manager'},
    ('retail.referral.report', 'action_open_partner'): {
        'user',
        'lead',
        'manager',
        'marketing',
        'sales',
    },
    ('retail.purchase', 'action_open_document'): {'user', 'lead', 'manager', 'marketing'},
    # managers, and whoever may write the order
    ('retail.purchase', 'action_apply_rates'): {'manager'},
    ('retail.quarantine', 'action_block_domain'): {'lead', 'manager'},
    ('retail.quarantine', 'action_block_sender'): {'user', 'lead', 'manager'},
    ('retail.quarantine', 'action_discard'): {'user', 'lead', 'manager'},
    ('retail.quarantine', 'action_open_ticket'): {'user', 'lead', 'manager'},
    ('retail.quarantine', 'action_release'): {'user', 'lead', 'manager'},
    ('retail.segment', 'action_recompute'): {'manager', 'marketing'},
    ('retail.segment', 'action_copy_to_company'): {'manager', 'marketing'},
    ('retail.segment', 'action_open_matching'): {'user', 'lead', 'manager', 'marketing', 'sales'},
    ('retail.segment', 'action_open_customers'): {'user', 'lead', 'manager', 'marketing', 'sales'},
    ('retail.segment', 'action_open_members'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.segment', 'action_open_comparison'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.segment', 'action_open_products'): {'lead', 'manager', 'marketing', 'sales'},
    ('retail.segment.member', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing'},
    **{
        (model, method): {'user', 'lead', 'manager', 'complaint'}
        for model, method in (
            ('retail.ticket', 'action_answer'),
            ('retail.ticket', 'action_appointment_done'),
            ('retail.ticket', 'action_appointment_no_show'),
            ('retail.ticket', 'action_ask_department'),
            ('retail.ticket', 'action_ask_expert'),
            ('retail.ticket', 'action_assign_suggested'),
            ('retail.ticket', 'action_confirm_appointment'),
            ('retail.ticket', 'action_find_owner'),
            ('retail.ticket', 'action_carry_out'),
            ('retail.ticket', 'action_offer_remedy'),
            ('retail.ticket', 'action_open_tasks'),
            ('retail.ticket', 'action_presence'),
            ('retail.ticket.answer', 'action_send'),
            ('retail.ticket.ask', 'action_ask'),
            ('retail.ticket.expert', 'action_hand_over'),
        )
    },
    # the sample hands over the tickets of somebody else
    ('retail.ticket.hand.over', 'action_apply'): {'lead', 'manager'},
    ('retail.adviser.report', 'action_open_customers'): {'lead', 'manager'},
    ('retail.ticket.load.report', 'action_open_tickets'): {'lead', 'manager'},
    ('retail.timeline', 'action_open_document'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.touch', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing', 'sales'},
    ('retail.registration', 'action_register'): {'user', 'lead', 'manager', 'sales'},
    ('retail.registration', 'action_register_next'): {'user', 'lead', 'manager', 'sales'},
    ('retail.escalation.notice', 'action_retry'): {'lead', 'manager'},
    ('retail.sla.policy', 'action_apply'): {'manager'},
    ('retail.sla.policy', 'action_open_tickets'): {
        'user',
        'lead',
        'manager',
        'marketing',
        'complaint',
    },
    # the sample is a complaint that nobody owns
    ('retail.ticket', 'action_assign_me'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_escalations'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_cancel'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_next_stage'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_reopen'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_solve'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_wait'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.bottleneck', 'action_open_rows'): {'lead', 'manager'},
    ('retail.ticket.report', 'action_open_ticket'): {'lead', 'manager', 'complaint'},
    ('retail.ticket.stage.report', 'action_open_ticket'): {'lead', 'manager', 'complaint'},
    ('retail.ticket.team.score', 'action_open_tickets'): {'lead', 'manager'},
    ('retail.ticket.team', 'action_make_desks'): {'manager'},
    ('retail.ticket', 'action_ignore_sender'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_not_only_thanks'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_only_thanks'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_same_household'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.tier.move', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.ticket', 'action_card'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_history'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_customer_tickets'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_customer_timeline'): {'user', 'lead', 'manager'},
    # nobody of the personas is manager and in the group of sensitive data at once
    ('retail.ticket', 'action_data_anonymise'): set(),
    ('retail.ticket', 'action_data_correct'): {'user', 'lead', 'manager'},
    ('retail.ticket', 'action_data_identity'): {'user', 'lead', 'manager'},
    ('retail.ticket', 'action_data_report'): set(),
    ('retail.ticket', 'action_find_purchase'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket', 'action_open_ticket'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.call', 'action_new_ticket'): {'user', 'lead', 'manager'},
    ('retail.ticket.counter', 'action_attach'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.counter', 'action_open'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.ticket.counter', 'action_solve'): {'user', 'lead', 'manager', 'complaint'},
    ('retail.voucher', 'action_cancel'): {'lead', 'manager'},
    ('retail.voucher', 'action_open_partner'): {'user', 'lead', 'manager', 'marketing'},
    ('retail.voucher', 'action_render'): {'user', 'lead', 'manager'},
    ('retail.voucher', 'action_reopen'): {'lead', 'manager'},
    ('retail.voucher.render', 'action_render'): {'user', 'lead', 'manager'},
    ('retail.tier.preview', 'action_apply'): {'manager'},
    ('retail.tier.preview', 'action_apply_anyway'): {'manager'},
    ('retail.tier.preview', 'action_approve'): {'manager'},
    ('retail.tier.preview', 'action_ask'): {'manager'},
    ('retail.tier.preview', 'action_call_list'): {'manager'},
    ('retail.tier.preview', 'action_cancel'): {'manager'},
    ('retail.tier.preview', 'action_cancel_work'): {'manager'},
    ('retail.tier.preview', 'action_compute'): {'manager'},
    ('retail.tier.preview', 'action_draft'): {'manager'},
    ('retail.tier.preview', 'action_floor'): {'manager'},
    ('retail.tier.preview', 'action_open_differences'): {'manager'},
    ('retail.tier.preview', 'action_open_lines'): {'manager'},
    ('retail.tier.preview', 'action_propose'): {'manager'},
    ('retail.tier.preview', 'action_segment'): {'manager'},
    ('retail.tier.preview.call', 'action_plan'): {'manager'},
    ('retail.tier.preview.floor', 'action_give'): {'manager'},
    ('retail.tier.preview.line', 'action_call_list'): {'manager'},
    ('retail.tier.preview.line', 'action_floor'): {'manager'},
    ('retail.tier.preview.line', 'action_open_partner'): {'manager'},
    ('retail.tier.preview.line', 'action_segment'): {'manager'},
    ('retail.tier.proposal', 'action_use'): {'manager'},
}


class AccessCalls(RetailCrmCommon):
    """Calls as they come from outside."""

    def _rpc(self, user, model, method, *args, **kwargs):
        """Call a method as the web client and JSON-2 do: as that user, public methods only, and not as superuser."""
        return call_kw(self.env(user=user, su=False)[model], method, list(args), kwargs)

    def _is_refused(self, user, model, method, *args, **kwargs):
        savepoint = self.cr.savepoint()
        self._own_dialog(user, model)
        try:
            self._rpc(user, model, method, *args, **kwargs)
            self.env.flush_all()
        except AccessError:
            return True
        finally:
            savepoint.rollback()
            self.env.invalidate_all(flush=False)
        return False

    def _own_dialog(self, user, model):
        """Dialogs are seen by whoever opened them only: have the user be the one."""
        if self.env[model]._transient:
            for name in {model, model.removesuffix('.line')}:
                self.cr.execute(
                    SQL(
                        'UPDATE %s SET create_uid = %s',
                        SQL.identifier(self.env[name]._table),
                        user.id,
                    )
                )
            self.env.invalidate_all()


class AccessCommon(AccessCalls):
    @classmethod
    def _check_past(cls):
        """Return a row of the check of warnings against the past."""
        checks = cls.env['retail.profile.backtest']
        checks._check(12, date(2027, 6, 1))
        return checks.search([('company_id', '=', cls.company.id)], limit=1)

    @classmethod
    def _loud(cls, company, partner):
        """Return the values of a complaint."""
        return {
            'subject': 'Loud',
            'company_id': company.id,
            'partner_id': partner.id,
            # the counter is deleted in these tests
            'channel_id': cls.env.ref('retail_crm.retail_channel_phone').id,
            'type_id': cls.env.ref('retail_crm.retail_ticket_type_complaint').id,
            'team_id': False,
        }

    @classmethod
    def _complaint_parts(cls, company, partner):
        """Return what belongs to a complaint that nobody owns, at its fourth step, and what rules all of them."""
        values = cls._loud(company, partner)
        ticket, secret = cls.env['retail.ticket'].create(
            [values, {**values, 'is_restricted': True}]
        )
        (ticket + secret).team_id = False
        stage = cls.env.ref('retail_crm.retail_ticket_stage_solution')
        ticket._stamp({'stage_id': stage.id, 'step': 'solution'})
        incident = cls.env['retail.incident'].create(
            {
                'subject': 'Leak',
                'company_id': company.id,
                'measures': 'Closed',
                'notice': 'Change your password.',
                'authority_reason': 'Nobody was harmed',
                'line_ids': [
                    Command.create({'partner_id': partner.id, 'waived_reason': 'Not his data'})
                ],
            }
        )
        cls.env.flush_all()
        of_ticket = {'ticket_id': ticket.id}
        apology = {**of_ticket, 'kind_id': cls.env.ref('retail_crm.retail_remedy_kind_apology').id}
        remedy = cls.env['retail.remedy'].create(apology)
        remedy._request()
        return {
            'retail.remedy': remedy,
            'retail.return.request': cls._ask_return(ticket),
            'retail.remedy.decide': cls.env['retail.remedy.decide'].create(
                {'remedy_ids': remedy.ids, 'decision': 'refuse', 'reason': 'Too much'}
            ),
            'retail.remedy.offer': cls.env['retail.remedy.offer'].create(apology),
            'retail.incident': incident,
            'retail.incident.customer': incident.line_ids,
            'retail.ticket.back': cls.env['retail.ticket.back'].create(
                {'ticket_ids': ticket.ids, 'step': 'classify', 'reason': 'Wrong class'}
            ),
            'retail.ticket.check': cls.env['retail.ticket.check'].create(
                {**of_ticket, 'name': 'Stop the sale'}
            ),
            'retail.ticket.promise': cls.env['retail.ticket.promise'].create(
                {**of_ticket, 'what': 'Call back'}
            ),
            'retail.ticket.restricted': cls.env['retail.ticket.restricted'].browse(secret.id),
            'retail.ticket.statement': cls.env['retail.ticket.statement'].create(
                {**of_ticket, 'place': 'Paper', 'text': 'Sorry'}
            ),
        }

    @classmethod
    def _merged(cls, company, partner):
        """Return a merge of complaints that nobody owns, and the dialogs for others."""
        values = cls._loud(company, partner)
        tickets = cls.env['retail.ticket'].create([dict(values) for _index in range(4)])
        one, two, three, four = tickets
        tickets.team_id = False
        message = three.message_post(
            body='And the bill', message_type='comment', subtype_xmlid='mail.mt_comment'
        )
        return {
            'retail.ticket.merge': one._merge(two),
            'retail.ticket.merge.ask': cls.env['retail.ticket.merge.ask'].create(
                {'ticket_ids': [Command.set((three + four).ids)]}
            ),
            'retail.ticket.split': cls.env['retail.ticket.split'].create(
                {
                    'ticket_id': three.id,
                    'subject': 'Bill',
                    'type_id': three.type_id.id,
                    'partner_id': partner.id,
                    'message_ids': [Command.set(message.ids)],
                }
            ),
        }

    @classmethod
    def _ask_return(cls, ticket):
        """Return a return of goods of a ticket, without receipt, about which somebody has to decide."""
        order = cls.env['sale.order'].create(
            {
                # of ourselves: no purchase of anybody
                'partner_id': ticket.company_id.partner_id.id,
                'company_id': ticket.company_id.id,
                'order_line': [
                    Command.create(
                        {'product_id': cls.goods.id, 'product_uom_qty': 99, 'price_unit': 0}
                    )
                ],
            }
        )
        order.action_confirm()
        line = cls.env['retail.ticket.line'].create(
            {'ticket_id': ticket.id, 'sale_line_id': order.order_line.id}
        )
        return cls.env['retail.return.request'].create(
            {
                'ticket_id': ticket.id,
                'line_id': line.id,
                'has_receipt': False,
                'refusal': 'Worn',
            }
        )

    @classmethod
    def _care_dialogs(cls, company, rule):
        """Return a gap, a pause, and the dialogs of preview and "why"."""
        create = lambda model, **values: cls.env[model].create(values)  # noqa: E731
        preview = create(
            'retail.care.preview',
            rule_id=rule.id,
            company_id=company.id,
            partner_id=cls.bob.id,
            text='Hello',
        )
        why = create('retail.care.why', partner_id=cls.bob.id, rule_id=rule.id)
        return {
            'retail.care.gap': create('retail.care.gap', company_id=company.id, family='churn'),
            'retail.care.pause': create(
                'retail.care.pause',
                company_id=company.id,
                partner_id=cls.bob.id,
                reason='Asked',
                until='2099-01-01',
            ),
            'retail.care.preview': preview,
            'retail.care.preview.line': create(
                'retail.care.preview.line', preview_id=preview.id, partner_id=cls.bob.id
            ),
            'retail.care.why': why,
            'retail.care.why.line': create('retail.care.why.line', why_id=why.id, rule_id=rule.id),
        }

    @classmethod
    def _care_work(cls, company):
        """Return a try to call somebody, and the dialogs of staff about it."""
        talk = cls.env['retail.followup'].create(
            {
                'partner_id': cls.bob.id,
                'company_id': company.id,
                'channel_id': cls.env.ref('retail_crm.retail_channel_phone').id,
            }
        )
        talk.state = 'todo'
        of_talk = {'followup_ids': talk.ids, 'reason': 'Away'}
        return {
            'retail.followup.attempt': talk._log_attempts('not_reached'),
            'retail.followup.close': cls.env['retail.followup.close'].create(
                {'followup_ids': talk.ids, 'result': 'reached'}
            ),
            'retail.followup.contact': cls.env['retail.followup.contact'].create(
                {
                    'partner_ids': cls.bob.ids,
                    'channel_id': talk.channel_id.id,
                    'user_id': cls.users['user'].id,
                }
            ),
            'retail.followup.hand.over': cls.env['retail.followup.hand.over'].create(
                {**of_talk, 'user_id': cls.users['manager'].id}
            ),
            'retail.followup.snooze': cls.env['retail.followup.snooze'].create(of_talk),
        }

    @classmethod
    def _care(cls, company):
        """Return a care rule of marketing and a follow-up of it that nobody owns."""
        rule = cls.env['retail.care.rule'].create(
            {
                'name': 'Call',
                'company_id': company.id,
                'purpose': 'marketing',
                'channel_line_ids': [
                    Command.create({'channel_id': cls.env.ref('retail_crm.retail_channel_sms').id})
                ],
            }
        )
        rule._set_previewed()
        followup = cls.env['retail.followup'].create(
            {'rule_id': rule.copy().id, 'partner_id': cls.bob.id, 'company_id': company.id}
        )
        cls.env.flush_all()
        return {
            **cls._care_dialogs(company, rule),
            'retail.occasion': cls.env['retail.occasion'].create(
                {'name': 'Feast', 'date': '2027-06-06', 'company_id': company.id}
            ),
            **cls._care_work(company),
            **cls._churn(company),
            'retail.care.rule': rule,
            'retail.care.rule.channel': rule.channel_line_ids,
            'retail.followup': followup,
            'retail.followup.report': cls.env['retail.followup.report'].browse(followup.id),
            **cls._offers(company),
        }

    @classmethod
    def _churn(cls, company):
        """Return an intervention in figures, the dialog that gives a customer up, and a changed habit."""
        saving = cls.env['retail.followup'].create(
            {'partner_id': cls.bob.id, 'company_id': company.id, 'family': 'churn'}
        )
        reason = cls.env['retail.lost.reason'].create({'name': 'Moon'})
        return {
            'retail.churn.report': cls.env['retail.churn.report'].browse(saving.id),
            'retail.followup.lost': cls.env['retail.followup.lost'].create(
                {'followup_ids': saving.ids, 'reason_id': reason.id}
            ),
            'retail.life.change': cls.env['retail.life.change'].create(
                {
                    'partner_id': cls.bob.id,
                    'company_id': company.id,
                    'date': '2027-06-02',
                    'kind': 'basket',
                    'direction': 'up',
                }
            ),
            'retail.lost.reason': reason,
        }

    @classmethod
    def _offers(cls, company):
        """Return an offer of a company, a suggestion on a quotation that nobody owns, and what is read from both."""
        order = cls.env['sale.order'].create(
            {
                'partner_id': company.partner_id.id,
                'company_id': company.id,
                'user_id': False,
            }
        )
        goods = {'company_id': company.id, 'product_id': cls.goods.id}
        suggestion = cls.env['retail.suggestion'].create(
            {**goods, 'order_id': order.id, 'kind': 'up'}
        )
        effects = cls.env['retail.care.effect']
        return {
            'retail.care.effect': effects.search([('company_id', '=', company.id)], limit=1),
            'retail.offer': cls.env['retail.offer'].create(
                {'name': 'Tea', 'company_id': company.id, 'class_key': 'lifecycle.new'}
            ),
            'retail.basket': cls.env['retail.basket'].create(
                {'company_id': company.id, 'order_id': order.id}
            ),
            'retail.product.pair': cls.env['retail.product.pair'].create(
                {**goods, 'other_id': cls.goods.id}
            ),
            'retail.suggestion': suggestion,
            'retail.suggestion.report': cls.env['retail.suggestion.report'].browse(suggestion.id),
        }

    @classmethod
    def _duplicate(cls, company):
        """Return a group of two customers of a company who may be one."""
        values = {'name': 'Twin', 'email': 'twin@shop.test', 'company_id': company.id}
        twins = cls.env['res.partner'].create([dict(values), dict(values)])
        cls.env['retail.duplicate']._search_some(twins.ids)
        return cls.env['retail.duplicate'].search([('partner_ids', 'in', twins.ids)])

    @classmethod
    def _evaluate_programme(cls, programme):
        """Return a measured evaluation of a month that is over."""
        evaluation = cls.env['retail.programme.evaluation'].create(
            {'programme_id': programme.id, 'date_from': '2026-01-01'}
        )
        evaluation.action_measure()
        return evaluation

    @classmethod
    def _give_membership(cls, company, partner):
        """Return a membership, with a given tier, in the programme of a company, which runs from now on."""
        programme = cls.env['retail.programme'].create({'name': 'Club', 'company_id': company.id})
        programme.action_use_ladder()
        programme.action_start()
        member = cls.env['retail.membership']._enrol(partner, company)
        gold = programme.tier_ids[2]
        member._override(gold, fields.Date.add(fields.Date.today(), months=3), 'vip', 'Patron')
        return member

    @classmethod
    def _give_voucher(cls, member):
        return cls.env['retail.voucher']._issue(
            [
                {
                    'partner_id': member.partner_id.id,
                    'membership_id': member.id,
                    'company_id': member.company_id.id,
                    'name': 'Care',
                }
            ]
        )

    @classmethod
    def _give_benefit(cls, member):
        privilege = cls.env['retail.privilege'].create(
            {
                'name': 'Care',
                'kind': 'service',
                'service_text': 'Care',
                'programme_id': member.programme_id.id,
                'tier_ids': member.tier_id.ids,
            }
        )
        claims = cls.env['retail.benefit']._service_claims(privilege, member)
        return cls.env['retail.benefit']._grant(claims)

    @classmethod
    def _give_list(cls, company):
        """Return a list with Ann and a place that Bob may get."""
        cls.env['retail.privilege'].create(
            {
                'name': 'Tea',
                'kind': 'event',
                'programme_id': cls.env['retail.programme']._running(company).id,
                'tier_ids': cls.env['retail.programme']._running(company).tier_ids.ids,
            }
        )
        return cls.env['retail.member.list'].create(
            {
                'name': 'Tea',
                'company_id': company.id,
                'only_consent': False,
                'line_ids': [Command.create({'partner_id': cls.ann.id})],
            }
        )

    @classmethod
    def _repeated_question(cls, company):
        """Return the row of a question that was asked three times and has no article."""
        values = {
            'subject': 'Which size?',
            'company_id': company.id,
            'type_id': cls.env.ref('retail_crm.retail_ticket_type_enquiry').id,
            'channel_id': cls.env.ref('retail_crm.retail_channel_web').id,
            'product_id': cls.goods.id,
        }
        cls.env['retail.ticket'].create([dict(values) for _time in range(3)])
        cls.env.flush_all()
        return cls.env['retail.faq.gap'].search(
            [('company_id', '=', company.id), ('product_id', '=', cls.goods.id)]
        )

    @classmethod
    def _preview(cls, member):
        """Return a preview of other rules with one line, and what is asked about it."""
        programme, day = member.programme_id, fields.Date.today()
        preview = cls.env['retail.tier.preview']._of_programme(programme)
        preview.threshold_ids[3].unlink()  # one that can be added
        line = cls.env['retail.tier.preview.line'].create(
            {
                'preview_id': preview.id,
                'company_id': programme.company_id.id,
                'round': 'result',
                'membership_id': member.id,
                'partner_id': member.partner_id.id,
                'direction': 'down',
                'from_tier_id': programme.tier_ids[1].id,
                'to_tier_id': programme.tier_ids[0].id,
                'date': day,
            }
        )
        proposal = cls.env['retail.tier.proposal'].create({'programme_id': programme.id})
        chosen = {'preview_id': preview.id, 'line_ids': line.ids}
        return {
            'retail.tier.preview': preview,
            'retail.tier.preview.call': cls.env['retail.tier.preview.call'].create(chosen),
            'retail.tier.preview.floor': cls.env['retail.tier.preview.floor'].create(
                {**chosen, 'note': 'Patron'}
            ),
            'retail.tier.preview.line': line,
            'retail.tier.preview.threshold': preview.threshold_ids[1],
            'retail.tier.proposal': proposal,
            'retail.tier.proposal.line': cls.env['retail.tier.proposal.line'].create(
                {'proposal_id': proposal.id, 'tier_id': programme.tier_ids[1].id}
            ),
        }

    @classmethod
    def _clock(cls, company):
        """Return what the clock has of a complaint in a company, and what it is set by."""
        calendar = cls.env['resource.calendar'].create(
            {'name': 'Desk', 'company_id': company.id, 'retail_user_id': cls.env.uid}
        )
        ticket = cls.env['retail.ticket'].create(
            {
                'subject': 'Broken',
                'type_id': cls.env.ref('retail_crm.retail_ticket_type_complaint').id,
                'reason_id': cls.env['retail.ticket.reason'].search([], limit=1).id,
                'company_id': company.id,
                'channel_id': cls.env.ref('retail_crm.retail_channel_email').id,
                'partner_id': cls.bob.id,
            }
        )
        event = cls.env['retail.ticket.event'].create(
            {
                'ticket_id': ticket.id,
                'company_id': company.id,
                'kind': 'solve',
                'cycle': 1,
                'level': 'warning',
                'date': '2026-01-01',
            }
        )
        return {
            'retail.calendar.makeup': cls.env['retail.calendar.makeup'].create(
                {'calendar_id': calendar.id, 'date': '2026-10-10'}
            ),
            'retail.sla.policy': cls.env['retail.sla.policy'].create(
                {'name': 'Quick', 'company_id': company.id, 'sequence': 9999}
            ),
            'retail.ticket.event': event,
            'retail.escalation.level': cls.env['retail.escalation.level'].create(
                {'name': 'Late', 'amount': 9, 'company_id': company.id}
            ),
            'retail.escalation.notice': cls.env['retail.escalation.notice'].create(
                {
                    'ticket_id': ticket.id,
                    'company_id': company.id,
                    'event_id': event.id,
                    'user_id': cls.users['lead'].id,
                    'role': 'leader',
                    'state': 'failed',
                    'error': 'No line',
                    'send_after': '2026-01-01',
                }
            ),
            'retail.oncall': cls.env['retail.oncall'].create(
                {
                    'user_id': cls.users['lead'].id,
                    'company_id': company.id,
                    'date_from': '2026-01-01',
                    'date_until': '2026-01-02',
                }
            ),
            'retail.ticket.interval': ticket.interval_ids[:1],
            'retail.ticket.target': ticket.target_ids[:1],
        }

    @classmethod
    def _mail_door(cls, company=None):
        """Return what the mail door keeps of a company."""
        name = (company or cls.company).id
        owner = cls.env['res.partner'].create(
            {'name': 'Owner', 'company_id': company.id if company else False}
        )
        values = {'company_id': name, 'reason': 'blocked', 'subject': 'Win'}
        mail = f'From: r@r{name}.example\r\nSubject: Win\r\n\r\nx'.encode()
        return {
            'retail.mail.block': cls.env['retail.mail.block']._block([f'r@r{name}.example']),
            'retail.mail.log': cls.env['retail.mail.log'].create(
                {**values, 'result': 'quarantine'}
            ),
            'retail.partner.address': cls.env['retail.partner.address'].create(
                {'partner_id': owner.id, 'email': f'r{name}@home.example'}
            ),
            'retail.quarantine': cls.env['retail.quarantine']._hold(
                mail, {**values, 'sender': f'r@r{name}.example'}
            ),
        }

    @classmethod
    def _counter(cls, partner, company):
        """Return the dialog at the counter, filled in, for a complaint about something that was bought."""
        kind = cls.env.ref('retail_crm.retail_ticket_type_complaint')
        values = {'partner_id': partner.id, 'type_id': kind.id, 'company_id': company.id}
        values['channel_id'] = cls.env.ref('retail_crm.retail_channel_phone').id
        ticket = cls.env['retail.ticket'].create({'subject': 'Torn', **values})
        return cls.env['retail.ticket.counter'].create(
            {
                **values,
                'ticket_id': ticket.id,
                'solution': 'Mended',
                'reason_id': cls.env.ref('retail_crm.retail_ticket_reason_product_function').id,
                'cause_id': cls.env['retail.ticket.cause'].search([], limit=1).id,
                'dissatisfaction_id': cls.env['retail.ticket.dissatisfaction']
                .search([], limit=1)
                .id,
                'line_ids': [Command.create({'product_id': cls.goods.id, 'is_chosen': True})],
            }
        )

    @classmethod
    def _desk(cls, company, partner):
        """Return the dialogs of a complaint that nobody owns, who has it open, when it waited, and a macro."""
        department, experts = cls.env['retail.ticket.team'].create(
            [
                {'name': 'Store Room', 'kind': 'department', 'company_id': company.id},
                {'name': 'Masters', 'kind': 'expert', 'company_id': company.id},
            ]
        )
        ticket = cls.env['retail.ticket'].create(
            {
                'subject': 'Bent',
                'company_id': company.id,
                'partner_id': partner.id,
                'channel_id': cls.env.ref('retail_crm.retail_channel_phone').id,
                'type_id': cls.env.ref('retail_crm.retail_ticket_type_complaint').id,
            }
        )
        cls.env['retail.ticket.presence']._touch(ticket, False)
        own = [('ticket_id', '=', ticket.id)]
        cls.env.flush_all()
        values = {'ticket_id': ticket.id}
        return {
            'retail.ticket.answer': cls.env['retail.ticket.answer'].create(
                {**values, 'body': '<p>Hello</p>'}
            ),
            'retail.ticket.ask': cls.env['retail.ticket.ask'].create(
                {**values, 'team_id': department.id, 'what': 'Well?'}
            ),
            'retail.ticket.expert': cls.env['retail.ticket.expert'].create(
                {**values, 'team_id': experts.id, 'reason': 'Hard'}
            ),
            'retail.ticket.presence': cls.env['retail.ticket.presence'].search(own),
            'retail.ticket.report': cls.env['retail.ticket.report'].browse(ticket.id),
            'retail.ticket.stage.report': cls.env['retail.ticket.stage.report'].search(own),
            'retail.ticket.bottleneck': cls.env['retail.ticket.bottleneck'].search(
                [('company_id', '=', company.id), ('type_id', '=', ticket.type_id.id)], limit=1
            ),
            'retail.ticket.team.goal': cls.env['retail.ticket.team.goal'].create(
                {
                    'team_id': experts.id,
                    'metric': 'solve',
                    'target': 75,
                    'date_from': '2026-01-01',
                }
            ),
            'retail.ticket.team.score': cls.env['retail.ticket.team.score'].search(
                [('team_id', '=', experts.id)], limit=1
            ),
            'retail.ticket.waiting.report': cls.env['retail.ticket.waiting.report'].search(
                [('company_id', '=', company.id), ('type_id', '=', ticket.type_id.id)], limit=1
            ),
            **cls._load(company, department),
            'retail.ticket.macro': cls.env['retail.ticket.macro'].create(
                {'name': 'Hello', 'text': 'Hello', 'company_id': company.id}
            ),
            'retail.complaint.overview': cls.env['retail.complaint.overview'].create(
                {'company_id': company.id}
            ),
        }

    @classmethod
    def _load(cls, company, team):
        """Return the load of a team of a company with a member, its hours, and an adviser of the company."""
        adviser = cls.env['res.users'].create(
            {
                'name': 'Adviser',
                'login': f'adviser-{company.id}-{team.id}',
                'company_id': company.id,
                'company_ids': [Command.set(company.ids)],
            }
        )
        team.calendar_id = cls.env['resource.calendar'].create(
            {'name': 'Hours', 'company_id': company.id}
        )
        cls.env['retail.ticket.team.member'].create({'team_id': team.id, 'user_id': adviser.id})
        cls.env['res.partner'].create({'name': 'Advised', 'retail_adviser_id': adviser.id})
        cls.env.flush_all()
        of_team = [('team_id', '=', team.id)]
        return {
            'retail.adviser.report': cls.env['retail.adviser.report'].search(
                [('user_id', '=', adviser.id)]
            ),
            'retail.ticket.load.report': cls.env['retail.ticket.load.report'].search(of_team),
            'retail.ticket.staffing.report': cls.env['retail.ticket.staffing.report'].search(
                of_team, limit=1
            ),
        }

    @classmethod
    def _points(cls, company, partner):
        """Return card, entry, waiting adjustment and difference of a customer's points in a company."""
        program = cls.env['loyalty.program'].create(
            {'name': 'Points', 'program_type': 'loyalty', 'company_id': company.id}
        )
        card = cls.env['loyalty.card'].create(
            {'program_id': program.id, 'partner_id': partner.id, 'points': 10}
        )
        difference = {
            'card_id': card.id,
            'program_id': program.id,
            'company_id': company.id,
            'kind': 'balance',
        }
        return {
            'card': card,
            'entry': cls.env['retail.points.entry'].search([('card_id', '=', card.id)]),
            'adjustment': cls.env['retail.points.adjustment']._request(
                card, 5000, 'goodwill', 'Patron'
            ),
            'difference': cls.env['retail.points.difference'].create(difference),
        }

    @classmethod
    def _service(cls, company, partner):
        """Return a complaint that nobody owns, with what it names; what nothing uses can be deleted by managers."""
        team = cls.env['retail.ticket.team'].create({'name': 'Desk', 'company_id': company.id})
        ticket = cls.env['retail.ticket'].create(
            {
                'subject': 'Broken',
                'company_id': company.id,
                # the counter is deleted in these tests
                'channel_id': cls.env.ref('retail_crm.retail_channel_phone').id,
                'partner_id': partner.id,
                'team_id': False,
                'type_id': cls.env.ref('retail_crm.retail_ticket_type_complaint').id,
                'cause_id': cls.env.ref('retail_crm.retail_ticket_cause_defect').id,
                'dissatisfaction_id': cls.env['retail.ticket.dissatisfaction']
                .search([], limit=1)
                .id,
                'result': 'Exchanged',
                'line_ids': [Command.create({'product_id': cls.goods.id})],
            }
        )
        return {
            'retail.ticket': ticket,
            'retail.ticket.line': ticket.line_ids,
            'retail.ticket.team': team,
            'retail.ticket.team.member': cls.env['retail.ticket.team.member'].create(
                {'team_id': team.id, 'user_id': cls.users['user'].id}
            ),
            **{
                model: cls.env[model].create({'name': f'{company.name} {model}', **values})
                for model, values in {
                    'retail.ticket.cause': {},
                    'retail.ticket.dissatisfaction': {},
                    'retail.ticket.reason': {},
                    'retail.ticket.stage': {},
                    'retail.ticket.tag': {},
                    'retail.ticket.type': {'code': f'sample-{company.id}'},
                }.items()
            },
        }

    @classmethod
    def _causes(cls, company):
        """Return figures of complaints, a rule that rang, and a problem with a message to all."""
        customer, other = cls.env['res.partner'].create([{'name': 'Zoe'}, {'name': 'Yan'}])
        day = fields.Datetime.subtract(fields.Datetime.now(), days=200)
        for partner in customer + other:
            cls._create_order(partner, 20.0, day, company_id=company.id)
        cls._process()
        complaint = {
            'subject': 'Cracked',
            'company_id': company.id,
            'partner_id': customer.id,
            'product_id': cls.goods.id,
            'channel_id': cls.env.ref('retail_crm.retail_channel_phone').id,
            'type_id': cls.env.ref('retail_crm.retail_ticket_type_complaint').id,
            'reason_id': cls.env.ref('retail_crm.retail_ticket_reason_product').id,
        }
        ticket = cls.env['retail.ticket'].create(complaint)
        rule = cls.env['retail.spike.rule'].create(
            {'name': 'Two', 'company_id': company.id, 'min_count': 50}
        )
        problem = cls.env['retail.problem'].create(
            {
                'name': 'Cracks',
                'company_id': company.id,
                'cause_id': cls.env.ref('retail_crm.retail_ticket_cause_defect').id,
                'measure': 'Wrap',
                'result': 'Wrapped',
            }
        )
        problem._bundle(ticket)
        alert = cls.env['retail.spike.alert'].create(
            {
                'rule_id': rule.id,
                'company_id': company.id,
                'value_key': str(cls.goods.id),
                'product_id': cls.goods.id,
            }
        )
        message = cls.env['retail.problem.message'].create(
            {'problem_id': problem.id, 'subject': 'Cracks', 'body': '<p>Sorry</p>'}
        )
        cls.env.flush_all()
        own = [('company_id', '=', company.id)]
        return {
            'retail.complaint.lost': cls.env['retail.complaint.lost'].search(
                [*own, ('partner_id', '=', other.id)]
            ),
            'retail.complaint.pareto': cls.env['retail.complaint.pareto'].search(own, limit=1),
            'retail.complaint.rate': cls.env['retail.complaint.rate'].search(
                [*own, ('ticket_id', '=', ticket.id)]
            ),
            'retail.sold.line': cls.env['retail.sold.line'].search(own, limit=1),
            'retail.spike.rule': rule,
            'retail.spike.alert': alert,
            'retail.problem': problem,
            'retail.problem.message': message,
            'retail.problem.message.line': cls.env['retail.problem.message.line'].create(
                {'message_id': message.id, 'ticket_id': ticket.id}
            ),
        }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # everybody works in a company whose programme runs, too, and in one without any
        cls.company_3, cls.company_4 = cls.env['res.company'].create(
            [{'name': 'Third Company'}, {'name': 'Fourth Company'}]
        )
        for user in cls.users.values():
            user.company_ids += cls.company_3 + cls.company_4
        cls.member = cls._give_membership(cls.company_3, cls.bob)
        cls.programme = cls.env['retail.programme'].search(
            [('company_id', '=', cls.company.id)]
        ) or cls.env['retail.programme'].create({'name': 'Club', 'company_id': cls.company.id})
        cls.programme.action_use_ladder()
        cls.programme.date_start = '2026-01-01'
        cls.evaluation = cls._evaluate_programme(cls.member.programme_id)
        cls.referred = cls.env['res.partner'].create(
            {'name': 'Dora', 'retail_customer': True, 'retail_referrer_id': cls.bob.id}
        )
        cls.personas = {**cls.users, 'public': cls.env.ref('base.public_user')}
        # everybody may try an export: what is refused then is refused because of the field
        for user in cls.users.values():
            user.group_ids += cls.env.ref('base.group_allow_export')
        # owned by the seller: core shows sales people their own orders
        cls.order = cls._create_order(cls.bob, 50.0, '2026-01-10', user_id=cls.users['sales'].id)
        # without channel: a manager may delete one that nothing uses
        cls.touch = cls.env['retail.touch'].create({'partner_id': cls.bob.id, 'kind': 'message_in'})
        cls._process()
        cls.segment = cls.env['retail.segment'].create(
            {
                'name': 'Bob',
                'domain': "[('name', '=', 'Bob')]",
                'condition_ids': [Command.create({})],
            }
        )
        cls.segment._recompute()
        members = cls.segment._members()
        cls.voucher = cls._give_voucher(cls.member)
        cls.benefit = cls._give_benefit(cls.member)
        cls.list = cls._give_list(cls.company_3)
        points = cls._points(cls.company, cls.bob)
        clock = cls._clock(cls.company)
        ticket = clock['retail.ticket.target'].ticket_id
        # each kind has one rule
        cls.env.ref('retail_crm.retail_major_rule_views').unlink()
        cls.samples = {
            **cls._complaint_parts(cls.company, cls.bob),
            **(merged := cls._merged(cls.company, cls.bob)),
            **cls._care(cls.company),
            'retail.major.item': cls.env['retail.major.item'].create({'name': 'Pray'}),
            'retail.major.rule': cls.env.ref('retail_crm.retail_major_rule_press'),
            'retail.ticket.reason.told': cls.env.ref(
                'retail_crm.retail_ticket_reason_told_quality'
            ),
            **clock,
            'retail.calendar.import': cls.env['retail.calendar.import'].create(
                {
                    'calendar_ids': clock['retail.calendar.makeup'].calendar_id.ids,
                    'file': b64encode(b'Kind,From\nholiday,2026-10-01\n'),
                }
            ),
            'retail.access.log': cls.env['retail.access.log']._log('reveal', cls.bob),
            'retail.anonymise': cls.env['retail.anonymise'].create(
                {'reason': 'Letter', 'partner_ids': [Command.set(cls.ann.ids)]}
            ),
            'retail.audit': cls.env['retail.audit'].create({'name': 'Rights'}),
            'retail.role': cls.env.ref('retail_crm.retail_role_guide'),
            'retail.sensitive': cls.env['retail.sensitive'].create({'partner_id': cls.bob.id}),
            'retail.adviser.assign': cls.env['retail.adviser.assign'].create(
                {
                    'mode': 'hand_over',
                    'from_user_id': cls.users['sales'].id,
                    'user_id': cls.users['user'].id,
                }
            ),
            'retail.area': cls.env['retail.area'].create({'name': 'North'}),
            'retail.benefit': cls.benefit,
            'retail.channel': cls.env.ref('retail_crm.retail_channel_counter'),
            'retail.cohort.report': cls.env['retail.cohort.report'].search([], limit=1),
            'retail.classification': cls.env['retail.classification']._of_companies(
                cls.company.ids
            ),
            'retail.consent': cls._consent(),
            'retail.consent.record': cls._consent_record(),
            'retail.consent.record.line': cls._consent_record().line_ids[0],
            'retail.consent.text': cls.env['retail.consent.text'].create(
                {'purpose': 'service', 'version': 'unused', 'text': 'Yes'}
            ),
            'retail.duplicate': cls._duplicate(cls.company),
            'retail.faq': cls.env['retail.faq'].create({'question': 'When?', 'answer': 'Now'}),
            'retail.faq.gap': cls._repeated_question(cls.company),
            'retail.member.list': cls.list,
            'retail.member.list.line': cls.list.line_ids,
            'retail.membership': cls.member,
            'retail.membership.enrol': cls.env['retail.membership.enrol'].create(
                {
                    'programme_id': cls.member.programme_id.id,
                    'partner_ids': cls.bob.ids,
                    'agreed': True,
                }
            ),
            'retail.membership.leave': cls.env['retail.membership.leave'].create(
                {'membership_ids': cls.member.ids}
            ),
            'retail.membership.import': cls.env['retail.membership.import'].create(
                {
                    'programme_id': cls.member.programme_id.id,
                    'file': b64encode(f'Customer,Tier\nid {cls.acme.id},Nobody\n'.encode()),
                }
            ),
            'retail.membership.override': cls.env['retail.membership.override'].create(
                {
                    'membership_ids': cls.member.ids,
                    'tier_id': cls.member.tier_id.id,
                    'reason': 'vip',
                    'note': 'Patron',
                }
            ),
            'retail.moment': cls.moments.search([('res_model', '=', 'sale.order')], limit=1),
            'retail.occasion.date': cls.env['retail.occasion.date'].create(
                {'partner_id': cls.bob.id, 'month': '5', 'day': 20}
            ),
            'retail.phrase': cls.env['retail.phrase'].create({'phrase': 'tough luck'}),
            **cls._causes(cls.company),
            'retail.remedy.kind': cls.env['retail.remedy.kind'].create({'name': 'Flowers'}),
            'retail.remedy.limit': cls.env.ref('retail_crm.retail_remedy_limit_staff'),
            **cls._desk(cls.company, cls.bob),
            'retail.ticket.hand.over': cls.env['retail.ticket.hand.over'].create(
                {'reason': 'Away'}
            ),
            'retail.points.adjustment': points['adjustment'],
            'retail.points.campaign': cls.env['retail.points.campaign'].create({'name': 'Week'}),
            'retail.points.difference': points['difference'],
            'retail.points.entry': points['entry'],
            'retail.policy': cls.env.ref('retail_crm.retail_policy_abc_a'),
            'retail.preference': cls.env['retail.preference'].create({'name': 'Old Maps'}),
            'retail.profile': cls._profile_of(cls.bob),
            'retail.profile.backtest': cls._check_past(),
            'retail.profile.change': cls.env['retail.profile.change'].search(
                [('partner_id', '=', cls.bob.id)], limit=1
            ),
            'retail.programme': cls.programme,
            'retail.programme.evaluation': cls.evaluation,
            'retail.programme.evaluation.line': cls.evaluation.line_ids[0],
            'retail.referral.report': cls.env['retail.referral.report'].search(
                [('partner_id', '=', cls.referred.id), ('company_id', '=', cls.company.id)]
            ),
            'retail.purchase': cls._purchase_of(cls.order),
            'retail.segment': cls.segment,
            'retail.segment.condition': cls.segment.condition_ids,
            'retail.segment.member': members,
            'retail.segment.report': cls.env['retail.segment.report'].browse(members.ids),
            'retail.timeline': cls.env['retail.timeline'].search(
                [('partner_id', '=', cls.bob.id), ('kind', '=', 'purchase')]
            ),
            'retail.touch': cls.touch,
            'retail.registration': cls.env['retail.registration'].create({'name': 'Carl'}),
            'retail.privilege': cls.env['retail.privilege'].create(
                {
                    'name': 'Cakes',
                    'programme_id': cls.programme.id,
                    'kind': 'price',
                    'discount_percent': 2,
                }
            ),
            **cls._service(cls.company, cls.bob),
            'retail.tier': cls.programme.tier_ids[2],
            'retail.tier.move': cls.member.move_ids[:1],
            **cls._preview(cls.member),
            'retail.tier.version': cls.programme.tier_ids[1].version_ids,
            **cls._mail_door(),
            'retail.ticket.call': cls.env['retail.ticket.call'].create({'phone': '+41446681877'}),
            'retail.ticket.counter': (counter := cls._counter(cls.bob, cls.company)),
            'retail.ticket.counter.line': counter.line_ids,
            'retail.ticket.need': cls.env['retail.ticket.need'].create({'name': 'Taste'}),
            'retail.voucher': cls.voucher,
            'retail.voucher.render': cls.env['retail.voucher.render'].create(
                {'code': cls.voucher.code}
            ),
        }
        cls.changes = {
            'retail.incident': {'subject': 'List sent'},
            'retail.incident.customer': {'waived_reason': 'Has left'},
            'retail.major.item': {'name': 'Call the mayor'},
            'retail.major.rule': {'name': 'Television'},
            'retail.ticket.back': {'reason': 'Wrong product'},
            'retail.remedy': {'amount': 5},
            'retail.remedy.decide': {'reason': 'Too little'},
            'retail.remedy.kind': {'name': 'Bouquet'},
            'retail.remedy.limit': {'amount': 7},
            'retail.return.request': {'note': 'Box is open'},
            'retail.remedy.offer': {'description': 'Sorry'},
            'retail.ticket.merge': {'left': 'Nothing'},
            'retail.ticket.merge.ask': {'tell': True},
            'retail.ticket.split': {'subject': 'Invoice'},
            'retail.ticket.check': {'is_done': True},
            'retail.ticket.promise': {'what': 'Write'},
            'retail.ticket.reason.told': {'amount_from': 5},
            'retail.ticket.restricted': {'subject': 'Quiet'},
            'retail.ticket.statement': {'text': 'Very sorry'},
            'retail.access.log': {'kind': 'export'},
            'retail.anonymise': {'reason': 'Call'},
            'retail.audit': {'name': 'Exports'},
            'retail.role': {'name': 'Everybody'},
            'retail.sensitive': {'partner_id': cls.ann.id},
            'retail.adviser.assign': {'rule': 'guide'},
            'retail.area': {'name': 'South'},
            'retail.benefit': {'code': 'X'},
            'retail.calendar.import': {'filename': 'x.csv'},
            'retail.calendar.makeup': {'name': 'Feast'},
            'retail.care.gap': {'days': 9},
            'retail.care.pause': {'reason': 'Said so'},
            'retail.care.preview': {'partner_id': cls.ann.id},
            'retail.care.preview.line': {'text': 'Then'},
            'retail.care.why': {'with_off': True},
            'retail.care.why.line': {'text': 'Because'},
            'retail.care.effect': {'planned': 9},
            'retail.offer': {'name': 'Coffee'},
            'retail.basket': {'is_due': True},
            'retail.product.pair': {'together': 9},
            'retail.suggestion': {'reason': 'So'},
            'retail.suggestion.report': {'kept': 9},
            'retail.care.rule': {'name': 'Write'},
            'retail.occasion': {'name': 'Fair'},
            'retail.care.rule.channel': {'sequence': 5},
            'retail.channel': {'name': 'Till'},
            'retail.cohort.report': {'customers': 99},
            'retail.classification': {'new_days': 60},
            'retail.consent': {'note': 'No'},
            'retail.consent.record': {'note': 'Letter'},
            'retail.consent.record.line': {'decision': 'withdrawn'},
            'retail.consent.text': {'text': 'No'},
            'retail.duplicate': {'state': 'merged'},
            'retail.faq': {'keywords': 'Time'},
            'retail.followup': {'opinion': 'Happy'},
            'retail.followup.attempt': {'note': 'Engaged'},
            'retail.followup.close': {'opinion': 'Happy'},
            'retail.followup.contact': {'subject': 'Hello'},
            'retail.followup.hand.over': {'reason': 'Ill'},
            'retail.churn.report': {'saved': 9},
            'retail.followup.lost': {'note': 'Moved'},
            'retail.life.change': {'value': 9},
            'retail.lost.reason': {'name': 'Mars'},
            'retail.followup.snooze': {'reason': 'Ill'},
            'retail.faq.gap': {'ticket_count': 1},
            'retail.member.list': {'name': 'Coffee'},
            'retail.member.list.line': {'note': 'Vegetarian'},
            'retail.membership': {'left_on': '2026-01-01'},
            'retail.membership.enrol': {'agreed': False},
            'retail.membership.leave': {'reason': 'moved'},
            'retail.membership.import': {'skip_bad': True},
            'retail.membership.override': {'note': 'Friend'},
            'retail.moment': {'state': 'done'},
            'retail.occasion.date': {'day': 21},
            'retail.complaint.lost': {'lost': 9},
            'retail.complaint.pareto': {'complaints': 9},
            'retail.complaint.rate': {'complaints': 9},
            'retail.sold.line': {'quantity': 9},
            'retail.spike.rule': {'min_count': 40},
            'retail.spike.alert': {'recent': 40},
            'retail.problem': {'workaround': 'Glue'},
            'retail.problem.message': {'subject': 'Cracks!'},
            'retail.problem.message.line': {'state': 'sent'},
            'retail.complaint.overview': {'silent_factor': 3},
            'retail.phrase': {'suggestion': 'Sorry'},
            'retail.ticket.answer': {'body': 'Hi'},
            'retail.ticket.ask': {'what': 'Where?'},
            'retail.ticket.expert': {'reason': 'Very hard'},
            'retail.ticket.macro': {'name': 'Hi'},
            'retail.ticket.presence': {'is_writing': True},
            'retail.ticket.bottleneck': {'hours': 9},
            'retail.ticket.report': {'reopen_count': 9},
            'retail.ticket.stage.report': {'hours': 9},
            'retail.ticket.team.goal': {'target': 60},
            'retail.ticket.team.score': {'count': 9},
            'retail.ticket.waiting.report': {'waiting': 9},
            'retail.adviser.report': {'customer_count': 9},
            'retail.followup.report': {'planned': 9},
            'retail.ticket.load.report': {'load': 9},
            'retail.ticket.staffing.report': {'people': 9},
            'retail.ticket.hand.over': {'reason': 'Ill'},
            'retail.points.adjustment': {'note': 'Friend'},
            'retail.points.campaign': {'factor': 3},
            'retail.points.difference': {'card_points': 5},
            'retail.points.entry': {'points': 1000},
            'retail.policy': {'name': 'Everybody first'},
            'retail.preference': {'name': 'New Maps'},
            'retail.profile': {'order_count': 99},
            'retail.profile.backtest': {'customers': 99},
            'retail.profile.change': {'reason': 'time'},
            'retail.programme': {'grace_days': 20},
            'retail.programme.evaluation': {'adjustment': 'Silver from 400'},
            'retail.programme.evaluation.line': {'amount': 1},
            'retail.referral.report': {'order_count': 9},
            'retail.purchase': {'amount': 1e6},
            'retail.segment': {'name': 'Everybody'},
            'retail.segment.condition': {'months': 6},
            'retail.segment.member': {'left_on': '2026-01-01'},
            'retail.segment.report': {'customers': 2},
            'retail.timeline': {'reference': 'S0'},
            'retail.touch': {'note': 'Asked for tea'},
            'retail.registration': {'name': 'Dora'},
            'retail.privilege': {'kind': 'event'},
            'retail.escalation.level': {'amount': 8},
            'retail.escalation.notice': {'state': 'sent'},
            'retail.oncall': {'date_until': '2026-01-03'},
            'retail.sla.policy': {'first_hours': 3},
            'retail.ticket.event': {'level': 'breach'},
            'retail.ticket.interval': {'date_from': '2026-01-01'},
            'retail.ticket.target': {'deadline': '2036-01-01'},
            'retail.ticket': {'subject': 'Broken twice'},
            'retail.ticket.cause': {'name': 'Frost'},
            'retail.ticket.dissatisfaction': {'name': 'Cold'},
            'retail.ticket.line': {'lot': '7'},
            'retail.ticket.reason': {'name': 'Weather'},
            'retail.ticket.stage': {'name': 'Frozen'},
            'retail.ticket.tag': {'name': 'Winter'},
            'retail.ticket.team': {'name': 'Ice Desk'},
            'retail.ticket.team.member': {'capacity': 3},
            'retail.ticket.type': {'name': 'Snow'},
            'retail.tier': {'name': 'Golden'},
            'retail.tier.move': {'amount': 1},
            'retail.tier.preview': {'note': 'Too many'},
            'retail.tier.preview.call': {'limit': 5},
            'retail.tier.preview.floor': {'note': 'Friend'},
            'retail.tier.preview.line': {'amount': 1},
            'retail.tier.preview.threshold': {'amount': 1},
            'retail.tier.proposal': {'use_count': False},
            'retail.tier.proposal.line': {'amount': 1},
            'retail.tier.version': {'amount': 1},
            'retail.mail.block': {'note': 'Spam'},
            'retail.mail.log': {'result': 'drop'},
            'retail.partner.address': {'note': 'Spouse'},
            'retail.quarantine': {'state': 'released'},
            'retail.ticket.call': {'note': 'Late'},
            'retail.ticket.counter': {'solution': 'Exchanged'},
            'retail.ticket.counter.line': {'lot': '7'},
            'retail.ticket.need': {'name': 'Smell'},
            'retail.voucher': {'name': 'Cake'},
            'retail.voucher.render': {'note': 'Late'},
        }
        cls.news = {
            'retail.mail.block': {'name': 'new@spam.example'},
            'retail.mail.log': {'result': 'normal', 'reason': 'normal'},
            'retail.partner.address': {'partner_id': cls.ann.id, 'email': 'new@home.example'},
            'retail.quarantine': {'reason': 'blocked'},
            'retail.incident': {'subject': 'Laptop lost'},
            'retail.incident.customer': {
                'incident_id': cls.samples['retail.incident'].id,
                'partner_id': cls.ann.id,
            },
            'retail.major.item': {'name': 'Close the store'},
            'retail.major.rule': {'name': 'Television', 'kind': 'views', 'count': 5},
            'retail.ticket.merge': {
                'survivor_id': merged['retail.ticket.merge'].survivor_id.id,
                'company_id': cls.company.id,
                'user_id': cls.env.uid,
                'date': '2026-01-01',
            },
            'retail.ticket.merge.ask': {
                'ticket_ids': merged['retail.ticket.merge.ask'].ticket_ids.ids
            },
            'retail.ticket.split': {
                'ticket_id': merged['retail.ticket.split'].ticket_id.id,
                'subject': 'Bill',
                'type_id': merged['retail.ticket.split'].type_id.id,
            },
            'retail.ticket.back': {
                'ticket_ids': cls.samples['retail.ticket.back'].ticket_ids.ids,
                'step': 'classify',
                'reason': 'Wrong class',
            },
            'retail.ticket.check': {
                'ticket_id': cls.samples['retail.ticket.check'].ticket_id.id,
                'name': 'Close the store',
            },
            'retail.remedy': {
                'ticket_id': cls.samples['retail.remedy'].ticket_id.id,
                'kind_id': cls.samples['retail.remedy.kind'].id,
            },
            'retail.return.request': {
                'ticket_id': cls.samples['retail.return.request'].ticket_id.id,
                'line_id': cls.samples['retail.return.request'].line_id.id,
            },
            'retail.remedy.decide': {
                'remedy_ids': cls.samples['retail.remedy'].ids,
                'decision': 'approve',
            },
            'retail.remedy.kind': {'name': 'Cake', 'code': 'cake'},
            'retail.remedy.limit': {
                'who': 'role',
                'role_id': cls.samples['retail.role'].id,
            },
            'retail.remedy.offer': {'ticket_id': cls.samples['retail.remedy'].ticket_id.id},
            'retail.ticket.promise': {
                'ticket_id': cls.samples['retail.ticket.check'].ticket_id.id,
                'what': 'Write',
            },
            'retail.ticket.reason.told': {
                'reason_id': cls.env.ref('retail_crm.retail_ticket_reason_order').id,
                'who': 'store',
            },
            'retail.ticket.restricted': {'subject': 'Quiet'},
            'retail.ticket.statement': {
                'ticket_id': cls.samples['retail.ticket.check'].ticket_id.id,
                'place': 'Paper',
                'text': 'Sorry',
            },
            'retail.access.log': {'kind': 'export', 'user_id': cls.env.uid},
            'retail.anonymise': {'reason': 'Letter', 'partner_ids': [Command.set(cls.ann.ids)]},
            'retail.audit': {'name': 'Exports'},
            'retail.role': {'name': 'Trainee'},
            'retail.sensitive': {'partner_id': cls.bob.id},
            'retail.adviser.assign': {'mode': 'assign'},
            'retail.area': {'name': 'East'},
            'retail.benefit': {
                'membership_id': cls.member.id,
                'partner_id': cls.bob.id,
                'company_id': cls.company_3.id,
                'privilege_id': cls.benefit.privilege_id.id,
                'kind': 'entry',
                'key': 'new',
                'date': '2026-01-01',
            },
            'retail.calendar.import': {
                'calendar_ids': clock['retail.calendar.makeup'].calendar_id.ids
            },
            'retail.calendar.makeup': {
                'calendar_id': clock['retail.calendar.makeup'].calendar_id.id,
                'date': '2026-10-11',
            },
            'retail.care.gap': {'company_id': cls.company.id, 'family': 'greeting'},
            'retail.care.pause': {
                'partner_id': cls.bob.id,
                'reason': 'Too many',
                'until': '2099-01-01',
            },
            'retail.care.preview': {
                'rule_id': cls.samples['retail.care.rule'].id,
                'company_id': cls.company.id,
            },
            'retail.care.preview.line': {
                'preview_id': cls.samples['retail.care.preview'].id,
                'partner_id': cls.bob.id,
            },
            'retail.care.why': {'partner_id': cls.bob.id},
            'retail.care.why.line': {'why_id': cls.samples['retail.care.why'].id},
            'retail.care.effect': {'planned': 9},
            'retail.offer': {'name': 'Cake', 'company_id': cls.company.id},
            'retail.basket': {'company_id': cls.company.id},
            'retail.product.pair': {'company_id': cls.company.id, 'together': 1},
            'retail.suggestion': {'company_id': cls.company.id, 'kind': 'up'},
            'retail.suggestion.report': {'kept': 9},
            'retail.care.rule': {'name': 'Greet', 'purpose': 'marketing'},
            'retail.occasion': {'name': 'Fair', 'date': '2027-07-07'},
            'retail.care.rule.channel': {
                'rule_id': cls.samples['retail.care.rule'].id,
                'channel_id': cls.env.ref('retail_crm.retail_channel_phone').id,
            },
            'retail.channel': {'name': 'Pigeon', 'code': 'pigeon'},
            'retail.cohort.report': {'company_id': cls.company.id},
            'retail.consent': {
                'partner_id': cls.ann.id,
                'company_id': cls.company.id,
                'purpose': 'profiling',
                'state': 'withdrawn',
                'source': 'shop',
            },
            'retail.consent.record': {'partner_id': cls.ann.id, 'source': 'shop'},
            'retail.consent.record.line': {
                'record_id': cls.samples['retail.consent.record'].id,
                'purpose': 'profiling',
            },
            'retail.consent.text': {'purpose': 'service', 'version': 'new', 'text': 'Yes'},
            'retail.duplicate': {'kind': 'phone', 'key': 'x', 'suspicion': 'person'},
            'retail.faq': {'question': 'Where?', 'answer': 'Here'},
            'retail.followup': {'partner_id': cls.bob.id, 'company_id': cls.company.id},
            'retail.followup.attempt': {
                'followup_id': cls.samples['retail.followup'].id,
                'result': 'reached',
            },
            'retail.followup.close': {
                'followup_ids': cls.samples['retail.followup'].ids,
                'result': 'reached',
            },
            'retail.followup.contact': {
                'partner_ids': cls.bob.ids,
                'channel_id': cls.env.ref('retail_crm.retail_channel_phone').id,
            },
            'retail.followup.hand.over': {'user_id': cls.users['lead'].id, 'reason': 'Away'},
            'retail.churn.report': {'saved': 9},
            'retail.followup.lost': {'reason_id': cls.samples['retail.lost.reason'].id},
            'retail.life.change': {
                'partner_id': cls.bob.id,
                'company_id': cls.company.id,
                'date': '2027-07-02',
                'kind': 'basket',
                'direction': 'up',
            },
            'retail.lost.reason': {'name': 'Venus'},
            'retail.followup.snooze': {'reason': 'Away'},
            'retail.faq.gap': {'ticket_count': 9},
            'retail.member.list': {'name': 'Wine'},
            'retail.member.list.line': {'list_id': cls.list.id, 'partner_id': cls.bob.id},
            'retail.membership': {
                'number': '1',
                'partner_id': cls.ann.id,
                'company_id': cls.company.id,
                'programme_id': cls.programme.id,
                'enrolled_on': '2026-01-01',
            },
            'retail.membership.enrol': {
                'programme_id': cls.member.programme_id.id,
                'partner_ids': cls.bob.ids,
            },
            'retail.membership.leave': {'membership_ids': cls.member.ids},
            'retail.membership.import': {'programme_id': cls.member.programme_id.id},
            'retail.membership.override': {
                'membership_ids': cls.member.ids,
                'tier_id': cls.member.tier_id.id,
                'reason': 'vip',
                'note': 'Patron',
            },
            'retail.moment': {
                'kind': 'purchase',
                'res_model': 'sale.order',
                'res_id': cls.order.id,
            },
            'retail.occasion.date': {'partner_id': cls.bob.id, 'month': '6', 'day': 1},
            'retail.programme': {'name': 'Club', 'company_id': cls.company_4.id},
            'retail.privilege': {'name': 'Tea', 'programme_id': cls.programme.id},
            'retail.programme.evaluation': {
                'programme_id': cls.member.programme_id.id,
                'date_from': '2026-02-01',
            },
            'retail.programme.evaluation.line': {
                'evaluation_id': cls.evaluation.id,
                'group': 'all',
            },
            'retail.referral.report': {'partner_id': cls.ann.id},
            'retail.escalation.level': {'name': 'Later', 'amount': 7},
            'retail.escalation.notice': {
                'ticket_id': ticket.id,
                'company_id': cls.company.id,
                'event_id': clock['retail.ticket.event'].id,
                'user_id': cls.users['user'].id,
                'role': 'owner',
                'send_after': '2026-01-01',
            },
            'retail.oncall': {'user_id': cls.users['user'].id, 'date_until': '2040-01-01'},
            'retail.sla.policy': {'name': 'Slow'},
            'retail.ticket.event': {
                'ticket_id': ticket.id,
                'company_id': cls.company.id,
                'kind': 'first',
                'cycle': 1,
                'level': 'breach',
                'date': '2026-01-01',
            },
            'retail.ticket.interval': {
                'ticket_id': ticket.id,
                'company_id': cls.company.id,
                'date_from': '2026-01-01',
                'side': 'agent',
            },
            'retail.ticket.target': {
                'ticket_id': ticket.id,
                'company_id': cls.company.id,
                'kind': 'next',
                'cycle': 9,
                'date_start': '2026-01-01',
                'target_seconds': 1,
                'state': 'met',
            },
            'retail.ticket': {
                'subject': 'Broken',
                'partner_id': cls.bob.id,
                'type_id': cls.env.ref('retail_crm.retail_ticket_type_complaint').id,
            },
            'retail.ticket.cause': {'name': 'Heat'},
            'retail.ticket.dissatisfaction': {'name': 'Heat'},
            'retail.ticket.line': {'ticket_id': cls.samples['retail.ticket'].id},
            'retail.ticket.reason': {'name': 'Heat'},
            'retail.ticket.stage': {'name': 'Heat'},
            'retail.ticket.tag': {'name': 'Heat'},
            'retail.ticket.team': {'name': 'Heat'},
            'retail.ticket.team.member': {
                'team_id': cls.samples['retail.ticket.team'].id,
                'user_id': cls.users['lead'].id,
            },
            'retail.ticket.type': {'name': 'Heat', 'code': 'heat'},
            'retail.tier': {'name': 'Platinum', 'programme_id': cls.programme.id, 'sequence': 99},
            'retail.tier.move': {
                'membership_id': cls.member.id,
                'partner_id': cls.bob.id,
                'company_id': cls.company_3.id,
                'date': '2026-01-01',
                'cause': 'entry',
            },
            'retail.tier.preview': {
                'name': 'Harder',
                'programme_id': cls.member.programme_id.id,
            },
            'retail.tier.preview.call': {'preview_id': cls.samples['retail.tier.preview'].id},
            'retail.tier.preview.floor': {
                'preview_id': cls.samples['retail.tier.preview'].id,
                'note': 'Friend',
            },
            'retail.tier.preview.line': {
                'preview_id': cls.samples['retail.tier.preview'].id,
                'company_id': cls.company_3.id,
                'round': 'check',
                'membership_id': cls.member.id,
                'partner_id': cls.bob.id,
                'direction': 'up',
            },
            'retail.tier.preview.threshold': {
                'preview_id': cls.samples['retail.tier.preview'].id,
                'tier_id': cls.member.programme_id.tier_ids[3].id,
            },
            'retail.tier.proposal': {'programme_id': cls.member.programme_id.id},
            'retail.tier.proposal.line': {
                'proposal_id': cls.samples['retail.tier.proposal'].id,
                'tier_id': cls.member.programme_id.tier_ids[3].id,
            },
            'retail.tier.version': {
                'tier_id': cls.programme.tier_ids[1].id,
                'date_from': '2026-01-01',
                'amount': 1,
            },
            'retail.ticket.call': {'phone': '1'},
            'retail.ticket.counter': {
                'channel_id': cls.env.ref('retail_crm.retail_channel_phone').id
            },
            'retail.ticket.counter.line': {
                'counter_id': cls.samples['retail.ticket.counter'].id,
                'product_id': cls.goods.id,
            },
            'retail.ticket.need': {'name': 'Weight'},
            'retail.voucher': {'partner_id': cls.bob.id, 'name': 'Cake', 'reason': 'Sorry'},
            'retail.voucher.render': {'code': 'X'},
            'retail.complaint.lost': {'lost': 9},
            'retail.complaint.pareto': {'complaints': 9},
            'retail.complaint.rate': {'complaints': 9},
            'retail.sold.line': {'quantity': 9},
            'retail.spike.rule': {'name': 'Three'},
            'retail.spike.alert': {
                'rule_id': cls.samples['retail.spike.rule'].id,
                'company_id': cls.company.id,
                'value_key': '0',
            },
            'retail.problem': {'name': 'Holes'},
            'retail.problem.message': {
                'problem_id': cls.samples['retail.problem'].id,
                'subject': 'Holes',
            },
            'retail.problem.message.line': {
                'message_id': cls.samples['retail.problem.message'].id,
                'ticket_id': cls.samples['retail.ticket'].id,
            },
            'retail.complaint.overview': {'company_id': cls.company.id},
            'retail.phrase': {'phrase': 'not my job'},
            'retail.ticket.answer': {'ticket_id': cls.samples['retail.ticket.answer'].ticket_id.id},
            'retail.ticket.ask': {
                'ticket_id': cls.samples['retail.ticket.ask'].ticket_id.id,
                'team_id': cls.samples['retail.ticket.ask'].team_id.id,
                'what': 'Who?',
            },
            'retail.ticket.expert': {
                'ticket_id': cls.samples['retail.ticket.expert'].ticket_id.id,
                'team_id': cls.samples['retail.ticket.expert'].team_id.id,
                'reason': 'Rare',
            },
            'retail.ticket.macro': {'name': 'Bye'},
            'retail.ticket.presence': {'user_id': cls.env.uid},
            'retail.ticket.bottleneck': {'hours': 9},
            'retail.ticket.report': {'reopen_count': 9},
            'retail.ticket.stage.report': {'hours': 9},
            'retail.ticket.team.goal': {
                'metric': 'answer',
                'target': 60,
            },
            'retail.ticket.team.score': {'count': 9},
            'retail.ticket.waiting.report': {'waiting': 9},
            'retail.adviser.report': {'customer_count': 9},
            'retail.followup.report': {'planned': 9},
            'retail.ticket.load.report': {'load': 9},
            'retail.ticket.staffing.report': {'people': 9},
            'retail.ticket.hand.over': {'reason': 'Course'},
            'retail.points.adjustment': {
                'card_id': points['card'].id,
                'program_id': points['card'].program_id.id,
                'company_id': cls.company.id,
                'points': 1,
                'reason': 'other',
                'note': 'Friend',
            },
            'retail.points.campaign': {'name': 'Day'},
            'retail.points.difference': {'card_id': points['card'].id, 'kind': 'second'},
            'retail.points.entry': {
                'kind': 'earn',
                'points': 1000,
                'card_id': points['card'].id,
                'program_id': points['card'].program_id.id,
                'company_id': cls.company.id,
                'date': '2026-01-01',
                'key': 'mine',
            },
            'retail.policy': {'name': 'Regulars', 'class_key': 'ladder.loyal'},
            'retail.preference': {'name': 'Globes'},
            'retail.classification': {'company_id': cls.company_2.id},
            'retail.profile': {'partner_id': cls.ann.id, 'company_id': cls.company.id},
            'retail.profile.backtest': {'company_id': cls.company.id, 'months': '6'},
            'retail.profile.change': {
                'partner_id': cls.ann.id,
                'company_id': cls.company.id,
                'date': '2026-01-01',
                'classification': 'lifecycle',
            },
            'retail.purchase': {
                'res_model': 'sale.order',
                'res_id': 0,
                'partner_id': cls.ann.id,
                'company_id': cls.company.id,
                'date': '2026-01-01',
            },
            'retail.segment': {'name': 'Nobody', 'domain': "[('id', '=', 0)]"},
            'retail.segment.condition': {'segment_id': cls.segment.id, 'kind': 'bought'},
            'retail.segment.member': {
                'segment_id': cls.segment.id,
                'partner_id': cls.acme.id,
                'entered_on': '2026-01-01',
            },
            'retail.segment.report': {'segment_id': cls.segment.id},
            'retail.timeline': {'partner_id': cls.ann.id},
            'retail.touch': {'partner_id': cls.ann.id},
            'retail.registration': {'name': 'Eve'},
        }

    @classmethod
    def _consent(cls):
        decision = {('marketing', cls.env.ref('retail_crm.retail_channel_sms')): False}
        return cls.env['retail.consent']._record(cls.bob, decision, 'shop')

    @classmethod
    def _consent_record(cls):
        return cls.env['retail.consent.record'].create({'partner_id': cls.bob.id})

    @classmethod
    def _our_models(cls):
        return [
            name
            for name in sorted(cls.env.registry)
            if name.startswith('retail.') and not cls.env[name]._abstract
        ]


@tagged('post_install', '-at_install', 'retail_crm', 'any_data')
class TestAccess(AccessCommon):
    def test_every_model_is_in_the_table(self):
        """A new model without a row in the table fails (design 7)."""
        self.assertEqual(sorted(RIGHTS), self._our_models())

    def test_rights_of_each_persona_on_each_model(self):
        """The table persona x model x operation, by the access lists (design 7)."""
        for model in RIGHTS:
            for persona, user in self.personas.items():
                allowed = RIGHTS[model].get(persona, '')
                if persona == 'portal' and model in PORTAL_READS:
                    allowed = 'r'
                for letter, operation in OPERATIONS.items():
                    with self.subTest(model=model, persona=persona, operation=operation):
                        has = self.env(user=user)[model].has_access(operation)
                        self.assertEqual(has, letter in allowed)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_calls_of_each_persona_on_each_model(self):
        """The same table by real calls of the outside, each undone: what is refused raises AccessError (design 7)."""
        for model, record in self.samples.items():
            calls = {
                'r': ('read', record.ids, ['display_name']),
                'w': ('write', record.ids, self.changes[model]),
                'c': ('create', [self.news[model]]),
                'd': ('unlink', record.ids),
            }
            for persona, user in self.personas.items():
                for letter, (method, *args) in calls.items():
                    with self.subTest(model=model, persona=persona, method=method):
                        refused = self._is_refused(user, model, method, *args)
                        self.assertEqual(refused, letter not in RIGHTS[model].get(persona, ''))

    def test_derived_models_are_nobodys_to_write(self):
        """Purchases, figures and moments are written by the system only, whoever asks (design 2, 4.1)."""
        for model in (
            'retail.purchase',
            'retail.profile',
            'retail.profile.change',
            'retail.life.change',
            'retail.duplicate',
            'retail.moment',
            'retail.membership',
            'retail.benefit',
            'retail.tier.move',
            'retail.tier.preview.line',
        ):
            for access in self.env['ir.model.access'].search([('model_id.model', '=', model)]):
                with self.subTest(access=access.name):
                    self.assertFalse(access.perm_write or access.perm_create or access.perm_unlink)
                    self.assertTrue(access.group_id, 'no line for everybody')

    def test_portal_and_public_reach_nothing_else(self):
        """Customers read what is named and write nothing of ours; the public has no access at all (design 7)."""
        for group, models in (('base.group_portal', PORTAL_READS), ('base.group_public', set())):
            lines = self.env['ir.model.access'].search(
                [('model_id.model', '=like', 'retail.%'), ('group_id', '=', self.env.ref(group).id)]
            )
            self.assertEqual(set(lines.model_id.mapped('model')), models)
            for line in lines:
                self.assertFalse(line.perm_write or line.perm_create or line.perm_unlink)

    # === COMPANIES ===#

    def test_every_model_with_company_has_a_company_rule(self):
        """Company rule on every model (design 7): a global one, naming ``company_ids``."""
        for name in self._our_models():
            if 'company_id' not in self.env[name]._fields:
                continue
            rules = self.env['ir.rule'].search(
                [('model_id.model', '=', name), ('global', '=', True)]
            )
            with self.subTest(model=name):
                self.assertTrue(
                    rules.filtered(lambda rule: 'company_ids' in (rule.domain_force or ''))
                )

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_other_companies_are_invisible(self):
        """Nobody sees rows of a company he does not belong to, neither in lists nor by id (design 4.2, 7)."""
        order = self._create_order(self.bob, 70.0, company_id=self.company_2.id)
        touch = self.touch.copy({'company_id': self.company_2.id})
        self._process()
        member = self._give_membership(self.company_2, self.bob)
        evaluation = self._evaluate_programme(member.programme_id)
        lists = self._give_list(self.company_2)
        points = self._points(self.company_2, self.bob)
        others = {
            **self._clock(self.company_2),
            **self._causes(self.company_2),
            **{
                name: records
                for name, records in self._care(self.company_2).items()
                # a dialog is its user's alone; reasons are everybody's
                if not records._transient and name != 'retail.lost.reason'
            },
            **self._desk(self.company_2, self.bob),
            'retail.ticket.merge': self._merged(self.company_2, self.bob)['retail.ticket.merge'],
            **{
                name: records
                for name, records in self._complaint_parts(self.company_2, self.bob).items()
                if 'company_id' in records
            },
            'retail.points.adjustment': points['adjustment'],
            'retail.points.campaign': self.env['retail.points.campaign'].create(
                {'name': 'Elsewhere', 'company_id': self.company_2.id}
            ),
            'retail.points.difference': points['difference'],
            'retail.points.entry': points['entry'],
            'retail.access.log': self.env['retail.access.log']
            .with_company(self.company_2)
            ._log('reveal', self.bob),
            'retail.audit': self.env['retail.audit'].create(
                {'name': 'Elsewhere', 'company_id': self.company_2.id}
            ),
            'retail.timeline': self.env['retail.timeline'].search(
                [('partner_id', '=', self.bob.id), ('company_id', '=', self.company_2.id)]
            ),
            'retail.touch': touch,
            'retail.purchase': self._purchase_of(order),
            'retail.classification': self.env['retail.classification']._of_companies(
                self.company_2.ids
            ),
            'retail.profile': self._profile_of(self.bob, self.company_2),
            'retail.profile.change': self.env['retail.profile.change'].search(
                [('company_id', '=', self.company_2.id)]
            ),
            'retail.duplicate': self._duplicate(self.company_2),
            'retail.moment': self.moments.search(
                [('res_model', '=', 'sale.order'), ('res_id', '=', order.id)]
            ),
            'retail.cohort.report': self.env['retail.cohort.report'].search(
                [('company_id', '=', self.company_2.id)]
            ),
            'retail.membership': member,
            'retail.benefit': self._give_benefit(member),
            'retail.voucher': self._give_voucher(member),
            'retail.faq': self.env['retail.faq'].create(
                {'question': 'Elsewhere?', 'answer': 'There', 'company_id': self.company_2.id}
            ),
            'retail.faq.gap': self._repeated_question(self.company_2),
            'retail.member.list': lists,
            'retail.member.list.line': lists.line_ids,
            'retail.programme': member.programme_id,
            'retail.privilege': self.env['retail.privilege'].create(
                {'name': 'Elsewhere', 'programme_id': member.programme_id.id}
            ),
            'retail.programme.evaluation': evaluation,
            'retail.programme.evaluation.line': evaluation.line_ids,
            'retail.referral.report': self.env['retail.referral.report'].search(
                [('company_id', '=', self.company_2.id)]
            ),
            **{
                name: record
                for name, record in self._service(self.company_2, self.bob).items()
                if 'company_id' in record
            },
            'retail.tier': member.programme_id.tier_ids,
            'retail.tier.move': member.move_ids,
            **{
                name: record
                for name, record in self._preview(member).items()
                if 'company_id' in record
            },
            'retail.tier.version': member.programme_id.tier_ids.version_ids,
            'retail.area': self.env['retail.area'].create(
                {'name': 'Elsewhere', 'company_id': self.company_2.id}
            ),
            'retail.occasion.date': self.env['retail.occasion.date'].create(
                {
                    'partner_id': self.env['res.partner']
                    .create({'name': 'Elsewhere', 'company_id': self.company_2.id})
                    .id,
                    'month': '5',
                    'day': 20,
                }
            ),
            'retail.policy': self.env['retail.policy'].create(
                {'name': 'Elsewhere', 'company_id': self.company_2.id}
            ),
            'retail.consent': self.env['retail.consent']._record(
                self.bob,
                {('marketing', self.env.ref('retail_crm.retail_channel_sms')): False},
                'shop',
                company=self.company_2,
            ),
            'retail.consent.text': self.env['retail.consent.text'].create(
                {
                    'purpose': 'service',
                    'version': 'elsewhere',
                    'text': 'Yes',
                    'company_id': self.company_2.id,
                }
            ),
        }
        segment = self.env['retail.segment'].create(
            {
                'name': 'Elsewhere',
                'company_id': self.company_2.id,
                'domain': "[('name', '=', 'Bob')]",
                'condition_ids': [Command.create({'months': 0})],
            }
        )
        segment._recompute()
        others |= {
            'retail.segment': segment,
            'retail.segment.condition': segment.condition_ids,
            'retail.segment.member': segment._members(),
            'retail.segment.report': self.env['retail.segment.report'].search(
                [('segment_id', '=', segment.id)]
            ),
        }
        others |= self._mail_door(self.company_2)
        del others['retail.mail.block']  # whoever is blocked is so for all companies
        for model, records in others.items():
            self.assertTrue(records, model)
            for persona in RIGHTS[model]:
                with self.subTest(model=model, persona=persona):
                    mine = self.env(user=self.users[persona])[model]
                    self.assertFalse(mine.search([('id', 'in', records.ids)]))
                    with self.assertRaises(AccessError):
                        mine.browse(records.ids).read(['display_name'])

    def test_rows_of_the_own_company_are_visible(self):
        """The same personas see the rows of their own company (design 7)."""
        for model, record in self.samples.items():
            for persona in RIGHTS[model]:
                with self.subTest(model=model, persona=persona):
                    self._own_dialog(self.users[persona], model)
                    self.assertTrue(
                        self.env(user=self.users[persona])[model].search([('id', '=', record.id)])
                    )

    def test_branch_users_see_figures_of_their_company(self):
        """Figures belong to the root company; users of a branch see them, in lists and on the customer (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        clerk = new_test_user(
            self.env,
            login='retail_branch',
            groups='retail_crm.group_user',
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        order = self._create_order(self.bob, 30.0, company_id=branch.id)
        self._process()
        env = self.env(user=clerk, context={'allowed_company_ids': branch.ids})
        profile = env['retail.profile'].search([('partner_id', '=', self.bob.id)])
        self.assertEqual(profile.company_id.id, self.company.id)
        self.assertEqual(profile.spend_total, 80.0)
        purchases = env['retail.purchase'].search([('partner_id', '=', self.bob.id)])
        self.assertEqual(sorted(purchases.mapped('res_id')), sorted((self.order + order).ids))
        self.assertEqual(env['res.partner'].browse(self.bob.id).retail_spend_total, 80.0)
        self.assertEqual(
            purchases[0].read(['amount', 'company_id', 'currency_id'])[0]['id'], purchases[0].id
        )

    # === VIEWS ===#

    def test_every_model_has_views_and_a_description(self):
        """Every model has a description and its own form, list and search view (style 2, rule 7)."""
        for name in self._our_models():
            model = self.env[name]
            with self.subTest(model=name):
                self.assertNotEqual(model._description, model._name)
                types = {'form'} if model._transient else {'form', 'list', 'search'}
                if model._abstract:
                    continue
                views = self.env['ir.ui.view'].search(
                    [('model', '=', name), ('mode', '=', 'primary')]
                )
                self.assertLessEqual(types, set(views.mapped('type')))

    def test_every_view_opens_for_those_who_may_read(self):
        """The views of a model, as the web client asks for them, work for each persona that may read it (design 7)."""
        for model in RIGHTS:
            types = self.env['ir.ui.view'].search([('model', '=', model), ('mode', '=', 'primary')])
            for persona in RIGHTS[model]:
                with self.subTest(model=model, persona=persona):
                    views = [[False, kind] for kind in set(types.mapped('type')) - {'search'}]
                    answer = self._rpc(
                        self.users[persona], model, 'get_views', [*views, [False, 'search']], {}
                    )
                    self.assertTrue(answer['views'])

    # === FIGURES ON CUSTOMERS AND ORDERS ===#

    def _figure_fields(self, model):
        return [
            name
            for name, field in self.env[model]._fields.items()
            if name.startswith('retail_')
            and field.groups
            and 'retail_crm.group_user' in field.groups
        ]

    def test_all_figures_have_groups(self):
        """Each figure on customers and orders is behind the groups of those who may see figures (design 7)."""
        self.assertLessEqual(
            {*PROFILE_FIELDS, 'retail_profile_id'}, set(self._figure_fields('res.partner'))
        )
        entered = {
            'retail_customer',
            'retail_currency_id',
            'retail_snoozed_until',
            *SENSITIVE_FIELDS,
            'retail_greeting_name',
            'retail_tier_preview_line_ids',  # for managers only
            'retail_life_change_ids',  # for those who write segments
        }
        for model in ('res.partner', 'sale.order'):
            ours = {name for name in self.env[model]._fields if name.startswith('retail_')}
            self.assertEqual(ours - entered - set(self._figure_fields(model)), set())

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_figures_are_closed_to_others(self):
        """Figures can't be read, searched, sorted, grouped, summed or exported without their groups (design 7)."""
        records = {'res.partner': self.bob, 'sale.order': self.order}
        for model, record in records.items():
            for persona in ('internal', 'portal', 'complaint', 'sensitive'):
                user = self.personas[persona]
                if persona == 'portal':
                    user.partner_id.parent_id = False
                    record = user.partner_id if model == 'res.partner' else record
                for name in self._figure_fields(model):
                    for what, call in self._ways_to_see(record, name).items():
                        with self.subTest(field=f'{model}.{name}', persona=persona, way=what):
                            self.assertTrue(self._is_refused(user, model, *call))

    def _ways_to_see(self, record, name):
        """Return ``{way: call}`` of all ways in which a caller from outside could learn a figure."""
        field = record._fields[name]
        ways = {
            'read': ('read', record.ids, [name]),
            'web_read': ('web_read', record.ids, {name: {}}),
            'search_read': ('search_read', [], [name]),
            'export': ('export_data', record.ids, [name]),
        }
        if field.comodel_name == 'retail.profile':
            ways['export through'] = ('export_data', record.ids, [f'{name}/spend_total'])
        if field.search:
            ways['domain'] = ('search', [(name, '!=', False)])
            ways['count'] = ('search_count', [(name, '!=', False)])
            if field.comodel_name == 'retail.profile':
                ways['domain through'] = ('search', [(f'{name}.spend_total', '>', 0)])
            elif field.type not in ('boolean', 'selection', 'char', 'many2one', 'many2many'):
                ways['compare'] = (
                    'search',
                    [(name, '>', '2020-01-01' if field.type == 'date' else 1)],
                )
        # Odoo neither sorts nor groups by a many2many that is not stored
        if record._name == 'res.partner' and field.search and field.type != 'many2many':
            spec = f'{name}:month' if field.type == 'date' else name
            ways['order'] = ('search', [], 0, 1, f'{name} desc')
            ways['group'] = ('formatted_read_group', [], [spec], ['__count'])
            if field.type in ('monetary', 'integer'):
                ways['sum'] = ('formatted_read_group', [], [], [f'{name}:sum'])
        return ways

    def test_figures_are_open_to_staff(self):
        """Staff, leaders, managers and sellers can read, sort and group by them (design 7)."""
        for persona in ('user', 'lead', 'manager', 'sales'):
            for name in self._figure_fields('res.partner'):
                if persona == 'sales' and name == 'retail_address_ids':
                    continue  # who writes mails for a customer is known at the service desk only
                field = self.bob._fields[name]
                for what, call in self._ways_to_see(self.bob, name).items():
                    if what == 'group' and field.type in ('float', 'monetary'):
                        continue  # Odoo groups by no amounts
                    if what == 'domain through' and persona == 'sales':
                        continue  # sellers see figures on their customers, not the profiles of all
                    if persona == 'sales' and name == 'retail_profile_id' and 'export' in what:
                        continue  # sales people see figures on the customer, not the profile itself
                    with self.subTest(field=name, persona=persona, way=what):
                        self.assertFalse(
                            self._is_refused(self.users[persona], 'res.partner', *call)
                        )

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_figures_do_not_leak_through_other_models(self):
        """The way through a relation (a user's partner, an order's customer) asks for the same groups (design 7)."""
        internal = self.users['internal']
        for model, path in (('res.users', 'partner_id'), ('res.company', 'partner_id')):
            for figure in ('retail_spend_total', 'retail_profile_id.spend_total'):
                with self.subTest(model=model, figure=figure):
                    self.assertTrue(
                        self._is_refused(internal, model, 'search', [(f'{path}.{figure}', '>', 0)])
                    )

    # === PUBLIC METHODS ===#

    def _public_actions(self):
        found = set()
        for model in self._our_models():
            for name in dir(type(self.env[model])):
                if not name.startswith('action_') or name in ('action_archive', 'action_unarchive'):
                    continue
                if name.startswith('action_reschedule_my_next_'):
                    continue  # of mail.activity.mixin, each for his own activities
                if name == 'action_share':
                    continue  # of portal.mixin: opens a dialog that has rights of its own
                try:
                    get_public_method(self.env[model], name)
                except (AccessError, AttributeError):
                    continue
                found.add((model, name))
        return found

    def test_every_public_action_is_in_the_table(self):
        """A new public method without a line in the table fails (design 7)."""
        self.assertEqual(self._public_actions() - set(ACTIONS), set())
        self.assertEqual(set(ACTIONS) - self._public_actions(), set())

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_public_actions_of_each_persona(self):
        """Each public method works for those it is for and is refused to others (design 7, style 6)."""
        moment = self.samples['retail.moment']
        moment.state = 'failed'
        self.env.flush_all()
        for (model, method), allowed in ACTIONS.items():
            is_model = getattr(getattr(type(self.env[model]), method), '_api_model', False)
            args = () if is_model else (self.samples[model].ids,)
            self._in_step(model, method)
            for persona, user in self.personas.items():
                with self.subTest(method=f'{model}.{method}', persona=persona):
                    refused = self._is_refused(user, model, method, *args)
                    self.assertEqual(refused, persona not in allowed)

    def _in_step(self, model, method):
        """Bring the samples of previews into the step in which a method can be called."""
        if method in ('action_print_letters', 'action_letters_printed'):
            letter = self.env.ref('retail_crm.retail_channel_letter').id
            self.samples[model].sudo().write({'state': 'todo', 'channel_id': letter})
        if model == 'retail.programme':
            is_running = method == 'action_preview_rules'
            self.samples[model].state = 'running' if is_running else 'draft'
        if model == 'retail.ticket':
            code = 'data_request' if method.startswith('action_data_') else 'complaint'
            self.samples[model]._stamp(
                {
                    'type_id': self.env.ref(f'retail_crm.retail_ticket_type_{code}').id,
                    'identity_checked_by': self.env.uid,
                }
            )
        if method == 'action_confirm_appointment':
            self.samples[model].appointment_at = fields.Datetime.add(fields.Datetime.now(), days=1)
        if model == 'retail.ticket':  # a complaint passes its steps one by one
            stage = self.env.ref('retail_crm.retail_ticket_stage_execute')
            self.samples[model]._stamp({'stage_id': stage.id, 'step': 'execute'})
        if model == 'retail.followup':
            self.samples[model].family = 'churn' if method == 'action_give_up' else 'other'
        if model == 'retail.profile' and method == 'action_plan_intervention':
            # whoever planned it before has planned it
            self.env['retail.followup'].search([('family', '=', 'churn')]).state = 'cancelled'
        if model == 'retail.followup' and 'letter' not in method:
            is_undone = method == 'action_reopen'
            self.samples[model].write(
                {
                    'state': 'done' if is_undone else 'todo',
                    'done_by': self.personas['user'].id if is_undone else False,
                    'done_at': fields.Datetime.now(),
                    'res_model': 'retail.ticket',
                    'res_id': self.samples['retail.ticket'].id,
                }
            )
        if method == 'action_start_points':  # offered where no program is in use
            self.env['loyalty.program'].search([('program_type', '=', 'loyalty')]).active = False
        if model == 'retail.tier.preview':
            step = {
                'action_apply': 'approved',
                'action_apply_anyway': 'approved',
                'action_approve': 'approval',
                'action_ask': 'computed',
                'action_draft': 'computed',
            }.get(method, 'draft')
            self.samples[model].write({'state': step, 'checked_on': fields.Datetime.now()})
        self.env.flush_all()

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_private_methods_are_closed(self):
        """Nothing that derives, emits, processes or merges can be called from outside, whoever asks (design 7)."""
        for model, method in (
            ('retail.moment', '_emit'),
            ('retail.moment', '_cron_process'),
            ('retail.moment', '_process_all'),
            ('retail.purchase', '_sync'),
            ('retail.consent', '_record'),
            ('retail.consent', '_merge_partners'),
            ('retail.profile', '_refresh'),
            ('retail.profile', '_merge_partners'),
            ('retail.duplicate', '_search_all'),
            ('retail.duplicate', '_decide'),
            ('retail.duplicate', '_forget_partners'),
            ('retail.policy', '_for_customers'),
            ('retail.classification', '_note_applied'),
            ('retail.profile.change', '_sql_insert'),
            ('retail.segment', '_recompute'),
            ('retail.segment', '_cron_segments'),
            ('retail.segment.member', '_merge_partners'),
            ('retail.benefit', '_grant'),
            ('retail.benefit', '_cron_grant'),
            ('retail.voucher', '_issue'),
            ('retail.voucher', '_portal_vouchers'),
            ('retail.member.list.line', '_merge_partners'),
            ('retail.privilege', '_of_partners'),
            ('retail.membership', '_evaluate'),
            ('retail.membership', '_enrol'),
            ('retail.membership', '_override'),
            ('retail.membership', '_merge_partners'),
            ('retail.membership', '_cron_evaluate'),
            ('retail.membership', '_open'),
            ('retail.programme.evaluation', '_take'),
            ('retail.programme.evaluation', '_close'),
            ('retail.sla.policy', '_match'),
            ('retail.ticket', '_clock_contact'),
            ('retail.ticket', '_clock_rematch'),
            ('retail.ticket', '_cron_assign'),
            ('retail.ticket', '_cron_clock'),
            ('retail.escalation.notice', '_plan'),
            ('retail.escalation.notice', '_send_due'),
            ('retail.ticket.event', '_fire'),
            ('retail.complaint.rate', '_complaint_rates'),
            ('retail.spike.rule', '_evaluate'),
            ('retail.problem.message', '_cron_send'),
            ('retail.ticket', '_cron_quality'),
            ('retail.ticket', '_quality_refresh'),
            ('retail.ticket', '_said_unsolved'),
        ):
            with self.subTest(method=f'{model}.{method}'), self.assertRaises(AccessError):
                self._rpc(self.users['manager'], model, method)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_refresh_of_customers_by_persona(self):
        """The refresh button of customers works for whoever sees their figures (design 4.3, 7)."""
        for persona, user in self.personas.items():
            with self.subTest(persona=persona):
                refused = self._is_refused(
                    user, 'res.partner', 'action_retail_refresh', self.bob.ids
                )
                self.assertEqual(
                    refused,
                    persona in ('portal', 'public', 'internal', 'complaint', 'sensitive'),
                )

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_history_of_a_customer_by_persona(self):
        """The history of a customer's classes opens for whoever may read it; others find no row in it (design 7)."""
        action = self._rpc(self.users['user'], 'res.partner', 'action_retail_history', self.bob.ids)
        self.assertEqual(action['res_model'], 'retail.profile.change')
        for persona, user in self.personas.items():
            with self.subTest(persona=persona):
                refused = self._is_refused(
                    user, 'retail.profile.change', 'search_read', action['domain']
                )
                self.assertEqual(refused, persona not in RIGHTS['retail.profile.change'])
