// OMA's object definitions in XML, old and new schema, become definitions (Core 1.2.1 Appendix D; the schemas LWM2M.xsd
// and LWM2M-v1_1.xsd). Files are validated against no schema: the registry's own do not all pass. What decides how
// values are read and written must be right; prose is dropped, ranges and units are kept as text.

import { decodeUtf8, FormatError } from '@lapwing/kernel';
import { parseXml, type XmlElement, XmlError } from '@rgrove/parse-xml';
import type { Access, ObjectDefinition, ResourceDefinition } from '../definition.ts';
import { maxId } from '../path.ts';
import type { ValueType } from '../value.ts';
import { keysOf } from './keys.ts';
import { formatObjectUrn, isVersion, parseObjectUrn, urnKindOf } from './urn.ts';
import { checkMarkup } from './xml-markup.ts';

export interface XmlSource {
  /** Stands in front of every message; default `definition`. */
  readonly name?: string;
  /** Default 1 MiB. */
  readonly maxBytes?: number;
}

const longestText = 1024;

/**
 * Every object of a file. Throws FormatError that says where (`3303.xml:12:5: …`); its offset counts characters.
 * Document types and entities are refused before anything is expanded; nothing outside the text is looked at.
 */
export function parseDefinitions(xml: Uint8Array | string, source: XmlSource = {}): ObjectDefinition[] {
  const { name = 'definition', maxBytes = 1024 * 1024 } = source;
  if (xml.length > maxBytes) throw new FormatError(`${name}: more than ${maxBytes} bytes`);
  const text = decodeText(xml, name);
  const fail = (message: string, offset: number): FormatError => failure(name, text, message, offset);
  checkMarkup(text, fail);
  const root = parseRoot(text, name);
  if (root.name !== 'LWM2M') throw fail('the root element is not LWM2M', root.start);
  const reader = new DefinitionReader(fail);
  const objects = root.children.filter(isElement).filter((element) => element.name === 'Object');
  if (objects.length === 0) throw fail('there is no Object', root.start);
  return objects.map((element) => reader.readObject(element));
}

/** UTF-8 only, with or without its mark; a declaration of something else is refused. */
function decodeText(xml: Uint8Array | string, name: string): string {
  let text: string;
  try {
    text = typeof xml === 'string' ? xml : decodeUtf8(xml);
  } catch {
    throw new FormatError(`${name}: not UTF-8`);
  }
  const bare = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const declaration = /^<\?xml[^>]{0,200}>/.exec(bare)?.[0] ?? '';
  const encoding = /\bencoding\s*=\s*["']([^"']*)["']/.exec(declaration)?.[1] ?? 'utf-8';
  if (!/^(utf-8|us-ascii)$/i.test(encoding)) throw new FormatError(`${name}: not in UTF-8`);
  return bare;
}

function parseRoot(text: string, name: string): XmlElement {
  try {
    const { root } = parseXml(text, { includeOffsets: true });
    if (root !== null) return root;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    // The message of the parser goes on with a piece of the file.
    const [message = ''] = error.message.split(/ \(line |\n/);
    throw failure(name, text, message.slice(0, 120), error.pos);
  }
  throw new FormatError(`${name}: no root element`);
}

function failure(name: string, text: string, message: string, offset: number): FormatError {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - before.lastIndexOf('\n');
  return new FormatError(`${name}:${line}:${column}: ${message}`, offset);
}

const isElement = (node: { readonly type: string }): node is XmlElement => node.type === 'element';

const types: ReadonlyMap<string, ValueType | undefined> = new Map<string, ValueType | undefined>([
  ['string', 'string'],
  ['integer', 'integer'],
  ['unsigned integer', 'unsigned'],
  ['float', 'float'],
  ['boolean', 'boolean'],
  ['opaque', 'opaque'],
  ['time', 'time'],
  ['objlnk', 'objlnk'],
  ['corelnk', 'corelnk'],
  ['', undefined],
  ['none', undefined],
]);

const accesses: ReadonlyMap<string, Access> = new Map([
  ['R', 'R'],
  ['W', 'W'],
  ['RW', 'RW'],
  ['WR', 'RW'],
  ['E', 'E'],
  ['', 'none'],
]);

type Named = ResourceDefinition & { readonly name: string };

class DefinitionReader {
  private readonly fail: (message: string, offset: number) => FormatError;

  constructor(fail: (message: string, offset: number) => FormatError) {
    this.fail = fail;
  }

  readObject(element: XmlElement): ObjectDefinition {
    const id = this.readId(this.textOf(element, 'ObjectID'), element);
    const version = this.readVersion(element, 'ObjectVersion');
    const name = this.textOf(element, 'Name');
    if (name === '') throw this.fail('an Object without a name', element.start);
    const resources = this.readResources(element);
    const keys = keysOf(resources);
    return Object.freeze({
      id,
      name,
      version,
      lwm2mVersion: this.readVersion(element, 'LWM2MVersion'),
      urn: this.readUrn(element, id, version),
      ...this.readFlags(element),
      resources: Object.freeze(Object.fromEntries(resources.map((resource, i) => [keys[i], Object.freeze(resource)]))),
    });
  }

  /** In the order of their ids, which files do not always keep. */
  private readResources(element: XmlElement): Named[] {
    const list = this.childOf(element, 'Resources');
    const items = (list?.children ?? []).filter(isElement).filter((child) => child.name === 'Item');
    const seen = new Set<number>();
    const resources = items.map((item) => {
      const resource = this.readResource(item);
      if (seen.has(resource.id)) throw this.fail(`resource ${resource.id} stands twice`, item.start);
      seen.add(resource.id);
      return resource;
    });
    return resources.sort((a, b) => a.id - b.id);
  }

  private readResource(item: XmlElement): Named {
    const id = this.readId(item.attributes['ID'] ?? '', item);
    const access = accesses.get(
      this.textOf(item, 'Operations')
        .replaceAll(/[^A-Za-z]/g, '')
        .toUpperCase(),
    );
    if (access === undefined) throw this.fail(`resource ${id}: unknown operations`, item.start);
    const typeName = this.textOf(item, 'Type').toLowerCase();
    if (!types.has(typeName)) throw this.fail(`resource ${id}: unknown type`, item.start);
    // 10260 1.0 has an executable with a type: it holds nothing all the same.
    const type = access === 'E' ? undefined : types.get(typeName);
    const range = this.textOf(item, 'RangeEnumeration');
    const unit = this.textOf(item, 'Units');
    return {
      id,
      ...(type === undefined ? {} : { type }),
      access,
      ...this.readFlags(item),
      ...(range === '' ? {} : { range }),
      ...(unit === '' ? {} : { unit }),
      name: this.textOf(item, 'Name'),
    };
  }

  private readFlags(element: XmlElement): { readonly many?: true; readonly required?: true } {
    return {
      ...(this.isChoice(element, 'MultipleInstances', 'multiple', 'single') ? { many: true } : {}),
      ...(this.isChoice(element, 'Mandatory', 'mandatory', 'optional') ? { required: true } : {}),
    };
  }

  private isChoice(element: XmlElement, name: string, yes: string, no: string): boolean {
    const text = this.textOf(element, name).toLowerCase();
    if (text !== yes && text !== no && text !== '')
      throw this.fail(`${name} is neither ${yes} nor ${no}`, element.start);
    return text === yes;
  }

  private readId(text: string, element: XmlElement): number {
    if (!/^\d{1,5}$/.test(text) || Number(text) > maxId) throw this.fail('an id is 0 to 65534', element.start);
    return Number(text);
  }

  /** Empty means 1.0. */
  private readVersion(element: XmlElement, name: string): string {
    const text = this.textOf(element, name);
    if (text === '') return '1.0';
    if (!isVersion(text)) throw this.fail(`${name} is no version`, element.start);
    return text;
  }

  /** Empty: what it has to be. One that names another object is a mistake that would mislead. */
  private readUrn(element: XmlElement, id: number, version: string): string {
    const text = this.textOf(element, 'ObjectURN');
    if (text === '') return formatObjectUrn({ kind: urnKindOf(id), id, version });
    const matches = this.urnId(text) === id;
    if (!matches) throw this.fail('ObjectURN does not name this object', element.start);
    return text;
  }

  private urnId(text: string): number | undefined {
    try {
      return parseObjectUrn(text).id;
    } catch {
      return undefined;
    }
  }

  private childOf(element: XmlElement, name: string): XmlElement | undefined {
    return element.children.filter(isElement).find((child) => child.name === name);
  }

  /** White space trimmed and collapsed, as plain text whatever it looks like. */
  private textOf(element: XmlElement, name: string): string {
    const child = this.childOf(element, name);
    const text = (child?.text ?? '').replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
    if (text.length > longestText) throw this.fail(`${name} is longer than ${longestText}`, child?.start ?? 0);
    return text;
  }
}
