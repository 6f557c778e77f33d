// `lapwing sim`: a fleet of simulated devices in this process, against any server; at its end a report. What it does is loaded when it is asked
// for: no other command waits for it.
import { Command } from 'commander';
import { profiles } from '../sim/profile.ts';
import type { FleetFlags } from '../sim/run.ts';

const examples = `
Profiles:
${Object.values(profiles)
  .map(({ name, about }) => `  ${name.padEnd(9)} ${about}`)
  .join('\n')}

Examples:
  lapwing sim --devices 5000 --server coap://127.0.0.1:5683 --duration 30s --json
  lapwing sim --devices 1000 --profile tracker --day 10m --loss 0.05 --reboot 0.5
  lapwing sim --devices 500 --server coaps://127.0.0.1:5684 --psk-template '{name}:000102030405060708090a0b{hex}'`;

export function simCommand(): Command {
  return new Command('sim')
    .description('a fleet of simulated devices in one process')
    .option('-n, --devices <number>', 'how many', '100')
    .option('-s, --server <uri>', 'where they register, coap:// or coaps://', 'coap://127.0.0.1:5683')
    .option('-p, --profile <name|file>', 'what a device is like: a profile below, or a file of YAML or JSON', 'sensor')
    .option('--sockets <number>', 'so few sockets for all devices, without DTLS; default one for each')
    .option('--rest <time|never>', 'a device with nothing to do for so long rests, which takes less memory', '1m')
    .option('--rate <number>', 'devices that are switched on per second', '1000')
    .option('--duration <time>', 'how long the run lasts, such as 30s or 2h; default until Ctrl-C')
    .option('--day <time>', 'how long a day of the devices takes', '24h')
    .option('--lifetime <time>', 'of registrations; default that of the profile')
    .option('--endpoint-prefix <text>', 'names are this and a number', 'sim-')
    .option('--psk-template <identity:key>', 'keys for coaps: {name}, {index} and, in eight digits, {hex} differ')
    .option('--print-credentials', 'print what security.files of the gateway needs for these keys, and leave')
    .option('--loss <share>', 'datagrams that are lost each way, 0 to 0.9', '0')
    .option('--reboot <number>', 'restarts per device and hour; default those of the profile')
    .option('--move <number>', 'changes of the address per device and hour; default those of the profile')
    .option('--seed <number>', 'the same seed, the same faults and values', '1')
    .option('--json', 'print the report as one line of JSON')
    .addHelpText('after', examples)
    .action(async (flags: FleetFlags) => (await import('../sim/run.ts')).runFleetCommand(flags));
}
