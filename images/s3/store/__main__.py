"""Serves buckets named in FTC_S3_BUCKET (commas between) on port 9000, kept in /data, to who has the job's credentials."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

from botocore.session import get_session

DATA = Path(os.environ.get("FTC_S3_DATA", "/data"))
PORT = 9000


def main() -> None:
    # Before moto is loaded: what does not fit into memory goes beside the objects, not into a tmpfs.
    spool = DATA / ".spool"
    spool.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(spool)
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    from .disk import Disk
    from .login import Login

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # A line for every request would drown what matters.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    disk = Disk(DATA)
    count = disk.load([name for name in os.environ.get("FTC_S3_BUCKET", "").split(",") if name])
    credentials = get_session().get_credentials()
    if credentials is None:
        print("no credentials were given: nobody is let in (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or a file)")
    app = Login(credentials, disk.kept(DomainDispatcherApplication(create_backend_app)))
    server = make_server("0.0.0.0", PORT, app, threaded=True)
    print(f"an S3-compatible store listens on port {PORT}; {count} objects from before")
    server.serve_forever()


main()
