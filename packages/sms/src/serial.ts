// A modem on a serial port (shell): the only file that knows the `serialport` package, which is loaded when a port is opened.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { SerialPort } from 'serialport';
import type { Dial } from './at/port.ts';
import { portOf } from './duplex.ts';
import { portError } from './port-error.ts';

export interface SerialPortOptions {
  /** `/dev/ttyUSB2`, `/dev/serial/by-id/…`, `COM3`, or a pseudo-terminal. */
  readonly path: string;
  /** Bits in a second; default 115,200. */
  readonly speed?: number;
  /** Flow control: 'hardware' (RTS and CTS) where the wires are there, default 'none'. */
  readonly flow?: 'none' | 'hardware';
  readonly clock?: Clock;
}

/** Ports that are being closed, by path: until that is done nobody can open them. */
const closing = new Map<string, Promise<void>>();

/**
 * Eight bits, no parity, one stop bit. Opened anew each time that the modem is gone: what is plugged in again is found under the same
 * path. Nobody else may have the port. Rejects with PortError.
 */
export function serialPort({ path, speed = 115_200, flow = 'none', clock = systemClock }: SerialPortOptions): Dial {
  return async (signal) => {
    const { SerialPort } = await import('serialport');
    await closing.get(path);
    signal.throwIfAborted();
    const stream = new SerialPort({ path, baudRate: speed, rtscts: flow === 'hardware', autoOpen: false });
    await new Promise<void>((resolve, reject) =>
      stream.open((error) => (error === null || error === undefined ? resolve() : reject(portError(path, error)))),
    );
    const ticking = tick(clock);
    stream.once('close', () => ticking[Symbol.dispose]());
    return portOf(stream, () => {
      // Destroyed alone it would keep the port, which nobody could open again.
      if (!stream.isOpen) stream.destroy();
      else
        closing.set(
          path,
          closed(stream).finally(() => closing.delete(path)),
        );
    });
  };
}

const closed = (stream: SerialPort): Promise<void> =>
  new Promise((resolve) =>
    stream.close(() => {
      stream.destroy();
      resolve();
    }),
  );

const TICK = 10;

/** From Node 26.3 on what a port has received waits until some timer fires (node-serialport issue 3148): one always will. */
function tick(clock: Clock): Disposable {
  let timer = clock.at(clock.now() + TICK, next);
  function next(): void {
    timer = clock.at(clock.now() + TICK, next);
  }
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
