"""Servers on the loopback interface, and programs that use them from processes of their own.

Programs run in processes of their own because a process that has used S3 through tensorflow-io
aborts when it ends as usual: pytest's own would.
"""

import importlib.util
import os
import re
import subprocess
import sys
import textwrap
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}


@pytest.fixture(autouse=True)
def _needs_tensorflow_io():
    if importlib.util.find_spec("tensorflow_io") is None:
        pytest.skip("tensorflow-io is not installed; `make test-io` has it")


@pytest.fixture
def run():
    """`run(*arguments, code="", status=0, **environment)`: the output of a Python process."""

    def run_python(*arguments, code="", status=0, **environment):
        command = [sys.executable, *(["-c", textwrap.dedent(code)] if code else []), *arguments]
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert ended.returncode == status, f"{ended.returncode}: {ended.stdout}\n{ended.stderr}"
        return ended.stdout if status == 0 else ended.stderr

    return run_python


class RangeRequestHandler(SimpleHTTPRequestHandler):
    """Serves the files of a directory whole or by byte ranges, as storage services do."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        self.server.ranges.append(wanted.group() if wanted else None)
        if wanted is None:
            self.send_response(200)
        else:
            first, last = int(wanted[1]), min(int(wanted[2]), len(content) - 1)
            if first >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            content = content[first : last + 1]
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def http_server(tmp_path):
    """A server of `directory`, with its `url` and the `ranges` that were asked for."""
    directory = tmp_path / "www"
    directory.mkdir()
    handler = partial(RangeRequestHandler, directory=directory)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.directory, server.ranges = directory, []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def s3_server():
    """The endpoint of a local S3 server."""
    moto_server = pytest.importorskip("moto.server", reason="moto is not installed")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server):
    """A boto3 client of a server with an empty bucket `videos`."""
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1", **ACCOUNT)
    client.create_bucket(Bucket="videos")
    yield client
    for entry in client.list_objects_v2(Bucket="videos").get("Contents", ()):
        client.delete_object(Bucket="videos", Key=entry["Key"])


@pytest.fixture
def s3_environment(s3_server):
    """The environment in which tensorflow-io finds the local server.

    The scheme of the endpoint decides against TLS; `S3_USE_HTTPS=0` alone does not.
    """
    return {
        **{name.upper(): value for name, value in ACCOUNT.items()},
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "S3_ENDPOINT": s3_server,
    }
