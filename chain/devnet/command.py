"""The command line of the development chain."""

import argparse
from pathlib import Path
from typing import Any

from chain.devnet.node import LogLimits
from chain.devnet.server import HOST, PORT, Options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be chosen."""
    parser.add_argument("--host", default=HOST, help="a loopback address (%(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="0 takes a free one (%(default)s)")
    parser.add_argument(
        "--block-time",
        type=float,
        default=1.0,
        help="seconds between blocks; 0 makes blocks only when told (%(default)s)",
    )
    parser.add_argument(
        "--idle-time",
        type=float,
        default=0.0,
        help="seconds between blocks while nobody sends anything; 0 keeps the pace (%(default)s)",
    )
    parser.add_argument("--journal", type=Path, help="a file that lets a restart repeat the chain")
    parser.add_argument("--safe-lag", type=int, default=8, help="blocks (%(default)s)")
    parser.add_argument("--finalized-lag", type=int, default=16, help="blocks (%(default)s)")
    parser.add_argument("--log-blocks", type=int, default=0, help="most blocks of eth_getLogs")
    parser.add_argument("--log-results", type=int, default=0, help="most logs of eth_getLogs")


def options_of(chosen: dict[str, Any]) -> Options:
    """Return the options that were chosen on the command line."""
    return Options(
        host=chosen["host"],
        port=chosen["port"],
        block_time=chosen["block_time"],
        idle_time=chosen["idle_time"],
        journal=chosen["journal"],
        safe_lag=chosen["safe_lag"],
        finalized_lag=chosen["finalized_lag"],
        limits=LogLimits(blocks=chosen["log_blocks"], results=chosen["log_results"]),
    )
