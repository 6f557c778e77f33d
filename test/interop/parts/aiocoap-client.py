"""An aiocoap client for the interop tests."""

import asyncio

import aiocoap
from aiocoap_asking import obey


async def main():
    await obey(await aiocoap.Context.create_client_context(transports=["udp6"]))


asyncio.run(main())
