"""An S3-compatible server (moto) with one bucket, and a proxy in front of it that loses connections when told."""

from __future__ import annotations

import importlib
import socket
import threading
from typing import Any

BUCKET = "shards"


class BucketServer:
    """`url` is its endpoint; `requests` lists what was asked for: (method, path)."""

    def __init__(self) -> None:
        server: Any = importlib.import_module("moto.server")
        boto3: Any = importlib.import_module("boto3")
        self._server = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self.port: int = self._server.get_host_and_port()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="me", aws_secret_access_key="mine"
        )
        self.client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=key)

    def close(self) -> None:
        self._server.stop()


class Proxy:
    """To a port of this machine. `cut`: bytes of answers after which each of the next connections is reset.

    `hold`: bytes of an answer after which it stands still; `held` is set then, until `release`. `down`: refuses everything.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.cut: list[int] = []
        self.hold: int | None = None
        self.held = threading.Event()
        self._go = threading.Event()
        self.down = False
        self.connections = 0
        self.requests: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def release(self) -> None:
        self.hold = None
        self._go.set()

    def close(self) -> None:
        self.release()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            if self.down:
                here.close()
                continue
            there = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._forward, args=(here, there), daemon=True).start()
            threading.Thread(target=self._back, args=(there, here), daemon=True).start()

    def _forward(self, here: socket.socket, there: socket.socket) -> None:
        try:
            while data := here.recv(65536):
                self.requests += [line for line in data.decode("latin1").split("\r\n") if line.endswith("HTTP/1.1")]
                there.sendall(data)
        except OSError:
            pass
        there.close()

    def _back(self, there: socket.socket, here: socket.socket) -> None:
        passed = 0
        try:
            while data := there.recv(4096):
                if self.cut and passed + len(data) > self.cut[0]:
                    here.sendall(data[: max(0, self.cut.pop(0) - passed)])
                    break
                if self.hold is not None and passed + len(data) > self.hold:
                    self.held.set()
                    self._go.wait()
                here.sendall(data)
                passed += len(data)
        except OSError:
            pass
        for sock in (here, there):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
