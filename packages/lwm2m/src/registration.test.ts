import { Code } from '@lapwing/coap';
import { days, FormatError, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import {
  formatRegister,
  formatUpdate,
  parseRegister,
  parseUpdate,
  type Registering,
  type RegistrationProblem,
} from './registration.ts';

function registering(...query: string[]): Registering {
  const parsed = parseRegister(query);
  if (parsed.kind === 'problem') throw new Error(parsed.reason);
  return parsed;
}

function problem(...query: string[]): Pick<RegistrationProblem, 'subject' | 'fault' | 'code'> {
  const parsed = parseRegister(query);
  if (parsed.kind !== 'problem') throw new Error('it was taken');
  const { subject, fault, code } = parsed;
  return { subject, fault, code };
}

describe('the query of a Register', () => {
  it('gives the terms, and every parameter in the order sent', () => {
    const parsed = registering('ep=dev-1', 'lt=300', 'lwm2m=1.1', 'b=UT', 'Q', 'sms=+491701234', 'pid=p1', 'imei=35');
    expect(parsed).toMatchObject({
      name: 'dev-1',
      lifetime: seconds(300),
      version: '1.1',
      binding: 'UT',
      queueMode: true,
      smsNumber: '+491701234',
      profileId: 'p1',
    });
    expect([...parsed.parameters]).toEqual([
      ['ep', 'dev-1'],
      ['lt', '300'],
      ['lwm2m', '1.1'],
      ['b', 'UT'],
      ['Q', ''],
      ['sms', '+491701234'],
      ['pid', 'p1'],
      ['imei', '35'],
    ]);
  });

  it('may leave all but the version to the server', () => {
    expect(registering('lwm2m=1.0')).toMatchObject({ name: undefined, lifetime: undefined, binding: undefined });
    expect(registering('lwm2m=1.0').queueMode).toBe(false);
  });

  it('keeps everything behind the first equals sign', () => {
    expect(registering('ep=a=b=c', 'lwm2m=1.0').name).toBe('a=b=c');
  });

  it('takes the last of a parameter that is not ours', () => {
    expect(registering('lwm2m=1.0', 'x=1', 'x=2', '=3', '').parameters).toEqual(
      new Map([
        ['lwm2m', '1.0'],
        ['x', '2'],
      ]),
    );
  });

  it('L-20: takes names of the prototype for plain names', () => {
    const parsed = registering('lwm2m=1.0', '__proto__=1', 'constructor=2', 'toString');
    expect(parsed.parameters.get('__proto__')).toBe('1');
    expect(Object.hasOwn(Object.prototype, '1')).toBe(false);
  });

  it('takes at most 64 parameters', () => {
    const many = Array.from({ length: 63 }, (_, i) => `x${i}=1`);
    expect(registering('lwm2m=1.0', ...many).parameters.size).toBe(64);
    expect(problem('lwm2m=1.0', ...many, 'y=1')).toMatchObject({ subject: 'query', fault: 'too-large' });
  });
});

describe('a lifetime', () => {
  it.each([
    ['0', Number.POSITIVE_INFINITY],
    ['15', seconds(15)],
    ['2147484', seconds(2_147_484)],
    ['2592000', days(30)],
    ['2147483648', seconds(2 ** 31)],
    ['4294967296', seconds(2 ** 32 - 1)],
    ['99999999999999999999', seconds(2 ** 32 - 1)],
  ])('I-14: lt=%s is %d ms', (text, lifetime) => {
    expect(registering('lwm2m=1.1', `lt=${text}`).lifetime).toBe(lifetime);
  });

  it.each(['-1', '1e99', '60abc', '', ' 60', '+60', '6.5', '0x10', '٣', '9'.repeat(21)])(
    'I-14: lt=%j is refused',
    (text) => {
      expect(problem('lwm2m=1.1', `lt=${text}`)).toEqual({ subject: 'lt', fault: 'malformed', code: Code.BadRequest });
    },
  );

  it('I-14: may stand once', () => {
    expect(problem('lwm2m=1.1', 'lt=60', 'lt=60')).toMatchObject({ subject: 'lt', fault: 'repeated' });
  });
});

describe('a version', () => {
  it.each(['1.0', '1.1', '1.2'])('I-16: %s is spoken', (version) => {
    expect(registering(`lwm2m=${version}`).version).toBe(version);
  });

  it('takes 1 for 1.0, as early devices say it', () => {
    expect(registering('lwm2m=1').version).toBe('1.0');
  });

  it.each(['0.9', '1.3', '9', '2.0'])('I-16: %s gets 4.12', (version) => {
    expect(problem(`lwm2m=${version}`)).toEqual({
      subject: 'lwm2m',
      fault: 'unsupported',
      code: Code.PreconditionFailed,
    });
  });

  it('I-16: is 1.0 where it is not said, and stands once and as a number', () => {
    expect(parseRegister(['ep=x'])).toMatchObject({ kind: 'register', version: '1.0' });
    expect(problem('lwm2m=')).toMatchObject({ fault: 'malformed', code: Code.BadRequest });
    expect(problem('lwm2m=one')).toMatchObject({ fault: 'malformed', code: Code.BadRequest });
    expect(problem('lwm2m=1.0', 'lwm2m=1.0')).toMatchObject({ fault: 'repeated', code: Code.BadRequest });
  });
});

describe('a binding', () => {
  it.each(['U', 'UQ', 'S', 'SQ', 'US', 'UQS'])('is %s in 1.0', (binding) => {
    const parsed = registering('lwm2m=1.0', `b=${binding}`);
    expect(parsed.binding).toBe(binding);
    expect(parsed.queueMode).toBe(binding.includes('Q'));
  });

  it('names transports alone from 1.1 on, beside a flag for queue mode', () => {
    expect(registering('lwm2m=1.1', 'b=UT')).toMatchObject({ binding: 'UT', queueMode: false });
    expect(registering('lwm2m=1.1', 'b=UT', 'Q')).toMatchObject({ binding: 'UT', queueMode: true });
    expect(registering('lwm2m=1.2', 'b=UMHTSN').binding).toBe('UMHTSN');
  });

  it('may still ask for queue mode by a letter from 1.1 on, as devices do', () => {
    expect(registering('lwm2m=1.1', 'b=UQ')).toMatchObject({ binding: 'UQ', queueMode: true });
  });

  it.each([
    ['1.0', 'UQSQT'],
    ['1.0', 'Q'],
    ['1.0', 'UT'],
    ['1.0', 'XYZ'],
    ['1.0', ''],
    ['1.0', 'U'.repeat(1024)],
    ['1.1', 'QU'],
    ['1.1', 'UU'],
    ['1.1', 'UM'],
    ['1.2', 'u'],
  ])('I-16: in %s is not %s', (version, binding) => {
    expect(problem(`lwm2m=${version}`, `b=${binding}`)).toMatchObject({ subject: 'b', code: Code.BadRequest });
  });

  it('is asked for queue mode by a flag without a value', () => {
    expect(problem('lwm2m=1.1', 'Q=1')).toMatchObject({ subject: 'Q', fault: 'malformed' });
  });
});

describe('an endpoint name', () => {
  const accepted = [
    'urn:imei:490154203237518',
    '"',
    "'",
    '<script>alert(1)</script>',
    'a/b',
    '+',
    '#',
    '*',
    '$SYS',
    '..',
    '__proto__',
    '\u202Eabc',
    '%',
    '%zz',
    'ü😀',
    ' ',
    'x'.repeat(252),
    'ü'.repeat(126),
    '😀'.repeat(63),
  ];
  it.each(accepted)('I-17: may be %j, and comes back as it was', (name) => {
    const [ep = ''] = formatRegister({ name }, '1.1');
    expect(registering(ep, 'lwm2m=1.1').name).toBe(name);
  });

  const refused = [
    '',
    '\n',
    '\u001b[2J',
    'a\0',
    '\u007f',
    '\u0085',
    'x'.repeat(253),
    'ü'.repeat(127),
    '😀'.repeat(64),
    '\ud800',
  ];
  it.each(refused)('I-17: may not be %j', (name) => {
    expect(problem(`ep=${name}`, 'lwm2m=1.1')).toMatchObject({
      subject: 'ep',
      fault: 'malformed',
      code: Code.BadRequest,
    });
    expect(() => formatRegister({ name }, '1.1')).toThrow(FormatError);
  });

  it('I-18: stands once, in small letters', () => {
    expect(problem('ep=a', 'ep=b', 'lwm2m=1.1')).toMatchObject({ subject: 'ep', fault: 'repeated' });
    expect(registering('EP=a', 'lwm2m=1.1').name).toBeUndefined();
  });

  it('does not stand in the reason of a problem', () => {
    const parsed = parseRegister(['ep=secret\n', 'lwm2m=1.1']);
    expect(parsed.kind === 'problem' && parsed.reason).toBe('ep malformed');
  });
});

describe('the query of an Update', () => {
  it('says only what changes', () => {
    expect(parseUpdate([], '1.1')).toEqual({ kind: 'update', parameters: new Map() });
    expect(parseUpdate(['lt=60', 'x=1'], '1.1')).toMatchObject({ lifetime: seconds(60), queueMode: undefined });
  });

  it('changes queue mode with the binding', () => {
    expect(parseUpdate(['b=U', 'Q'], '1.1')).toMatchObject({ binding: 'U', queueMode: true });
    expect(parseUpdate(['b=U'], '1.1')).toMatchObject({ queueMode: false });
    expect(parseUpdate(['b=UQ'], '1.0')).toMatchObject({ queueMode: true });
  });

  it('cannot change name and version', () => {
    expect(parseUpdate(['ep=other', 'lwm2m=1.0', 'x=1'], '1.1')).toMatchObject({ parameters: new Map([['x', '1']]) });
  });

  it('I-14: is refused for the same faults', () => {
    expect(parseUpdate(['lt=-1'], '1.1')).toMatchObject({ kind: 'problem', subject: 'lt' });
    expect(parseUpdate(['b=U', 'b=U'], '1.1')).toMatchObject({ kind: 'problem', subject: 'b', fault: 'repeated' });
    expect(parseUpdate(['sms=abc'], '1.1')).toMatchObject({ kind: 'problem', subject: 'sms' });
  });
});

describe('what a device sends', () => {
  it('is read back in every version', () => {
    for (const version of ['1.0', '1.1', '1.2'] as const) {
      const query = formatRegister(
        {
          name: 'd',
          lifetime: seconds(60),
          binding: 'US',
          queueMode: true,
          smsNumber: '49170',
          parameters: [['x', '']],
        },
        version,
      );
      const parsed = registering(...query);
      expect(parsed).toMatchObject({ name: 'd', version, lifetime: seconds(60), queueMode: true, smsNumber: '49170' });
      expect(parsed.binding).toBe(version === '1.0' ? 'UQS' : 'US');
      expect(parsed.parameters.get('x')).toBe('');
    }
  });

  it('asks for queue mode in the words of the version', () => {
    expect(formatUpdate({ queueMode: true }, '1.0')).toEqual(['b=UQ']);
    expect(formatUpdate({ queueMode: true }, '1.1')).toEqual(['Q']);
  });

  it('writes an endless lifetime as 0 and a very short one as 1', () => {
    expect(formatUpdate({ lifetime: Number.POSITIVE_INFINITY }, '1.2')).toEqual(['lt=0']);
    expect(formatUpdate({ lifetime: 10 }, '1.2')).toEqual(['lt=1']);
  });
});
