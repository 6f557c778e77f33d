// Text messages as a transport: numbers, peers, and what it says of itself.
import { type Datagram, FormatError } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import { Messenger } from './messenger.ts';
import { smsTransport } from './transport.ts';
import { VirtualNetwork } from './virtual/index.ts';

const [device, server] = ['+14155550125', '+12125550178'] as const;

async function road(parts: 'one' | 'many' = 'one', perHour = 100) {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock });
  const side = async (number: string, from?: string) => {
    const messenger = await Messenger.open({ modem: network.line(number), clock, parts, budget: { perHour } });
    const transport = smsTransport({ messenger, ...(from === undefined ? {} : { from }) });
    const received: Datagram[] = [];
    await transport.open({ receive: (datagram) => received.push(datagram), lost: () => undefined });
    return { transport, received };
  };
  return { clock, device: await side(device, server), server: await side(server) };
}

it('carries datagrams between numbers, and finds the same peer again', async () => {
  const { clock, ...sides } = await road();
  const peer = await sides.device.transport.connect({ via: 'sms', msisdn: server });
  sides.device.transport.send(peer, Uint8Array.of(1));
  await clock.advance(1);
  const [datagram] = sides.server.received;
  expect(datagram?.peer).toMatchObject({ key: `sms:${device}`, address: { via: 'sms', msisdn: device } });
  if (datagram === undefined) return;
  sides.server.transport.send(datagram.peer, Uint8Array.of(2));
  await clock.advance(1);
  expect(sides.device.received[0]?.peer).toBe(peer);
});

it('says that 140 octets fit, or in parts what an hour pays for, up to 34 170, that one waits 62 s, and that CoAP asks once', async () => {
  const { traits } = (await road()).device.transport;
  expect(traits).toMatchObject({ reliable: false, framing: 'rfc7252', mtu: 140 });
  expect(traits.pace).toMatchObject({ ackTimeout: 62_000, maxRetransmit: 0 });
  expect(traits.pace?.handshake).toMatchObject({ retransmitAfter: 20_000, retransmitAtMost: 60_000 });
  expect((await road('many')).device.transport.traits.mtu).toBe(13_400);
  expect((await road('many', 1000)).device.transport.traits.mtu).toBe(34_170);
});

it('connects to numbers only', async () => {
  const { transport } = (await road()).device;
  await expect(transport.connect({ via: 'udp', host: '127.0.0.1', port: 5683 })).rejects.toThrow('udp is not sms');
  await expect(transport.connect({ via: 'sms', msisdn: '1;2' })).rejects.toBeInstanceOf(FormatError);
});

it('opened a second time is refused, and closed hears nothing', async () => {
  const { clock, ...sides } = await road();
  const { transport, received } = sides.server;
  await expect(transport.open({ receive: () => undefined, lost: () => undefined })).rejects.toThrow('opened once');
  await transport[Symbol.asyncDispose]();
  const peer = await sides.device.transport.connect({ via: 'sms', msisdn: server });
  sides.device.transport.send(peer, Uint8Array.of(1));
  await clock.advance(1);
  expect(received).toEqual([]);
});
