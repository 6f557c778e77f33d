// aiocoap as a LwM2M device and as a small LwM2M server: the programs `aiocoap-device.py` and `aiocoap-lwm2m-server.py`.
import { AiocoapProgram } from './aiocoap.ts';
import type {
  DeviceState,
  PeerAnswer,
  PeerDevice,
  PeerLwm2mServer,
  PeerObservation,
  PeerRegistration,
  PeerRequest,
} from './lwm2m-peer.ts';
import { freeUdpPort } from './ports.ts';

async function ask(program: AiocoapProgram, request: PeerRequest): Promise<PeerAnswer> {
  const { code, payload, location } = await program.ask(request);
  return { code: code.slice(0, 4), payload, location };
}

export class AiocoapDevice implements PeerDevice {
  readonly port: number;
  readonly #program: AiocoapProgram;

  private constructor(port: number, program: AiocoapProgram) {
    this.port = port;
    this.#program = program;
  }

  static async start(): Promise<AiocoapDevice> {
    const port = await freeUdpPort();
    return new AiocoapDevice(port, await AiocoapProgram.run('aiocoap device', 'aiocoap-device.py', port));
  }

  ask(request: PeerRequest): Promise<PeerAnswer> {
    return ask(this.#program, request);
  }

  async set(path: string, value: string): Promise<void> {
    await this.#program.command({ do: 'set', path, value });
  }

  async state(): Promise<DeviceState> {
    return (await this.#program.command({ do: 'state' })) as DeviceState;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program.stop();
  }
}

export class AiocoapLwm2mServer implements PeerLwm2mServer {
  readonly port: number;
  readonly #program: AiocoapProgram;

  private constructor(port: number, program: AiocoapProgram) {
    this.port = port;
    this.#program = program;
  }

  static async start(): Promise<AiocoapLwm2mServer> {
    const port = await freeUdpPort();
    const program = await AiocoapProgram.run('aiocoap LwM2M server', 'aiocoap-lwm2m-server.py', port);
    return new AiocoapLwm2mServer(port, program);
  }

  async registrations(): Promise<readonly PeerRegistration[]> {
    const answer = await this.#program.command({ do: 'registrations' });
    return (answer as { registrations: PeerRegistration[] }).registrations;
  }

  ask(request: PeerRequest): Promise<PeerAnswer> {
    return ask(this.#program, request);
  }

  async observe(uri: string): Promise<PeerObservation> {
    const { process } = this.#program;
    let from = process.mark;
    const { id, answer } = await this.#program.observe(uri);
    const told = new RegExp(`^notified ${id} (.*)\n`, 'm');
    return {
      first: { ...answer, code: answer.code.slice(0, 4) },
      next: async () => {
        const match = await process.waitFor(told, { from });
        from += match.index + match[0].length;
        return Buffer.from(match[1] ?? '', 'hex').toString();
      },
      cancel: async () => void (await this.#program.command({ do: 'cancel', of: id })),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program.stop();
  }
}
