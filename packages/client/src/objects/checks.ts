// What checks of an instance look at (ObjectPolicy.check): numbers that are within limits.
import { ResponseError } from '@lapwing/coap';
import { type InstanceCheck, numberOf } from './tree.ts';

type Range = readonly [resource: number, name: string, least: number, most: number];

/** Refuses numbers that are not from the least to the most, where they are there. */
export function within(...ranges: readonly Range[]): InstanceCheck {
  return (valueOf) => {
    for (const [resource, name, least, most] of ranges) {
      const number = numberOf(valueOf(resource));
      if (number !== undefined && !(number >= least && number <= most))
        throw ResponseError.badRequest(`the ${name} is not from ${least} to ${most}`);
    }
  };
}
