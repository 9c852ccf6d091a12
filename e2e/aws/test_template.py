"""The template as linters see it: what the emulator lacks is looked at here, and nowhere else."""

import subprocess

import places
import pytest


def test_cfn_lint_finds_nothing():
    if not places.CFN_LINT.exists():
        pytest.skip(f"cfn-lint IS NOT INSTALLED at {places.CFN_LINT}: run scripts/test")
    ended = subprocess.run([places.CFN_LINT, places.TEMPLATE], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout


def test_no_statement_allows_anything_on_everything():
    text = places.TEMPLATE.read_text()
    allowed = [line.strip() for line in text.splitlines() if line.strip() in ('Resource: "*"', "Action: \"*\"")]
    assert allowed == []
    assert text.count("FunctionResponseTypes: [ReportBatchItemFailures]") == 2
    assert "cron(* 7-20 * * ? *)" in text and "cron(0 21 * * ? *)" in text
    assert text.count("ScheduleExpressionTimezone: !Ref WindowTimeZone") == 2
