// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of mountpoints.
// P-01 and P-02 for names nobody thought of.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeName, encodeName, Mountpoint, Routes } from './topics.ts';

const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('a', 'A', '/', '+', '#', '%', '2', 'F', '$', '\u0000', '\uffff', 'é'),
    maxLength: 12,
  }),
);

it('P-01: a name in a topic adds no level and no wildcard, and can be read back', () => {
  const template = new Mountpoint('lwm2m/x-${endpoint_name}/');
  fc.assert(
    fc.property(name, (ep) => {
      const topic = `${template.fill(() => ep)}up/notify`;
      expect(topic.split('/')).toHaveLength(4);
      expect(topic).not.toMatch(/[+#\p{Cc}\p{Noncharacter_Code_Point}]/u);
      expect(decodeName(encodeName(ep))).toBe(ep);
    }),
    { numRuns: 3000 },
  );
});

it('P-02: two names share no topic, and a topic leads to its own name only', () => {
  const template = new Mountpoint('${endpoint_name}/');
  const routes = new Routes([template], 'dn/#', []);
  fc.assert(
    fc.property(name, name, (a, b) => {
      const [first, second] = [template.fill(() => a), template.fill(() => b)];
      expect(first === second).toBe(a === b);
      expect(routes.find(`${first}dn/x`)?.names).toEqual([a]);
      expect(first.startsWith('$')).toBe(false);
    }),
    { numRuns: 2000 },
  );
});
