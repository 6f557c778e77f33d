import { hours, minutes, seconds } from '@lapwing/kernel';
import { resourcesOf } from '@lapwing/lwm2m';
import * as definitions from '@lapwing/lwm2m/objects';
import { describe, expect, it } from 'vitest';
import { objectsAtHand as setUp } from '../../testing/objects-at-hand.ts';
import { Actuator, type ActuatorState } from './actuator.ts';
import { AxesSensor } from './axes.ts';
import { Buzzer } from './buzzer.ts';
import { DigitalInput } from './digital-input.ts';
import { Sensor, type SensorDefinition } from './sensor.ts';
import { TimeKeeper } from './time-object.ts';
import { Timer } from './timer.ts';
import { TimerMode } from './timer-core.ts';

const {
  Accelerometer,
  Actuation,
  DigitalInput: DigitalInputObject,
  Gyrometer,
  LightControl,
  Magnetometer,
  OnOffSwitch,
  PowerControl,
  Presence,
  PushButton,
  Temperature,
} = definitions;

describe('a sensor of one value', () => {
  const sensors = Object.values(definitions).filter(
    (definition): definition is SensorDefinition =>
      (definition.id >= 3300 && definition.id <= 3330 && resourcesOf(definition).has(5700)) || definition.id === 3346,
  );

  it('is one of these', () => {
    expect(sensors.map(({ id }) => id).sort()).toEqual([
      3300, 3301, 3303, 3304, 3315, 3316, 3317, 3318, 3319, 3320, 3321, 3322, 3323, 3324, 3325, 3326, 3327, 3328, 3329,
      3330, 3346,
    ]);
  });

  it.each(sensors)(
    'knows when and between which $name ($id) was measured, until a server has it forget that',
    (definition) => {
      const { clock, objects, read, execute } = setUp();
      const sensor = new Sensor({ objects, definition, value: 20, units: 'Cel', range: [-40, 80], clock });
      for (const value of [25, 15, 18]) sensor.measure(value);
      expect(read(definition)).toMatchObject({ 5700: 18, 5601: 15, 5602: 25, 5603: -40, 5604: 80, 5701: 'Cel' });
      execute(definition, 5605);
      expect(read(definition)).toMatchObject({ 5700: 18, 5601: 18, 5602: 18 });
      clock.advanceNow(1500);
      sensor.measure(19);
      expect(read(definition)).toMatchObject({ 5601: 18, 5602: 19, 5518: Math.floor(clock.wall() / 1000), 6050: 0.5 });
      sensor.quality(80, 3);
      expect(read(definition)).toMatchObject({ 6049: 80, 6042: 3 });
      expect(() => sensor.measure(Number.NaN)).toThrow(RangeError);
      expect(read(definition)[5700]).toBe(19);
    },
  );

  it('has its value under another name in an analog input and a direction', () => {
    const { objects, read, write, execute } = setUp();
    const { AnalogInput, Direction, Voltage } = definitions;
    const input = new Sensor({ objects, definition: AnalogInput, value: 0.5, range: [0, 1] });
    input.measure(0.25);
    expect(read(AnalogInput)).toMatchObject({ 5600: 0.25, 5601: 0.25, 5602: 0.5, 5603: 0, 5604: 1 });
    const vane = new Sensor({ objects, definition: Direction, value: 10 });
    vane.measure(200);
    execute(Direction, 5605);
    expect([vane.value, read(Direction)]).toMatchObject([200, { 5705: 200, 5601: 200, 5602: 200 }]);
    const meter = new Sensor({ objects, definition: Voltage, value: 230, calibration: 1 });
    write(Voltage, { currentCalibration: 1.02 });
    expect([meter.calibration, vane.calibration]).toEqual([1.02, 1]);
  });

  it('may be there several times', () => {
    const { objects, read } = setUp();
    const [first, second] = [0, 1].map(
      (instance) => new Sensor({ objects, definition: Temperature, instance, value: 1 }),
    );
    second?.measure(5);
    expect([read(Temperature, 0)[5700], read(Temperature, 1)[5700]]).toEqual([1, 5]);
    first?.[Symbol.dispose]();
    expect([...(objects.objects.get(3303)?.instances.keys() ?? [])]).toEqual([1]);
  });
});

describe('a sensor of several axes', () => {
  it('says all axes at once, and where north is', () => {
    const { clock, objects, read } = setUp();
    const acceleration = new AxesSensor({
      objects,
      definition: Accelerometer,
      x: 0,
      y: 0,
      z: 9.81,
      units: 'm/s2',
      clock,
    });
    acceleration.measure({ x: 1, y: 2 });
    expect(read(Accelerometer)).toMatchObject({ 5702: 1, 5703: 2, 5701: 'm/s2' });
    expect(read(Accelerometer)).not.toHaveProperty('5704');
    const compass = new AxesSensor({ objects, definition: Magnetometer, x: 1, compass: 90, clock });
    compass.measure({ x: 2, compass: 180 });
    expect(read(Magnetometer)).toMatchObject({ 5702: 2, 5705: 180 });
    expect(() => compass.measure({ x: 2, compass: 361 })).toThrow(RangeError);
  });

  it('knows between which each axis of a gyrometer has been', () => {
    const { clock, objects, read, execute } = setUp();
    const gyrometer = new AxesSensor({ objects, definition: Gyrometer, x: 0, y: 0, z: 0, clock });
    gyrometer.measure({ x: 5, y: -3, z: 1 });
    gyrometer.measure({ x: 1, y: 2, z: -7 });
    expect(read(Gyrometer)).toMatchObject({ 5508: 0, 5509: 5, 5510: -3, 5511: 2, 5512: -7, 5513: 1 });
    execute(Gyrometer, 5605);
    expect(read(Gyrometer)).toMatchObject({ 5508: 1, 5509: 1, 5510: 2, 5511: 2, 5512: -7, 5513: -7 });
  });
});

describe('an input that is on or off', () => {
  it.each([DigitalInputObject, Presence, OnOffSwitch, PushButton])(
    'counts how often $name ($id) comes on',
    (definition) => {
      const { clock, objects, read } = setUp();
      const input = new DigitalInput({ objects, definition, clock });
      input.press();
      input.set('on');
      input.set('on');
      expect(read(definition)).toMatchObject({ 5500: true, 5501: 2 });
      input.reset();
      expect(read(definition)).toMatchObject({ 5500: true, 5501: 0 });
    },
  );

  it('knows how long a switch has been on and off, and begins anew when a server writes that', () => {
    const { clock, objects, read, write } = setUp();
    const input = new DigitalInput({ objects, definition: OnOffSwitch, clock });
    clock.advanceNow(seconds(10));
    input.set('on');
    clock.advanceNow(seconds(25));
    expect(read(OnOffSwitch)).toMatchObject({ 5852: 25, 5854: 10 });
    write(OnOffSwitch, { onTime: 0 });
    clock.advanceNow(seconds(5));
    expect(read(OnOffSwitch)).toMatchObject({ 5852: 5, 5854: 10 });
  });

  it('is debounced, turned round and counted as a server wants', () => {
    const { clock, objects, read, write } = setUp();
    const input = new DigitalInput({ objects, definition: DigitalInputObject, clock });
    write(DigitalInputObject, { digitalInputDebounce: 100 });
    input.set('on');
    clock.advanceNow(50);
    input.set('off');
    clock.advanceNow(1000);
    expect(read(DigitalInputObject)).toMatchObject({ 5500: false, 5501: 0 });
    input.set('on');
    clock.advanceNow(100);
    expect(read(DigitalInputObject)).toMatchObject({ 5500: true, 5501: 1 });
    write(DigitalInputObject, { digitalInputPolarity: true, digitalInputEdgeSelection: 1 });
    expect(read(DigitalInputObject)).toMatchObject({ 5500: false, 5501: 1 });
    input.set('off');
    clock.advanceNow(100);
    expect(read(DigitalInputObject)).toMatchObject({ 5500: true, 5501: 2 });
  });
});

describe('an actuator', () => {
  it.each([Actuation, LightControl, PowerControl])(
    'does what servers want of $name ($id), and counts for how long',
    (definition) => {
      const { clock, objects, read, write } = setUp();
      const wanted: ActuatorState[] = [];
      new Actuator({ objects, definition, power: 100, clock, changed: (state) => wanted.push(state) });
      write(definition, { onOff: true, dimmer: 50 });
      expect(wanted).toEqual([{ isOn: true, dimmer: 50, colour: '' }]);
      clock.advanceNow(hours(2));
      expect(read(definition)).toMatchObject({ 5850: true, 5852: 7200 });
      if (definition !== Actuation) expect(read(definition)[5805]).toBeCloseTo(100);
      write(definition, { onOff: false });
      clock.advanceNow(hours(1));
      expect(read(definition)[5852]).toBe(7200);
      if (definition !== Actuation) expect(read(definition)[5805]).toBeCloseTo(100);
      write(definition, { onTime: 0 });
      expect([read(definition)[5852], wanted.length]).toEqual([0, 2]);
      expect(() => write(definition, { dimmer: 101 })).toThrow(/dimmer/);
    },
  );

  it('is turned on at the device too', () => {
    const { clock, objects, read } = setUp();
    const light = new Actuator({ objects, definition: LightControl, state: { colour: 'red' }, units: 'name', clock });
    light.set({ isOn: true, colour: 'blue' });
    clock.advanceNow(minutes(1));
    expect(read(LightControl)).toMatchObject({ 5850: true, 5706: 'blue', 5701: 'name', 5852: 60 });
    expect(light.state).toEqual({ isOn: true, dimmer: 100, colour: 'blue' });
  });
});

it('tells the time, and goes on from what a server writes', () => {
  const { clock, objects, read, write } = setUp();
  const keeper = new TimeKeeper({ objects, clock });
  clock.advanceNow(250);
  expect(read(definitions.Time)).toMatchObject({ 5506: Math.floor(clock.wall() / 1000), 5507: 0.25 });
  write(definitions.Time, { currentTime: 1_000_000_000, fractionalTime: 0.5 });
  clock.advanceNow(1600);
  expect(keeper.wall).toBe(1_000_000_002_100);
  expect(read(definitions.Time)[5506]).toBe(1_000_000_002);
});

describe('a buzzer', () => {
  it('sounds as long as it is to, and not again too early', () => {
    const { clock, objects, read, write } = setUp();
    const sounds: (number | undefined)[] = [];
    const Object3338 = definitions.Buzzer;
    new Buzzer({ objects, level: 30, delay: 2, minimumOffTime: 5, clock, sound: (level) => sounds.push(level) });
    write(Object3338, { onOff: true });
    expect([sounds, read(Object3338)[5850]]).toEqual([[30], true]);
    clock.advanceNow(seconds(2));
    expect([sounds, read(Object3338)[5850]]).toEqual([[30, undefined], false]);
    write(Object3338, { onOff: true });
    expect([sounds.length, read(Object3338)[5850]]).toEqual([2, false]);
    clock.advanceNow(seconds(5));
    write(Object3338, { onOff: true, level: 80 });
    expect(sounds).toEqual([30, undefined, 80]);
    write(Object3338, { onOff: false });
    expect([sounds.length, read(Object3338)[5850]]).toEqual([4, false]);
  });

  it('sounds until it is turned off where no delay is set', () => {
    const { clock, objects, read, write } = setUp();
    new Buzzer({ objects, clock });
    write(definitions.Buzzer, { delayDuration: 0 });
    write(definitions.Buzzer, { onOff: true });
    clock.advanceNow(hours(24));
    expect(read(definitions.Buzzer)[5850]).toBe(true);
    write(definitions.Buzzer, { onOff: false });
    expect(read(definitions.Buzzer)[5850]).toBe(false);
  });
});

describe('a timer', () => {
  const TimerObject = definitions.Timer;

  it('turns its output by its mode, and counts', () => {
    const { clock, objects, read, write, execute } = setUp();
    const heard: string[] = [];
    new Timer({ objects, delay: 10, minimumOffTime: 5, clock, output: (state) => heard.push(state) });
    execute(TimerObject, 5523);
    clock.advanceNow(seconds(4));
    expect(read(TimerObject)).toMatchObject({ 5543: true, 5538: 6, 5534: 1 });
    clock.advanceNow(seconds(6));
    execute(TimerObject, 5523);
    expect(read(TimerObject)).toMatchObject({ 5543: false, 5538: 0, 5534: 1 });
    write(TimerObject, { timerMode: TimerMode.PickUp, delayDuration: 3, minimumOffTime: 0 });
    clock.advanceNow(seconds(10));
    write(TimerObject, { onOff: true });
    clock.advanceNow(seconds(2));
    expect(read(TimerObject)).toMatchObject({ 5543: false, 5538: 1, 5501: 1 });
    clock.advanceNow(seconds(1));
    expect(read(TimerObject)).toMatchObject({ 5543: true, 5534: 2, 5544: 3 });
    write(TimerObject, { onOff: false });
    expect(read(TimerObject)).toMatchObject({ 5543: false, 5544: 3 });
    write(TimerObject, { cumulativeTime: 0, counter: 0 });
    expect(read(TimerObject)).toMatchObject({ 5544: 0, 5534: 0 });
    expect(heard).toEqual(['on', 'off', 'on', 'off']);
    expect(() => write(TimerObject, { timerMode: 5 })).toThrow(/mode/);
  });
});
