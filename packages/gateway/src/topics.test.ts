// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of mountpoints.
import { FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { decodeName, encodeName, Mountpoint, Routes } from './topics.ts';

const at = (prefix: string) => new Mountpoint(prefix);
const named = (name: string) => (variable: string) => (variable === 'endpoint_name' ? name : undefined);

describe('names in topics', () => {
  it.each([
    ['urn:imei:490154203237518', 'urn:imei:490154203237518'],
    ['a/b', 'a%2Fb'],
    ['a+#', 'a%2B%23'],
    ['a%2Fb', 'a%252Fb'],
    ['$SYS', '%24SYS'],
    ['a$', 'a$'],
    ['\u0000\n', '%00%0A'],
    ['\uffff', '%EF%BF%BF'],
    ['Gerät 7', 'Gerät 7'],
  ])('P-01: %j becomes %j and back', (name, level) => {
    expect(encodeName(name)).toBe(level);
    expect(decodeName(level)).toBe(name);
  });

  it.each(['a%', '%2f', '%41', 'a/b', '%FF'])('P-02: %j is what no name becomes', (level) => {
    expect(decodeName(level)).toBeUndefined();
  });

  it('P-01: refuses half a surrogate pair', () => {
    expect(() => encodeName('a\ud800')).toThrow(FormatError);
  });
});

describe('mountpoints', () => {
  it('fills what is known and leaves the rest as written', () => {
    const mountpoint = at('lwm2m/${client_attrs.group}/${endpoint_namea}/${zone}/${endpoint_name}/');
    const values: Record<string, string> = { endpoint_name: 'ep/1', zone: 'z' };
    expect(mountpoint.fill((name) => values[name])).toBe('lwm2m/${client_attrs.group}/${endpoint_namea}/z/ep%2F1/');
  });

  it.each([
    ['lwm2m/${endpoint_name}/', 'dn/#', 'lwm2m/+/dn/#'],
    ['lwm2m/${endpoint_name}', 'dn/#', 'lwm2m/+/#'],
    ['lwm2m/${client_attrs.group}/${clientid}/', 'dn', 'lwm2m/+/+/dn'],
    ['lwm2m/${endpoint_namea}/', 'dn/#', 'lwm2m/${endpoint_namea}/dn/#'],
    ['', 'dn/+', 'dn/+'],
  ])('%j with %j is covered by the one subscription %j', (template, command, filter) => {
    expect(at(template).filter(command)).toBe(filter);
  });
});

describe('routes', () => {
  const uplinks = ['up/resp', 'up/notify'];

  it('reads the device off the topic', () => {
    const routes = new Routes([at('lwm2m/${endpoint_name}/')], 'dn/#', uplinks);
    for (const topic of ['lwm2m/ep/dn/dm', 'lwm2m/ep/dn', 'lwm2m/ep/dn/a/b/c']) {
      expect(routes.find(topic)).toEqual({ mount: 'lwm2m/ep/', names: ['ep'] });
    }
    expect(routes.find('lwm2m/ep/up/resp')).toBeUndefined();
    expect(routes.find('lwm2m/ep')).toBeUndefined();
    expect(routes.find('xlwm2m/ep/dn')).toBeUndefined();
  });

  it('P-02: a topic with one level more is another device or none', () => {
    const routes = new Routes([at('lwm2m/${endpoint_name}/')], 'dn/#', uplinks);
    expect(routes.find('lwm2m/a/b/dn/x')).toBeUndefined();
    expect(routes.find('lwm2m/a%2Fb/dn/x')?.names).toEqual(['a/b']);
    expect(routes.find('lwm2m/A/dn/x')?.names).toEqual(['A']);
    expect(routes.find('lwm2m/a%2fb/dn/x')?.names).toEqual([]);
  });

  it('never takes its own messages for commands', () => {
    const routes = new Routes([at('lwm2m/${endpoint_name}/')], '#', uplinks);
    expect(routes.find('lwm2m/ep/up/resp')).toBeUndefined();
    expect(routes.find('lwm2m/ep/up/other')?.names).toEqual(['ep']);
  });

  it('knows devices by their prefix where it does not say the name', () => {
    const routes = new Routes([at('lwm2m/${username}/')], 'dn/#', uplinks);
    routes.add('lwm2m/490154203237518/', 'ep1');
    routes.add('lwm2m/490154203237518/', 'ep2');
    expect(routes.find('lwm2m/490154203237518/dn/x')?.names).toEqual(['ep1', 'ep2']);
    routes.remove('lwm2m/490154203237518/', 'ep1');
    routes.remove('lwm2m/490154203237518/', 'ep2');
    expect(routes.find('lwm2m/490154203237518/dn/x')).toEqual({ mount: 'lwm2m/490154203237518/', names: [] });
  });

  it('sends a command under a common prefix to every device', () => {
    const routes = new Routes([at('lwm2m/')], 'dn/#', uplinks);
    routes.add('lwm2m/', 'a');
    routes.add('lwm2m/', 'b');
    expect(routes.filters).toEqual(['lwm2m/dn/#']);
    expect(routes.find('lwm2m/dn/x')?.names).toEqual(['a', 'b']);
  });

  it('works where a placeholder is left as it is written', () => {
    const routes = new Routes([at('lwm2m/${endpoint_namea}/')], 'dn/#', uplinks);
    routes.add(at('lwm2m/${endpoint_namea}/').fill(named('ep')), 'ep');
    expect(routes.find('lwm2m/${endpoint_namea}/dn/x')?.names).toEqual(['ep']);
  });
});
