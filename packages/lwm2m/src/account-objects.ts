// The objects that an account of a device is made of. Every client needs them before it registers anywhere, so they come with everything
// else that it needs: a module of their own would take a millisecond to find and to load.
import { AccessControl } from './objects/access-control.ts';
import { ApnConnectionProfile } from './objects/apn-connection-profile.ts';
import { Oscore } from './objects/oscore.ts';
import { Security } from './objects/security.ts';
import { Server } from './objects/server.ts';

/** The same definitions as those of `@lapwing/lwm2m/objects`. */
export const accountObjects = { AccessControl, ApnConnectionProfile, Oscore, Security, Server } as const;
