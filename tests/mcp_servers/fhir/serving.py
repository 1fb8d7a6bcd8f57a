"""An ASGI application on a loopback port, for tests that need real connections."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import uvicorn


@asynccontextmanager
async def served(app: Any, **settings: Any) -> AsyncIterator[str]:
    """The address at which `app` is served until the block ends; `settings` are uvicorn's."""
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1, **settings)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listener])
            yield f"http://127.0.0.1:{port}"
            server.should_exit = True
