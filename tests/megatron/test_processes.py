import re
from pathlib import Path

import yaml

from megatron import processes
from megatron.celery import BEAT

ROOT = Path(__file__).resolve().parent.parent.parent
PROCFILE = (ROOT / "Procfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def _queues(command: str) -> set[str]:
    return {queue for found in re.findall(r"-Q (\S+)", command) for queue in found.split(",")}


def _compose_commands() -> dict[str, str]:
    return {name: " ".join(service.get("command", [])) for name, service in COMPOSE.items()}


def test_every_queue_of_the_schedule_has_a_worker_everywhere() -> None:
    needed = {duty.queue for duty in BEAT}
    here = " ".join(" ".join(part.command) for part in processes.parts(host="h", port=1))

    for commands in (here, PROCFILE, " ".join(_compose_commands().values())):
        assert needed <= _queues(commands)


def test_one_machine_and_many_run_the_same_processes() -> None:
    local = {part.name for part in processes.parts(host="h", port=1)} - {"bots"}
    procfile = {line.partition(":")[0].partition("-")[0] for line in PROCFILE.splitlines()}
    compose = {name.partition("-")[0] for name in COMPOSE}

    assert local == set(processes.SERVING)
    assert local <= procfile
    assert local <= compose


def test_leaders_keep_a_session_of_their_own() -> None:
    for name in ("clock", "beat", "release"):
        assert "@postgres:" in COMPOSE[name]["environment"]["DATABASE_URL"]
        assert COMPOSE[name]["environment"]["PGBOUNCER"] == "0"
    assert COMPOSE["web"]["environment"]["PGBOUNCER"] == "1"


def test_a_part_is_named_in_the_database() -> None:
    for part in processes.parts(host="h", port=1):
        assert part.environment["PGAPPNAME"] == f"megatron-{part.name}"
