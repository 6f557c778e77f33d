import { describe, expect, it } from 'vitest';
import { demoConfig, demoHints, demoName, loopbackOf, splitAddress } from './config.ts';

describe('the demo', () => {
  it('listens on loopback, observes its thermometer, and can be moved by the environment', async () => {
    const { lwm2m, mqtt } = await demoConfig({});
    expect(lwm2m.listeners.map(({ bind }) => bind)).toEqual([{ host: '127.0.0.1', port: 5683 }]);
    expect(mqtt.broker).toMatchObject({ kind: 'embedded', bind: { host: '127.0.0.1', port: 1883 } });
    expect(lwm2m.autoObserve).toEqual({ kind: 'paths', paths: ['/3303/0'] });
    expect((await demoConfig({ LAPWING_MQTT__BIND: '[::1]:1884' })).mqtt.broker).toMatchObject({
      bind: { host: '::1', port: 1884 },
    });
  });

  it('prints commands that name its broker, its device and a request id of their own', () => {
    const lines = demoHints('::1', 1884)
      .split('\n')
      .filter((line) => line.startsWith('  '));
    expect(lines.every((line) => line.includes(' -h ::1 -p 1884 '))).toBe(true);
    const commands = lines.flatMap((line) => /-t 'lwm2m\/(.*)\/dn\/cmd' -m '(\{.*\})'$/.exec(line)?.slice(1) ?? []);
    expect(commands.filter((_, i) => i % 2 === 0)).toEqual(Array(5).fill(demoName));
    const ids = commands.filter((_, i) => i % 2 === 1).map((json) => (JSON.parse(json) as { reqID: number }).reqID);
    expect(ids).toEqual([1, 2, 3, 4, 5]);
  });

  it('finds host and port of its broker, and a way to one that listens everywhere', () => {
    expect(splitAddress('127.0.0.1:1883')).toEqual({ host: '127.0.0.1', port: 1883 });
    expect(splitAddress('[::1]:1883')).toEqual({ host: '::1', port: 1883 });
    expect(splitAddress('0.0.0.0:1')).toEqual({ host: '127.0.0.1', port: 1 });
    expect(loopbackOf('::')).toBe('::1');
  });
});
