"""Where things stand: the command under test, what was handed over with the project, and what scripts/test installed."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = REPOSITORY / ".cache"
CAMEO = Path(os.environ.get("E2E_CAMEO", REPOSITORY / "target" / "debug" / "cameo"))

CAMEO_LAMBDA = CAMEO.with_name("cameo-lambda")
TEMPLATE = REPOSITORY / "deploy" / "aws" / "template.yaml"
MINISTACK = CACHE / "aws" / "bin" / "ministack"
CFN_LINT = CACHE / "aws" / "bin" / "cfn-lint"

PHOTOS = REPOSITORY.parent / "shared" / "photos" / "ssgdfm_eye"
CORPUS = REPOSITORY.parent / "shared" / "corpus"

# What npm installed for the clients for JavaScript.
NODE_MODULES = CACHE / "node" / "node_modules"
# Checks pages for whoever cannot see or use them as others do.
AXE = Path(os.environ.get("E2E_AXE", NODE_MODULES / "axe-core" / "axe.min.js"))
# A certified OpenID provider, which runs on this machine.
OIDC_PROVIDER = NODE_MODULES / "oidc-provider" / "lib" / "index.js"
# Debian's package, beside whatever else is called so on the path.
AWS_CLI_2 = Path("/usr/bin/aws")

AWS_CLIS = {
    "current": CACHE / "python" / "bin" / "aws",
    "1.16.14": CACHE / "aws-cli-1.16.14" / "bin" / "aws",
}


def screenshots():
    """The folder for pictures of pages, for people to look at."""
    folder = CACHE / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
