"""The web application that readers use: their page, their images and their answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vdes.errors import InputError
from vdes.reading.form import FORMS, form_record
from vdes.reading.frames import digest, read_frame
from vdes.reading.links import PATH, secret_hash
from vdes.reading.plan import IMAGES
from vdes.reading.progress import Frame, Progress
from vdes.reading.store import OutOfTurn, Store

MOST_BYTES = 32 * 1024  # of a request's body; an answer takes about 500
ATTEMPTS, WINDOW = 10, 60.0  # wrong links allowed per address, within this many seconds
REMEMBERED = 10_000  # addresses
PAGE_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
PAGE = "index.html"
TOKEN = "x-vdes-reading"
_ANSWER_ID = re.compile(r"[0-9a-f-]{36}")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

logger = logging.getLogger(__name__)


class Attempts:
    """Wrong links by address: after `ATTEMPTS` of them in `WINDOW` seconds the address has to wait.

    Args:
        clock: seconds.

    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._failed: dict[str, deque[float]] = {}

    def exhausted(self, address: str) -> bool:
        """Tell whether an address has to wait."""
        failed = self._failed.get(address)
        while failed and failed[0] <= self.clock() - WINDOW:
            failed.popleft()
        return bool(failed) and len(failed or ()) >= ATTEMPTS

    def fail(self, address: str) -> None:
        """Count a wrong link."""
        if address not in self._failed and len(self._failed) >= REMEMBERED:
            del self._failed[next(iter(self._failed))]
        self._failed.setdefault(address, deque(maxlen=ATTEMPTS)).append(self.clock())


class Guard:
    """Refuse unknown host names, add the headers of every response, and log without secrets.

    Args:
        app: the application.
        hosts: accepted host names; None accepts any.
        secure: whether readers come by TLS.

    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None, secure: bool) -> None:
        self.app = app
        self.hosts = hosts
        self.headers = _HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        request = Request(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers[name] = value
                self._log(request, message["status"], time.perf_counter() - began)
            await send(message)

        if self.hosts is not None and _hostname(request) not in self.hosts:
            await PlainTextResponse("Unknown host.", 400)(scope, receive, send_guarded)
        else:
            await self.app(scope, receive, send_guarded)

    @staticmethod
    def _log(request: Request, status: int, seconds: float) -> None:
        path = request.url.path
        what = "link" if path.startswith(PATH) else path.split("/")[2] if path.startswith("/api/") else "page"
        if what in ("link", "state", "answer", "image", "page"):  # never a path that a stranger made up
            logger.info("%s %s %d %.1f ms", getattr(request.state, "reader", "-"), what, status, 1000 * seconds)


class ReadingApp:
    """The application of one reader study.

    Args:
        store: of the answers.
        hosts: accepted host names, as a protection against DNS rebinding; None accepts any.
        origin: of the page behind a proxy, such as https://reading.example.org; None takes that of the request.
        secure: whether readers connect by TLS; their cookie then requires it too.
        attempts: the count of wrong links.

    """

    def __init__(
        self,
        store: Store,
        hosts: frozenset[str] | None,
        origin: str | None = None,
        secure: bool = False,
        attempts: Attempts | None = None,
    ) -> None:
        self.store = store
        self.progress = Progress(store)
        self.hosts, self.origin, self.secure = hosts, origin, secure
        self.attempts = attempts or Attempts()
        self.cookie = "__Host-vdes-reading" if secure else "vdes-reading"
        self.page = {
            file.name: (file.read_bytes(), PAGE_TYPES[Path(file.name).suffix])
            for file in resources.files("vdes.reading").joinpath("page").iterdir()
            if Path(file.name).suffix in PAGE_TYPES
        }
        self._seen: set[str] = set()  # images whose content was checked against the plan

    def application(self) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route(PATH + "{secret}", self.enter),
            Route("/reading", self.again),
            Route("/page/{name}", self.asset),
            Route("/api/state", self.state),
            Route("/api/answer", self.answer, methods=["POST"]),
            Route("/api/image/{name}", self.image),
        ]
        return Starlette(
            routes=routes,
            middleware=[Middleware(Guard, hosts=self.hosts, secure=self.secure)],
            exception_handlers={HTTPException: _refused},
        )

    async def enter(self, request: Request) -> Response:
        """Show the page to a reader with a link, and keep its secret in a cookie that scripts cannot read."""
        secret = request.path_params["secret"]
        request.state.reader = self._reader(request, secret)
        response = self._asset(PAGE)
        response.set_cookie(self.cookie, secret, path="/", httponly=True, secure=self.secure, samesite="strict")
        return response

    async def again(self, request: Request) -> Response:
        """Show the page again to a reader who reloads it."""
        self._known(request)
        return self._asset(PAGE)

    async def asset(self, request: Request) -> Response:
        """Send a file of the page; there are no others."""
        name = request.path_params["name"]
        if name not in self.page:
            raise HTTPException(404)
        return self._asset(name)

    async def state(self, request: Request) -> Response:
        """Send the reader's progress, the forms, and the token that an answer must carry."""
        reader, secret = self._known(request)
        state = await run_in_threadpool(self.progress.state, reader)
        forms = {name: form_record(name) for name in FORMS}
        return JSONResponse({**state, "token": _token(secret), "forms": forms})

    async def answer(self, request: Request) -> Response:
        """Store an answer and send the state after it.

        409 with the state if the answer is not to the reader's next task, 422 if it does not fit the form.
        """
        reader, secret = self._known(request)
        self._check_origin(request, secret)
        said = _parsed(await _body(request))
        if self.store.owner(said["task"]) != reader:
            raise HTTPException(404)
        status, content = await run_in_threadpool(self._add, reader, said)
        return JSONResponse(content, status)

    async def image(self, request: Request) -> Response:
        """Send an image of the reader's current or next task: rows x columns little-endian uint16, nothing else."""
        reader, _ = self._known(request)
        frame = await run_in_threadpool(self.progress.frame, reader, request.path_params["name"])
        if frame is None:
            raise HTTPException(404)
        return Response(await run_in_threadpool(self._pixels, frame), media_type="application/octet-stream")

    def _pixels(self, frame: Frame) -> bytes:
        data = read_frame(self.store.folder / IMAGES / frame.file, frame.rows, frame.columns).tobytes()
        if frame.file not in self._seen:
            if digest(data) != frame.sha256:
                logger.error("%s: sha256: the image changed after the plan was frozen", frame.file)
                raise HTTPException(500, "An image of this case has changed since the plan was frozen.")
            self._seen.add(frame.file)
        return data

    def _add(self, reader: str, said: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        status, error = 200, None
        try:
            if self.progress.may_answer(reader, said["task"]):
                self.store.add(said["task"], said["answer"], said["seconds"], said["answer_id"])
            else:
                status, error = 409, "This session is not open yet."
        except OutOfTurn as refused:
            status, error = 409, str(refused)
        except InputError as refused:
            return 422, {"error": str(refused)}
        return status, {**self.progress.state(reader), "error": error}

    def _asset(self, name: str) -> Response:
        content, media_type = self.page[name]
        return Response(content, media_type=media_type)

    def _known(self, request: Request) -> tuple[str, str]:
        """Return the reader and the secret of a request's cookie."""
        secret = request.cookies.get(self.cookie)
        if secret is None:
            raise HTTPException(404)
        request.state.reader = self._reader(request, secret)
        return request.state.reader, secret

    def _reader(self, request: Request, secret: str) -> str:
        """Return the reader of a secret.

        Raises:
            HTTPException: 404 if it belongs to no reader; 429 if the address has tried too many links.
        """
        address = request.client.host if request.client else ""
        known = self.store.links().get(secret_hash(secret))
        # readers with a cookie may continue, whatever others do at the same address
        if self.attempts.exhausted(address) and (known is None or request.cookies.get(self.cookie) != secret):
            raise HTTPException(429, "Too many wrong links. Try again in a minute.", {"Retry-After": f"{WINDOW:.0f}"})
        if known is None:
            self.attempts.fail(address)
            raise HTTPException(404)
        return known

    def _check_origin(self, request: Request, secret: str) -> None:
        """Refuse a request that another site made the browser send."""
        host = request.headers.get("host", "")
        origin = request.headers.get("origin")
        own = self.origin or f"{'https' if self.secure else 'http'}://{host}"
        if origin is not None and origin != own:
            raise HTTPException(403, "The request comes from another page.")
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise HTTPException(403, "The request comes from another page.")
        if not hmac.compare_digest(request.headers.get(TOKEN, ""), _token(secret)):
            raise HTTPException(403, "The request lacks the page's token.")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise HTTPException(415, "Expected JSON.")


def _hostname(request: Request) -> str | None:
    try:
        return urlsplit("//" + request.headers.get("host", "")).hostname
    except ValueError:
        return None


def _token(secret: str) -> str:
    return hashlib.sha256(f"token {secret}".encode()).hexdigest()[:32]


async def _body(request: Request) -> bytes:
    stated = request.headers.get("content-length", "0")
    if stated.isdigit() and int(stated) > MOST_BYTES:
        raise HTTPException(413, "The request is too large.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413, "The request is too large.")
    return body


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "Expected JSON.") from None
    if not isinstance(said, dict) or set(said) != {"task", "answer_id", "answer", "seconds"}:
        raise HTTPException(400, "Expected task, answer_id, answer and seconds.")
    if not isinstance(said["task"], str) or not isinstance(said["answer_id"], str):
        raise HTTPException(400, "task, answer_id: expected texts.")
    if not _ANSWER_ID.fullmatch(said["answer_id"]):
        raise HTTPException(400, "answer_id: expected a UUID.")
    return said


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = "Not found. Open the personal link that you were sent." if error.status_code == 404 else error.detail
    headers = dict(error.headers or {})
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": words}, error.status_code, headers)
    return PlainTextResponse(words, error.status_code, headers)
