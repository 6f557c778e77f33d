"""A LwM2M device on aiocoap, for the interop tests: one socket on loopback serves, registers and reports.

/3/0/0        manufacturer            /3303/0/5700  a float, observable
/3/0/4        reboot (E)              /3303/0/5750  a text (RW)
                                      /3303/0/5605  reset (E)
Texts alone are plain, instances are TLV, and so is a resource where TLV is asked for. Commands beside the requests:

{"do": "set", "path": "/3303/0/5700", "value": "22.5"}
{"do": "state"}    gives the values, the arguments of all executions, and how many observe
"""

import asyncio
import struct
import sys

import aiocoap
from aiocoap import Code, Message, resource
from aiocoap_asking import obey

TEXT, LINKS, TLV = 0, 40, 11542

values = {"/3/0/0": "aiocoap", "/3303/0/5700": "21.5", "/3303/0/5750": "kitchen"}
executables = ["/3/0/4", "/3303/0/5605"]
executed = []
nodes = {}


def tlv_of(path):
    """A resource TLV with an id of 16 bits and a length of 16 bits (Core 1.2.1 §7.4.3)."""
    value = struct.pack(">d", float(values[path])) if path.endswith("/5700") else values[path].encode()
    return struct.pack(">BHH", 0b11_1_10_000, int(path.split("/")[-1]), len(value)) + value


def resources_in(tlv):
    while tlv:
        head, at = tlv[0], 1
        id_size, length_size = 2 if head & 0x20 else 1, head >> 3 & 3
        number = int.from_bytes(tlv[at : at + id_size], "big")
        at += id_size
        length = int.from_bytes(tlv[at : at + length_size], "big") if length_size else head & 7
        at += length_size
        if head >> 6 != 3:
            raise ValueError("not a resource")
        yield number, tlv[at : at + length]
        tlv = tlv[at + length :]


def change(path, value):
    values[path] = value
    for other, node in nodes.items():
        if path == other or path.startswith(other + "/"):
            node.updated_state()


class Node(resource.ObservableResource):
    def __init__(self, path):
        super().__init__()
        self.path = path

    async def render_get(self, request):
        if request.opt.accept == LINKS:
            below = [path for path in nodes if path == self.path or path.startswith(self.path + "/")]
            return Message(payload=",".join(f"<{path}>" for path in below).encode(), content_format=LINKS)
        if self.path in executables:
            return Message(code=Code.METHOD_NOT_ALLOWED)
        if self.path in values and request.opt.accept != TLV:
            return Message(payload=values[self.path].encode(), content_format=TEXT)
        content = b"".join(tlv_of(path) for path in values if path == self.path or path.startswith(self.path + "/"))
        return Message(payload=content, content_format=TLV)

    async def render_put(self, request):
        if self.path not in values or request.opt.content_format != TEXT:
            return Message(code=Code.METHOD_NOT_ALLOWED)
        change(self.path, request.payload.decode())
        return Message(code=Code.CHANGED)

    async def render_post(self, request):
        if self.path in executables:
            executed.append(request.payload.decode())
        elif request.opt.content_format == TLV and self.path not in values:
            for number, value in resources_in(request.payload):
                change(f"{self.path}/{number}", value.decode())
        else:
            return Message(code=Code.METHOD_NOT_ALLOWED)
        return Message(code=Code.CHANGED)


async def set_value(context, asked):
    change(asked["path"], asked["value"])
    return {}


async def state(context, asked):
    observers = sum(len(node._observations) for node in nodes.values())
    return {"values": values, "executed": executed, "observers": observers}


async def main(port):
    site = resource.Site()
    for path in ["/3/0", "/3303/0", *values, *executables]:
        nodes[path] = Node(path)
        site.add_resource(path[1:].split("/"), nodes[path])
    context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port), transports=["udp6"])
    await obey(context, {"set": set_value, "state": state})


asyncio.run(main(int(sys.argv[1])))
