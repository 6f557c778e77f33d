"""A small LwM2M server on aiocoap, for the interop tests: registrations at /rd, requests to devices from the same port.

Commands beside the requests:

{"do": "registrations"}              all that there have been, with the number of their updates and whether they are over
{"do": "observe", "uri": "coap://…"}   answers with the first state, then prints `notified ID HEX` for each notification
{"do": "cancel", "of": ID}
"""

import asyncio
import sys

import aiocoap
from aiocoap import Code, Message, resource
from aiocoap_asking import described, obey, request_of

registrations = []
observations = {}


class Registered(resource.Resource):
    def __init__(self, record, forget):
        super().__init__()
        self.record = record
        self.forget = forget

    async def render_post(self, request):
        self.record["updates"] += 1
        if request.payload:
            self.record["objects"] = request.payload.decode()
        return Message(code=Code.CHANGED)

    async def render_delete(self, request):
        self.record["over"] = True
        self.forget()
        return Message(code=Code.DELETED)


class Directory(resource.Resource):
    def __init__(self, site):
        super().__init__()
        self.site = site

    async def render_post(self, request):
        location = ["rd", str(len(registrations))]
        record = {
            "uri": request.remote.uri,
            "query": dict(part.partition("=")[::2] for part in request.opt.uri_query),
            "objects": request.payload.decode(),
            "updates": 0,
            "over": False,
        }
        registrations.append(record)
        self.site.add_resource(location, Registered(record, lambda: self.site.remove_resource(location)))
        return Message(code=Code.CREATED, location_path=location)


async def listed(context, asked):
    return {"registrations": registrations}


async def observe(context, asked):
    request = request_of(asked)
    request.opt.observe = 0
    pending = context.request(request)
    response = await pending.response
    observations[asked["id"]] = pending.observation
    pending.observation.register_callback(
        lambda notification: print("notified", asked["id"], notification.payload.hex(), flush=True)
    )
    return described(response)


async def cancel(context, asked):
    observations.pop(asked["of"]).cancel()
    return {}


async def main(port):
    site = resource.Site()
    site.add_resource(["rd"], Directory(site))
    context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port), transports=["udp6"])
    await obey(context, {"registrations": listed, "observe": observe, "cancel": cancel})


asyncio.run(main(int(sys.argv[1])))
