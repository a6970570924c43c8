"""What goes into the sentences of ``WordedWorld``: 800 names, things, places, qualities, times."""

from __future__ import annotations

_STEMS = """
Ad Al Ben Cal Dar El Fen Gal Han Il Jan Kar Lor Mar Nad Ol Pet Quin Ros Sam Tar Ul Ver Wil Xan Yor
Zel Bran Cor Del Eth Fior Hel Ing Jos Kris Lud Mil Nor Pav
"""
_ENDINGS = """
a an ana e ek el en eta i ia ika in ina io is o on or us wyn
"""
_THINGS = """
apples lanterns bicycles carpets violins pebbles tickets feathers candles baskets marbles postcards
umbrellas kettles blankets coins ribbons shells bottles notebooks pencils mirrors buttons ladders
helmets melons pumpkins clocks anchors paddles trumpets cushions statues tiles magnets compasses
thimbles saddles whistles goblets telescopes wheelbarrows chandeliers screwdrivers strawberries
typewriters bookmarks teapots hammocks kites figs oars maps rugs drums bells jars pins
"""
_PLACES = """
harbour market library orchard station museum bakery garden castle workshop theatre meadow
lighthouse school mill quarry stable chapel factory island tavern bridge monastery vineyard
observatory greenhouse shipyard hospital courthouse aquarium amphitheatre laboratory planetarium
kindergarten embassy bazaar pier zoo gym inn
"""
_QUALITIES = """
red heavy broken wooden golden tall tiny striped silver hollow crooked polished foreign rusty
painted smooth dusty fragile bright narrow woven gilded faded carved square round shallow precious
common curious magnificent mysterious second-hand waterproof hand-made borrowed plain big wet blue
"""
NAMES = [stem + ending for stem in _STEMS.split() for ending in _ENDINGS.split()]
THINGS, PLACES, QUALITIES = (words.split() for words in (_THINGS, _PLACES, _QUALITIES))
WHENS = (
    *("today", "at noon", "on Monday", "on Tuesday", "last Friday", "in spring", "in late August"),
    *("before lunch", "after school", "during the storm", "over the weekend", "around midnight"),
    *("shortly before sunrise", "on the first of May", "when the market opens", "next morning"),
    *("at the end of the month", "as soon as the bell rings", "by Thursday evening", "in winter"),
    *("while everyone is asleep", "half a year later", "just in time for the fair", "that night"),
    *("between two trains", "without any warning", "on a Sunday", "at the start of term", "again"),
    *("after the harvest", "a few minutes later", "in the presence of witnesses", "as planned"),
)
