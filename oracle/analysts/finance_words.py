"""Words of business news and what they say, as mirrored pairs: each half is as strong as the other.

A general lexicon calls a share, an interest or a value good news; here such words say nothing.
"""

# Verbs and adverbs of movement, "up down". Good or bad depends on what moves.
MOVES = """
rise fall, rises falls, rose fell, risen fallen, rising falling, increase decrease,
increases decreases, increased decreased, increasing decreasing, grow shrink, grows shrinks,
grew shrank, grown shrunk, growing shrinking, growth decline, advance retreat, advances retreats,
advanced declined, advancing declining, climb slide, climbs slides, climbed slid, climbing sliding,
gain drop, gains drops, gained dropped, gaining dropping, surge plunge, surges plunges,
surged plunged, surging plunging, soar tumble, soars tumbles, soared tumbled, soaring tumbling,
jump slump, jumps slumps, jumped slumped, jumping slumping, rally sink, rallies sinks,
rallied sank, rallying sinking, double halve, doubles halves, doubled halved, doubling halving,
widen narrow, widens narrows, widened narrowed, widening narrowing, up down, upward downward,
upwards downwards, higher lower, raise cut, raises cuts, raised lowered, raising cutting,
lifts lowers, accelerate slow, accelerates slows, accelerated slowed, accelerating slowing,
rebound slip, rebounds slips, rebounded slipped, rebounding slipping, strengthen weaken,
strengthens weakens, strengthened weakened, strengthening weakening, spike dip, spikes dips,
spiked dipped, peak trough, quicken cool, quickens cools, quickened cooled, quickening cooling,
tighten ease, tightens eases, tightened eased, tightening easing, hike reduce, hikes reduces,
hiked reduced, hiking reducing, uptick downtick, upturn downturn, swell dwindle, swells dwindles,
swelled dwindled, rocket crash, rockets crashes, rocketed crashed, expand lessen, expands lessens,
expanded lessened
"""

# Words that carry the verdict themselves, "good bad strength". Strength is in tenths.
VERDICTS = """
improve worsen 22, improves worsens 22, improved worsened 24, improving worsening 22,
improvement deterioration 20, profitable unprofitable 20, profitability insolvency 12,
outperform underperform 24, outperforms underperforms 24, outperformed underperformed 24,
upgrade downgrade 22, upgrades downgrades 22, upgraded downgraded 22, bullish bearish 24,
bull bear 15, win lose 18, wins loses 18, won lost 19, winning losing 18, strong weak 20,
stronger weaker 20, strength weakness 16, boost hit 14, boosts hits 14, boosted struck 16,
breakout breakdown 18, upside downside 18, pleased worried 18, efficient wasteful 14,
efficiency disruption 13, savings losses 10, beat missed 18, beats misses 18,
exceeds undershoots 16, exceeded undershot 16, partnership lawsuit 12, cooperation dispute 10,
expansion closure 13, signed scrapped 12, opens shuts 10, long short 8, buy dump 10, buys dumps 10,
bounce stumble 16, highs lows 13, recovery crisis 18, recover default 16, recovers defaults 16,
recovered defaulted 16, optimistic pessimistic 18, optimism fears 18, success failure 18,
successful failed 18, positive negative 22, best worst 18, better worse 18, good bad 16,
great poor 18, leading lagging 8, approval recall 16, approved recalled 14, awarded sued 18,
award fine 12, hiring layoffs 18, hires redundancies 16, record warning 12, assures warns 16,
assured warned 16, resumes suspends 14, resumed suspended 14, deal strike 10, deals strikes 10,
thriving struggling 18, booming ailing 18, rescue bankruptcy 20, honest fraud 22,
speedy delayed 14, ahead below 9, profit loss 3, pleasing disappointing 20, booms busts 18,
boom bust 18, relief turmoil 18, calm panic 16, ample depleted 16, surplus shortage 16,
permanent temporarily 8
"""

# What is bad news when there is more of it.
BURDENS = """
loss losses cost costs expense expenses debt debts deficit deficits unemployment joblessness
complaints defaults redundancies layoffs lay-offs charges impairment impairments fears risk risks
delays shortage shortages claims injuries absences pollution smog emissions bankruptcies arrears
"""

# General words that are ordinary business or measurement words here.
SILENT = """
share shares value well solution solutions number energy interest respectively agree agreed
agreement agreements security securities credit pay asset assets natural responsible party parties
ready gross special clear debt hand important no limited united demand demanding low like free
play top active fair care trust chance hope worth significant support supports supported safety safe
secure secured cancer matter arrest profits respected create created creates creating dear ensure
sure original popular outstanding engaged dedicated comprehensive effective valued please kind jp
giving commitment prospects granted challenge competitive flexible gas fresh huge
"""


def pairs() -> list[tuple[str, str]]:
    """Return the words of movement as (up, down)."""
    return [_pair(text) for text in MOVES.split(",")]


def verdicts() -> list[tuple[str, str, int]]:
    """Return the words of judgement as (good, bad, strength in tenths)."""
    rows = [text.split() for text in VERDICTS.split(",")]
    return [(good, bad, int(tenths)) for good, bad, tenths in rows]


def _pair(text: str) -> tuple[str, str]:
    up, down = text.split()
    return up, down
