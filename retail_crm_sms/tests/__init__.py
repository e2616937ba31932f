from . import test_sms_followup
