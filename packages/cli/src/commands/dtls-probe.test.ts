import { ConfigError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type ProbeFlags, probe } from './dtls-probe.ts';

const flags: ProbeFlags = { pskIdentity: 'a', pskKey: '00', cid: true, ems: true, timeout: '5' };
const quiet = (): void => undefined;

describe('what is to be probed', () => {
  it.each(['127.0.0.1', '127.0.0.1:5684', 'coap://127.0.0.1', 'coaps://[::1:5684'])(
    '%s is refused by the name of the argument, with an example',
    async (uri) => {
      const refused = probe(uri, flags, quiet);
      await expect(refused).rejects.toThrow(ConfigError);
      await expect(refused).rejects.toThrow(/^<uri>: .*coaps:\/\/127\.0\.0\.1:5684/);
    },
  );

  it('with a host that nobody knows is told which', async () => {
    const { outcome, error } = await probe('coaps://no-such-host.invalid', flags, quiet);
    expect([outcome, error?.message]).toEqual(['failed', expect.stringMatching(/no-such-host\.invalid/)]);
  });
});
