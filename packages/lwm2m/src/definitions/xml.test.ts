import { encodeUtf8, FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { parseDefinitions } from './xml.ts';

interface Item {
  readonly id?: string;
  readonly name?: string;
  readonly operations?: string;
  readonly many?: string;
  readonly required?: string;
  readonly type?: string;
  readonly range?: string;
  readonly unit?: string;
  readonly extra?: string;
}

function item(each: Item): string {
  const { id = '0', name = 'Level', operations = 'R', type = 'Integer', range = '', unit = '', extra = '' } = each;
  const { many = 'Single', required = 'Optional' } = each;
  return `<Item ID="${id}"><Name>${name}</Name><Operations>${operations}</Operations><MultipleInstances>${many}
    </MultipleInstances><Mandatory>${required}</Mandatory><Type>${type}</Type>
    <RangeEnumeration>${range}</RangeEnumeration><Units>${unit}</Units><Description>words</Description>${extra}</Item>`;
}

function object(items: string, head: Readonly<Record<string, string>> = {}): string {
  const fields = {
    Name: 'Tank',
    Description1: 'words <b>in</b> <![CDATA[<markup>]]>',
    ObjectID: '32000',
    ObjectURN: 'urn:oma:lwm2m:x:32000:1.1',
    LWM2MVersion: '1.0',
    ObjectVersion: '1.1',
    MultipleInstances: 'Multiple',
    Mandatory: 'Optional',
    ...head,
  };
  const lines = Object.entries(fields).map(([name, text]) => `<${name}>${text}</${name}>`);
  return `<Object ObjectType="MODefinition">${lines.join('\n')}<Resources>${items}</Resources><Description2/></Object>`;
}

const file = (...objects: string[]): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<LWM2M>${objects.join('')}</LWM2M>`;

const parseOne = (text: string) => parseDefinitions(text)[0]!;

describe('a definition in XML', () => {
  it('gives the facts and drops the prose', () => {
    const xml = file(
      object(
        item({ id: '1', name: ' Fill  Level ', type: 'Float', range: '0..100', unit: '%', required: 'Mandatory' }) +
          item({ id: '0', name: 'Alarms', type: 'Unsigned Integer', many: 'Multiple', operations: 'RW' }) +
          item({ id: '5', name: 'Drain', type: '', operations: 'E' }) +
          item({ id: '7', name: 'Key', type: 'Opaque', operations: '' }),
      ),
    );
    expect(parseOne(xml)).toEqual({
      id: 32_000,
      name: 'Tank',
      version: '1.1',
      lwm2mVersion: '1.0',
      urn: 'urn:oma:lwm2m:x:32000:1.1',
      many: true,
      resources: {
        alarms: { id: 0, name: 'Alarms', type: 'unsigned', access: 'RW', many: true },
        fillLevel: {
          id: 1,
          name: 'Fill Level',
          type: 'float',
          access: 'R',
          required: true,
          range: '0..100',
          unit: '%',
        },
        drain: { id: 5, name: 'Drain', access: 'E' },
        key: { id: 7, name: 'Key', type: 'opaque', access: 'none' },
      },
    });
  });

  it('comes in the order of ids and with keys of its own', () => {
    const xml = file(
      object(item({ id: '9', name: 'Value' }) + item({ id: '2', name: 'value' }) + item({ id: '3', name: '°' })),
    );
    expect(Object.keys(parseOne(xml).resources)).toEqual(['value', 'resource3', 'value9']);
  });

  it('is of version 1.0 where none is said', () => {
    const xml = file(object('', { ObjectVersion: '', LWM2MVersion: '', ObjectURN: '' }));
    expect(parseOne(xml)).toMatchObject({ version: '1.0', lwm2mVersion: '1.0', urn: 'urn:oma:lwm2m:x:32000' });
  });

  it('may stand in a file with others, in bytes with a mark, with any line ends', () => {
    const text = `\uFEFF${file(object(''), object('', { ObjectID: '32001', ObjectURN: '' }))}`.replaceAll('\n', '\r\n');
    expect(parseDefinitions(encodeUtf8(text)).map(({ id }) => id)).toEqual([32_000, 32_001]);
  });

  it('may leave out ranges, and a type where nothing is executed', () => {
    const bare = '<Item ID="0"><Name>X</Name><Operations>R</Operations></Item>';
    expect(parseOne(file(object(bare))).resources).toEqual({ x: { id: 0, name: 'X', access: 'R' } });
  });

  it('drops the type of an executable', () => {
    expect(parseOne(file(object(item({ operations: 'E' })))).resources['level']).toEqual({
      id: 0,
      name: 'Level',
      access: 'E',
    });
  });

  it('L-26: takes markup, scripts and controls in a name for plain text', () => {
    const xml = file(object(item({ name: '&lt;script&gt;x&lt;/script&gt;' }) + item({ id: '1', name: '__proto__' })));
    const { resources } = parseOne(xml);
    expect(resources['scriptXScript']?.name).toBe('<script>x</script>');
    expect(resources['proto']?.id).toBe(1);
    expect(Object.hasOwn(Object.prototype, 'id')).toBe(false);
  });
});

const parsing = (text: string | Uint8Array) => (): unknown => parseDefinitions(text, { name: 'tank.xml' });

describe('an XML file', () => {
  it.each([
    ['an object id of 70000', file(object('', { ObjectID: '70000' }))],
    ['an object id of 65535', file(object('', { ObjectID: '65535', ObjectURN: '' }))],
    ['a path for an id', file(object('', { ObjectID: '../3' }))],
    ['a resource id of 65536', file(object(item({ id: '65536' })))],
    ['a resource id twice', file(object(item({}) + item({})))],
    ['an unknown type', file(object(item({ type: 'Integer64' })))],
    ['unknown operations', file(object(item({ operations: 'RX' })))],
    ['neither many nor single', file(object(item({ many: 'Some' })))],
    ['another object in its URN', file(object('', { ObjectURN: 'urn:oma:lwm2m:x:3' }))],
    ['no version', file(object('', { ObjectVersion: 'one' }))],
    ['no name', file(object('', { Name: ' ' }))],
    ['a name of 2000', file(object('', { Name: 'x'.repeat(2000) }))],
    ['no object', file()],
    ['another root', '<Objects/>'],
    ['nothing', ''],
    ['an end that is missing', '<LWM2M><Object>'],
    ['an unknown entity', file(object('', { Name: '&bomb;' }))],
  ])('L-26: is refused with %s', (_, text) => {
    expect(parsing(text)).toThrow(FormatError);
  });

  it('is refused with the place: file, line and column', () => {
    const text = file(object(`\n  ${item({})}\n  ${item({ type: 'Integer64', id: '1' })}`));
    expect(parsing(text)).toThrow(/^tank\.xml:13:3: resource 1: unknown type \(at \d+\)$/);
    expect(parsing('<LWM2M>\n<Object></LWM2M>')).toThrow(/^tank\.xml:2:\d+: /);
  });

  it.each([
    ['a document type', '<!DOCTYPE LWM2M>'],
    ['an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'],
    ['an entity from the net', '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd">'],
    ['a parameter entity', '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///x"> %x;]>'],
    ['nested entities', `<!DOCTYPE a [${'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'.repeat(50)}]>`],
    ['a document type in small letters', '<!doctype LWM2M>'],
  ])('L-25: is refused with %s before anything is expanded', (_, prolog) => {
    const text = `<?xml version="1.0"?>${prolog}${file(object('')).split('?>')[1]}`;
    expect(parsing(text)).toThrow('a document type is not allowed');
  });

  it('L-25: is refused when an entity is repeated to blow up', () => {
    const text = file(object('', { Name: '&a;'.repeat(100_000) }));
    expect(parsing(text)).toThrow(FormatError);
  });

  it('L-25: includes nothing', () => {
    const include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>';
    expect(parseOne(file(object(include) + include)).resources).toEqual({});
  });

  it('L-25: is UTF-8 and nothing that looks like something else', () => {
    const text = file(object(''));
    const utf16 = Uint8Array.from([0xff, 0xfe, ...[...text].flatMap((c) => [c.charCodeAt(0), 0])]);
    expect(parsing(utf16)).toThrow(FormatError);
    expect(parsing(Uint8Array.of(0x3c, 0xff, 0x3e))).toThrow(FormatError);
    for (const encoding of ['UTF-7', 'utf-16', 'ISO-8859-1']) {
      expect(parsing(text.replace('utf-8', encoding))).toThrow('not in UTF-8');
    }
    expect(parsing(text.replace('utf-8', 'UTF-8'))).not.toThrow();
  });

  it('L-25: may be neither deep nor long', () => {
    expect(parsing('<a>'.repeat(100_000))).toThrow('nested deeper than 32');
    expect(parsing(`<LWM2M>${'<a/>'.repeat(30_000)}</LWM2M>`)).toThrow('more than 20000 elements');
    expect(parsing(`<LWM2M x="${'y'.repeat(1_000_000)}"/>`)).toThrow('there is no Object');
    expect(parsing(`<LWM2M x="${'y'.repeat(1_100_000)}"/>`)).toThrow('more than 1048576 bytes');
    expect(parsing(`<LWM2M x="${'<'.repeat(900_000)}"/>`)).toThrow(FormatError);
    expect(parsing('<!--'.repeat(200_000))).toThrow(FormatError);
    expect(parsing('<LWM2M '.repeat(100_000))).toThrow(FormatError);
    expect(parsing(`<LWM2M>${'&'.repeat(900_000)}</LWM2M>`)).toThrow(FormatError);
  });
});
