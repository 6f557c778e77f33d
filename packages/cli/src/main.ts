// The command `lapwing`: one table of commands. Exit codes: 0 done, 1 failed while running, 2 wrong use or configuration,
// 70 stopped by an error of its own.
import './tuning.ts';
import { isStackError } from '@lapwing/kernel';
import { Command, CommanderError } from 'commander';
import { clientCommand } from './commands/client.ts';
import { decodeCommand } from './commands/decode.ts';
import { dtlsProbeCommand } from './commands/dtls-probe.ts';
import { gatewayCommand } from './commands/gateway.ts';
import { objectsCommand } from './commands/objects.ts';
import { simCommand } from './commands/sim.ts';
import { vmodemCommand } from './commands/vmodem.ts';

const program = new Command('lapwing')
  .description('LwM2M for people: a gateway to MQTT, a device with a shell, and tools to look inside')
  .version('0.1.0')
  .showHelpAfterError('(lapwing --help shows what there is)')
  // What follows a command is the command's: `objects 3 --version 1.0`.
  .enablePositionalOptions()
  .exitOverride();

const commands = [
  gatewayCommand(),
  clientCommand(),
  decodeCommand(),
  objectsCommand(),
  dtlsProbeCommand(),
  vmodemCommand(),
  simCommand(),
];
for (const command of commands) {
  program.addCommand(
    command.exitOverride().showHelpAfterError(`(lapwing ${command.name()} --help shows what there is)`),
  );
}

// An error that nobody caught leaves things half done: better to stop and be started again than to go on like that.
process.on('uncaughtException', (error) => {
  const said = error instanceof Error ? error.message : String(error);
  process.stderr.write(`lapwing: stopped by an error of its own: ${said.slice(0, 500).replaceAll(/\s+/g, ' ')}\n`);
  if (process.env['LAPWING_DEBUG'] !== undefined) process.stderr.write(`${error.stack}\n`);
  process.exit(70);
});

// Not waited for at the top: what a command loads may need the file that this stands in, and would wait for it in turn.
program.parseAsync().catch((error: unknown) => {
  process.exitCode = report(error);
});

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const lines = error instanceof Error ? error.message : String(error);
  process.stderr.write(`lapwing: ${lines}\n`);
  if (isStackError(error)) return error.code === 'CONFIG' || error.code === 'FORMAT' ? 2 : 1;
  if (error instanceof Error && process.env['LAPWING_DEBUG'] !== undefined) process.stderr.write(`${error.stack}\n`);
  return 1;
}
