import { expect, it } from 'vitest';
import { serialPort } from './serial.ts';
import { tcpPort } from './tcp.ts';

const never = new AbortController().signal;

it.each([
  ['a path that is not there', '/dev/no-such-modem', 'there is nothing by that name: is the modem plugged in'],
  ['what is no serial port', '/dev/null', 'it is no serial port'],
])('%s is named, with what to look at', async (_, path, advice) => {
  await expect(serialPort({ path })(never)).rejects.toMatchObject({
    code: 'SMS_PORT',
    message: expect.stringContaining(`${path} cannot be opened: ${advice}`),
  });
});

it('a TCP port at which nobody listens is named', async () => {
  await expect(tcpPort('127.0.0.1', 1)(never)).rejects.toMatchObject({
    code: 'SMS_PORT',
    message: expect.stringContaining('127.0.0.1:1 cannot be opened: nobody listens there'),
  });
});
