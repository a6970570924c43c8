"""The numbers of the study as they are printed, recomputed from the released reviews.

A number is text, so that its last printed digit is known: half a unit of it is the tolerance.
"""

METRICS = ("novelty", "excitement", "effectiveness", "overall")

# Means and population s.d. of human and AI ideas; t; one-sided, corrected by BH, two-sided.
REVIEW_LEVEL = """
novelty        4.9294 1.6146 4.7292 1.7469 -0.7968 .2133 .2133 .4266
excitement     4.5176 1.8382 3.8958 1.7528 -2.3083 .0111 .0139 .0222
soundness      5.3765 1.7217 4.7292 1.8170 -2.4458 .0077 .0139 .0154
effectiveness  4.8353 2.1135 4.1250 1.9432 -2.3301 .0105 .0139 .0210
overall        4.0000 1.5867 3.4062 1.4619 -2.5921 .0052 .0139 .0104
faithfulness   6.4824 2.0327 6.4167 1.5590 -0.2402 .4052 .5200 .8105
codebase       3.5765 0.9378 3.5833 0.8858 0.0501 .5200 .5200 .9601
"""

# Before: means, difference, two-sided p. After: means, difference, t, p, corrected by BH.
IDEA_LEVEL = """
novelty        4.912 5.778 0.865 .0324  4.903 4.729 -0.173 -0.548 .586 .586
excitement     4.404 5.653 1.249 .0018  4.482 3.896 -0.586 -1.755 .088 .175
effectiveness  4.833 6.003 1.170 .0003  4.782 4.125 -0.657 -1.307 .199 .266
overall        4.596 5.382 0.785 .0353  3.968 3.406 -0.562 -1.805 .080 .175
"""

# Means after execution of human and AI ideas.
AFTER_ONLY = """
soundness     5.345 4.729
faithfulness  6.484 6.417
codebase      3.571 3.583
"""

# Gap and s.d. of human and of AI ideas; difference, t; one-sided, BH, two-sided, two-sided
# Bonferroni; standardised difference. The gap -1.8785 (-1.87847) is printed -1.878 and -1.879.
CHANGES = """
novelty        -0.010 1.802 -1.049 1.469 1.039 2.034 .0248 .0248 .0497 .199 0.64
excitement      0.078 1.544 -1.757 1.687 1.835 3.714 .0003 .0012 .0006 .0025 1.13
effectiveness  -0.052 1.988 -1.8785 1.593 1.827 3.262 .0013 .0025 .0025 .010 1.03
overall        -0.628 1.559 -1.976 1.388 1.348 2.954 .0027 .0036 .0055 .022 0.92
"""
CHANGES_TWO_SIDED_BH = ".0497 .0025 .0050 .0073"
# One-sided permutation p; ends of the bootstrap interval: of random draws.
RESAMPLED = """
novelty        .023  0.06 2.01
excitement     .0001 0.87 2.77
effectiveness  .0011 0.74 2.88
overall        .0027 0.50 2.19
"""
# One-sided permutation p of two million draws: 0.0217, not 0.023; excitement 0.0004, not 0.0001.
PERMUTATION = (0.02171, 0.00039, 0.00102, 0.00239)

# p that human, and that AI ideas changed; how many fell.
FALLS = """
novelty        .98  .0019  10 18
excitement     .83  3.6e-5  9 18
effectiveness  .91  6.9e-6  9 20
overall        .096 4.2e-7 11 22
"""

# Without the six: gap of AI ideas, one-sided p.
WITHOUT_SIX = """
novelty        -1.106 .021
excitement     -1.843 .0003
effectiveness  -1.921 .0018
overall        -2.009 .0042
"""

# Pearson's r of all, AI and human ideas.
CORRELATIONS = """
novelty        -.074 -.019 -.084
excitement     -.168 -.321 .205
effectiveness  -.033 .172 .022
overall        -.049 -.092 .158
"""
EXCITEMENT_SPEARMAN_AI = "-.386"

# Effect of the arm at equal scores before, p, slope.
ANCOVA = """
novelty        -0.136 .68 -0.04
excitement     -0.531 .14 -0.04
effectiveness  -0.848 .18  0.16
overall        -0.595 .07  0.04
"""

# Effect of the arm after execution, p.
MIXED_AFTER = """
novelty        -0.186 .56
excitement     -0.605 .07
effectiveness  -0.667 .18
overall        -0.575 .06
soundness      -0.638 .033
"""
# Stage by arm, and what its p is below.
INTERACTION = """
novelty        -1.049 1e-2
excitement     -1.856 1e-4
effectiveness  -1.822 1e-4
overall        -1.375 1e-3
"""

# All reviews of the first study: Human, AI, AI_Rerank.
FIRST_STUDY = """
novelty        4.84 5.64 5.81
excitement     4.55 5.19 5.46
feasibility    6.61 6.34 6.44
effectiveness  5.13 5.47 5.55
overall        4.68 4.85 5.34
"""


def rows(table: str) -> dict[str, list[str]]:
    """Return the numbers of a table, as text, by metric."""
    lines = (line.split() for line in table.strip().splitlines())
    return {words[0]: words[1:] for words in lines}


def is_printed(value: float, text: str) -> bool:
    """Return whether a number is within half a unit of the last digit of a printed one."""
    mantissa, _, exponent = text.partition("e")
    digits = len(mantissa.partition(".")[2])
    half = 0.5 * 10.0 ** (int(exponent or 0) - digits)
    return abs(value - float(text)) <= half * (1 + 1e-9)
