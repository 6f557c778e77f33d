// What happens in bootstraps → messages on MQTT, log lines and counters. Values that were written are in none of them.
import { formatCode } from '@lapwing/coap';
import { type Events, formatAddress } from '@lapwing/kernel';
import { formatPath } from '@lapwing/lwm2m';
import type { BootstrapEvents, BootstrapSession, StepOutcome } from '@lapwing/server';
import { codeName, profiles } from '../compat.ts';
import { formatReport } from '../content.ts';
import { type Log, printable } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { OutMessage } from '../outbox.ts';
import type { BootstrapConfig } from './config.ts';

export interface TellingOptions {
  readonly events: Events<BootstrapEvents>;
  readonly event: BootstrapConfig['event'];
  readonly publish: (message: OutMessage) => void;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Longest text of a device or a store in a message, in characters. */
const maxText = 512;

export function tellBootstraps({ events, event, publish, log, metrics }: TellingOptions): Disposable {
  const tell = (session: BootstrapSession, kind: string, more = ''): void =>
    publish({ ...event, payload: formatSession(session, kind, more), rank: 'notification' });
  const subscriptions = [
    events.on('started', ({ session }) => {
      metrics.add('bootstrap.started');
      tell(session, 'started', `,"plan":${JSON.stringify(session.plan)},"kind":"${session.kind}"`);
    }),
    events.on('step', ({ session, step, path, outcome }) =>
      tell(session, 'step', `,"step":"${step}","path":${JSON.stringify(path)}${formatOutcome(outcome)}`),
    ),
    events.on('finished', ({ session }) => {
      metrics.add('bootstrap.finished');
      log.info('bootstrapped', { endpoint: session.name, plan: session.plan, kind: session.kind });
      tell(session, 'finished');
    }),
    events.on('failed', ({ session, reason, error }) => {
      metrics.add('bootstrap.failed');
      const why = error?.message;
      log.warn('bootstrap failed', { endpoint: session.name, plan: session.plan, reason, why });
      tell(session, 'failed', `,"reason":"${reason}"${why === undefined ? '' : `,"message":${textOf(why)}`}`);
    }),
    // Not on MQTT: whoever may send a datagram could fill the broker.
    events.on('refused', ({ name, peer, listener, reason }) => {
      metrics.add('bootstrap.refused');
      log.warn('bootstrap refused', { endpoint: name, peer: formatAddress(peer.address), listener, reason });
    }),
  ];
  return {
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

function formatSession({ name, id }: BootstrapSession, event: string, more: string): string {
  return `{"msgType":"bootstrap","data":{"ep":${JSON.stringify(name)},"session":${id},"event":"${event}"${more}}}`;
}

function formatOutcome(outcome: StepOutcome): string {
  switch (outcome.kind) {
    case 'done':
      return '';
    case 'links':
      return `,"content":${JSON.stringify(outcome.links.places.map(({ path }) => formatPath(path)))}`;
    case 'content':
      return `,"content":${formatReport(outcome.entries, profiles.native)}`;
    case 'refused': {
      const { code, reason } = outcome;
      const said = reason === undefined ? '' : `,"reason":${textOf(reason)}`;
      return `,"code":"${formatCode(code)}","codeMsg":"${codeName(code)}"${said}`;
    }
  }
}

const textOf = (text: string): string => JSON.stringify(printable(text, maxText));
