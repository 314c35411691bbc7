"""Every place at which a test lets a process of the chain side die, in the order of their coming.

`test_seams.py` holds these to what stands in the code.
"""

SCAN = (
    "scan.head", "scan.headers", "scan.logs", "scan.before_store", "scan.in_store",
    "scan.after_store", "scan.in_final", "scan.after_final", "verify.before", "credit.before",
    "credit.booked", "credit.after", "scan.before_rewind", "scan.in_rewind",
)  # fmt: skip
REQUEST = ("withdrawal.in_request",)
PAYOUT = ("payout.before_sign", "payout.in_sign", "payout.after_sign")
PUMP = (
    "pump.before_send", "pump.sent", "pump.after_send", "pump.before_settle", "pump.in_settle",
)  # fmt: skip
BATCH = (
    "sweep.before_sign", "sweep.in_sign", "sweep.after_sign", "sweep.in_skim",
    "sweep.before_close", "sweep.in_close",
)  # fmt: skip
CLASSIC = ("sweep.in_begin", "sweep.before_step", "sweep.in_step", "sweep.after_step")
ALL = (*SCAN, *REQUEST, *PAYOUT, *PUMP, *BATCH, *CLASSIC)
