"""The rules of a variable market once more, in exact fractions and without haste.

Shares no code with the engine: amounts are fractions of a USDC, a share or a second's power of
one half, and whatever has an inverse is found by halving intervals. Defaults come from the
reference cases.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, floor, isqrt, trunc
from pathlib import Path
from statistics import median
from typing import Any

CASES = Path(__file__).parents[1] / "golden" / "variable-market.json"
DEFAULTS: dict[str, Any] = json.loads(CASES.read_text())["defaults"]

ZERO = Fraction(0)
QUANTUM = Fraction(1, 10**9)


def floor_n(x: Fraction, n: int) -> Fraction:
    return Fraction(floor(x * 10**n), 10**n)


def ceil_n(x: Fraction, n: int) -> Fraction:
    return Fraction(ceil(x * 10**n), 10**n)


def trunc_n(x: Fraction, n: int) -> Fraction:
    return Fraction(trunc(x * 10**n), 10**n)


def held(x: Fraction, low: Fraction, high: Fraction) -> Fraction:
    return max(low, min(high, x))


def half_to_the(x: Fraction) -> Fraction:
    with localcontext() as wide:
        wide.prec = 110
        return Fraction(Decimal(2) ** (-Decimal(x.numerator) / Decimal(x.denominator)))


def root(x: Fraction) -> Fraction:
    over, under = isqrt(x.numerator), isqrt(x.denominator)
    if over * over == x.numerator and under * under == x.denominator:
        return Fraction(over, under)
    with localcontext() as wide:
        wide.prec = 60
        return Fraction((Decimal(x.numerator) / Decimal(x.denominator)).sqrt())


class Refused(Exception):
    """A rule says no; the text is its code."""


@dataclass
class Person:
    """What one account has, in whole units."""

    cash: Fraction
    shares: Fraction = ZERO
    entry: Fraction = ZERO
    realised: Fraction = ZERO
    units: Fraction = ZERO
    earned: Fraction = ZERO


@dataclass
class Auditor:
    """One market with everybody in it; each method is one operation of the specification."""

    params: Mapping[str, Any]
    cash: Mapping[int, Fraction]
    t: int = 0
    status: str = "funding"
    L: Fraction = ZERO
    pool: Fraction = ZERO
    funding: Fraction = ZERO
    lp_fees: Fraction = ZERO
    treasury: Fraction = ZERO
    last_oracle: int = 0
    day: int = 0
    clamped: bool = False
    trades: list[tuple[int, Fraction]] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = {"P0_init": DEFAULTS["P0"], **DEFAULTS, **self.params}
        self.p = {
            name: Fraction(value)
            for name, value in given.items()
            if isinstance(value, str | int) and not isinstance(value, bool)
        }
        self.people = {key: Person(cash) for key, cash in self.cash.items()}
        self.P0 = self.F = self.T = self.F_day = self.p["P0_init"]
        self.k = self.p.get("k", ZERO)

    @property
    def M(self) -> Fraction:  # noqa: N802
        return self.P0 + self.k * self.L

    def V(self, s: Fraction) -> Fraction:  # noqa: N802
        return self.P0 * s + self.k * s * s / 2

    @property
    def E(self) -> Fraction:  # noqa: N802
        return self.pool - self.V(self.L)

    @property
    def volume(self) -> Fraction:
        since = self.t - int(self.p["vol_window"])
        return sum((value for at, value in self.trades if at > since), ZERO)

    @property
    def D(self) -> Fraction:  # noqa: N802
        p, v = self.p, self.volume
        w = held(p["w_base"] + p["w_span"] * v / (v + p["V0"]), p["w_lo"], p["w_hi"])
        return w * self.M + (1 - w) * self.F

    def total(self) -> Fraction:
        """Return all money there is."""
        people = sum((person.cash for person in self.people.values()), ZERO)
        return people + self.pool + self.funding + self.lp_fees + self.treasury

    def advance(self, now: int) -> None:
        now = max(now, self.t)
        if self.status == "active":
            if now // 86_400 != self.day:
                self.day, self.F_day = now // 86_400, self.F
            half_life = self.p["half_life"]
            if now > self.t and half_life:
                decay = 1 - half_to_the((now - self.t) / half_life)
                self.shift(decay * (self.F - self.M))
        self.t = now

    def shift(self, d: Fraction) -> Fraction:
        d = trunc_n(d, 12)
        was_clamped, self.clamped = self.clamped, False
        if d > 0 and self.L > 0:
            room = floor_n(max(self.E, ZERO) / self.L, 12)
            if d > room:
                d, self.clamped = room, True
        if d < 0:
            d = max(d, min(ZERO, self.p["p_min"] - self.P0))
        self.P0 += d
        # what is still owed beyond the providers' means keeps the flag up
        if was_clamped and self.F > self.M and max(self.E, ZERO) < (self.F - self.M) * self.L:
            self.clamped = True
        return d

    def contribute(self, key: int, amount: Fraction) -> None:
        person = self.people[key]
        if self.status == "funding" and self.t >= self.p["funding_seconds"]:
            raise Refused("deadline")
        if amount < self.p["min_lp"]:
            raise Refused("min_contribution")
        held_now = self.funding if self.status == "funding" else self.E
        if held_now + amount > self.p["hard_cap"] and self.status != "cancelled":
            raise Refused("hard_cap")
        if self.status == "active":
            self._mint(person, amount)
            return
        if self.status != "funding":
            raise Refused("not_open")
        self._spend(person, amount)
        person.units += amount
        self.funding += amount
        if self.funding >= self.p["soft_cap"]:
            self.pool, self.funding, self.status = self.funding, ZERO, "active"
            if "k" not in self.p:
                exact = self.p["depth"] * self.P0 * self.P0 / self.pool
                self.k = Fraction(round(exact * 10**18), 10**18)
            self.last_oracle, self.day = self.t, self.t // 86_400

    def _spend(self, person: Person, amount: Fraction) -> None:
        if person.cash < amount:
            raise Refused("insufficient_funds")
        person.cash -= amount

    def _mint(self, person: Person, amount: Fraction) -> None:
        units = sum((one.units for one in self.people.values()), ZERO)
        if self.clamped or self.p["nav_min"] * units > self.E:
            raise Refused("impaired")
        minted = floor_n(amount * units / self.E, 9)
        if minted == 0:
            raise Refused("too_small")
        self._spend(person, amount)
        person.units += minted
        self.pool += amount

    def refund(self) -> None:
        if self.status == "funding" and self.t < self.p["funding_seconds"]:
            raise Refused("not_expired")
        if self.status != "funding":
            raise Refused("nothing")
        for person in self.people.values():
            person.cash += person.units
            person.units = ZERO
        self.funding, self.status = ZERO, "cancelled"

    def surcharge(self) -> Fraction:
        p = self.p
        late = max(0, self.t - self.last_oracle - int(p["interval"]))
        stale = p["stale_eta"] * p["sigma_ref"] * root(Fraction(late, 86_400))
        lag = max(ZERO, p["lag_gamma"] * (self.T - self.F) / self.F - p["lag_free"])
        whole = min(p["stale_cap"], stale) + lag
        return ceil_n(held(whole, ZERO, p["fee_max"] - p["fee"]), 8)

    def shares_for(self, net: Fraction) -> Fraction:
        low, high = 0, 1
        while self.V(self.L + high * QUANTUM) - self.V(self.L) <= net:
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            fits = self.V(self.L + middle * QUANTUM) - self.V(self.L) <= net
            low, high = (middle, high) if fits else (low, middle)
        return low * QUANTUM

    def buy(self, key: int, *, amount: Fraction | None, shares: Fraction | None) -> Fraction:
        """Buy and return the shares."""
        if self.status != "active":
            raise Refused("not_active")
        if self.t - self.last_oracle > self.p["max_stale"]:
            raise Refused("oracle_stale")
        fee, extra = self.p["fee"], self.surcharge()
        if amount is not None:
            b, s = ceil_n(amount * fee, 6), ceil_n(amount * extra, 6)
            cost, gross = amount - b - s, amount
            q = self.shares_for(cost) if cost > 0 else ZERO
        else:
            assert shares is not None
            q = shares
            cost = ceil_n(self.V(self.L + q) - self.V(self.L), 6)
            whole = cost / (1 - fee - extra)
            b, s = ceil_n(whole * fee, 6), ceil_n(whole * extra, 6)
            gross = cost + b + s
        self._check_open(q, gross, self.pool + cost + s)
        person = self.people[key]
        if person.cash < gross:
            raise Refused("insufficient_funds")
        person.cash -= gross
        person.shares += q
        person.entry += cost
        self.pool += cost + s
        self.L += q
        self.trades.append((self.t, cost))
        self._fee(b)
        return q

    def _check_open(self, q: Fraction, gross: Fraction, pool: Fraction) -> None:
        p, long = self.p, self.L + q
        after = self.M + self.k * q
        free = pool - self.V(long)
        if q <= 0 or gross < p["min_open"]:
            raise Refused("too_small")
        if self.k * q > p["impact_cap"] * self.M:
            raise Refused("impact_cap")
        if self.k * long > p["theta"] * self.F:
            raise Refused("oi_cap_long")
        if free < p["kappa_open"] * long * after:
            raise Refused("capital_long")
        if "band" in p and after > self.F * (1 + p["band"]):
            raise Refused("band")

    def sell(self, key: int, q: Fraction) -> Fraction:
        """Sell and return what is received."""
        person = self.people[key]
        if self.status != "active":
            raise Refused("not_active")
        if q > person.shares:
            raise Refused("no_position")
        gross = floor_n(self.V(self.L) - self.V(self.L - q), 6)
        b = min(gross, ceil_n(gross * self.p["fee"], 6))
        entry = ceil_n(person.entry * q / person.shares, 6)
        if q == person.shares:
            entry = person.entry
        person.cash += gross - b
        person.shares -= q
        person.entry -= entry
        person.realised += gross - entry
        self.pool -= gross
        self.L -= q
        self.trades.append((self.t, gross))
        self._fee(b)
        return gross - b

    def _fee(self, b: Fraction) -> None:
        lp = floor_n(b * self.p["lp_share"], 6)
        self.treasury += b - lp
        self.lp_fees += lp
        units = sum((person.units for person in self.people.values()), ZERO)
        for person in self.people.values():
            person.earned += lp * person.units / units

    def claim(self, key: int, paid: Fraction) -> None:
        """Book a claim that the engine has paid; whether it may is checked by the caller."""
        person = self.people[key]
        person.earned -= paid
        person.cash += paid
        self.lp_fees -= paid

    def oracle(self, reports: list[tuple[Fraction, Fraction]]) -> Fraction:
        """Take reports and return the shift applied."""
        p = self.p
        if self.status != "active":
            raise Refused("not_active")
        good = [(held(d, -p["delta_max"], p["delta_max"]), c) for d, c in reports]
        good = [(d, c) for d, c in good if c >= p["conf_min"]]
        if len(good) < p["quorum"]:
            raise Refused("no_quorum")
        middle = Fraction(median(d for d, _ in good))
        trust = min(Fraction(1), Fraction(median(c for _, c in good)))
        spread = sum((abs(d - middle) for d, _ in good), ZERO) / len(good)
        change = trust * p["mad0"] / (p["mad0"] + spread) * middle
        target = max(p["p_min"], self.F * (1 + change))
        step = held(p["beta"] * change, -p["step_max"], p["step_max"])
        day = p["day_max"]
        nearer = held(self.F * (1 + step), self.F_day * (1 - day), self.F_day * (1 + day))
        after = Fraction(round(max(p["p_min"], nearer) * 10**12), 10**12)
        news, gap = after - self.F, after - self.M
        d = min(abs(news), abs(gap)) * (1 if news > 0 else -1) if news * gap > 0 else ZERO
        self.F, self.T = after, Fraction(round(target * 10**12), 10**12)
        self.last_oracle = self.t
        return self.shift(d)
