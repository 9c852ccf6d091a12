"""Whatever is asked of the API, no answer is a fault of the server, and none is undocumented: schemathesis, by the API's own document."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from server import cameo

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
]
# Requests of each operation and phase. Longer by hand: --max-examples 1000.
EXAMPLES = 40
SEED = 20261126
RUN_S = 900
# Operations that there are at least, but for the one that is tried apart.
OPERATIONS = 24


def operations_tested(ended):
    """How many operations were asked."""
    return int(re.search(r"Tested: (\d+)", ended.stdout)[1])


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_no_request_makes_the_server_fail_or_answer_what_is_not_documented(server, tmp_path, role):
    made = cameo("token", "create", "--name", "fuzz", "--role", role, "--data", server.data, cwd=tmp_path)
    secret = made.lines[0]["token"]
    server.put("1_0.jpg", b"no photo")
    server.wait_until_quiet()
    command = [
        SCHEMATHESIS, "run", f"{server.console_url}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {secret}",
        "--checks", ",".join(CHECKS),
        "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-deterministic",
        "--phases", "examples,coverage,fuzzing",
        # Otherwise it would revoke its own token.
        "--exclude-operation-id", "revoke_token",
        # A stream that lasts for minutes; tests/it/api/console.rs reads it.
        "--exclude-operation-id", "listen",
        "--no-shrink", "--warnings", "off",
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=RUN_S)
    assert ended.returncode == 0 and operations_tested(ended) >= OPERATIONS, ended.stdout[-8000:] + ended.stderr[-2000:]


def test_tokens_that_do_not_exist_are_revoked_with_404(server, tmp_path):
    command = [
        SCHEMATHESIS, "run", f"{server.console_url}/api/v1/openapi.json",
        "--header", "x-cameo-client: fuzz",
        "--checks", ",".join(CHECKS),
        "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-deterministic",
        "--phases", "coverage,fuzzing", "--include-operation-id", "revoke_token",
        "--no-shrink", "--warnings", "off",
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=RUN_S)
    assert ended.returncode == 0 and operations_tested(ended) == 1, ended.stdout[-8000:] + ended.stderr[-2000:]
