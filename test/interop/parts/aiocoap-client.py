"""An aiocoap client for the interop tests.

`aiocoap-client.py TRANSPORTS [URI FOLDER]`: what goes to that server is protected under the OSCORE context of the folder.
"""

import asyncio
import sys

import aiocoap
from aiocoap_asking import obey


async def main(transports, uri=None, folder=None):
    names = transports.split(",")
    context = await aiocoap.Context.create_client_context(transports=names if uri is None else ["oscore", *names])
    if uri is not None:
        context.client_credentials.load_from_dict({f"{uri}/*": {"oscore": {"basedir": folder}}})
    await obey(context)


asyncio.run(main(*sys.argv[1:]))
