"""Runs the gateway subset of ceph/s3-tests against `cameo serve`.

    S3TESTS_DIR=…/s3-tests .cache/python/bin/python e2e/s3-tests/run.py [PYTEST-ARGUMENTS…]

E2E_CAMEO names the command, otherwise target/debug/cameo is run. The suite (commit 8f0ae7b) is not part of this repository: without S3TESTS_DIR this says so and succeeds. Exit 1 where
a test fails that expected_failures.tsv does not name, or where one that it names passes (then it must be taken out).
CAMEO_S3_SUBSET names the list of tests, S3TESTS_PYTHON a Python that has the suite's requirements and no awscrt, which refuses
to sign what three of the tests want to have refused.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]
# For a machine that is shared; the suite's slowest tests take a few seconds on an idle one.
TEST_TIMEOUT_S = 120
KEY, SECRET = "S3TESTSKEY0000000000", "s3tests-secret-00000000000000000000000000"
# The suite lists buckets and expects to see its own alone; its names start like these.
BUCKETS = ["s3t-*", "as3t-*", "0s3t-*", "whatchutalkinboutwillis*"]
# These begin with a bucket of `public-read`. They are run on a server that lets everybody read the suite's buckets, where no bucket can be
# made private; all others on one that lets nobody.
OF_PUBLIC_BUCKETS = {
    "test_object_raw_get",
    "test_object_raw_get_x_amz_expires_not_expired",
    "test_object_raw_get_x_amz_expires_out_max_range",
    "test_object_raw_get_x_amz_expires_out_positive_range",
    "test_object_raw_get_x_amz_expires_out_range_zero",
}
SECTIONS = ["s3 main", "s3 alt", "s3 tenant", "iam", "iam root", "iam alt root"]


def keys():
    grants = "".join(f'[[keys.grants]]\nbucket = "{bucket}"\nprefix = ""\nrights = "all"\n' for bucket in BUCKETS)
    return f'[[keys]]\naccess_key_id = "{KEY}"\nsecret_access_key = "{SECRET}"\n{grants}'


def configuration(host):
    name, port = host.rsplit(":", 1)
    section = (f"display_name = cameo\nuser_id = cameo\nemail = nobody@example.com\napi_name = default\n"
               f"access_key = {KEY}\nsecret_key = {SECRET}\ntenant = t\n")
    return (f"[DEFAULT]\nhost = {name}\nport = {port}\nis_secure = False\nssl_verify = False\n"
            "[fixtures]\nbucket prefix = s3t-{random}-\niam name prefix = s3t-\niam path prefix = /s3t/\n"
            + "".join(f"[{name}]\n{section}" for name in SECTIONS))


def main(arguments):
    suite = os.environ.get("S3TESTS_DIR")
    subset = pathlib.Path(os.environ.get("CAMEO_S3_SUBSET", HERE.parents[2] / "shared" / "s3" / "subset.txt"))
    for name, there in [("S3TESTS_DIR (a checkout of ceph/s3-tests)", suite), (subset, subset.exists())]:
        if not there:
            print(f"SKIPPED s3-tests: {name} is absent")
            return 0
    from server import Server

    tests, outcomes = subset.read_text().splitlines(), {}
    for public_read in ([], BUCKETS[:1]):
        some = [test for test in tests if (test.rsplit("::", 1)[-1] in OF_PUBLIC_BUCKETS) == bool(public_read)]
        with tempfile.TemporaryDirectory(prefix="cameo-s3-tests-") as folder:
            folder = pathlib.Path(folder)
            (folder / "keys.toml").touch(mode=0o600)
            (folder / "keys.toml").write_text(keys())
            (folder / "cameo.toml").write_text(f'[s3]\nkey_file = "{folder / "keys.toml"}"\npublic_read = {json.dumps(public_read)}\n')
            (folder / "subset.txt").write_text("\n".join(some))
            with Server(folder / "data", "--config", folder / "cameo.toml", "--no-worker") as server:
                outcomes |= run(server, pathlib.Path(suite), folder / "subset.txt", arguments)
    return judge(outcomes)


def run(server, suite, subset, arguments):
    python = os.environ.get("S3TESTS_PYTHON", sys.executable)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write(configuration(server.s3_url.removeprefix("http://")))
        conf.flush()
        environment = {**os.environ, "S3TEST_CONF": conf.name, "PYTHONPATH": "."}
        command = [python, "-m", "pytest", "-q", "-rA", "--tb=line", "--timeout", str(TEST_TIMEOUT_S), *arguments, f"@{subset}"]
        done = subprocess.run(command, cwd=suite, env=environment, text=True, stdout=subprocess.PIPE)
    print("\n".join(done.stdout.splitlines()[-40:]))
    return {name: outcome for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", done.stdout, re.M)}


def judge(outcomes):
    expected = dict(line.split("\t") for line in (HERE / "expected_failures.tsv").read_text().splitlines())
    failed = {name for name, outcome in outcomes.items() if outcome != "PASSED"}
    for name in sorted(failed):
        print(f"{'expected' if name in expected else 'FAIL    '} {name}: {expected.get(name, '')}")
    mended = {name for name in expected if outcomes.get(name) == "PASSED"}
    for name in sorted(mended):
        print(f"FAIL     {name} passes: take it out of expected_failures.tsv")
    print(f"{len(outcomes) - len(failed)} of {len(outcomes)} passed")
    return 1 if failed - set(expected) or mended or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
