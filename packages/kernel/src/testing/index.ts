// Aids for tests of anything that stands on the kernel: virtual time, seeded chance, a faulty network.
export {
  type LinkProfile,
  MemoryNetwork,
  MemoryTransport,
  type NetworkCounters,
  perfectLink,
  type Tap,
  type UdpAddress,
} from './memory-network.ts';
export { MemoryRoad, MemoryStreamNetwork } from './memory-streams.ts';
export { SeededRandom } from './seeded-random.ts';
export { settle, VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
