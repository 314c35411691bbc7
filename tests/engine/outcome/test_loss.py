"""The maker's loss before the first elimination: below the bound of 10.3, as near as one likes."""

from fractions import Fraction

import pytest

from exchange.engines import outcome
from exchange.engines.outcome.parameters import Value
from tests.engine.outcome.auditor import Auditor
from tests.engine.outcome.scene import ALICE, Scene

PLAIN: dict[str, Value] = {
    "gamma": "0", "kappa_start": "0", "f": "0", "p_max": "0.999999999999",
    "zeta_start": "0.000000001", "allow_above_par": True,
}  # fmt: skip
YES_0, NO_1, NO_2 = 0, 3, 5


@pytest.mark.parametrize("launch", ["0.5", "0.333333333", ["0.2", "0.3", "0.7"]])
def test_it_nears_its_bound_and_never_passes_it(launch: str | list[str]) -> None:
    scene = Scene({**PLAIN, "initial_price": launch}, cash=10**12)
    auditor = Auditor(scene)
    prices = [Fraction(p) for p in (launch if isinstance(launch, list) else [launch] * 3)]
    bound = scene.config.depth_micro * (1 - prices[0] + prices[1] + prices[2])

    for token in (YES_0, NO_1, NO_2) * 2:
        scene.buy(ALICE, token, 5_000_000)
        auditor.after(scene.last)

    loss = outcome.report(scene.config, scene.state, 0).risk_micro
    assert bound * 999 / 1000 < loss <= bound
