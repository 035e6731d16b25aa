"""Serving the page: to this machine alone unless told otherwise, and without a word to any other.

Gradio's own `launch` is left out: it looks for proxies, can open tunnels, and asks servers on the way.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sottovoce.errors import MissingExtra, SottovoceError
from sottovoce.page.hearing import MIB, Listening
from sottovoce.use.answering import Model

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self' data: blob:",
        "object-src 'none'",
        "frame-ancestors 'self'",
    )
)
"""What a browser may fetch for this page: what this server gives. (Content Security Policy, W3C.)"""


def serve(
    model: Model,
    name: str,
    card: str,
    listening: Listening,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    at_once: int = 1,
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until interrupted.

    Args:
        model: that listens.
        name: its name.
        card: its card, in Markdown.
        listening: how, and with which limits.
        host: address to listen on.
        port: 0 for any that is free.
        at_once: recordings that are listened to at the same time.
        on_ready: called with the page's address before the first request is answered.

    Raises:
        MissingExtra: Gradio is not installed.
        SottovoceError: the address cannot be had.
    """
    with _bound(host, port) as at, tempfile.TemporaryDirectory(prefix="sottovoce-page-") as folder:
        app = application(model, name, card, listening, at_once, Path(folder))
        import uvicorn

        on_ready(f"http://{f'[{host}]' if ':' in host else host}:{at.getsockname()[1]}")
        uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)).run(sockets=[at])


def application(model: Model, name: str, card: str, listening: Listening, at_once: int, folder: Path) -> FastAPI:
    """The page as an application for any ASGI server; `folder` is where uploads lie.

    Raises:
        MissingExtra: Gradio is not installed.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    try:
        import gradio as gr
        from fastapi import FastAPI
        from gradio.themes import Default
    except ModuleNotFoundError as problem:
        raise MissingExtra("the page", "page") from problem
    from sottovoce.page.blocks import STYLE, build

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(_KeepInside)
    return gr.mount_gradio_app(
        app,
        build(model, name, card, listening, at_once, folder),
        path="/",
        theme=Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css=STYLE,
        max_file_size=listening.largest_mb * MIB,
        show_error=False,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
    )


class _KeepInside:
    """Tells browsers with every answer what the page may fetch.

    Plain ASGI: FastAPI's own kind of middleware stands between the server and streams, and complains when a page is
    still open as the server ends.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = {"content-security-policy": POLICY, "referrer-policy": "no-referrer"}
                headers = [(name, value) for name, value in message.get("headers", ()) if name.decode() not in told]
                message["headers"] = [*headers, *((name.encode(), value.encode()) for name, value in told.items())]
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as problem:
        raise SottovoceError(
            f"{host}:{port} cannot be had ({problem}): another program may have it. Choose another with --port"
        ) from problem
