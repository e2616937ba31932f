{
    'name': 'Retail CRM: SMS',
    'summary': 'Follow-ups of Retail CRM leave as text messages',
    'version': '19.0.1.4.0',
    'category': 'Sales/CRM',
    'author': 'Retail CRM team',
    'license': 'LGPL-3',
    'depends': [
        'retail_crm',
        'sms',
    ],
    'auto_install': True,
}
