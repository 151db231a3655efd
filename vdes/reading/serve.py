"""Serve a reader study on this machine."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from vdes.errors import InputError

try:
    import uvicorn
    from starlette.applications import Starlette
except ModuleNotFoundError as missing:
    raise InputError(
        f"reading: {missing.name} is not installed; expected vdes with its extra: pip install 'vdes[reading]'"
    ) from missing

from vdes.reading.app import ReadingApp
from vdes.reading.plan import IMAGES
from vdes.reading.settings import Server
from vdes.reading.store import Store

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def serve(folder: Path, settings: Server, ready: Callable[[str], None] = print) -> None:
    """Serve until interrupted.

    Args:
        folder: of the reader study.
        settings: of the server.
        ready: called with a line that gives the address, as soon as readers can connect.

    Raises:
        InputError: the study cannot be served, or the port or the TLS files cannot be used.
    """
    with Store(folder) as store:
        _check(store)
        config = uvicorn.Config(
            application(settings, store),
            log_level="warning",
            access_log=False,  # paths hold secrets
            server_header=False,
            proxy_headers=settings.behind_proxy is not None,
            forwarded_allow_ips="127.0.0.1,::1",
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
            lifespan="off",
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                f"{settings.tls_certificate}, {settings.tls_key}: cannot be used as certificate and key ({error})"
            ) from error
        logging.getLogger("vdes.reading").setLevel(logging.INFO)
        with _listening(settings.host, settings.port) as listening:
            host, port = listening.getsockname()[:2]
            scheme = "https" if settings.tls_certificate else "http"
            shown = f"[{host}]" if ":" in host else host
            done, total = (
                sum(counts) for counts in zip(*((store.done(r), len(t)) for r, t in store.tasks.items()), strict=True)
            )
            ready(
                f"serving {store.plan['name']!r} at {scheme}://{shown}:{port}"
                + (f", behind {settings.behind_proxy}" if settings.behind_proxy else "")
                + f"; {done} of {total} answers so far. Ctrl-C stops it"
            )
            with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a server ends
                uvicorn.Server(config).run(sockets=[listening])


def application(settings: Server, store: Store) -> Starlette:
    """Return the ASGI application for these settings."""
    hosts: frozenset[str] | None = LOOPBACK_NAMES | {settings.host}
    origin = settings.behind_proxy
    if origin is not None:
        hosts = LOOPBACK_NAMES | {str(urlsplit(origin).hostname)}
    elif settings.tls_certificate is not None:
        hosts = None  # the certificate says which
    return ReadingApp(store, hosts, origin and origin.rstrip("/"), settings.secure).application()


def _check(store: Store) -> None:
    folder = store.folder
    if store.simulated:
        raise InputError(f"{store.file}: holds answers of simulated readers; expected a study for people to read")
    if not store.links():
        raise InputError(f"{store.file}: no reader has a link yet; make them with `vdes reading links {folder}`")
    for case in store.plan["cases"]:
        for view, record in case["views"].items():
            for image in record["images"].values():
                file = folder / IMAGES / image["file"]
                size = file.stat().st_size if file.is_file() else None
                wanted = 2 * record["rows"] * record["columns"]
                if size != wanted:
                    found = "is missing" if size is None else f"has {size} bytes"
                    raise InputError(f"{file}: image of {case['case']} {view}: {found}; expected {wanted} bytes")


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named because asyncio sends small answers at once (TCP_NODELAY) only where it is; else each waits
    # some 40 ms for the browser's acknowledgement of its headers
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port: {port} is in use; stop what uses it or pass another --port") from error
        raise InputError(f"host, port: cannot listen on {host}:{port} ({error.strerror or error})") from error
    return listening
