// `lapwing client`: one device with a shell, for people at a terminal, for scripts, and as a device that just runs. What it does is loaded when
// it is asked for: no other command waits for it.
import { Command } from 'commander';
import { addCredentialOptions } from '../credentials.ts';
import type { ClientFlags } from '../device/run.ts';
import { sampleObjects } from '../device/sample.ts';

const examples = `
Commands of the shell: 'lapwing client --exec help'; each with its options in docs/reference/client-shell.md.
Without --exec commands come from the terminal, or from a pipe line by line. A device whose input is empty just runs.
Exit codes: 0 done, 1 a command failed or no server answered, 2 wrong use, 130 stopped by a second Ctrl-C.

Examples:
  lapwing client -e dev-1 -u coap://127.0.0.1:5683
  lapwing client -e dev-1 -u coaps://127.0.0.1:5684 --psk-identity dev-1 --psk-key 000102030405060708090a0b0c0d0e0f
  lapwing client -e dev-1 -u coap://127.0.0.1:5783 --bootstrap --persist ./dev-1
  lapwing client -e dev-1 -u coap+tcp://127.0.0.1 --exec 'write /3303/0/5700 22.5; send /3303/0/5700' --json`;

export function clientCommand(): Command {
  const command = new Command('client')
    .description('a device with a shell: registers, and does what is typed')
    .option('-e, --endpoint <name>', "endpoint client name; without one the shell waits for 'start NAME'")
    .option('-u, --uri <uri>', 'the server: coap, coaps, coap+tcp, coaps+tcp, coap+ws, coaps+ws, or tel:+NUMBER')
    .option('--bootstrap', '--uri is a bootstrap server: it says where to register');
  return addCredentialOptions(command)
    .option('--server-name <name>', 'call the server so (SNI); default: its host')
    .option('--keys-in-clear', 'take keys from a bootstrap server without security')
    .option('--lifetime <seconds>', 'of the registration', '300')
    .option('--queue-mode', 'sleep between messages')
    .option('--idle <how>', 'in queue mode, asleep: listen, deaf or close', 'listen')
    .option('--awake <seconds>', 'in queue mode, how long to listen after a message; default 93')
    .option(
      '--keep-alive <seconds>',
      'after so long without a message send an empty one, for NAT on the way; default never',
    )
    .option('--binding <letters>', 'U, T or S as the URI has it; Q is --queue-mode')
    .option('--version <version>', 'of LwM2M: 1.0, 1.1 or 1.2', '1.1')
    .option('--id <number>', 'short server id', '1')
    .option('--objects <ids>', 'what the device has, by object id', sampleObjects.join(','))
    .option('--persist <dir>', 'keep what outlives the process: a restart goes on with an Update')
    .option('--persist-key <file>', '32 bytes that seal it')
    .option('--firmware <file>', 'where an installed package is put; default nowhere')
    .option(
      '--modem <port>',
      'an AT modem, for tel: or --sms-number: a serial port, or host:port; or a centre: smpp://account:password@host',
    )
    .option('--msisdn <number>', 'its own number, such as 14155550125')
    .option('--sms-per-minute <count>', 'text messages to send at most; default 10')
    .option('--sms-per-hour <count>', 'to one number; default 100')
    .option('--sms-number <number>', 'of a server that is reached otherwise: a text message from it wakes the device')
    .option('--sms-psk-identity <text>', 'identity of its key: heed it under DTLS alone')
    .option('--sms-psk-key <hex>', 'the key in hexadecimal')
    .option('--no-start', "wait for 'start NAME'")
    .option('--exec <commands>', 'run these once registered, separated by ; and leave')
    .option('--stay', 'go on after the last command')
    .option('--wait <seconds>', 'for the registration, before the first command of a script', '30')
    .option('--json', 'print JSON, one object a line')
    .addHelpText('after', examples)
    .action(async (flags: ClientFlags) => (await import('../device/run.ts')).runClientCommand(flags));
}
