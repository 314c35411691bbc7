"""How long a test waits for what must come.

Long, for a machine that others share may stand still for seconds; what comes costs no waiting.
Limits that a specification sets are named where they are tested.
"""

PATIENCE_S = 60.0
