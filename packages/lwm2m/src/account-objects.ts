// `@lapwing/lwm2m/account-objects`: the objects that an account of a device is made of, which every client needs before it registers
// anywhere. One module, since each module takes time to load; the same definitions as `@lapwing/lwm2m/objects/…`.
export { AccessControl } from './objects/access-control.ts';
export { ApnConnectionProfile } from './objects/apn-connection-profile.ts';
export { Oscore } from './objects/oscore.ts';
export { Security } from './objects/security.ts';
export { Server } from './objects/server.ts';
