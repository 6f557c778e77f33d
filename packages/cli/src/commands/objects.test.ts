import { ConfigError } from '@lapwing/kernel';
import { DefinitionLibrary } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { described, findObject, listed } from './objects.ts';

const library = new DefinitionLibrary();

describe('the list of objects', () => {
  it('has a line for each, with its versions, and the same for programs', () => {
    const { value, lines } = listed(library);
    expect(lines).toHaveLength(library.ids().length);
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}3303 {2}Temperature .* 1\.1$/));
    expect(value).toContainEqual({ id: 3303, name: 'Temperature', versions: library.versionsOf(3303) });
  });

  it('shows one, the newest or a version of it', () => {
    const { value, lines } = described(findObject(library, '3', '1.0'));
    expect(lines[0]).toBe('Device, object 3, version 1.0');
    expect(lines).toContainEqual('     4  reboot                           E              mandatory');
    expect(lines).toContainEqual('     6  availablePowerSources            R    integer   optional, many   0-7');
    expect(value).toMatchObject({ id: 3, name: 'Device' });
    expect(findObject(library, '3', undefined).version).not.toBe('1.0');
  });

  it.each([
    ['99999', undefined, "no object 99999 here; 'lapwing objects' lists what there is"],
    ['abc', undefined, "no object abc here; 'lapwing objects' lists what there is"],
    ['3', '9.9', /^object 3 has no version 9\.9; there are 1\.0/],
  ])('says what there is instead of %s %s', (id, version, message) => {
    expect(() => findObject(library, id, version)).toThrow(ConfigError);
    expect(() => findObject(library, id, version)).toThrow(message);
  });
});
