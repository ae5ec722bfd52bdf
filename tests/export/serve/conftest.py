"""A server on a port of its own, in a thread of the tests' process."""

import contextlib
import http.client
import json
import threading
import time

import pytest

JSON = "application/json"


class Client:
    """Sends single requests to a server, each on a connection of its own."""

    def __init__(self, server):
        self.server = server

    def __call__(self, method, path, body=None, content_type=JSON, **headers):
        """The status, the headers and the body of the answer, which is decoded where it is JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        with contextlib.closing(connection):
            if isinstance(body, dict):
                body = json.dumps(body).encode()
            given = {"Content-Type": content_type} if body is not None else {}
            connection.request(method, path, body, {**given, **headers})
            answer = connection.getresponse()
            content = answer.read()
        is_json = answer.headers["Content-Type"] == JSON
        return answer.status, answer.headers, json.loads(content) if is_json else content.decode()

    def predict(self, body, content_type=JSON, query=""):
        return self("POST", f"/predict{query}", body, content_type)


@contextlib.contextmanager
def running(server):
    """Runs a server until the block ends, or it was asked to stop in it."""
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Client(server)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def serving(tiny_export):
    """`with serving(directory, **flags) as client`: a client of a server that runs."""
    for library in ("onnxruntime", "starlette", "uvicorn"):
        pytest.importorskip(library, reason="needs the extra `serve`")
    from yt8m_models.export.serve.config import ServeConfig
    from yt8m_models.export.serve.server import Server

    def serve(directory=None, **flags):
        return running(Server(ServeConfig(directory or tiny_export(), port=0, **flags)))

    return serve
