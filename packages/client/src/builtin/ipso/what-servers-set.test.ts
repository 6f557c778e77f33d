// IPSO objects that servers set: outputs, set points, load events, positioners, sounds, displays, dimmers and stopwatches.
import { hours, minutes, seconds } from '@lapwing/kernel';
import * as definitions from '@lapwing/lwm2m/objects';
import { describe, expect, it } from 'vitest';
import { objectsAtHand } from '../../testing/objects-at-hand.ts';
import { AudioClip, type Sound } from './audio-clip.ts';
import { Dimmer } from './dimmer.ts';
import { LoadControl } from './load-control.ts';
import { Positioner } from './positioner.ts';
import { Setting } from './setting.ts';
import { Stopwatch } from './stopwatch.ts';
import { TextDisplay } from './text-display.ts';

describe('a value that servers set', () => {
  const { AnalogOutput, Colour, DigitalOutput, SetPoint } = definitions;

  it('is told with the time at which it was set', () => {
    const { clock, objects, read, write } = objectsAtHand();
    const heard: unknown[] = [];
    const changed = (value: unknown): void => void heard.push(value);
    new Setting({ objects, definition: SetPoint, value: 20, units: 'Cel', colour: 'red', changed, clock });
    new Setting({ objects, definition: Colour, value: '#000000', units: 'RGB', changed, clock });
    new Setting({ objects, definition: AnalogOutput, value: 0.5, range: [0, 0.8], changed, clock });
    clock.advanceNow(seconds(9));
    write(SetPoint, { setPointValue: 21.5 });
    write(Colour, { colour: '#ffffff' });
    write(AnalogOutput, { analogOutputCurrentValue: 0.75 });
    expect(heard).toEqual([21.5, '#ffffff', 0.75]);
    const now = Math.floor(clock.wall() / 1000);
    expect(read(SetPoint)).toMatchObject({ 5900: 21.5, 5701: 'Cel', 5706: 'red', 5518: now });
    expect(read(Colour)).toMatchObject({ 5706: '#ffffff', 5701: 'RGB', 5518: now });
    expect(read(AnalogOutput)).toMatchObject({ 5650: 0.75, 5603: 0, 5604: 0.8, 5518: now });
    expect(() => write(AnalogOutput, { analogOutputCurrentValue: 0.9 })).toThrow('output is not from 0 to 0.8');
    write(SetPoint, { colour: 'blue' });
    expect(heard).toHaveLength(3);
  });

  it('is turned round on the line of a digital output where a server wants that', () => {
    const { objects, read, write } = objectsAtHand();
    const line: boolean[] = [];
    const output = new Setting({ objects, definition: DigitalOutput, value: false, changed: (is) => line.push(is) });
    write(DigitalOutput, { digitalOutputState: true });
    write(DigitalOutput, { digitalOutputPolarity: true });
    expect([line, output.value]).toEqual([[true, false], false]);
    output.set(true);
    expect([read(DigitalOutput)[5550], output.value]).toEqual([false, true]);
  });
});

describe('load control', () => {
  const Object3310 = definitions.LoadControl;

  it('begins an event when it is announced for, and ends it after its duration', () => {
    const { clock, objects, write } = objectsAtHand();
    const heard: (string | undefined)[] = [];
    const control = new LoadControl({ objects, clock, changed: (event) => heard.push(event?.id) });
    const start = Math.floor(clock.wall() / 1000) + 600;
    write(Object3310, { eventIdentifier: 'peak', startTime: start, durationInMin: 30, avgLoadAdjPct: 60 });
    clock.advanceNow(minutes(9));
    expect([control.event, heard]).toEqual([undefined, []]);
    clock.advanceNow(minutes(2));
    expect([control.event, heard]).toMatchObject([{ id: 'peak', load: 60, dutyCycle: 100 }, ['peak']]);
    write(Object3310, { dutyCycle: 50 });
    expect(control.event?.dutyCycle).toBe(50);
    clock.advanceNow(minutes(30));
    expect([control.event, heard]).toEqual([undefined, ['peak', 'peak', undefined]]);
    expect(clock.pending).toBe(0);
  });

  it('takes no event for over that has never been, and none that cannot be', () => {
    const { clock, objects, write } = objectsAtHand();
    const heard: unknown[] = [];
    new LoadControl({ objects, clock, changed: (event) => heard.push(event) });
    write(Object3310, { eventIdentifier: 'past', startTime: 1000, durationInMin: 5 });
    clock.advanceNow(hours(1));
    expect(heard).toEqual([]);
    expect(() => write(Object3310, { criticalityLevel: 4 })).toThrow('criticality is not from 0 to 3');
    expect(() => write(Object3310, { durationInMin: -1 })).toThrow('duration');
  });
});

describe('a positioner', () => {
  const Object3337 = definitions.Positioner;

  it('takes its time to get where a server wants it, and knows between which it has been', () => {
    const { clock, objects, read, write, execute } = objectsAtHand();
    const heard: string[] = [];
    const moving = (position: number, state: string): void => void heard.push(`${state} ${position}`);
    new Positioner({ objects, transitionTime: 10, moving, clock });
    write(Object3337, { currentPosition: 80 });
    clock.advanceNow(seconds(5));
    expect(read(Object3337)).toMatchObject({ 5536: 40, 5538: 5 });
    // Called back half way.
    write(Object3337, { currentPosition: 20 });
    clock.advanceNow(seconds(10));
    expect(read(Object3337)).toMatchObject({ 5536: 20, 5538: 0, 5601: 0, 5602: 40 });
    expect(heard).toEqual(['begins 80', 'begins 20', 'ends 20']);
    execute(Object3337, 5605);
    expect(read(Object3337)).toMatchObject({ 5601: 20, 5602: 20 });
    expect(clock.pending).toBe(0);
  });

  it('goes no further than it can, and at once where it needs no time', () => {
    const { clock, objects, read, write } = objectsAtHand();
    const blind = new Positioner({ objects, limits: [10, 90], clock });
    write(Object3337, { currentPosition: 90 });
    expect(read(Object3337)).toMatchObject({ 5536: 90, 5519: 10, 5520: 90 });
    expect(() => write(Object3337, { currentPosition: 91 })).toThrow('position is not from 10 to 90');
    blind.set(50);
    expect([blind.position, blind.remaining]).toEqual([50, 0]);
  });
});

it('an audio clip is played as loud and as long as a server wants it', () => {
  const { objects, write, execute } = objectsAtHand();
  const played: Sound[] = [];
  new AudioClip({ objects, mostBytes: 4, play: (sound) => played.push(sound) });
  const clip = Uint8Array.of(1, 2, 3);
  write(definitions.AudioClip, { clip, level: 80, duration: 2 });
  execute(definitions.AudioClip, 5523);
  expect(played).toEqual([{ clip, level: 80, duration: 2 }]);
  expect(() => write(definitions.AudioClip, { clip: new Uint8Array(5) })).toThrow('more than 4 bytes');
  expect(() => write(definitions.AudioClip, { level: 101 })).toThrow('level');
});

it('a text display shows text where it was written, and goes round at its end', () => {
  const { objects, write, execute } = objectsAtHand();
  const Object3341 = definitions.AddressableTextDisplay;
  const display = new TextDisplay({ objects, columns: 5, lines: 2 });
  write(Object3341, { text: 'Hi' });
  write(Object3341, { xCoordinate: 3, yCoordinate: 1, text: 'abcd' });
  expect(display.lines).toEqual(['cd   ', '   ab']);
  write(Object3341, { xCoordinate: 6, yCoordinate: 2, text: 'x' });
  expect(display.lines).toEqual(['cx   ', '   ab']);
  execute(Object3341, 5530);
  expect([display.lines, objects.get(Object3341, 0)?.get('text')]).toEqual([['     ', '     '], '']);
});

it('a dimmer is on above nothing, and knows for how long', () => {
  const { clock, objects, read, write } = objectsAtHand();
  const heard: number[] = [];
  const dimmer = new Dimmer({ objects, clock, changed: (level) => heard.push(level) });
  clock.advanceNow(seconds(10));
  write(definitions.Dimmer, { level: 30 });
  clock.advanceNow(seconds(20));
  dimmer.set(0);
  clock.advanceNow(seconds(5));
  expect([heard, read(definitions.Dimmer)]).toMatchObject([[30], { 5548: 0, 5852: 20, 5854: 15 }]);
  write(definitions.Dimmer, { onTime: 0, offTime: 0 });
  expect(read(definitions.Dimmer)).toMatchObject({ 5852: 0, 5854: 0 });
  expect(() => write(definitions.Dimmer, { level: -1 })).toThrow('level');
});

it('a stopwatch adds up while it is on, and begins anew from what is written', () => {
  const { clock, objects, read, write } = objectsAtHand();
  const watch = new Stopwatch({ objects, clock });
  for (const time of [4, 6]) {
    write(definitions.Stopwatch, { onOff: true });
    clock.advanceNow(seconds(time));
    write(definitions.Stopwatch, { onOff: false });
    clock.advanceNow(seconds(100));
  }
  expect(read(definitions.Stopwatch)).toMatchObject({ 5544: 10, 5501: 2, 5850: false });
  write(definitions.Stopwatch, { cumulativeTime: 0 });
  watch.set('on');
  clock.advanceNow(1500);
  expect(read(definitions.Stopwatch)).toMatchObject({ 5544: 1.5, 5501: 3, 5850: true });
  watch.reset();
  expect(watch.time).toBe(0);
});
