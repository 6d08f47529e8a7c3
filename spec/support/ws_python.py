"""Drives a server with Debian's python3-websockets.

    python3 ws_python.py VERB URL [ARGUMENT ...]

Each verb prints JSON, one object a line; ws_node.js has the same ones.
"""
import asyncio
import json
import os
import sys

import websockets

MIB = 1 << 20
SIZES = [0, 1, 125, 126, 65535, 65536, MIB, 32 * MIB]


def tell(**fields):
    print(json.dumps(fields), flush=True)


def connect(url, compression="deflate", **options):
    return websockets.connect(url, compression=compression, max_size=None,
                              ping_interval=None, **options)


def pattern(size, is_binary):
    """A message of `size` bytes, no two neighbours of which are alike."""
    if is_binary:
        return (bytes(range(251)) * (size // 251 + 1))[:size]
    return ("0123456789\n" * (size // 11 + 1))[:size]


def pieces(message, size):
    return [message[i:i + size] for i in range(0, len(message), size)]


async def same(ws, message, to_send):
    await ws.send(to_send)
    return await ws.recv() == message


async def echo(url, compression):
    """Messages of every size of head, whole and in fragments."""
    packed = None if compression == "plain" else "deflate"
    async with connect(url, packed) as ws:
        tell(extensions=[e.name for e in ws.extensions])
        for is_binary in (False, True):
            kind = "binary" if is_binary else "text"
            for size in SIZES:
                message = pattern(size, is_binary)
                tell(kind=kind, size=size,
                     same=await same(ws, message, message))
            for size, piece in ((1000, 1), (200000, 1000), (MIB, 65536)):
                message = pattern(size, is_binary)
                tell(kind=kind, size=size, piece=piece,
                     same=await same(ws, message, pieces(message, piece)))


async def ended(ws):
    """How the other side ended it; what still comes is dropped."""
    try:
        while True:
            await ws.recv()
    except websockets.ConnectionClosed:
        tell(code=ws.close_code, reason=ws.close_reason)


async def above(url, size):
    """One byte more than is allowed."""
    async with connect(url) as ws:
        try:
            await ws.send(bytes(int(size)))
        except websockets.ConnectionClosed:
            pass
        await ended(ws)


async def ping(url, ms):
    """Ping, and be pinged for a while."""
    async with connect(url) as ws:
        await (await ws.ping(b"are you there"))
        await asyncio.sleep(int(ms) / 1000)
        tell(same=await same(ws, "still", "still"))


async def close(url, *cases):
    """From here, with each of these codes and reasons, a room for each."""
    for i, (code, reason) in enumerate(zip(cases[::2], cases[1::2])):
        ws = await connect(url + str(i))
        if code == "none":
            await ws.write_close_frame(websockets.frames.Close(1005, ""), b"")
            await ws.wait_closed()
        else:
            await ws.close(int(code), reason)
        tell(code=ws.close_code, reason=ws.close_reason)


async def closed(url, *messages):
    """From there, asked by each of these messages."""
    for i, message in enumerate(messages):
        async with connect(url + str(i)) as ws:
            await ws.send(message)
            await ended(ws)


async def protocol(url, *offered):
    async with connect(url, subprotocols=offered) as ws:
        tell(protocol=ws.subprotocol or "")


async def many(url, count):
    """All at once: each gets its echo, then what one says to all."""
    sockets = await asyncio.gather(*(connect(url) for _ in range(int(count))))
    echoes = await asyncio.gather(*(
        same(ws, str(i), str(i)) for i, ws in enumerate(sockets)))
    await sockets[0].send("all hello")
    heard = await asyncio.gather(*(ws.recv() for ws in sockets))
    tell(echoes=echoes.count(True), heard=heard.count("hello"))
    await asyncio.gather(*(ws.close() for ws in sockets))


async def hold(url, count):
    """Stay until the other side ends it."""
    sockets = await asyncio.gather(*(connect(url) for _ in range(int(count))))
    for ws in sockets:
        await same(ws, "hi", "hi")
    tell(pid=os.getpid())
    await asyncio.gather(*(ws.wait_closed() for ws in sockets))
    codes = {}
    for ws in sockets:
        codes[str(ws.close_code)] = codes.get(str(ws.close_code), 0) + 1
    tell(codes=codes)


async def count_until_closed(ws, last):
    try:
        while True:
            await ws.send("add")
            last = int(await ws.recv())
            await asyncio.sleep(0.01)
    except websockets.ConnectionClosed:
        return last


async def come_back(url):
    while True:
        try:
            return await connect(url)
        except (OSError, websockets.InvalidMessage,
                websockets.ConnectionClosed):
            await asyncio.sleep(0.02)


async def counter(url, started):
    ws = await connect(url)
    await ws.send("add")
    last = int(await ws.recv())
    started.append(url)
    last = await count_until_closed(ws, last)
    ws = await come_back(url)
    await ws.send("add")
    after = int(await ws.recv())
    await ws.close()
    return {"before": last, "after": after}


async def persist(url, count):
    """Count until the server is gone, and go on once it is back."""
    started, count = [], int(count)
    tasks = [asyncio.ensure_future(counter(url + str(i), started))
             for i in range(count)]
    while len(started) < count:
        await asyncio.sleep(0.005)
    tell(pid=os.getpid())
    for task in tasks:
        tell(**await task)


asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
