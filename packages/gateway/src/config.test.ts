// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of mountpoints.
// The blocks of EMQX's own page, and what happens to wrong ones.
import { ConfigError, decodeUtf8, encodeUtf8, noBytes } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type ConfigSyntax, loadConfig, parseConfig, syntaxOf } from './config-file.ts';

const translators = `
  translators {
    command {qos = 0, topic = "dn/#"}
    notify {qos = 0, topic = "up/notify"}
    register {qos = 0, topic = "up/resp"}
    response {qos = 0, topic = "up/resp"}
    update {qos = 0, topic = "up/update"}
  }`;

/** As printed in EMQX's documentation, its misspelt placeholder included. */
const documented = `
gateway.lwm2m {
  xml_dir = "etc/lwm2m_xml/"
  auto_observe = true
  enable_stats = true
  idle_timeout = "30s"
  lifetime_max = "86400s"
  lifetime_min = "1s"
  mountpoint = "lwm2m/\${endpoint_namea}/"
  qmode_time_window = "22s"
  update_msg_publish_condition = "contains_object_list"
${translators}
  listeners {
    udp {
      default {
        bind = "5783"
        max_conn_rate = 1000
        max_connections = 1024000
      }
    }
  }
}`;

/** The body of its HTTP call, with the commas put right. */
const body = `{
  "name": "lwm2m", "xml_dir": "etc/lwm2m_xml/", "qmode_time_window": "22s", "lifetime_min": "1s", "lifetime_max": "86400s",
  "auto_observe": true, "enable_stats": true, "update_msg_publish_condition": "contains_object_list",
  "mountpoint": "lwm2m/\${endpoint_name}/",
  "translators": {
    "command": {"topic": "dn/#", "qos": 0}, "response": {"topic": "up/resp", "qos": 0}, "notify": {"topic": "up/notify", "qos": 0},
    "register": {"topic": "up/resp", "qos": 0}, "update": {"topic": "up/update", "qos": 0}
  },
  "listeners": [{ "type": "udp", "name": "default", "bind": "5783", "max_conn_rate": 1000, "max_connections": 1024000 }]
}`;

const authentication = `
gateway.lwm2m.authentication {
    enable = true
    backend = "http"
    mechanism = "password_based"
    method = "post"
    connect_timeout = "5s"
    enable_pipelining = 100
    url = "http://127.0.0.1:8080"
    headers { "content-type" = "application/json" }
    body { clientid = "\${clientid}" }
    pool_size = 8
    request_timeout = "5s"
    ssl.enable = false
}`;

const parse = (text: string, syntax: ConfigSyntax = 'hocon', environment: Record<string, string> = {}) =>
  parseConfig(text, syntax, environment);

async function problems(
  text: string,
  syntax: ConfigSyntax = 'hocon',
  environment: Record<string, string> = {},
): Promise<readonly string[]> {
  const error: unknown = await parse(text, syntax, environment).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${String(error)}`);
  return error.problems;
}

describe('EMQX blocks', () => {
  it('the documented emqx.conf block is read as it is', async () => {
    const { lwm2m, modelDirs, mqtt, warnings } = await parse(documented);
    expect(lwm2m).toMatchObject({
      lifetime: { min: 1000, max: 86_400_000, endless: 86_400_000 },
      awakeWindow: 22_000,
      autoObserve: { kind: 'all' },
      publishUpdates: 'contains_object_list',
      mountpoint: 'lwm2m/${endpoint_namea}/',
      command: { topic: 'dn/#', qos: 0 },
      uplinks: { register: { topic: 'up/resp', qos: 0 }, update: { topic: 'up/update', qos: 0 } },
    });
    expect(lwm2m.profile.name).toBe('emqx');
    expect(lwm2m.listeners).toMatchObject([
      { name: 'default', bind: { host: '0.0.0.0', port: 5783 }, maxConnections: 1_024_000, maxConnectionRate: 1000 },
    ]);
    expect(modelDirs).toEqual(['etc/lwm2m_xml/']);
    expect(mqtt.broker).toMatchObject({ kind: 'embedded', bind: { host: '127.0.0.1', port: 1883 } });
    expect(warnings).toEqual([
      expect.stringContaining('gateway.lwm2m.idle_timeout: has no effect'),
      'gateway.lwm2m.mountpoint: ${endpoint_namea} is no placeholder and stays in the topic as it is; did you mean endpoint_name?',
      'gateway.lwm2m.mountpoint: tells no device from another: all share their topics, and a command goes to each of them',
    ]);
  });

  it('the documented body of the HTTP call is read as it is', async () => {
    const { lwm2m } = await parse(body, 'json');
    expect(lwm2m.mountpoint).toBe('lwm2m/${endpoint_name}/');
    expect(lwm2m.listeners).toMatchObject([{ name: 'default', bind: { port: 5783 }, maxConnections: 1_024_000 }]);
  });

  it('every section of ours may stand in that body', async () => {
    const more = '"bootstrap": {}, "log": {"level": "error"}, "store": {"dir": "d"}';
    const { bootstrap, logLevel, store } = await parse(`${body.trim().slice(0, -1)}, ${more}}`, 'json');
    expect([bootstrap?.keysInClear, logLevel, store.dir]).toEqual(['refuse', 'error', 'd']);
  });

  it('the documented authentication block is read as it is', async () => {
    const { lwm2m } = await parse(documented + authentication);
    expect(lwm2m.authentication).toEqual({
      method: 'post',
      url: 'http://127.0.0.1:8080',
      headers: new Map([['content-type', 'application/json']]),
      body: new Map([['clientid', '${clientid}']]),
      timeout: 5000,
      concurrency: 800,
    });
  });

  it('an emqx.conf with all its other sections is read, and those are named', async () => {
    const rest =
      'node { cookie = "c" }\ndashboard.listeners.http.bind = 18083\nmqtt { max_packet_size = 1MB }\nlog.console.level = warning\ngateway.stomp.mountpoint = "x"\n';
    const { warnings } = await parse(rest + documented);
    for (const section of ['node', 'dashboard', 'mqtt.max_packet_size', 'log.console', 'gateway.stomp']) {
      expect(warnings).toContainEqual(expect.stringContaining(`${section}: left out`));
    }
  });

  it('says what it understands and does not use', async () => {
    const { warnings } = await parse(
      `${documented}${authentication}\ngateway.lwm2m { clientinfo_override.username = x, enable_stats = false, blockwise.enable = false, listeners.udp.default { acceptors = 8, udp_options.active_n = 100 } }`,
    );
    expect(warnings.map((warning) => warning.split(':')[0])).toEqual([
      'gateway.lwm2m.clientinfo_override',
      'gateway.lwm2m.enable_stats',
      'gateway.lwm2m.idle_timeout',
      'gateway.lwm2m.blockwise.enable',
      'gateway.lwm2m.mountpoint',
      'gateway.lwm2m.mountpoint',
      'gateway.lwm2m.listeners.udp.default.acceptors',
      'gateway.lwm2m.listeners.udp.default.udp_options.active_n',
      'gateway.lwm2m.authentication.connect_timeout',
    ]);
  });

  it('blockwise settings reach the CoAP stack, the older spelling of the block size too', async () => {
    const blocks = async (more: string) => (await parse(`${documented}\ngateway.lwm2m { ${more} }`)).lwm2m.blocks;
    expect(await blocks('')).toEqual({ bodyLimit: 4_194_304, limits: { bytes: 16_777_216 } });
    expect(await blocks('blockwise { max_block_size = 256, max_body_size = 32MB, exchange_lifetime = 100s }')).toEqual({
      blockSize: 256,
      bodyLimit: 33_554_432,
      limits: { bytes: 33_554_432, idle: 100_000, idleAuthenticated: 100_000 },
    });
    expect(await blocks('coap_max_block_size = 64')).toMatchObject({ blockSize: 64 });
  });

  it('socket buffers and a health check belong to their listener', async () => {
    const udp =
      'listeners.udp.default { udp_options { recbuf = 64KB, sndbuf = 1MB }, health_check { request = hi, reply = "I am fine" } }';
    const [listener] = (await parse(`${documented}\ngateway.lwm2m { ${udp} }`)).lwm2m.listeners;
    expect(listener).toMatchObject({
      buffers: { receive: 65_536, send: 1_048_576 },
      healthCheck: { request: encodeUtf8('hi'), reply: encodeUtf8('I am fine') },
    });
  });

  it('a health check does not make a short request into a long answer', async () => {
    const long = `listeners.udp.default { health_check { request = x, reply = "${'y'.repeat(200)}" } }`;
    expect(await problems(`${documented}\ngateway.lwm2m { ${long} }`)).toEqual([
      expect.stringMatching(/default\.health_check: .* at most three times as long/),
    ]);
  });
});

describe('values', () => {
  const withKey = (line: string) => `${documented}\ngateway.lwm2m { ${line} }`;

  it.each([
    ['true', { kind: 'all' }],
    ['false', { kind: 'none' }],
    ['"on"', { kind: 'all' }],
    ['"off"', { kind: 'none' }],
    ['"/3/0, /1/0"', { kind: 'paths', paths: ['/3/0', '/1/0'] }],
    ['["/3/0", "/4"]', { kind: 'paths', paths: ['/3/0', '/4'] }],
  ])('auto_observe = %s', async (written, expected) => {
    expect((await parse(withKey(`auto_observe = ${written}`))).lwm2m.autoObserve).toEqual(expected);
  });

  it.each([
    ['qmode_time_window = 5', 'awakeWindow', 5000],
    ['qmode_time_window = 1500ms', 'awakeWindow', 2000],
    ['lifetime_max = 100000000', 'lifetime', { min: 1000, max: 100_000_000, endless: 100_000_000 }],
    ['lifetime_max = 1d12h', 'lifetime', { min: 1000, max: 129_600_000, endless: 129_600_000 }],
    [
      'lifetime_max = infinity',
      'lifetime',
      { min: 1000, max: Number.POSITIVE_INFINITY, endless: Number.POSITIVE_INFINITY },
    ],
    ['lifecycle_events = true', 'lifecycleEvents', true],
    ['kept_observations = together', 'keptObservations', 'together'],
  ])('%s', async (line, key, expected) => {
    expect((await parse(withKey(line))).lwm2m).toHaveProperty(key, expected);
  });

  it('a listener may limit nothing, ask nobody and have its own rules and mountpoint', async () => {
    const block = withKey(
      'listeners.udp.second { bind = "127.0.0.1:0", max_connections = infinity, enable_authn = false, mountpoint = "x/", access_rules = ["deny 10.0.0.0/8", "allow all"] }',
    );
    const listener = (await parse(block)).lwm2m.listeners[1];
    expect(listener).toMatchObject({
      name: 'second',
      maxConnections: Number.POSITIVE_INFINITY,
      authentication: 'none',
      mountpoint: 'x/',
    });
    expect(listener?.accessRules.map((rule) => [rule.verdict, rule.fits('10.1.2.3'), rule.fits('192.0.2.1')])).toEqual([
      ['deny', true, false],
      ['allow', true, true],
    ]);
  });

  it('a broker of its own, with credentials from the address or beside it', async () => {
    const { mqtt } = await parse(`${documented}\nmqtt.broker = "mqtts://u%40x:p%3A@broker.example:8884"`);
    expect(mqtt.broker).toMatchObject({ kind: 'external', host: 'broker.example', port: 8884, tls: { verify: true } });
    expect(mqtt.username).toBe('u@x');
    expect(new TextDecoder().decode(mqtt.password?.reveal())).toBe('p:');
    expect(JSON.stringify(mqtt)).not.toContain('p:');
  });

  it('an empty file names what is missing, no file at all listens on loopback with the documented topics', async () => {
    expect(await problems('', 'yaml')).toEqual([
      'the file: holds nothing; gateway.lwm2m.translators is what it needs at least',
    ]);
    expect(await problems('gateway: {}', 'yaml')).toEqual(['gateway.lwm2m: is missing']);
    const { lwm2m } = await loadConfig(undefined, {});
    expect(lwm2m.listeners).toMatchObject([{ bind: { host: '127.0.0.1', port: 5683 } }]);
    expect(lwm2m.uplinks.register.topic).toBe('up/register');
  });
});

describe('the environment', () => {
  it('comes before the file, under both prefixes', async () => {
    const { lwm2m, mqtt, logLevel } = await parse(documented, 'hocon', {
      EMQX_GATEWAY__LWM2M__AUTO_OBSERVE: 'false',
      EMQX_GATEWAY__LWM2M__LISTENERS__UDP__DEFAULT__BIND: '127.0.0.1:5999',
      EMQX_NODE__COOKIE: 'x',
      LAPWING_MQTT__BROKER: 'mqtt://192.0.2.7',
      LAPWING_MQTT__USERNAME: '12345',
      LAPWING_MQTT__PASSWORD: '00123456789012345678901',
      LAPWING_MQTT__KEEPALIVE: '30',
      LAPWING_LOG__LEVEL: 'error',
      LAPWING_HOME: '/x',
    });
    expect(lwm2m.autoObserve).toEqual({ kind: 'none' });
    expect(lwm2m.listeners[0]?.bind).toEqual({ host: '127.0.0.1', port: 5999 });
    expect(mqtt.broker).toMatchObject({ kind: 'external', host: '192.0.2.7', port: 1883 });
    expect(mqtt.username).toBe('12345');
    expect(decodeUtf8(mqtt.password?.reveal() ?? noBytes)).toBe('00123456789012345678901');
    expect(mqtt.keepalive).toBe(30_000);
    expect(logLevel).toBe('error');
  });

  it('says what a name with one underscore does', async () => {
    const { warnings, mqtt } = await parse(documented, 'hocon', {
      LAPWING_MQTT_BROKER: 'mqtt://192.0.2.7',
      LAPWING_HOME_DIR: '/x',
      LAPWING_DEBUG: '1',
    });
    expect(mqtt.broker.kind).toBe('embedded');
    expect(warnings.filter((warning) => warning.startsWith('LAPWING'))).toEqual([
      'LAPWING_MQTT_BROKER: has no effect, two underscores lead one level down',
    ]);
  });
});

describe('wrong configurations', () => {
  it('S-05: every problem is named with its path, none with its value', async () => {
    const text = `
gateway.lwm2m {
  autoobserve = true
  lifetime_min = 5x
  auto_observe = "/3/x"
  mountpoint = "a/#/"
  compat = leshan
  translators { command { topic = "dn/#/x", qos = 3 }, notify { topic = "up/+" }, register {}, response { topic = a }, update { topic = b, quality = 1 } }
  listeners.udp."1st".bind = 5783
  listeners.udp.b { bind = "nowhere", max_connections = -1, access_rules = ["deny everybody"] }
  listeners.sctp.x.bind = 1
  authentication { backend = ldap, method = put, url = "ftp://x", body.password = [hunter2] }
}
mqtt { broker = "http://user:hunter2@x" , pasword = hunter2 }`;
    const found = await problems(text, 'json' as ConfigSyntax).catch(() => []);
    expect(found).toHaveLength(1);
    const all = await problems(text);
    for (const path of [
      'gateway.lwm2m.autoobserve: unknown key',
      'gateway.lwm2m.lifetime_min',
      'gateway.lwm2m.mountpoint',
      'gateway.lwm2m.compat',
      'gateway.lwm2m.translators.command.topic',
      'gateway.lwm2m.translators.command.qos',
      'gateway.lwm2m.translators.notify.topic',
      'gateway.lwm2m.translators.register.topic: is missing',
      'gateway.lwm2m.translators.update.quality: unknown key',
      'gateway.lwm2m.authentication.backend',
      'gateway.lwm2m.authentication.url',
      'gateway.lwm2m.listeners',
      'mqtt.broker',
      'mqtt.pasword: unknown key; did you mean password?',
    ]) {
      expect(all.join('\n')).toContain(path);
    }
    expect(all.join('\n')).not.toContain('hunter2');
  });

  it('S-05: text that does not parse is not repeated either', async () => {
    for (const [text, syntax] of [
      ['{"mqtt":{"password":"hunter2",}}', 'json'],
      ['mqtt:\n  password: "hunter2\n  x: [', 'yaml'],
      ['mqtt { password = "hunter2 }', 'hocon'],
      ['mqtt { password = hunter2, [', 'hocon'],
    ] as const) {
      const [problem] = await problems(text, syntax);
      expect(problem).toMatch(/^the file: not (JSON|YAML|HOCON)/);
      expect(problem).not.toContain('hunter2');
    }
  });

  it.each([
    ['lifetime_max = 1s, lifetime_min = 2s', 'gateway.lwm2m.lifetime_max'],
    ['auto_observe = ["/3/x"]', 'gateway.lwm2m.auto_observe'],
    ['listeners.udp.default.enable = false', 'gateway.lwm2m.listeners: none is enabled'],
    ['enable = false', 'gateway.lwm2m.enable'],
  ])('%s is refused', async (line, path) => {
    expect((await problems(`${documented}\ngateway.lwm2m { ${line} }`)).join()).toContain(path);
  });

  it('what is written nearly as a key of ours is taken for a mistake, also among the sections of an emqx.conf', async () => {
    expect(await problems(`node.name = a\nmqqt.broker = "mqtt://h"\n${documented}\nmqtt.brokr = "mqtt://h"`)).toEqual([
      'mqtt.brokr: unknown key; did you mean broker?',
      'mqqt: unknown key; did you mean mqtt?',
    ]);
  });

  it('a key that belongs elsewhere is not told that it is meant to be itself', async () => {
    expect(await problems(`${body.trim().slice(0, -1)}, "log": {"type": 1, "bind": 2}}`, 'json')).toEqual([
      'log.type: unknown key here',
      'log.bind: unknown key here',
    ]);
  });

  it('a password that begins as an alias of YAML has to be quoted, and is not told', async () => {
    const text = 'gateway: { lwm2m: {} }\nmqtt: { username: a, password: *hunter2 }';
    const found = await problems(text, 'yaml');
    expect(found).toEqual([expect.stringContaining('not YAML: an alias (*) has no anchor (&)')]);
    expect(found.join()).not.toContain('hunter2');
  });

  it('a password that is written as a number has to be quoted, since it may have lost its zeros', async () => {
    expect(await problems(`${documented}\nmqtt { username = a, password = 12345 }`)).toEqual([
      'mqtt.password: must be text: quote it, or it is read as a number',
    ]);
  });

  it.each([
    ['"5783"', '"127.0.0.1:5783"', 'is where udp.default listens too'],
    ['"127.0.0.1:5783"', '"127.0.0.1:5783"', 'is where udp.default listens too'],
    ['"127.0.0.1:5783"', '"127.0.0.2:5783"', undefined],
    ['"127.0.0.1:0"', '"127.0.0.1:0"', undefined],
  ])('listeners at %s and %s: %s', async (one, other, problem) => {
    const text = `${documented}\ngateway.lwm2m.listeners { udp.default.bind = ${one}, dtls.two.bind = ${other} }`;
    const found = await problems(text).catch(() => []);
    expect(found).toEqual(problem === undefined ? [] : [`gateway.lwm2m.listeners.dtls.two.bind: ${problem}`]);
  });

  it.each([
    ['x/${endpoint_name}', []],
    ['x/${client_attrs.line}/${peerhost}', []],
    ['x/${endpoint}/${clientid}', ['${endpoint} is no placeholder', 'there are endpoint_name, clientid']],
    ['x/${zone}/', ['tells no device from another']],
  ])('the mountpoint %s is warned of with %j', async (mountpoint, notes) => {
    const { warnings } = await parse(
      `${documented}\ngateway.lwm2m { mountpoint = "a/\${clientid}/", listeners.udp.default.mountpoint = "${mountpoint}" }`,
    );
    const about = warnings.filter((warning) => warning.includes('mountpoint'));
    expect(about).toHaveLength(notes.length === 0 ? 0 : 1);
    for (const note of notes) expect(about[0]).toContain(note);
    for (const each of about) expect(each).toMatch(/^gateway\.lwm2m\.listeners\.udp\.default\.mountpoint: /);
  });

  it('placeholders of the authentication call that are none are warned of, its others are not', async () => {
    const { warnings } = await parse(
      `${documented}${authentication}\ngateway.lwm2m.authentication { url = "http://h/\${peerhots}", body { a = "\${listener} \${cert_pem}", b = "\${x}" } }`,
    );
    const about = warnings.filter((warning) => warning.includes('is no placeholder, and'));
    expect(about).toEqual([
      'gateway.lwm2m.authentication.url: ${peerhots} is no placeholder, and nothing is sent for it; did you mean peerhost?',
      expect.stringMatching(
        /^gateway\.lwm2m\.authentication\.body\.b: \$\{x\} is no placeholder.*there are endpoint_name/,
      ),
    ]);
  });

  it('a password without a name is refused', async () => {
    expect(await problems(`${documented}\nmqtt.password = hunter2`)).toEqual([
      'mqtt: username and password belong together',
    ]);
  });

  it.each([
    'include "http://198.51.100.1/x"',
    'include url("http://198.51.100.1/x")',
    'a { include file("/etc/passwd") }',
    '"include" = 1',
    'a = 1 | eval { expr = "process.exit(1)" }',
    '@"/etc/passwd"',
    'a = `x`',
  ])('HOCON %j is refused before anything is fetched or run', async (text) => {
    expect((await problems(text))[0]).toMatch(/not HOCON here: .* \(line 1, column \d+\)/);
  });

  it('HOCON signs inside of text and comments mean nothing', async () => {
    expect(
      (
        await parse(
          `# a | b @ include "x"\n// include\n${documented}\nmqtt { username = "a|b", password = """x @ \`y\`""" }`,
        )
      ).mqtt.username,
    ).toBe('a|b');
  });
});

describe('syntaxes', () => {
  it.each([
    ['a.json', '', 'json'],
    ['a.yml', '', 'yaml'],
    ['emqx.conf', '', 'hocon'],
    ['config', '{ "gateway": {} }', 'json'],
    ['config', 'gateway.lwm2m {', 'hocon'],
    ['config', 'gateway:\n  lwm2m: {}\n', 'yaml'],
  ])('%s with %j is %s', (file, text, syntax) => {
    expect(syntaxOf(file, text)).toBe(syntax);
  });

  it('YAML is read', async () => {
    const yaml =
      'gateway:\n  lwm2m:\n    compat: native\n    translators:\n      command: { topic: "dn/#" }\n      response: { topic: r }\n      notify: { topic: n, qos: 1 }\n      register: { topic: g }\n      update: { topic: u }\n';
    const { lwm2m } = await parse(yaml, 'yaml');
    expect(lwm2m.profile.name).toBe('native');
    expect(lwm2m.uplinks.notify).toEqual({ topic: 'n', qos: 1 });
    expect(lwm2m.listeners).toMatchObject([{ bind: { host: '127.0.0.1', port: 5683 } }]);
  });
});
