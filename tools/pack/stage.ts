// The folder of a package as its tarball has it: JavaScript put together, types as the compiler wrote them, sources for the source maps.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../workspace.ts';
import { isShipped, publishedManifest, readManifest, readmeOf } from './manifest.ts';
import { putTogether } from './put-together.ts';

/** Paths of the packages, those first that others need. */
export function packageFolders(): readonly string[] {
  const waiting = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  const nameOf = new Map(waiting.map((folder) => [folder, readManifest(folder).name]));
  const sorted: string[] = [];
  const add = (folder: string): void => {
    if (sorted.includes(folder)) return;
    const { dependencies } = readManifest(folder);
    for (const [other, name] of nameOf) if (name in dependencies) add(other);
    sorted.push(folder);
  };
  for (const folder of waiting) add(folder);
  return sorted;
}

/** Makes the folder `to`/name, in place of what is there. Throws for a package that is not built. */
export async function stage(folder: string, to: string): Promise<string> {
  const manifest = readManifest(folder);
  const staged = join(to, manifest.name);
  rmSync(staged, { recursive: true, force: true });
  await putTogether(folder, join(staged, 'dist'));
  const copy = (path: string, from = folder): void => {
    mkdirSync(dirname(join(staged, path)), { recursive: true });
    cpSync(join(from, path), join(staged, path), { recursive: true });
  };
  for (const path of readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' }).filter(isShipped)) {
    copy(join('src', path));
    if (!path.endsWith('.d.ts')) copy(join('dist', path.replace(/\.ts$/, '.d.ts')));
  }
  if (existsSync(join(folder, 'bin'))) copy('bin');
  copy('LICENSE', root);
  writeFileSync(join(staged, 'README.md'), readmeOf(manifest));
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`);
  return staged;
}
