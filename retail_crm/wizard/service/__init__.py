from . import (
    mail_compose_message,
    retail_complaint_overview,
    retail_ticket_answer,
    retail_ticket_ask,
    retail_ticket_expert,
)
