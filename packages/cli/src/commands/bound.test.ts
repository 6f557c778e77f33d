import { expect, it } from 'vitest';
import { demoConfig } from '../demo/config.ts';
import { type BindFailure, bindProblem } from './bound.ts';

const config = await demoConfig({ LAPWING_GATEWAY__LWM2M__LISTENERS__UDP__DEFAULT__BIND: '[::1]:5700' });
const said = (failure: BindFailure) => bindProblem(failure, config)?.problems;

it('an address that is taken is told with the key that changes it, and how that is written in the environment', () => {
  expect(said({ code: 'EADDRINUSE', address: '127.0.0.1', port: 1883 })).toEqual([
    '127.0.0.1:1883 is in use: stop what listens there, or set mqtt.bind to another (LAPWING_MQTT__BIND=127.0.0.1:1884)',
  ]);
  expect(said({ code: 'EADDRINUSE', address: '::1', port: 5700 })?.join()).toContain(
    '[::1]:5700 is in use: stop what listens there, or set gateway.lwm2m.listeners.udp.default.bind to another ' +
      '(LAPWING_GATEWAY__LWM2M__LISTENERS__UDP__DEFAULT__BIND=[::1]:5701)',
  );
});

it('a listener of the bootstrap server is told by its key too', async () => {
  const more = await demoConfig({ LAPWING_BOOTSTRAP__LISTENERS__DTLS__MAIN__BIND: '127.0.0.1:5784' });
  expect(bindProblem({ code: 'EADDRINUSE', address: '127.0.0.1', port: 5784 }, more)?.problems.join()).toContain(
    'set bootstrap.listeners.dtls.main.bind to another (LAPWING_BOOTSTRAP__LISTENERS__DTLS__MAIN__BIND=127.0.0.1:5785)',
  );
});

it('what the advice of the demo says works', async () => {
  const moved = await demoConfig({ LAPWING_MQTT__BIND: '127.0.0.1:1884' });
  expect(moved.mqtt.broker).toMatchObject({ bind: { host: '127.0.0.1', port: 1884 } });
});

it('other reasons are told too, and what is none of an address is left to others', () => {
  expect(said({ code: 'EADDRNOTAVAIL', address: '192.0.2.1', port: 9 })).toEqual([
    '192.0.2.1:9 is no address of this machine (EADDRNOTAVAIL): configure another address',
  ]);
  expect(said({ code: 'EACCES', address: '127.0.0.1', port: 80 })?.join()).toContain('take a port above 1023');
  expect(said({ code: 'ENOENT' })).toBeUndefined();
});
