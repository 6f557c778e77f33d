// IPSO objects that measure more than one value, or no number: meters, places, controls with several inputs.
import { hours, minutes, seconds } from '@lapwing/kernel';
import * as definitions from '@lapwing/lwm2m/objects';
import { describe, expect, it } from 'vitest';
import { objectsAtHand } from '../../testing/objects-at-hand.ts';
import { Bitmap } from './bitmap.ts';
import { EnergyMeter } from './energy-meter.ts';
import { Joystick } from './joystick.ts';
import { LocationSensor } from './location-sensor.ts';
import { PowerMeter } from './power-meter.ts';
import { Selector } from './selector.ts';
import { UpDownControl } from './up-down-control.ts';

const { Energy, Location3336, MultipleAxisJoystick, MultiStateSelector, PowerMeasurement } = definitions;

describe('a power meter', () => {
  it('knows what is drawn, between which that has been, and what it comes to', () => {
    const { clock, objects, read, execute } = objectsAtHand();
    const meter = new PowerMeter({ objects, active: 300, reactive: 400, activeRange: [0, 3680], clock });
    clock.advanceNow(minutes(30));
    meter.measure({ active: 100 });
    clock.advanceNow(hours(1));
    expect(read(PowerMeasurement)).toMatchObject({
      ...{ 5800: 100, 5801: 100, 5802: 300, 5803: 0, 5804: 3680, 5805: 250 },
      ...{ 5810: 0, 5811: 0, 5812: 400, 5815: 200, 5820: 1, 5821: 1 },
    });
    meter.measure({ active: 300, reactive: 400 });
    expect(read(PowerMeasurement)[5820]).toBe(0.6);
    execute(PowerMeasurement, 5822);
    execute(PowerMeasurement, 5605);
    expect(read(PowerMeasurement)).toMatchObject({ 5801: 300, 5802: 300, 5805: 0, 5811: 400, 5812: 400, 5815: 0 });
    expect(() => meter.measure({ active: Number.NaN })).toThrow(RangeError);
  });

  it('hears what load a server knows of, and of its coefficient', () => {
    const { clock, objects, write } = objectsAtHand();
    const loads: unknown[] = [];
    const meter = new PowerMeter({ objects, active: 0, clock, calibrate: (...load) => loads.push(load) });
    write(PowerMeasurement, { activePowerCalibration: 1000 });
    write(PowerMeasurement, { reactivePowerCalibration: 50, currentCalibration: 1.01 });
    expect([loads, meter.calibration]).toEqual([
      [
        ['active', 1000],
        ['reactive', 50],
      ],
      1.01,
    ]);
  });

  it('takes what somebody at the device writes', async () => {
    const { clock, objects, put, read } = objectsAtHand();
    new PowerMeter({ objects, active: 100, reactive: 10, clock });
    await put('/3305/0/5800', 200);
    await put('/3305/0/5805', 5000);
    clock.advanceNow(hours(1));
    expect(read(PowerMeasurement)).toMatchObject({ 5800: 200, 5801: 100, 5802: 200, 5805: 5200, 5810: 10 });
  });
});

it('an energy meter goes on with what is drawn, from what somebody has said or from nothing', async () => {
  const { clock, objects, put, read, execute } = objectsAtHand();
  const meter = new EnergyMeter({ objects, power: 500, used: 1000, clock });
  clock.advanceNow(hours(2));
  expect(read(Energy)).toMatchObject({ 5700: 2000, 5701: 'Wh' });
  await put('/3331/0/5700', 70);
  meter.draw(100);
  clock.advanceNow(hours(1));
  expect(read(Energy)[5700]).toBe(170);
  execute(Energy, 5822);
  expect(meter.used).toBe(0);
});

it('a place is on earth, and what is not said of it is not known', async () => {
  const { clock, objects, put, read } = objectsAtHand();
  const sensor = new LocationSensor({ objects, latitude: 60, longitude: 25, uncertainty: 5, direction: 90, clock });
  clock.advanceNow(seconds(3));
  await put('/3336/0/6051', 61);
  expect(read(Location3336)).toMatchObject({ 6051: 61, 6052: 25, 6053: 5, 5518: Math.floor(clock.wall() / 1000) });
  sensor.moved({ latitude: 1, longitude: 2 });
  expect(Object.keys(read(Location3336)).map(Number)).toEqual([5518, 6050, 6051, 6052]);
  await expect(put('/3336/0/5705', 361)).rejects.toThrow('361 is not from 0 to 360 degrees');
  expect(() => sensor.moved({ latitude: 91, longitude: 0 })).toThrow('latitude');
});

it('an up/down control counts each way, as often as it is used', async () => {
  const { objects, put, read, write } = objectsAtHand();
  const control = new UpDownControl({ objects });
  control.press('up');
  control.press('up');
  await put('/3344/0/5533', true);
  await put('/3344/0/5533', true);
  expect(read(definitions.UpDownControl)).toMatchObject({ 5532: false, 5533: true, 5541: 2, 5542: 1 });
  write(definitions.UpDownControl, { upCounter: 0 });
  control.press('up');
  expect(read(definitions.UpDownControl)[5541]).toBe(1);
});

it('a joystick says where it is, and counts its button', async () => {
  const { objects, put, read } = objectsAtHand();
  const joystick = new Joystick({ objects, x: 0, y: 0 });
  joystick.press();
  joystick.move({ x: -1 });
  await put('/3345/0/5703', 0.5);
  await put('/3345/0/5500', true);
  expect(read(MultipleAxisJoystick)).toEqual({ 5500: true, 5501: 2, 5702: -1, 5703: 0.5 });
  await expect(put('/3345/0/5702', Number.NaN)).rejects.toThrow('NaN was not measured');
});

it('a selector is in one of its positions', async () => {
  const { clock, objects, put, read } = objectsAtHand();
  const selector = new Selector({ objects, positions: 4, clock });
  clock.advanceNow(seconds(2));
  await put('/3348/0/5547', 3);
  expect([selector.position, read(MultiStateSelector)]).toMatchObject([3, { 5518: Math.floor(clock.wall() / 1000) }]);
  await expect(put('/3348/0/5547', 4)).rejects.toThrow('there is no position 4, but 0 to 3');
});

it('a bitmap has a bit for each of its inputs', async () => {
  const { objects, put, read, execute } = objectsAtHand();
  const bitmap = new Bitmap({ objects, elements: ['door', 'window', 'hatch'] });
  bitmap.turn(1, 'on');
  bitmap.turn(2, 'on');
  bitmap.turn(1, 'off');
  expect([bitmap.bits, read(definitions.Bitmap)[5910]]).toEqual([4, 4]);
  expect(objects.get(definitions.Bitmap, 0)?.get('elementDescription')?.get(1)).toBe('window');
  await put('/3349/0/5910', 7);
  await expect(put('/3349/0/5910', 8)).rejects.toThrow('8 is not from 0 to 7, which is 3 bits');
  expect(() => bitmap.turn(3, 'on')).toThrow('no element 3');
  execute(definitions.Bitmap, 5911);
  expect(bitmap.bits).toBe(0);
});
