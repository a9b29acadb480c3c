"""The socket that the API listens on."""

from __future__ import annotations

import asyncio
import socket

from api.__main__ import listen


async def test_an_answer_is_sent_at_once_though_the_one_before_is_not_acknowledged() -> None:
    options: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        options.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
        await writer.wait_closed()

    listener = listen("127.0.0.1", 0)
    async with await asyncio.start_server(answer, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await options
        writer.close()
        await writer.wait_closed()
