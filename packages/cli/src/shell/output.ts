// What the shell says: for people what commands answer on standard output, everything else on standard error; for programs one JSON
// object a line, all on standard output.
import type { Said } from './command.ts';
import { cut, printable } from './printable.ts';

/** Whole lines, without their end. */
export interface Sink {
  out(text: string): void;
  err(text: string): void;
}

/** Characters of an event, and of each text that it tells to programs. */
const longest = 1000;

const shortened = (value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, typeof each === 'string' ? cut(each, longest) : each]),
  );

export class Output {
  private readonly sink: Sink;
  readonly isJson: boolean;

  constructor(sink: Sink, isJson: boolean) {
    this.sink = sink;
    this.isJson = isJson;
  }

  said(command: string, { text, value }: Said): void {
    if (this.isJson) this.json({ command, ...value });
    else if (text !== '') this.sink.out(text);
  }

  /** `usage` is shown where what was typed made no sense. */
  problem(command: string, error: string, usage?: string): void {
    if (this.isJson) this.json({ command, error, ...(usage === undefined ? {} : { usage }) });
    else this.sink.err(`${command}: ${error}${usage === undefined ? '' : `\n${usage}`}`);
  }

  /** Something has happened by itself: one line, however much a peer has said. */
  event(event: string, text: string, value: Readonly<Record<string, unknown>> = {}): void {
    if (this.isJson) this.json({ event, ...shortened(value) });
    else this.sink.err(`* ${event}${text === '' ? '' : `: ${cut(printable(text), longest)}`}`);
  }

  private json(value: object): void {
    this.sink.out(JSON.stringify(value));
  }
}
