// One operation on its way to one device: an observe and its end by what is held and what is kept, the others as they are.
import { TimeoutError } from '@lapwing/kernel';
import type { Operation, Result } from '@lapwing/lwm2m';
import type { Underway } from './commands.ts';
import type { Contact } from './contact.ts';
import type { PerformOptions } from './device.ts';
import type { Exchange } from './exchange.ts';
import type { Keeping } from './keeping.ts';
import type { Observations, Wanted } from './observations.ts';
import { beyond } from './obstacle.ts';
import { keyOf } from './wish.ts';

export class Asking {
  private readonly exchange: Exchange;
  private readonly observing: Observations;
  private readonly keeping: Keeping;
  private readonly silent: (contact: Contact) => void;

  /** `silent` is told of a device in queue mode that did not answer. */
  constructor(exchange: Exchange, observing: Observations, keeping: Keeping, silent: (contact: Contact) => void) {
    this.exchange = exchange;
    this.observing = observing;
    this.keeping = keeping;
    this.silent = silent;
  }

  ask(contact: Contact, operation: Operation, options: PerformOptions, command: Underway): Promise<Result> {
    const obstacle = beyond(contact, operation);
    if (obstacle !== undefined) return Promise.reject(obstacle);
    return this.heeded(contact, this.send(contact, operation, options, command));
  }

  /** As `Observations.observeTogether`. */
  askTogether(
    contact: Contact,
    wanted: readonly Wanted[],
    command: Underway,
  ): ReturnType<Observations['observeTogether']> {
    return this.heeded(contact, this.observing.observeTogether(contact, wanted, command));
  }

  private heeded<T>(contact: Contact, answer: Promise<T>): Promise<T> {
    if (!contact.record.queueMode) return answer;
    // No answer means that it sleeps; an answer that makes no sense, or an operation that does not, means nothing.
    return answer.catch((error: unknown) => {
      if (error instanceof TimeoutError) this.silent(contact);
      throw error;
    });
  }

  private send(contact: Contact, operation: Operation, options: PerformOptions, command: Underway): Promise<Result> {
    switch (operation.op) {
      case 'observe':
      case 'observe-composite': {
        const answer = this.observing.observe(contact, operation, this.keeping.tagged(options), command);
        return options.keep === undefined ? answer : this.keeping.wished(contact, operation, options, answer);
      }
      case 'cancel-observe':
      case 'cancel-observe-composite':
        // One that was asked for before it in the queue may have come to be wanted, and be over by now: then nothing is held that would end.
        this.keeping.wishes.forget(contact.registration.name, keyOf(operation));
        return this.observing.cancel(contact, operation, command);
      default:
        return this.exchange.send(contact, operation, command, options);
    }
  }
}
