// What a modem has of what it was told: asked for, and compared. A modem that starts anew without a word is found out by it.
import { announcing, type Memory, memory, memoryOf, mode } from './commands.ts';
import type { Command, InformationLine } from './dialogue.ts';
import { ModemError } from './failures.ts';

export interface Settings {
  /** As the modem says them; undefined where it does not. `+CMGF: 0` is PDU mode. */
  readonly mode: string | undefined;
  readonly announcing: string | undefined;
  readonly memory: Memory | undefined;
}

export type Ask = (command: Command) => Promise<readonly InformationLine[]>;

/** `before`: what is taken for the answer where none is given for the time being. Rejects when the modem does not answer. */
export async function readSettings(ask: Ask, before?: Settings): Promise<Settings> {
  const said = async (command: Command): Promise<string | undefined | 'later'> => {
    try {
      const [line] = await ask(command);
      return line?.text ?? 'later';
    } catch (error) {
      if (!(error instanceof ModemError) || (error.problem !== 'refused' && error.problem !== 'busy')) throw error;
      return error.isTemporary ? 'later' : undefined;
    }
  };
  const inMode = await said(mode);
  const announces = await said(announcing);
  const inMemory = await said(memory);
  return {
    mode: inMode === 'later' ? before?.mode : inMode,
    announcing: announces === 'later' ? before?.announcing : announces,
    memory: inMemory === 'later' ? before?.memory : memoryOf(inMemory ?? ''),
  };
}

/** Whether it says at all. */
export const areKnown = ({ mode, announcing, memory }: Settings): boolean =>
  mode !== undefined || announcing !== undefined || memory !== undefined;

/** Whether nothing of them is lost. What a modem has never said, it has not lost. */
export function areKept(before: Settings, now: Settings): boolean {
  return (
    (before.mode === undefined || before.mode === now.mode) &&
    (before.announcing === undefined || before.announcing === now.announcing) &&
    (before.memory === undefined || namesOf(before) === namesOf(now))
  );
}

/** Whether the modem would tell of a message: the second number of AT+CNMI (3GPP TS 27.005 §3.4.1). */
export const isAnnounced = ({ announcing }: Settings): boolean =>
  announcing !== undefined && !/^\+CNMI: ?\d,0(?:,|$)/.test(announcing);

export const isPduMode = ({ mode }: Settings): boolean => mode === undefined || /^\+CMGF: ?0$/.test(mode);

/** Whether it says what it has accepted. `accepted`: commands, as in a profile. */
export const areAs = (accepted: readonly string[], settings: Settings): boolean =>
  accepted.every((text) => {
    const [, announces] = /^AT\+CNMI=\d,(\d)/.exec(text) ?? [];
    if (announces !== undefined && settings.announcing !== undefined) return announces === '0' || isAnnounced(settings);
    if (!text.startsWith('AT+CPMS=') || settings.memory === undefined) return true;
    const names = [...text.matchAll(/"(\w+)"/g)].map(([, name]) => name);
    return names.every((name, i) => (settings.memory?.names[i] ?? name) === name);
  });

const namesOf = (settings: Settings): string | undefined => settings.memory?.names.join();
