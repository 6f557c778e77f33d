// What goes over the network of a world, for tests of what somebody on the way can see, keep and send again.
import type { World } from './world.ts';

export interface Overheard {
  /** Hosts. */
  readonly from: string;
  readonly to: string;
  readonly bytes: Uint8Array;
}

/** Everything from now on. */
export function listenIn(world: World): readonly Overheard[] {
  const heard: Overheard[] = [];
  world.network.tap = (from, to, bytes) => {
    heard.push({ from: from.host, to: to.host, bytes: new Uint8Array(bytes) });
    return bytes;
  };
  return heard;
}
