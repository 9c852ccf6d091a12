"""The stack of deploy/aws/template.yaml on the emulator, with parameters for what the emulator lacks."""

import io
import os
import subprocess
import zipfile

import places

NAME = "cameo"
CODE_BUCKET = "cameo-code"
PUBLIC_URL = "https://image.mycelebs.com"
# The emulator has no policies of response headers, alarms of which nobody hears, and reads the bound on side-by-side
# invocations as text.
LACKING = {"WithCloudFront": "no", "WithAlarms": "no", "ResizeConcurrency": "0", "DatasetConcurrency": "0"}


def deploy(emulator, compute, catalog_url=""):
    """Creates the stack; with `functions`, the two of them run the built executable."""
    parameters = LACKING | {"Compute": compute, "PublicUrl": PUBLIC_URL, "Architecture": architecture()}
    if compute == "functions":
        upload_code(emulator)
        parameters |= {"CodeBucket": CODE_BUCKET, "CatalogUrl": catalog_url}
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(
        StackName=NAME,
        TemplateBody=places.TEMPLATE.read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (stack,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack


def architecture():
    return "arm64" if os.uname().machine == "aarch64" else "x86_64"


def upload_code(emulator):
    """Both functions are one executable; on AWS `resize` is built without SQL drivers."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    code = zipped(places.CAMEO_LAMBDA)
    for key in ("cameo/resize.zip", "cameo/dataset.zip"):
        s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=code)


def zipped(executable):
    """A zip file with the executable as `bootstrap`, without what only a debugger reads."""
    stripped = executable.with_suffix(".stripped")
    subprocess.run(["strip", "--strip-debug", "-o", stripped, executable], check=True)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        bootstrap.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(bootstrap, stripped.read_bytes())
    stripped.unlink()
    return content.getvalue()
