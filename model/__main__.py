"""`python -m model serve`: the container's process. SageMaker starts it with the word `serve`, which may be left out."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time

import uvicorn
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from model.errors import ModelError
from model.handler import model_fn
from model.profiles import require_available
from model.server import Server
from model.settings import Settings, read_settings


def log_as_json() -> None:
    """Write log lines as JSON to standard error, their time in UTC, like every other process: the archive holds none of their code."""
    formatter = JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%SZ",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        static_fields={"process": "model"},
        reserved_attrs=[*RESERVED_ATTRS, "color_message"],
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, then let the videos in work end; 1 when the models cannot be loaded."""
    # uvicorn raises the signal again when it has drained; the process must then end by itself, with 0.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)

    def stop() -> None:
        server.should_exit = True

    app = Server(settings, lambda: model_fn(str(settings.weights_folder)), stop)
    drain = round(settings.drain_seconds)
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=drain, lifespan="on"
    )
    server = uvicorn.Server(config)
    server.run()
    if isinstance(app.load_error, ModelError):
        print(f"{app.load_error.code}: {app.load_error}", file=sys.stderr)
        return 1
    if app.load_error is not None:
        raise app.load_error
    return 0


def main() -> int:
    """Read the settings and serve; 2 when they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m model", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("serve",), default="serve")
    parser.parse_args()
    try:
        settings, _ = read_settings(os.environ)
        require_available(settings.profile)
    except ModelError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 2
    log_as_json()
    return serve(settings)


if __name__ == "__main__":
    sys.exit(main())
