"""An aiocoap client for the interop tests: reads requests as JSON lines, prints `answer ID JSON` for each.

Ends when its standard input closes.
"""

import asyncio
import json
import sys

import aiocoap
from aiocoap import CON, NON, Code, Message


async def perform(context, asked):
    request = Message(
        code=getattr(Code, asked.get("method", "GET")),
        uri=asked["uri"],
        payload=asked.get("payload", "").encode(),
    )
    request.mtype = NON if asked.get("non") else CON
    if "contentFormat" in asked:
        request.opt.content_format = asked["contentFormat"]
    if "accept" in asked:
        request.opt.accept = asked["accept"]
    wanted = asked.get("observe")
    if wanted:
        request.opt.observe = 0
    pending = context.request(request)
    response = await pending.response
    notifications = []
    if wanted:
        notifications.append(response.payload.hex())
        if wanted > 1:
            async for notification in pending.observation:
                notifications.append(notification.payload.hex())
                if len(notifications) >= wanted:
                    break
        pending.observation.cancel()
    return {
        "code": str(response.code),
        "payload": response.payload.hex(),
        "contentFormat": response.opt.content_format,
        "location": "/" + "/".join(response.opt.location_path) if response.opt.location_path else None,
        "notifications": notifications,
    }


async def answer(context, line):
    asked = json.loads(line)
    try:
        said = await asyncio.wait_for(perform(context, asked), asked.get("within", 20))
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print("answer", asked["id"], json.dumps(said), flush=True)


async def main():
    context = await aiocoap.Context.create_client_context(transports=["udp6"])
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    tasks = set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.ensure_future(answer(context, line))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await context.shutdown()


asyncio.run(main())
