"""An aiocoap server on loopback for the interop tests. Ends when its standard input closes.

`aiocoap-server.py PORT TRANSPORTS [FOLDER]`: with a folder of an OSCORE context, requests under it are served beside those in the open.

/small    GET, PUT, POST (appends), DELETE   a few bytes
/large    GET, PUT                           5,000 bytes at first: block-wise both ways
/slow     GET, PUT                           answers after 500 ms, so with a separate response
/counter  GET, observable                    counts up each 100 ms while someone observes
/echo     FETCH, PATCH, iPATCH               gives back the payload and its content format
"""

import asyncio
import sys

import aiocoap
from aiocoap import Code, Message, resource


class Small(resource.Resource):
    content = b"small"

    async def render_get(self, request):
        return Message(payload=self.content)

    async def render_put(self, request):
        self.content = request.payload
        return Message(code=Code.CHANGED)

    async def render_post(self, request):
        self.content += request.payload
        return Message(code=Code.CREATED, location_path=("small", "1"))

    async def render_delete(self, request):
        self.content = b""
        return Message(code=Code.DELETED)


class Large(Small):
    content = bytes(ord("a") + i % 26 for i in range(5000))


class Slow(Small):
    async def render(self, request):
        await asyncio.sleep(0.5)
        return await super().render(request)


class Counter(resource.ObservableResource):
    value = 0
    counting = None

    def update_observation_count(self, observers):
        if observers and self.counting is None:
            self.counting = asyncio.ensure_future(self.count())
        elif not observers and self.counting is not None:
            self.counting.cancel()
            self.counting = None
        print("observers", observers, flush=True)

    async def count(self):
        while True:
            await asyncio.sleep(0.1)
            self.value += 1
            self.updated_state()

    async def render_get(self, request):
        return Message(payload=str(self.value).encode())


class Echo(resource.Resource):
    async def give_back(self, request):
        return Message(
            code=Code.CONTENT if request.code == Code.FETCH else Code.CHANGED,
            payload=request.payload,
            content_format=request.opt.content_format,
        )

    render_fetch = render_patch = render_ipatch = give_back


def protected(site, folder):
    from aiocoap.credentials import CredentialsMap
    from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

    known = CredentialsMap()
    known.load_from_dict({":client": {"oscore": {"basedir": folder}}})
    return OscoreSiteWrapper(site, known)


async def main(port, transports, folder=None):
    site = resource.Site()
    site.add_resource([".well-known", "core"], resource.WKCResource(site.get_resources_as_linkheader))
    for path, handler in ("small", Small), ("large", Large), ("slow", Slow), ("counter", Counter), ("echo", Echo):
        site.add_resource([path], handler())
    if folder is not None:
        site = protected(site, folder)
    names = transports.split(",")
    context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port), transports=names)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await context.shutdown()


asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
