// A modem, a service centre and a road to UDP that are not there, for tests and for trying things out.
export type { Manners } from './answers.ts';
export { Centre, type CentreOptions, type Delivered, type Submitted } from './centre.ts';
export {
  type Fault,
  VirtualModem,
  type VirtualModemEffect,
  type VirtualModemInput,
  type VirtualModemOptions,
} from './modem.ts';
export { type AttachedModem, type Terminal, VirtualNetwork, type VirtualNetworkOptions } from './network.ts';
export { type TcpTerminal, tcpTerminal } from './tcp-terminal.ts';
export { UdpBridge, type UdpBridgeOptions } from './udp-bridge.ts';
