"""The vocabulary of classes: keys as stored, labels as shown, each list from worst to best."""

LIFECYCLE = [
    ('lost', 'Lost'),
    ('lapsed', 'Lapsed'),
    ('at_risk', 'At risk'),
    ('prospect', 'Prospect'),
    ('new', 'New'),
    ('won_back', 'Won back'),
    ('growth', 'Growth'),
    ('mature', 'Mature'),
]
STAGE = [
    ('introduction', 'Introduction'),
    ('growth', 'Growth'),
    ('maturity', 'Maturity'),
    ('decline', 'Decline'),
]
LADDER = [
    ('potential', 'Potential customer'),
    ('prospect', 'Potential purchaser'),
    ('purchaser', 'Purchaser'),
    ('loyal', 'Loyal follower'),
    ('advocate', 'Advocate'),
]
COARSE = [
    ('potential', 'Potential'),
    ('ordinary', 'Ordinary'),
    ('loyal', 'Loyal'),
]
STAR = [
    ('burden', 'Burden'),
    ('small_star', 'Small star'),
    ('meteor', 'Meteor'),
    ('gold', 'Golden'),
]
ABC = [
    ('c', 'C'),
    ('b', 'B'),
    ('a', 'A'),
]
RFM_GROUP = [
    ('dormant', 'Dormant'),
    ('hibernating', 'Hibernating'),
    ('fading', 'Fading'),
    ('slipping', 'Slipping away'),
    ('treasured', 'Must not lose'),
    ('attention', 'Needs attention'),
    ('recent', 'Recent'),
    ('promising', 'Promising'),
    ('rising', 'Rising'),
    ('regular', 'Regular'),
    ('champion', 'Champion'),
]
CHURN_LEVEL = [
    ('alert', 'Alert'),
    ('watch', 'Watch'),
    ('none', 'On time'),
]

#: Classes whose changes are kept as history: ``{column of the profile: its keys from worst to best}``.
TRACKED = {
    'lifecycle': LIFECYCLE,
    'ladder': LADDER,
    'rfm_group': RFM_GROUP,
    'abc_class': ABC,
    'star_class': STAR,
    'churn_level': CHURN_LEVEL,
}

#: Group of the RFM scores: row = recency 1 to 5, column = mean of frequency and monetary, rounded half up, 1 to 5.
RFM_GRID = {
    5: ('recent', 'promising', 'rising', 'champion', 'champion'),
    4: ('promising', 'promising', 'rising', 'regular', 'regular'),
    3: ('fading', 'fading', 'attention', 'regular', 'regular'),
    2: ('hibernating', 'hibernating', 'slipping', 'slipping', 'treasured'),
    1: ('dormant', 'hibernating', 'slipping', 'treasured', 'treasured'),
}
