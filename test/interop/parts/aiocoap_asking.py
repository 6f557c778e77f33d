"""What our aiocoap programs have in common: commands come as JSON lines, each is answered by `answer ID JSON`.

A program ends when its standard input closes.
"""

import asyncio
import json
import sys

from aiocoap import CON, NON, Code, Message


def request_of(asked):
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
    return request


def described(response, notifications=()):
    return {
        "code": str(response.code),
        "payload": response.payload.hex(),
        "contentFormat": response.opt.content_format,
        "location": "/" + "/".join(response.opt.location_path) if response.opt.location_path else None,
        "notifications": list(notifications),
    }


async def perform(context, asked):
    request = request_of(asked)
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
    return described(response, notifications)


async def obey(context, commands=None):
    """Obeys until the standard input closes. A command with `do` is looked up, any other is a request to send."""
    tasks = set()

    async def answer(asked):
        act = commands[asked["do"]] if "do" in asked else perform
        try:
            said = await asyncio.wait_for(act(context, asked), asked.get("within", 20))
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        print("answer", asked["id"], json.dumps(said), flush=True)

    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.ensure_future(answer(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await context.shutdown()
