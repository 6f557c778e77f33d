// `lapwing gateway`: LwM2M on one side, MQTT on the other; with --demo a simulated device beside it. What it does is loaded when it is asked
// for: no other command waits for it.
import { Command } from 'commander';
import type { GatewayFlags } from '../serve.ts';

export function gatewayCommand(): Command {
  return new Command('gateway')
    .description('gateway between LwM2M devices and MQTT, drop-in for EMQX’s')
    .option('-c, --config <file>', 'YAML, JSON or HOCON as EMQX writes it; without one: defaults on loopback')
    .option('--demo', 'run with an embedded broker and a simulated device')
    .option('--check', 'check the configuration and leave')
    .addHelpText(
      'after',
      '\nExamples:\n  lapwing gateway --demo\n  lapwing gateway --config emqx.conf --check\n  lapwing gateway --config gateway.yaml',
    )
    .action(async (flags: GatewayFlags) => (await import('../serve.ts')).runGatewayCommand(flags));
}
