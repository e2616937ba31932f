from . import retail_care_preview, retail_care_preview_line, retail_care_why, retail_care_why_line
