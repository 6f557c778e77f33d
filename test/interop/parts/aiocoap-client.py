"""An aiocoap client for the interop tests."""

import asyncio
import sys

import aiocoap
from aiocoap_asking import obey


async def main():
    await obey(await aiocoap.Context.create_client_context(transports=sys.argv[1:] or ["udp6"]))


asyncio.run(main())
