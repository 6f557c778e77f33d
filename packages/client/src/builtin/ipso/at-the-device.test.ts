// What somebody at the device writes is measured: counters, times, the least and the most follow, in one round of notifications.
import { seconds } from '@lapwing/kernel';
import * as definitions from '@lapwing/lwm2m/objects';
import { describe, expect, it } from 'vitest';
import { objectsAtHand } from '../../testing/objects-at-hand.ts';
import { Location } from '../location.ts';
import { AxesSensor } from './axes.ts';
import { DigitalInput } from './digital-input.ts';
import { Sensor } from './sensor.ts';
import { Timer } from './timer.ts';

const { Accelerometer, Direction, Gyrometer, Magnetometer, OnOffSwitch, PushButton, Temperature } = definitions;
const Input = definitions.DigitalInput;

describe('what somebody at the device writes', () => {
  it('is a measurement of a sensor, in one round', async () => {
    const { clock, objects, put, read } = objectsAtHand();
    const sensor = new Sensor({ objects, definition: Temperature, value: 20, clock });
    const rounds: number[] = [];
    objects.events.on('changed', ({ paths }) => rounds.push(paths.length));
    clock.advanceNow(seconds(5));
    await put('/3303/0/5700', 30);
    expect(read(Temperature)).toMatchObject({
      ...{ 5700: 30, 5601: 20, 5602: 30 },
      5518: Math.floor(clock.wall() / 1000),
    });
    expect([sensor.value, rounds.length]).toEqual([30, 1]);
    await expect(put('/3303/0/5700', Number.NaN)).rejects.toThrow('NaN was not measured');
  });

  it('is where a vane points to', async () => {
    const { clock, objects, put, read } = objectsAtHand();
    new Sensor({ objects, definition: Direction, value: 90, clock });
    await put('/3332/0/5705', 270);
    expect(read(Direction)).toMatchObject({ 5705: 270, 5601: 90, 5602: 270 });
  });

  it('is a measurement of one axis, and the others are as they were', async () => {
    const { clock, objects, put, read } = objectsAtHand();
    const gyrometer = new AxesSensor({ objects, definition: Gyrometer, x: 1, y: 2, z: 3, clock });
    await put('/3334/0/5703', -4);
    await put('/3334/0/5702', 9);
    expect(read(Gyrometer)).toMatchObject({ 5702: 9, 5703: -4, 5704: 3, 5508: 1, 5509: 9, 5510: -4, 5511: 2 });
    // What has been said of the extremes stays, and is gone with a reset.
    await put('/3334/0/5513', 50);
    gyrometer.measure({ x: 9, y: -4, z: 5 });
    expect(read(Gyrometer)).toMatchObject({ 5704: 5, 5513: 50 });
    new AxesSensor({ objects, definition: Accelerometer, x: 0, y: 0, z: 9.8, clock });
    clock.advanceNow(seconds(3));
    await put('/3313/0/5704', 4.9);
    expect(read(Accelerometer)).toMatchObject({ 5702: 0, 5704: 4.9, 5518: Math.floor(clock.wall() / 1000) });
    new AxesSensor({ objects, definition: Magnetometer, x: 0, compass: 0, clock });
    await put('/3314/0/5705', 180);
    expect(read(Magnetometer)).toMatchObject({ 5702: 0, 5705: 180 });
    await expect(put('/3314/0/5705', 361)).rejects.toThrow('361 is not from 0 to 360 degrees');
  });

  it('turns an input on and off, which is counted', async () => {
    const { clock, objects, put, read } = objectsAtHand();
    new DigitalInput({ objects, definition: OnOffSwitch, clock });
    clock.advanceNow(seconds(10));
    await put('/3342/0/5500', true);
    clock.advanceNow(seconds(4));
    expect(read(OnOffSwitch)).toMatchObject({ 5500: true, 5501: 1, 5852: 4, 5854: 10 });
    new DigitalInput({ objects, definition: PushButton, clock });
    for (const state of [true, false, true, true]) await put('/3347/0/5500', state);
    expect(read(PushButton)).toMatchObject({ 5500: true, 5501: 2 });
    await put('/3347/0/5501', 7);
    for (const state of [false, true]) await put('/3347/0/5500', state);
    expect(read(PushButton)).toMatchObject({ 5501: 8 });
  });

  it('is seen as it was written by an input that is turned round, once it is debounced', async () => {
    const { clock, objects, put, read, write } = objectsAtHand();
    new DigitalInput({ objects, definition: Input, clock });
    write(Input, { digitalInputPolarity: true, digitalInputDebounce: 100 });
    expect(read(Input)[5500]).toBe(true);
    await put('/3200/0/5500', false);
    expect(read(Input)).toMatchObject({ 5500: true, 5501: 0 });
    clock.advanceNow(100);
    expect(read(Input)).toMatchObject({ 5500: false, 5501: 1 });
  });

  it('moves the device, and is the number of times that a timer was asked', async () => {
    const { clock, objects, put, read } = objectsAtHand();
    new Location({ objects, latitude: 60, longitude: 25, altitude: 3, clock });
    clock.advanceNow(seconds(7));
    await put('/6/0/1', 26);
    expect(read(definitions.Location)).toMatchObject({ 0: 60, 1: 26, 2: 3, 5: Math.floor(clock.wall() / 1000) });
    await expect(put('/6/0/0', 91)).rejects.toThrow('latitude 91');
    new Timer({ objects, delay: 5, clock });
    await put('/3340/0/5501', 40);
    await put('/3340/0/5850', true);
    expect(read(definitions.Timer)[5501]).toBe(41);
  });
});
