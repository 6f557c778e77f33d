// A server of devices without devices: tests say what happens and hear what was asked.
import { Emitter, nobody } from '@lapwing/kernel';
import { baseOf, type Operation, type Result } from '@lapwing/lwm2m';
import type { Registration, ServerEvents } from '@lapwing/server';
import type { DeviceOptions, DeviceServer } from './gateway.ts';

export function fakeRegistration(name: string, more: Partial<Registration> = {}): Registration {
  const registration = {
    id: `id-${name}`,
    name,
    peer: { key: `udp:${name}`, address: { via: 'udp', host: '192.0.2.1', port: 40_000 }, identity: nobody },
    lifetime: 86_400_000,
    version: '1.0',
    binding: undefined,
    queueMode: false,
    rootPath: '',
    objects: [],
    parameters: new Map([['ep', name]]),
    registeredAt: 0,
    updatedAt: 0,
    attributes: undefined,
    ...more,
  };
  return registration as Registration;
}

export interface Asked {
  readonly name: string;
  readonly operation: Operation;
  readonly options: DeviceOptions;
  readonly answer: (result: Result) => void;
  readonly fail: (error: Error) => void;
}

export class FakeServer implements DeviceServer {
  readonly events = new Emitter<ServerEvents>();
  readonly asked: Asked[] = [];
  private readonly registrations = new Map<string, Registration>();
  private observations = 0;

  registration(name: string): Registration | undefined {
    return this.registrations.get(name);
  }

  perform(name: string, operation: Operation, options: DeviceOptions): Promise<Result> {
    return new Promise((answer, fail) => this.asked.push({ name, operation, options, answer, fail }));
  }

  register(registration: Registration): Registration {
    const replaced = this.registrations.get(registration.name);
    this.registrations.set(registration.name, registration);
    this.events.emit('registered', replaced === undefined ? { registration } : { registration, replaced });
    return registration;
  }

  update(registration: Registration, objects: 'with objects' | 'without objects'): void {
    const previous = this.registrations.get(registration.name) ?? registration;
    this.registrations.set(registration.name, registration);
    this.events.emit('updated', { registration, previous, withObjects: objects === 'with objects' });
  }

  end(name: string, event: 'deregistered' | 'expired'): void {
    const registration = this.registrations.get(name);
    this.registrations.delete(name);
    if (registration !== undefined) this.events.emit(event, { registration });
  }

  notify(asked: Asked, result: ServerEvents['notify']['result']): void {
    this.events.emit('notify', { ...this.observed(asked), result });
  }

  /** The device ends the observation. */
  refuse(asked: Asked, refusal: Extract<Result, { kind: 'refused' }>): void {
    this.events.emit('observation-ended', { observation: this.observed(asked).observation, cause: 'refused', refusal });
  }

  /** A notification that says nothing. */
  babble(asked: Asked, error: Error, sequence: number): void {
    this.events.emit('notify-failed', { ...this.observed(asked), error, sequence });
  }

  private observed({ name, operation, options }: Asked): Pick<ServerEvents['notify'], 'registration' | 'observation'> {
    const registration = this.registrations.get(name);
    if (registration === undefined || (operation.op !== 'observe' && operation.op !== 'observe-composite'))
      throw new Error('nothing observed');
    this.observations += 1;
    const paths = operation.op === 'observe' ? [operation.path] : operation.paths;
    return {
      registration,
      observation: { id: this.observations, name, path: baseOf(operation), paths, tag: options.tag },
    };
  }
}
