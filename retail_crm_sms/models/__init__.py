from . import retail_followup
from . import sms_sms
