// What a hostile or broken centre does on a real connection: lengths that cannot be, PDUs that stay in pieces, floods that nobody answers,
// silence, TLS that is none.
import { createServer, type Server, type Socket } from 'node:net';
import { fromHex } from '@lapwing/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { portOf } from '../duplex.ts';
import { parseNumber } from '../pdu/address.ts';
import { tcpPort } from '../tcp.ts';
import { account, ScriptedCentre, shortMessage } from '../testing/scripted-centre.ts';
import { tlsPort } from '../tls.ts';
import { type SmppCentre, smppCentre } from './centre.ts';
import type { SmppCentreOptions } from './options.ts';
import { encodePdu } from './pdu.ts';

class Scene {
  readonly peer = new ScriptedCentre();
  readonly states: string[] = [];
  readonly sockets: Socket[] = [];
  private readonly waiting = new Set<() => void>();
  received = 0;
  closed = 0;
  private readonly server: Server;

  constructor() {
    this.server = createServer((socket) => {
      this.sockets.push(socket);
      const hear = this.peer.attach(
        (bytes) => void socket.write(bytes),
        () => socket.destroy(),
      );
      socket.on('data', (bytes) => {
        try {
          hear(bytes);
        } catch {
          // What was said no to is not looked at.
        }
        this.tell();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.closed += 1;
        this.tell();
      });
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', () => resolve()));
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async up(options: Partial<SmppCentreOptions> = {}): Promise<SmppCentre> {
    const port = await this.listen();
    const centre = own(smppCentre({ ...account, dial: tcpPort('127.0.0.1', port), ...options }));
    await centre.open({
      receive: () => {
        this.received += 1;
        this.tell();
      },
      report: () => undefined,
      state: (state) => {
        this.states.push(state);
        this.tell();
      },
    });
    return centre;
  }

  /** Asked each time that anything happens. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  }

  tell(): void {
    for (const look of [...this.waiting]) look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }
}

const parts: AsyncDisposable[] = [];
function own<Part extends AsyncDisposable>(part: Part): Part {
  parts.push(part);
  return part;
}
afterEach(async () => {
  for (const part of parts.splice(0).reverse()) await part[Symbol.asyncDispose]();
});

const octets = { coding: 4, elements: [], content: { kind: 'octets', bytes: Uint8Array.of(1) } } as const;

describe('a centre that speaks no SMPP', () => {
  it.each([
    ['a length of 0', '00000000'],
    ['a length of 15', '0000000f80000000'],
    ['a length of 4 GiB', 'ffffffff0000000500000000'],
    ['HTTP', '485454502f312e3120343030'],
  ])('N-02: with %s is said no to and left, and what waits is failed', async (_, hex) => {
    const scene = own(new Scene());
    const centre = await scene.up();
    scene.peer.manners = () => undefined;
    const sent = centre.send(parseNumber('+1'), octets).catch((error: Error) => error);
    await scene.until(() => scene.peer.of('submit_sm').length === 1);
    scene.peer.blurt(fromHex(hex));
    expect(await sent).toMatchObject({ problem: 'unknown' });
    await scene.until(() => scene.closed === 1);
    expect(scene.states).toEqual(['ready', 'down']);
    expect(scene.peer.of('generic_nack')).toMatchObject([{ status: 2 }]);
  });

  it('is told so where TLS is asked of it', async () => {
    const scene = own(new Scene());
    const port = await scene.listen();
    const centre = own(smppCentre({ ...account, dial: tlsPort('127.0.0.1', port) }));
    scene.peer.manners = () => undefined;
    const opened = centre.open({ receive: () => undefined, report: () => undefined, state: () => undefined });
    opened.catch(() => undefined);
    await scene.until(() => scene.sockets.length === 1);
    scene.sockets[0]?.end('no TLS here');
    await expect(opened).rejects.toMatchObject({ code: 'SMS_CENTRE', problem: 'gone' });
  });
});

it('N-02: PDUs in pieces of an octet are heard, and a malformed one takes nothing with it', async () => {
  const scene = own(new Scene());
  const centre = await scene.up();
  const good = encodePdu({ kind: 'deliver_sm', sequence: 5, message: shortMessage(Uint8Array.of(1)) });
  const bad = fromHex('000000180000000500000000000000070001013132333435');
  for (const octet of [...good, ...bad, ...good]) scene.peer.blurt(Uint8Array.of(octet));
  await scene.until(() => scene.peer.of('deliver_sm_resp').length === 3);
  expect(scene.peer.of('deliver_sm_resp')).toMatchObject([{ status: 0 }, { sequence: 7, status: 0x66 }, { status: 0 }]);
  expect(centre.stats()).toMatchObject({ received: 2, malformed: 1 });
});

it('a PDU that is never whole is no sign of life', async () => {
  const scene = own(new Scene());
  await scene.up({ idle: 20, patience: 20 });
  scene.peer.manners = () => undefined;
  scene.peer.blurt(fromHex('00009000'));
  await scene.until(() => scene.states.includes('down'));
  expect(scene.peer.of('enquire_link').length).toBe(1);
});

it('N-19: a centre that asks without end and reads nothing is hung up on', async () => {
  let destroyed: Error | undefined;
  let written = 0;
  const stream = {
    on: () => undefined,
    write: (bytes: Uint8Array) => {
      written += bytes.length;
    },
    get writableLength() {
      return written;
    },
    destroy: (error?: Error) => {
      destroyed = error;
    },
  };
  const port = portOf(stream as never);
  for (let i = 0; i < 100_000 && destroyed === undefined; i += 1)
    port.write(encodePdu({ kind: 'enquire_link_resp', sequence: 1, status: 0 }));
  expect(destroyed).toMatchObject({ code: 'LIMIT' });
  expect(written).toBeLessThan(300 * 1024);
});

it('a flood of messages is taken one by one', async () => {
  const scene = own(new Scene());
  const centre = await scene.up();
  const message = encodePdu({ kind: 'deliver_sm', sequence: 5, message: shortMessage(new Uint8Array(140)) });
  for (let i = 0; i < 20; i += 1) scene.peer.blurt(Buffer.concat(Array(1000).fill(message)));
  await scene.until(() => scene.received === 20_000);
  expect(centre.stats().received).toBe(20_000);
});
