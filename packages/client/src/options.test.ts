import { ConfigError, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type ClientOptions, settingsOf } from './options.ts';

function problemsOf(options: ClientOptions): readonly string[] {
  try {
    settingsOf(options);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

describe('the options of a client', () => {
  it('have the defaults of the specification', () => {
    const settings = settingsOf({
      name: 'a',
      servers: [{ uri: 'coap://192.0.2.1' }, { uri: 'coap://192.0.2.2:7000' }],
    });
    expect(settings).toMatchObject({
      version: '1.1',
      rootPath: '',
      closeTimeout: seconds(5),
      actionTimeout: seconds(30),
    });
    expect(settings.accounts).toMatchObject([
      { id: 1, lifetime: seconds(86_400), address: { host: '192.0.2.1', port: 5683 }, notifications: 'con' },
      { id: 2, address: { host: '192.0.2.2', port: 7000 } },
    ]);
  });

  it('list every problem at once', () => {
    const problems = problemsOf({
      name: '\n',
      version: '2.0' as '1.0',
      rootPath: 'x',
      servers: [
        { uri: 'coap://h', id: 70_000, lifetime: 1 },
        { uri: '__proto__://h', defaultMinimumPeriod: -1, defaultMaximumPeriod: 0 },
        { uri: 'no uri', retry: { retryCount: 0, retryTimer: 0, sequenceCount: 0, sequenceDelay: 0, spread: 2 } },
        { uri: 'coap://h', lifetime: 2 ** 50 },
      ],
      parameters: { ep: 'x', 'a=b': '', long: 'x'.repeat(300) },
      actionTimeout: 0,
      closeTimeout: -1,
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'name',
      'version',
      'rootPath',
      'servers[0].id',
      'servers[0].lifetime',
      'servers[1].defaultMinimumPeriod',
      'servers[1].defaultMaximumPeriod',
      'servers[1].uri',
      'servers[2].retry.retryCount',
      'servers[2].retry.sequenceCount',
      'servers[2].retry.retryTimer',
      'servers[2].retry.sequenceDelay',
      'servers[2].retry.spread',
      'servers[2].uri',
      'servers[3].lifetime',
      'parameters',
      'parameters',
      'parameters.long',
      'actionTimeout',
      'closeTimeout',
    ]);
    expect(problemsOf({ name: 'a', servers: [] })).toEqual(['servers: none given']);
    const twice = [
      { uri: 'coap://h', id: 5 },
      { uri: 'coap://h', id: 5 },
    ];
    expect(problemsOf({ name: 'a', servers: twice })).toEqual(['servers: two have the same id']);
    expect(() => settingsOf({ name: 'a', servers: [] })).toThrow(ConfigError);
  });

  it('have a number of 15 digits at most, as E.164 has', () => {
    const servers = [{ uri: 'coap://h' }];
    expect(problemsOf({ name: 'a', servers, smsNumber: '+123456789012345' })).toEqual([]);
    const problem = 'smsNumber: not 1 to 15 digits (E.164), with or without +';
    expect(problemsOf({ name: 'a', servers, smsNumber: '1234567890123456' })).toEqual([problem]);
    const road = () => Promise.reject(new Error('never opened')) as never;
    const [tooLong] = problemsOf({
      name: 'a',
      servers: [{ uri: 'tel:+1234567890123456' }],
      sms: { msisdn: '14155550125', road },
    });
    expect(tooLong).toMatch(/^servers\[0\]\.uri: tel URI with a number of 16 digits, where E\.164 has 15 at most/);
  });

  it('may name a bootstrap server instead of servers', () => {
    const bootstrap = { uri: 'coap://192.0.2.9:5783' };
    expect(settingsOf({ name: 'a', bootstrap })).toMatchObject({
      accounts: [],
      bootstrap: { holdOff: 0, accountTimeout: 0 },
      provisioning: { pack: false, keysInClear: 'refuse', downgrade: 'refuse', terms: { patience: seconds(247) } },
      provisioned: { queueMode: false, notifications: 'con' },
    });
    expect(settingsOf({ name: 'a', version: '1.2', bootstrap }).provisioning.pack).toBe(true);
    const terms = { patience: 0, firstWait: 0, longestWait: 0, spread: 2 };
    const problems = problemsOf({
      name: 'a',
      bootstrap: {
        uri: 'coaps://h',
        holdOff: -1,
        accountTimeout: 2 ** 50,
        pack: true,
        terms,
        accounts: { retry: { retryCount: 0 } },
      },
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'bootstrap.holdOff',
      'bootstrap.accountTimeout',
      'bootstrap.credentials',
      'bootstrap.terms.patience',
      'bootstrap.terms.firstWait',
      'bootstrap.terms.longestWait',
      'bootstrap.terms.spread',
      'bootstrap.pack',
      'bootstrap.accounts.retry.retryCount',
    ]);
  });
});
