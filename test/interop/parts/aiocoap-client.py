"""An aiocoap client for the interop tests.

`aiocoap-client.py [URI FOLDER]`: what goes to that server is protected under the OSCORE context of the folder.
"""

import asyncio
import sys

import aiocoap
from aiocoap_asking import obey


async def main(uri=None, folder=None):
    transports = ["udp6"] if uri is None else ["oscore", "udp6"]
    context = await aiocoap.Context.create_client_context(transports=transports)
    if uri is not None:
        context.client_credentials.load_from_dict({f"{uri}/*": {"oscore": {"basedir": folder}}})
    await obey(context)


asyncio.run(main(*sys.argv[1:]))
