// Text messages in process: what the road to a modem and back adds to a message.
import { inProcess } from './in-process.ts';
import type { Measurement, Plan, Title } from './measurement.ts';

const titles: readonly Title[] = [
  {
    id: 'text-send',
    title: 'Text message, sent',
    how: '89 octets as an Update under DTLS has; messenger, PDU and AT dialogue, to a modem that answers at once.',
  },
  {
    id: 'text-receive',
    title: 'Text message, received',
    how: 'The same size as the modem prints it, to whoever listens to the number.',
  },
];

export async function textMessages(plan: Plan): Promise<Measurement[]> {
  return inProcess('subjects/text-messages', [plan.rounds, plan.scale < 1 ? 0.1 : 0.4], titles);
}
