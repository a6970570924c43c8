"""The wordings of ``WordedWorld``: sentences of five kinds, and what goes into them.

All sentences of a kind say the same of the numbers, so that a story told in others keeps its
answer: ``start``, the protagonist has so many things; ``more``, so many come; ``fewer``, so many
go; ``times``, all are multiplied; ``ask``, how many there are. ``aside`` says nothing of numbers.
One of the words within brackets is used. No sentence has a run of fixed words that is nearly as
long as 13 tokens.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["start", "more", "fewer", "times", "aside", "ask"]

FORMS: dict[Kind, tuple[str, ...]] = {
    "start": (
        "{name} [has|owns|keeps|stores] {number} {quality} {things} at the {place}.",
        "There [are|stand|lie] {number} {things} in {name}'s [corner|part] of the {place}.",
        "{when}, {name} [counted|sorted|labelled|unpacked] {number} {quality} {things} at home.",
        'A [crate|box|chest|sack] labelled "{name}" holds {number} {things}.',
        "At the {place}, {name} [looks after|guards|cleans|repairs] {number} {things}.",
        "[Suppose|Imagine|Assume] {name} starts the [week|day|year|game] with {number} {things}.",
        "Let the stock of {things} [kept|held|owned] by {name} be {number} {when}.",
        "{name} inherited {number} {things}, [most|some|many|none] of them {quality}.",
        "[Inventory|Books|Ledger|Report] of the {place}: {number} {things}, owner {name}.",
        "Of all {things} [near|behind|inside|around] the {place}, {number} belong to {name}.",
        "For a {quality} [display|party|show|play], {name} collected {number} {things}.",
        "{when} the {place} [handed|lent|sent|left] {name} a set of {number} {things}.",
        "You [meet|see|visit|call] {name}, who carries {number} {quality} {things}.",
        "{number} {things} [stood|lay|were] on {name}'s [shelf|floor|lawn|balcony] {when}.",
        "After a [trip|walk|visit|ride] to the {place}, {name} owned {number} {things}.",
        "[Nobody|No one] at the {place} has more {things} than {name}: {number} [in all|today].",
        "[Consider|Take|Picture] {name}, a [trader|collector|pupil] with {number} {things}.",
        "In a {quality} notebook, {name} [wrote down|noted|entered] {number} {things}.",
        "{name} and {other} share a [house|flat|desk], but {number} {things} are {name}'s alone.",
        "[Initially|At first|For now], the {place} stores {number} {things} for {name}.",
        "When {other} [visited|left|reached] the {place}, {name} already had {number} {things}.",
        "[Exactly|Precisely|Over time] {number} {quality} {things} filled the [cellar|attic|yard]"
        " of {name}.",
        "A [museum|neighbour|club|charity] lends {name} {number} {things} {when}.",
        "{name}'s [collection|treasure|stock|hoard]: {number} {things} ({quality}).",
        "[Imagine|Suppose|Note] that {number} {things} arrive for {name} at the {place}.",
        "From {other}, {name} [bought|got|won|received] {number} {things} {when}.",
        "Every one of the {number} {things} in the {place} is {name}'s.",
        "The {quality} {things} of {name} [number|came to|total] {number} {when}.",
        "To [open|run|supply] a shop by the {place}, {name} gathers {number} {things}.",
        "[Once upon a time|Long ago|As a child,] {name} found {number} {quality} {things}.",
        "[Given|Known|Fact]: {name} possesses {number} {things}.",
        "{name} moves [house|town|abroad] with {number} {things} in {quality} baskets.",
        "[Records|Letters|Photographs] show {number} {things} [with|belonging to] {name} {when}.",
        "[Say|Think that] {name}, the keeper of the {place}, begins with {number} {things}.",
        "With {other}'s [help|van|advice|money], {name} packed {number} {things}.",
        "{number}: so many {things} did {name} [bring|take|drag|carry] to the {place}.",
    ),
    "more": (
        "{when}, {other} [gives|sends|brings|passes] {name} {number} more.",
        "Then {number} [further|other|new|fresh] ones arrive from the {place}.",
        "{name} [buys|orders|finds|gets] another {number} {when}.",
        "A {quality} [parcel|letter|truck|ship] adds {number} to them.",
        "{other} [drops|comes|walks] by and leaves {number} [extra|spare|more] {things} there.",
        "[Later|Soon|Next], the total [grows|rises|goes up] by {number} {when}.",
        "{number} others are [found|spotted|seen] under a {quality} [table|roof|bed|tree].",
        "An [uncle|aunt|old teacher|employer] sends {number} as a gift {when}.",
        "{name} wins {number} in a [raffle|race|quiz|contest] at the {place}.",
        "The {place} [contributes|adds|supplies|lends] {number} additional {things}.",
        "[Soon afterwards|Then|Hours later,] {name} picks up {number} more in the {place}.",
        "A [deal|bet|swap|contract] with {other} brings in {number} {when}.",
        "{when} a [delivery|load|shipment|cart] of {number} [comes in|arrives|is unloaded].",
        "{name} [makes|builds|paints|designs] {number} new {things} by hand.",
        "[Next|Finally|Then], {number} {things} get returned by {other}.",
        "[Thanks|Owing] to {other}, there are {number} more {when}.",
        "Add the {number} that {name} had [forgotten|hidden|left] at the {place}.",
        "[Into|Onto] the same [pile|shelf|cart|heap] go {number} {quality} ones.",
    ),
    "fewer": (
        "{when}, {name} [gives|lends|mails|hands] {number} to {other}.",
        "[Sadly|Alas|Of course], {number} of them [break|burn|vanish] {when}.",
        "{other} [borrows|takes|grabs] {number} and never [brings|gives] them back.",
        "{number} are [sold|left|auctioned|buried] at the {place}.",
        "A {quality} [thief|fox|magpie|stranger] takes {number}.",
        "Then {number} {things} are [lost|dropped|stolen] on the way to the {place}.",
        "{name} [throws|gives|puts] away {number} that look {quality}.",
        "The [count|number|stock|supply] drops by {number} {when}.",
        "{name} [donates|returns|ships] {number} {things} to the {place}.",
        "Without [asking|a word|permission], {other} [removes|eats|hides] {number}.",
        "[Rain|Fire|Rust|Frost] ruins {number} of these {when}.",
        "{number} [go missing|fall apart|disappear|roll away] {when}.",
        "As a [present|reward|bribe|farewell], {other} receives {number}.",
        "{name} [exchanges|swaps|trades] {number} for a {quality} [lamp|hat|chair|bird].",
        "[Subtract|Take off|Remove] the {number} that {other} [claims|wants|paid for].",
        "Not all [stay|remain]: {number} [leave|travel|depart] with {other}.",
        "{when} the {place} [confiscates|buys|collects|destroys] {number}.",
        "Out of [kindness|boredom|pity|fear] {name} hands over {number}.",
    ),
    "times": (
        "{when} the [number|total|amount|sum] becomes {number} times as [large|big|high].",
        "{name} [works|trades|prays] until there are {number} times as many {when}.",
        "[Then|Next|Later] every one is [replaced by|swapped for] {number} {quality} ones.",
        "A [wizard|banker|chemist] from the {place} multiplies [the lot|them] by {number}.",
        "{other} loses a [bet|game|vote], so [the stock|it all] grows {number}-fold {when}.",
        "Each is [cut|sawn|split] into {number} [equal|fair] pieces, [all|which are] {things}.",
        "The {place} [agrees|promises|is asked] to multiply [that|this] by {number}.",
        "Multiply what {name} [holds|has] by {number}, since {other} is [generous|kind|rich].",
        "For [each of them|every one], {other} [puts|leaves|lays] {number} in [its|that] place.",
        "{when}, a {quality} [machine|spell|printer] turns each into {number}.",
        "By a {quality} [miracle|trick|accident], [all of it|the stock] increases {number}-fold.",
        "Within [hours|days|weeks] {name} has {number} times the [earlier|former|old] amount.",
    ),
    "aside": (
        "It is [raining|snowing|foggy|windy] {when}.",
        "The {place} is [closed|crowded|empty|open] {when}.",
        "{other} is a {quality} [friend|guest|relative] of the family.",
        "From afar all {things} [look|seem] {quality}.",
        "Everyone in the {place} [talks|dreams|laughs|sings] about it.",
        "{name} likes {quality} [tea|shoes|songs|stones].",
        "[Nobody|Hardly anyone] knows why, not even {other}.",
        "The [weather|coffee|mood|light] is [mild|pleasant|awful].",
        "{other} [watches|shouts|waves] from the {place}.",
        "A {quality} [dog|cat|goat|parrot] [sleeps|sits|eats] nearby.",
        "{name} is [never|always|rarely] in a hurry.",
        "[Prices|Rents|Rules] at the {place} never change.",
        "[Music|A film|A bell] [plays|is heard] {when}.",
        "{other} [keeps|reads|checks] the books.",
        "[None|All|Half] of it is secret, says {other}.",
        "The [road|path|track] to the {place} is {quality}.",
        "{name} [prefers|collects|adores] {quality} {things}, as does {other}.",
        "{other} [disagrees|agrees] with [that|all this].",
        "[Lunch|Supper|Soup|Cake] is served {when}.",
        "The [roof|wall|tower|gate] of the {place} [leaks|is new].",
    ),
    "ask": (
        "How many {things} does {name} have [now|then|at last]?",
        "What is the [final|resulting|last] number of {things}?",
        "[Find|Tell us|Say] how many {things} are left with {name}.",
        "[Compute|Give|Name|Find] the [total|result|final number].",
        "What number of {things} can {name} [count|show|sell] in the end?",
        "Determine the [amount|quantity|total] that {name} [ends up|is left] with.",
        "[Work out|Find|Calculate] how many remain [with|for] {name}.",
        "After [all this|everything], how many {things} has {name}?",
        "[Please|Kindly] tell [me|us] {name}'s [final|last] count.",
        "So how many {things}, {quality} or not, [are there|has {name}]?",
        "State the [resulting|final|last] quantity as [an integer|a number].",
        "Can you say how many {things} that [makes|is|leaves]?",
        "At the end, {name} [owns|has|keeps] how many {things}?",
        "[Give|Write|Report] the number of {things} in {name}'s [hands|care].",
        "How many is that [altogether|in all|now], {name} wonders?",
        "What does {name}'s [last|next|final] [inventory|list|note] say?",
        "[Calculate|Guess|Find] the number of {things} that {other} would see there.",
        "What total should {other} [report|send|announce] to the {place}?",
        "{name} [forgets|doubts|loses] the result; what is it?",
        "Which number answers {other}, who [wonders|asks] how many {things} {name} keeps?",
        "Show [that you know|me] how many {things} {name} [holds|has].",
        "By how many {things} is {name} surrounded [at last|finally]?",
        "Answer with [one|an] integer: the {things} of {name}.",
        "How many would {name} [list|mention|admit] if {other} asked?",
        "Write down what is left for {name} [and {other}|alone].",
        "How many {things} must {name} [carry|ship|bring] home from the {place}?",
        "Help {other} [find out|work out|see] the size of {name}'s stock.",
        "What is the count when {name} [returns|drives|writes] to the {place}?",
        "Then how many {things} are {name}'s [alone|by law]?",
        "Is {name} able to fill the {place}, and with how many {things}?",
    ),
}

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
