// The members of a JSON object as the texts they were written in: what a command brings along is echoed byte for byte, so that
// a request id of any type and size (2^53 and above) comes back as it went, and nested values cost no recursion.

/** `json` must be a valid JSON object; of repeated names the last counts. Names are unescaped, values are the text between. */
export function memberTexts(json: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = skipSpace(json, json.indexOf('{') + 1);
  while (json[at] === '"') {
    const nameEnd = skipString(json, at);
    const name = JSON.parse(json.slice(at, nameEnd)) as string;
    const from = skipSpace(json, json.indexOf(':', nameEnd) + 1);
    const to = skipValue(json, from);
    members.delete(name);
    members.set(name, json.slice(from, to));
    at = skipSpace(json, to);
    if (json[at] !== ',') break;
    at = skipSpace(json, at + 1);
  }
  return members;
}

function skipSpace(json: string, from: number): number {
  let at = from;
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\t' || json[at] === '\r') at += 1;
  return at;
}

/** Just past the closing quote. */
function skipString(json: string, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Just past the value: at the comma, brace or space that follows it. */
function skipValue(json: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < json.length) {
    const c = json[at];
    if (c === '"') {
      at = skipString(json, at);
      if (depth === 0) return at;
      continue;
    }
    if (c === '{' || c === '[') depth += 1;
    else if (c === '}' || c === ']') {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (c === ',' || c === ' ' || c === '\n' || c === '\t' || c === '\r')) return at;
    at += 1;
  }
  return at;
}
