// IPSO objects of a simulated device, by object id. Each may be there several times; what they do is told.
import {
  Actuator,
  type ActuatorOptions,
  AudioClip,
  AxesSensor,
  type AxesSensorOptions,
  Bitmap,
  Buzzer,
  DigitalInput,
  type DigitalInputOptions,
  Dimmer,
  EnergyMeter,
  Joystick,
  LoadControl,
  LocationSensor,
  Positioner,
  PowerMeter,
  Selector,
  Sensor,
  Setting,
  Stopwatch,
  TextDisplay,
  TimeKeeper,
  Timer,
  UpDownControl,
} from '@lapwing/client';
import { resourcesOf } from '@lapwing/lwm2m';
import { Accelerometer } from '@lapwing/lwm2m/objects/accelerometer';
import { Actuation } from '@lapwing/lwm2m/objects/actuation';
import { AnalogOutput } from '@lapwing/lwm2m/objects/analog-output';
import { Colour } from '@lapwing/lwm2m/objects/colour';
import { DigitalInput as DigitalInputObject } from '@lapwing/lwm2m/objects/digital-input';
import { DigitalOutput } from '@lapwing/lwm2m/objects/digital-output';
import { Gyrometer } from '@lapwing/lwm2m/objects/gyrometer';
import { LightControl } from '@lapwing/lwm2m/objects/light-control';
import { Magnetometer } from '@lapwing/lwm2m/objects/magnetometer';
import { OnOffSwitch } from '@lapwing/lwm2m/objects/on-off-switch';
import { PowerControl } from '@lapwing/lwm2m/objects/power-control';
import { Presence } from '@lapwing/lwm2m/objects/presence';
import { PushButton } from '@lapwing/lwm2m/objects/push-button';
import { SetPoint } from '@lapwing/lwm2m/objects/set-point';
import { type SensorKind, sensorKinds } from './sensors.ts';
import type { Place } from './simulating.ts';

type Simulate = (at: Place) => Disposable;

const calibrationId = 5821;

const sensor =
  ({ definition, range, ...kind }: SensorKind): Simulate =>
  ({ acted: _, ...at }) => {
    const isCalibrated = resourcesOf(definition).has(calibrationId);
    const more = { ...(range === undefined ? {} : { range }), ...(isCalibrated ? { calibration: 1 } : {}) };
    return new Sensor({ ...at, definition, ...kind, ...more });
  };

const input =
  (definition: DigitalInputOptions['definition']): Simulate =>
  ({ acted: _, ...at }) =>
    new DigitalInput({ ...at, definition });

const actuator =
  (definition: ActuatorOptions['definition'], more: Partial<ActuatorOptions> = {}): Simulate =>
  ({ acted, ...at }) =>
    new Actuator({
      ...at,
      definition,
      ...more,
      changed: ({ isOn, dimmer }) => acted(isOn ? `is on at ${dimmer} %` : 'is off'),
    });

const axes =
  (definition: AxesSensorOptions['definition'], more: Omit<AxesSensorOptions, 'objects' | 'definition'>): Simulate =>
  ({ acted: _, ...at }) =>
    new AxesSensor({ ...at, definition, ...more });

const setTo =
  (acted: Place['acted']) =>
  (value: unknown): void =>
    acted(`is set to ${value}`);

export const simulatedIpso: ReadonlyMap<number, Simulate> = new Map<number, Simulate>([
  ...[...sensorKinds].map(([id, kind]) => [id, sensor(kind)] as const),
  [3200, input(DigitalInputObject)],
  [3201, ({ acted, ...at }) => new Setting({ ...at, definition: DigitalOutput, value: false, changed: setTo(acted) })],
  [3203, ({ acted, ...at }) => new Setting({ ...at, definition: AnalogOutput, value: 0, changed: setTo(acted) })],
  [3302, input(Presence)],
  [
    3305,
    ({ acted, ...at }) =>
      new PowerMeter({
        ...at,
        ...{ active: 60, reactive: 20, activeRange: [0, 3680], reactiveRange: [-3680, 3680] },
        calibrate: (kind, load) => acted(`is calibrated for ${load} ${kind === 'active' ? 'W' : 'var'}`),
      }),
  ],
  [3306, actuator(Actuation)],
  [
    3308,
    ({ acted, ...at }) =>
      new Setting({ ...at, definition: SetPoint, value: 20, units: 'Cel', colour: '', changed: setTo(acted) }),
  ],
  [
    3310,
    ({ acted, ...at }) =>
      new LoadControl({
        ...at,
        changed: (event) => acted(event === undefined ? 'is free' : `keeps to ${event.load} % for ${event.id}`),
      }),
  ],
  [3311, actuator(LightControl, { power: 9, powerFactor: 0.9, state: { colour: '#ffffff' }, units: 'RGB' })],
  [3312, actuator(PowerControl, { power: 60, powerFactor: 0.95 })],
  [3313, axes(Accelerometer, { x: 0, y: 0, z: 9.81, units: 'm/s2', range: [-20, 20] })],
  [3314, axes(Magnetometer, { x: 2e-5, y: 0, z: -4e-5, compass: 0, units: 'T' })],
  [3331, ({ acted: _, ...at }) => new EnergyMeter({ ...at, power: 60 })],
  [3333, ({ acted: _, ...at }) => new TimeKeeper(at)],
  [3334, axes(Gyrometer, { x: 0, y: 0, z: 0, units: 'deg/s', range: [-250, 250] })],
  [
    3335,
    ({ acted, ...at }) =>
      new Setting({ ...at, definition: Colour, value: '#ffffff', units: 'RGB', changed: setTo(acted) }),
  ],
  [
    3336,
    ({ acted: _, ...at }) =>
      new LocationSensor({ ...at, latitude: 60.17, longitude: 24.94, uncertainty: 5, direction: 90 }),
  ],
  [
    3337,
    ({ acted, ...at }) =>
      new Positioner({
        ...at,
        transitionTime: 5,
        moving: (position, state) => acted(`${state === 'begins' ? 'goes to' : 'is at'} ${position} %`),
      }),
  ],
  [
    3338,
    ({ acted, ...at }) =>
      new Buzzer({ ...at, sound: (level) => acted(level === undefined ? 'is silent' : `sounds at ${level} %`) }),
  ],
  [
    3339,
    ({ acted, objects, instance }) =>
      new AudioClip({
        objects,
        instance,
        play: ({ clip, level, duration }) =>
          acted(`plays ${clip.length} bytes at ${level} %${duration === 0 ? '' : ` for ${duration} s`}`),
      }),
  ],
  [3340, ({ acted, ...at }) => new Timer({ ...at, delay: 5, output: (state) => acted(`is ${state}`) })],
  [
    3341,
    ({ acted, objects, instance }) =>
      new TextDisplay({
        objects,
        instance,
        shown: (lines) => acted(`shows ${lines.map((line) => `'${line}'`).join(' ')}`),
      }),
  ],
  [3342, input(OnOffSwitch)],
  [3343, ({ acted, ...at }) => new Dimmer({ ...at, changed: (level) => acted(`is set to ${level} %`) })],
  [3344, ({ objects, instance }) => new UpDownControl({ objects, instance })],
  [3345, ({ objects, instance }) => new Joystick({ objects, instance, x: 0, y: 0, z: 0 })],
  [3347, input(PushButton)],
  [3348, ({ acted: _, ...at }) => new Selector({ ...at, positions: 4 })],
  [3349, ({ acted: _, ...at }) => new Bitmap({ ...at, elements: ['input 0', 'input 1', 'input 2', 'input 3'] })],
  [3350, ({ acted: _, ...at }) => new Stopwatch(at)],
]);
