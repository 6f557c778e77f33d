// IPSO addressable text display 3341: servers write text to places of it. What does not fit goes on in the next line, and after the last in the
// first.
import { AddressableTextDisplay } from '@lapwing/lwm2m/objects/addressable-text-display';
import { within } from '../../objects/checks.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';

export interface TextDisplayOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** Characters of a line; default 16. */
  readonly columns?: number;
  /** Default 2. */
  readonly lines?: number;
  /** Percent; default 50. */
  readonly level?: number;
  /** Percent; default 50. */
  readonly contrast?: number;
  readonly applicationType?: string;
  /** Hears what is on it now, line by line. */
  readonly shown?: (lines: readonly string[]) => void;
}

const { resources } = AddressableTextDisplay;
const longest = 0x7fff_ffff;

export class TextDisplay implements Disposable {
  private readonly place: Place<typeof AddressableTextDisplay>;
  private readonly columns: number;
  private readonly shown: TextDisplayOptions['shown'];
  private cells: string[];

  constructor(options: TextDisplayOptions) {
    const { objects, instance = 0, columns = 16, lines = 2, level = 50, contrast = 50 } = options;
    this.columns = columns;
    this.shown = options.shown;
    this.cells = new Array<string>(columns * lines).fill(' ');
    this.place = new Place({
      objects,
      definition: AddressableTextDisplay,
      instance,
      policy: {
        check: within(
          [resources.level.id, 'level', 0, 100],
          [resources.contrast.id, 'contrast', 0, 100],
          [resources.xCoordinate.id, 'X coordinate', 0, longest],
          [resources.yCoordinate.id, 'Y coordinate', 0, longest],
        ),
      },
      values: {
        text: '',
        xCoordinate: 0,
        yCoordinate: 0,
        maxXCoordinate: columns - 1,
        maxYCoordinate: lines - 1,
        level,
        contrast,
        applicationType: options.applicationType,
        clearDisplay: () => this.clear(),
      },
      written: (written) => {
        if (written.has(resources.text.id)) this.write(this.place.instance.get('text') ?? '');
      },
    });
  }

  get lines(): readonly string[] {
    const text = this.cells.join('');
    return Array.from({ length: this.cells.length / this.columns }, (_, line) =>
      text.slice(line * this.columns, (line + 1) * this.columns),
    );
  }

  /** As a server does by resource 5530. */
  clear(): void {
    this.cells = this.cells.map(() => ' ');
    this.place.instance.set({ text: '' });
    this.shown?.(this.lines);
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.place[Symbol.dispose]();
  }

  private write(text: string): void {
    const { instance } = this.place;
    const { columns, cells } = this;
    const line = (instance.get('yCoordinate') ?? 0) % (cells.length / columns);
    const start = line * columns + ((instance.get('xCoordinate') ?? 0) % columns);
    [...text].forEach((character, at) => {
      cells[(start + at) % cells.length] = character;
    });
    this.shown?.(this.lines);
  }
}
