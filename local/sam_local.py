"""`make sam-local`: every file of events/ through `sam local invoke`, in the container image of Lambda.

Needs a container engine (Docker, or podman with its socket in DOCKER_HOST); says so where there is none. AWS is
moto on this machine, empty: no connection is set up, so a poll answers `no_such_connection`. What this shows is that
the built functions start and answer in Lambda's own image; what they do is shown by `make test`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ANSWERED = ("statusCode", "batchItemFailures", "no_such_connection", "{}")
ENGINES = ("docker", "podman")
HELP = """\
No container engine answers, so nothing was run. `sam local` needs Docker, or podman with its socket in DOCKER_HOST:
    podman system service --time=0 unix:///tmp/podman.sock &
    DOCKER_HOST=unix:///tmp/podman.sock make sam-local
`make test` runs the same built functions under AWS's runtime client without containers.
"""


def engine() -> str | None:
    """The container engine that answers; None where there is none."""
    for name in ENGINES:
        if shutil.which(name) and not subprocess.run([name, "info"], capture_output=True).returncode:
            return name
    return None


def run() -> int:
    """0 where every function answered, 1 where one did not, 2 where there is no container engine."""
    if engine() is None:
        sys.stderr.write(HELP)
        return 2
    from moto.server import ThreadedMotoServer

    aws = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    aws.start()
    host, port = aws.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "STACK_NAME": "sam-local",
        "TABLE_NAME": "documents",
        "ARCHIVE_BUCKET": "archive",
    }
    silent = 0
    with tempfile.TemporaryDirectory() as folder:
        variables = Path(folder) / "variables.json"
        variables.write_text(json.dumps({"Parameters": environment}))
        for event in sorted((ROOT / "events").glob("*.json")):
            function = "".join(word.title() for word in event.stem.split("_"))
            done = subprocess.run(
                [
                    *(ROOT / ".venv-sam/bin/sam", "local", "invoke", function, "--event", event),
                    *("--env-vars", variables, "--docker-network", "host"),
                ],
                cwd=ROOT,
                env={**os.environ, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
                | {"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"},
                capture_output=True,
                text=True,
            )
            answer = (done.stdout.strip().splitlines() or [""])[-1]
            answered = any(sign in answer for sign in ANSWERED)
            silent += not answered
            print(f"{'answered' if answered else 'FAILED  '}  {function}")
            if not answered:
                print(done.stderr[-2000:], file=sys.stderr)
    aws.stop()
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(run())
