// What servers may do with a resource, read off its definition (Core 1.2.1 Appendix D).
import type { ResourceDefinition } from '@lapwing/lwm2m';

export const isReadable = (resource: ResourceDefinition): boolean =>
  resource.access === 'R' || resource.access === 'RW';
export const isWritable = (resource: ResourceDefinition): boolean =>
  resource.access === 'W' || resource.access === 'RW';
export const isExecutable = (resource: ResourceDefinition): boolean => resource.access === 'E';
