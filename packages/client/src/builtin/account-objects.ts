// The definitions of objects 0, 1, 2, 11 and 21, by name.
import { accountObjects } from '@lapwing/lwm2m';

export const { AccessControl, ApnConnectionProfile, Oscore, Security, Server } = accountObjects;
