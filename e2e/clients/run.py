"""Runs every check of every client against a server of its own; prints a line each. Exit 1 where one fails.

    python3 e2e/clients/run.py [PART-OF-A-NAME…]
"""

import concurrent.futures
import os
import pathlib
import sys
import tempfile
import traceback

import tools


def main(wanted):
    current = tools.venv("current", None, tools.CURRENT)
    if not os.environ.get("CAMEO_E2E_INSIDE"):
        # boto3 lives in the environment of the clients.
        os.environ["CAMEO_E2E_INSIDE"] = "1"
        os.execv(current / "python", [str(current / "python"), __file__, *wanted])
    from server import Server

    server = Server()
    try:
        return run(server, wanted)
    finally:
        server.close()


def run(server, wanted):
    import checks
    import checks_boto3

    s3 = checks_boto3.client(server)
    had, missing = tools.tools(server)
    for name in missing:
        print(f"SKIPPED {name}: it cannot be had here", flush=True)
    fill_paged(s3)
    named = [(f"{tool.name}: {check.__name__}", tool, check) for tool in had for check in checks.EVERY_TOOL]
    named += [(f"boto3: {check.__name__}", None, check) for check in checks_boto3.ALL]
    failed = 0
    for number, (name, tool, check) in enumerate(named):
        if wanted and not any(part in name for part in wanted):
            continue
        bucket = f"check-{number}"
        s3.create_bucket(Bucket=bucket)
        failed += not passed(name, tool, check, bucket, s3, server)
    print(f"{failed} failed")
    return 1 if failed else 0


def passed(name, tool, check, bucket, s3, server):
    import checks

    with tempfile.TemporaryDirectory() as folder:
        try:
            if tool is None:
                skipped = check(s3, bucket, server)
            else:
                skipped = check(checks.Case(tool, pathlib.Path(folder), bucket, s3))
        except Exception as error:
            print(f"FAIL    {name}: {error}" if isinstance(error, AssertionError) else f"FAIL    {name}\n{traceback.format_exc()}", flush=True)
            return False
    print(f"SKIPPED {name}: {skipped}" if skipped else f"ok      {name}", flush=True)
    return True


def fill_paged(s3):
    s3.create_bucket(Bucket="paged")
    put = lambda number: s3.put_object(Bucket="paged", Key=f"p/{number:04}", Body=b"")
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(put, range(1100)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
