// A port and the dialogue on it (shell): commands are asked, their answers given back, and what the modem says besides handed on.
import { type Clock, ClosedError, Driver } from '@lapwing/kernel';
import { type Command, Dialogue, type DialogueEffect, type DialogueInput, type InformationLine } from './dialogue.ts';
import { ModemError } from './failures.ts';
import { Lines } from './lines.ts';
import type { Port } from './port.ts';

export interface ConversationSink {
  /** What is no answer. */
  heard(line: InformationLine): void;
  /** A line longer than any that a modem has to say. */
  overlong(): void;
  /** A command was not answered; whoever asked is told too. */
  silent(error: ModemError): void;
  /** The port is gone. Not after `close`. */
  lost(cause: Error): void;
}

export class Conversation {
  private readonly port: Port;
  private readonly sink: ConversationSink;
  private readonly driver: Driver<DialogueInput, DialogueEffect>;
  private readonly asked = new Map<number, Asked>();
  private asks = 0;
  private isOpen = true;
  private starts = 0;

  constructor(port: Port, clock: Clock, sink: ConversationSink) {
    this.port = port;
    this.sink = sink;
    this.driver = new Driver(new Dialogue(), clock, (effect: DialogueEffect) => this.run(effect));
    const lines = new Lines();
    port.open({
      data: (bytes) => {
        for (const heard of lines.push(bytes)) {
          if (heard.kind === 'overlong') sink.overlong();
          if (this.isOpen) this.driver.handle({ kind: 'heard', heard });
        }
      },
      closed: (cause) => {
        if (this.isOpen) sink.lost(cause ?? new ClosedError('the port of the modem was closed'));
      },
    });
  }

  /** Times the modem was heard to start. */
  get restarts(): number {
    return this.starts;
  }

  /** Rejects with ModemError. */
  ask(command: Command): Promise<readonly InformationLine[]> {
    this.asks += 1;
    const id = this.asks;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { command, resolve, reject });
      this.driver.handle({ kind: 'command', id, command });
    });
  }

  /** What is no command. */
  write(text: string | Uint8Array): void {
    try {
      this.port.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
    } catch (error) {
      // A port that throws is gone; timers write too, whose errors nobody would catch.
      if (this.isOpen) this.sink.lost(error as Error);
    }
  }

  /** The modem has started anew: what it was asked before comes to nothing. */
  restarted(): void {
    this.starts += 1;
    this.driver.handle({ kind: 'restarted' });
  }

  /** What waits for an answer is failed; behind the step that is under way, where there is one. */
  close(): void {
    this.isOpen = false;
    this.driver.handle({ kind: 'closed' });
    this.port.close();
  }

  private run(effect: DialogueEffect): void {
    switch (effect.kind) {
      case 'write':
        this.write(effect.text);
        break;
      case 'answer':
        this.answered(effect.id)?.resolve(effect.lines);
        break;
      case 'failed': {
        const asked = this.answered(effect.id);
        const error = new ModemError(effect.failure, asked?.command.text ?? 'AT');
        asked?.reject(error);
        if (effect.failure.kind === 'silent' && this.isOpen) this.sink.silent(error);
        break;
      }
      case 'unsolicited':
        if (this.isOpen) this.sink.heard(effect.line);
        break;
    }
  }

  private answered(id: number): Asked | undefined {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    return asked;
  }
}

interface Asked {
  readonly command: Command;
  resolve(lines: readonly InformationLine[]): void;
  reject(error: Error): void;
}
