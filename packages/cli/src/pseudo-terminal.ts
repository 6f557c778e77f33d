// A pseudo-terminal for a virtual modem (shell): the only file that knows node-pty, which is loaded when one is opened. A shell on the
// other side sets the terminal to raw, says its name and holds it open, so that the modem's user may come and go.
import { ConfigError } from '@lapwing/kernel';
import type { AttachedModem } from '@lapwing/sms/virtual';

export interface PseudoTerminal extends Disposable {
  /** Where the modem's user finds it, such as `/dev/pts/5`. */
  readonly path: string;
}

const hold = 'stty raw -echo && tty && exec tail -f /dev/null';

/** Rejects with ConfigError where this machine has none. */
export async function pseudoTerminal(modem: AttachedModem): Promise<PseudoTerminal> {
  const { spawn } = await import('@lydell/node-pty').catch((cause: unknown) => {
    throw new ConfigError([`no pseudo-terminal here (${(cause as Error).message}): use --tcp instead`]);
  });
  const terminal = spawn('sh', ['-c', hold], { encoding: null });
  const path = await new Promise<string>((resolve, reject) => {
    let said = '';
    const hearing = terminal.onData((bytes) => {
      said += String(bytes);
      const [, name] = /^(\/\S+)\s/.exec(said) ?? [];
      if (name === undefined) return;
      hearing.dispose();
      resolve(name);
    });
    terminal.onExit(() => reject(new ConfigError([`no pseudo-terminal here (${said.trim()}): use --tcp instead`])));
  });
  // Typed as text by its authors; with `encoding: null` it is bytes.
  terminal.onData((bytes) => modem.type(Buffer.from(bytes)));
  modem.attach({ print: (bytes) => terminal.write(Buffer.from(bytes).toString('latin1')) });
  return {
    path,
    [Symbol.dispose]: () => {
      modem.attach(undefined);
      terminal.kill();
    },
  };
}
